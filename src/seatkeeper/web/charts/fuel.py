"""How many seats are left: the past as a line that falls to zero, the days to come as a cone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import svg
from markupsafe import Markup

from seatkeeper.core.forecast import Forecast, Outset
from seatkeeper.web.charts.drawing import dot, drawing, level, path, plot, upright, words

PAST, AHEAD = 90, 80
"""Days that are drawn to the left and to the right of today."""

TOP, DEEP = 18.0, 176.0
"""Where the drawing begins, and how high it is."""

FLOOR = TOP + DEEP

NEAR_TODAY = 25
"""Days before today in which the name of a month would run into the word below today."""


@dataclass(frozen=True, slots=True)
class Fuel:
    """What is drawn: days of the past, oldest first; `freed`: seats that a waiting plan frees."""

    name: str
    today: date
    days: tuple[Outset, ...]
    forecast: Forecast | None = None
    freed: int = 0
    alert_below: float = 0

    @property
    def left(self) -> float:
        """What is left today."""
        return self.days[-1].left if self.days else 0


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
    now = scale.x(chart.today)
    if past:
        past.append((now, scale.inner(chart.left)))
        yield path("area", [*past, (now, 100), (past[0][0], 100)], close=True)
    known = chart.forecast
    if known is not None:
        low = _ahead(known, known.least_per_day, scale)
        high = _ahead(known, known.most_per_day, scale)
        start = (now, scale.inner(known.left))
        yield path("band", [start, *low, *reversed(high)], close=True)
    if past:
        yield path("line", past)
    if known is not None:
        yield path(
            "line-forecast",
            [(now, scale.inner(known.left)), *_ahead(known, known.per_day, scale)],
        )
        if chart.freed:
            plan = known.after(chart.freed)
            start = (now, scale.inner(plan.left))
            lifted = [(now, scale.inner(known.left)), start]
            yield path("line-plan", [*lifted, *_ahead(plan, known.per_day, scale)])


def _ahead(known: Forecast, per_day: float, scale: _Scale) -> list[tuple[float, float]]:
    """Return where a slope leads: along the floor once it has reached it."""
    end = known.left + per_day * AHEAD
    if end >= 0 or per_day >= 0:
        return [(100.0, scale.inner(end))]
    days = known.left / -per_day
    return [(scale.x(known.today) + 100 * days / (PAST + AHEAD), 100.0), (100.0, 100.0)][
        : 1 if per_day == known.per_day else 2
    ]


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
        yield dot("dot", now, scale.y(chart.left), 4)
    month = scale.begin.replace(day=1) + timedelta(days=32)
    month = month.replace(day=1)
    while (chart.today - month).days > NEAR_TODAY:
        yield words(f"{month:%b}", scale.x(month), FLOOR + 17, "wide")
        month = (month + timedelta(days=32)).replace(day=1)
    yield words("Today", now, FLOOR + 17, "strong", "middle")


def _ends(chart: Fuel, scale: _Scale) -> Iterator[svg.Element]:
    known = chart.forecast
    if known is None:
        return
    dry = known.dry_on
    if dry is not None and 8 < (dry - chart.today).days <= AHEAD:
        x = scale.x(dry)
        anchor = "end" if x > 94 else "middle"
        yield dot("dot-dry", x, FLOOR, 5)
        yield words(f"{dry.day} {dry:%b}", x, FLOOR + 17, "strong dry", anchor)  # type: ignore[arg-type]
        yield words("empty", x, FLOOR + 33, "dry", anchor)  # type: ignore[arg-type]
    if not chart.freed:
        return
    plan = known.after(chart.freed)
    if plan.dry_on is not None and (plan.dry_on - chart.today).days <= AHEAD:
        x = scale.x(plan.dry_on)
        yield dot("dot-plan", x, FLOOR, 4)
        yield words("with plan", 100, FLOOR + 33, "plan-label", "end")
    else:
        left = max(0, plan.left + known.per_day * AHEAD)
        text = f"{left:,.0f} with the plan"
        yield words(text, 100, scale.y(left) - 8, "plan-label", "end")


def _label(chart: Fuel) -> str:
    says = f"{chart.name} seats left: "
    if chart.days:
        first = chart.days[0]
        says += f"{first.left:,.0f} on {first.day.day} {first.day:%B}, {chart.left:,.0f} today. "
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
