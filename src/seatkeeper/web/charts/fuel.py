"""How many seats are left: the past as a line that falls to zero, the days to come as a cone.

Where the site was not read lately the line ends at its last reading, and the cone begins there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import svg
from markupsafe import Markup

from seatkeeper.core.forecast import Forecast, Outset
from seatkeeper.web.charts.drawing import Anchor, dot, drawing, level, path, plot, upright, words

PAST, AHEAD = 90, 80
"""Days that are drawn to the left and to the right of today."""

TOP, DEEP = 18.0, 176.0
"""Where the drawing begins, and how high it is."""

FLOOR = TOP + DEEP

NEAR_TODAY = 25
"""Days before today in which the name of a month would run into the word below today."""

NEAR_WORDS = 15
"""Days beside other words in which the name of a month would run into them."""

STEP = 4
"""Days between two points of the cone."""


@dataclass(frozen=True, slots=True)
class Fuel:
    """What is drawn: days of the past, oldest first; `freed`: seats that a waiting plan frees."""

    name: str
    today: date
    days: tuple[Outset, ...]
    forecast: Forecast | None = None
    freed: int = 0
    alert_below: float = 0
    is_stale: bool = False
    """Nobody knows what is left today."""

    @property
    def left(self) -> float:
        """What was left when it was last read."""
        return self.days[-1].left if self.days else 0

    @property
    def last(self) -> date:
        """The last day of which something is known: today, unless the data are old."""
        return self.days[-1].day if self.is_stale and self.days else self.today

    @property
    def dry_on(self) -> date | None:
        """The day on which the pool runs dry, where that is drawn."""
        known = self.forecast
        day = None if known is None else known.dry_on
        return day if day is not None and 8 < (day - self.today).days <= AHEAD else None


@lru_cache(64)  # the same until the next reading, and much to draw
def fuel(chart: Fuel) -> Markup:
    """Draw the chart."""
    scale = _Scale(chart)
    elements = [
        *_grid(scale),
        plot(_curves(chart, scale), TOP, DEEP, (100, 100)),
        level("axis", FLOOR),
        *_floor(chart, scale),
        *_today(chart, scale),
        *_ends(chart, scale),
    ]
    return drawing(_label(chart), elements, kind="chart fuel", height=236)


class _Scale:
    """Turns days into per cent of the width, and seats into height."""

    def __init__(self, chart: Fuel) -> None:
        self.begin = chart.today - timedelta(days=PAST)
        self.end = chart.today + timedelta(days=AHEAD)
        known = [day.left for day in chart.days]
        ahead = chart.left + chart.freed
        self.step = _step(max([*known, ahead, chart.alert_below, 4]))
        self.most = self.step * 2.3

    def x(self, day: date) -> float:
        return 100 * (day - self.begin).days / (PAST + AHEAD)

    def inner(self, left: float) -> float:
        """Return the height in the inner drawing, which is 100 high."""
        return 100 - 100 * max(0.0, min(left, self.most)) / self.most

    def y(self, left: float) -> float:
        return TOP + DEEP * self.inner(left) / 100


def _step(most: float) -> float:
    """Return a round number so that two of it reach about as high as the highest value."""
    size = 1.0
    while True:
        for factor in (1, 2, 2.5, 5):
            if size * factor * 2.3 >= most * 1.02 and (size * factor).is_integer():
                return size * factor
        size *= 10


def _grid(scale: _Scale) -> Iterator[svg.Element]:
    for times in (1, 2):
        value = scale.step * times
        y = scale.y(value)
        yield level("grid-line", y)
        unit = " seats" if times == 2 else ""
        yield words(f"{value:,.0f}{unit}", 100, y - 5, anchor="end")


def _curves(chart: Fuel, scale: _Scale) -> Iterator[svg.Element]:
    past = [(scale.x(d.day), scale.inner(d.left)) for d in chart.days if d.day >= scale.begin]
    now = scale.x(chart.last)
    if past:
        past.append((now, scale.inner(chart.left)))
        yield path("area", [*past, (now, 100), (past[0][0], 100)], close=True)
    known = chart.forecast
    if known is not None:
        low, high = _cone(chart, known, scale, -1), _cone(chart, known, scale, 1)
        yield path("band", [*low, *reversed(high)], close=True)
    if past:
        yield path("line", past)
    if known is not None:
        yield path("line-forecast", _trend(chart, known, scale))
        if chart.freed:
            plan, now = known.after(chart.freed), scale.x(chart.today)
            days = (chart.today - chart.last).days
            lifted = [(now, scale.inner(known.at(days))), (now, scale.inner(plan.at(days)))]
            yield path("line-plan", [*lifted, *_trend(chart, plan, scale)[1:]])


def _cone(chart: Fuel, known: Forecast, scale: _Scale, side: int) -> list[tuple[float, float]]:
    """Return one bound of what may come, day by day."""
    days = (scale.end - chart.last).days
    ahead = [*range(0, days, STEP), days]
    return [(scale.x(chart.last + timedelta(n)), scale.inner(known.at(n, side))) for n in ahead]


def _trend(chart: Fuel, known: Forecast, scale: _Scale) -> list[tuple[float, float]]:
    """Return where the trend leads: down to the floor, or to the end of the drawing."""
    start = (scale.x(chart.last), scale.inner(known.left))
    days = (scale.end - chart.last).days
    if known.at(days) >= 0 or known.per_day >= 0:
        return [start, (100.0, scale.inner(known.at(days)))]
    dry = known.left / -known.per_day
    return [start, (start[0] + 100 * dry / (PAST + AHEAD), 100.0)]


def _floor(chart: Fuel, scale: _Scale) -> Iterator[svg.Element]:
    if chart.alert_below > 0:
        y = scale.y(chart.alert_below)
        yield level("floor", y)
        below = y + 15 if y < FLOOR - 20 else y - 5
        yield words(f"alert below {chart.alert_below:,.0f}", 0, below, "floor-label")


def _today(chart: Fuel, scale: _Scale) -> Iterator[svg.Element]:
    now = scale.x(chart.today)
    yield upright("now", now, 12, FLOOR)
    if chart.days:
        yield dot("dot", scale.x(chart.last), scale.y(chart.left), 4)
    for month in _months(chart, scale):
        yield words(f"{month:%b}", scale.x(month), FLOOR + 17, "wide")
    yield words("Today", now, FLOOR + 17, "strong", "middle")


def _months(chart: Fuel, scale: _Scale) -> Iterator[date]:
    """Yield the first days of the months whose names run into no other words."""
    month = scale.begin
    while (month := (month.replace(day=1) + timedelta(days=32)).replace(day=1)) < scale.end:
        before, until = (chart.today - month).days, (scale.end - month).days
        by_dry = chart.dry_on is not None and abs((chart.dry_on - month).days) <= NEAR_WORDS
        by_today = -NEAR_WORDS < before <= NEAR_TODAY
        if not by_today and not by_dry and until >= NEAR_WORDS:
            yield month


def _ends(chart: Fuel, scale: _Scale) -> Iterator[svg.Element]:
    known = chart.forecast
    if known is None:
        return
    if (dry := chart.dry_on) is not None:
        x = scale.x(dry)
        anchor: Anchor = "end" if x > 94 else "middle"
        yield dot("dot-dry", x, FLOOR, 5)
        yield words(f"{dry.day} {dry:%b}", x, FLOOR + 17, "strong dry", anchor)
        yield words("empty", x, FLOOR + 33, "dry", anchor)
    if chart.freed:
        yield from _plan_ends(chart, known.after(chart.freed), scale)


def _plan_ends(chart: Fuel, plan: Forecast, scale: _Scale) -> Iterator[svg.Element]:
    """Say what the waiting plan leads to: where its line begins, for there no other line is above.

    On a phone the sentence below the chart has to do.
    """
    if plan.dry_on is not None and plan.dry_on <= scale.end:
        yield dot("dot-plan", scale.x(plan.dry_on), FLOOR, 4)
        yield words("with plan", 100, FLOOR + 33, "plan-label", "end")
        return
    left = plan.at((scale.end - chart.last).days)
    y = scale.y(max(plan.at((chart.today - chart.last).days), chart.left)) - 8
    says = f"with the plan {left:,.0f} in {AHEAD} days"
    yield words(says, scale.x(chart.today) + 1.5, y, "plan-label wide")


def _label(chart: Fuel) -> str:
    says = f"{chart.name} seats left: "
    if chart.days:
        first, last = chart.days[0], chart.last
        when = f"on {last.day} {last:%B}, the last day read" if chart.is_stale else "today"
        says += f"{first.left:,.0f} on {first.day.day} {first.day:%B}, {chart.left:,.0f} {when}. "
    known = chart.forecast
    if known is None:
        says += "The history is too short for a forecast. "
    elif known.dry_on is None:
        says += "It does not run dry within a year. "
    else:
        says += f"It runs dry on {known.dry_on.day} {known.dry_on:%B %Y}. "
    return says + "The numbers follow in a table."


def sampled(days: Sequence[Outset], every: int = 14) -> list[Outset]:
    """Return each so-manieth day counted from the newest, oldest first, for the table behind."""
    return list(days)[::-1][::every][::-1]
