"""When a pool runs dry at its present trend, with how sure anybody can be.

The trend is that of the seats people take: what Seatkeeper released is added back, what it gave
back is taken off, and seats that were bought do not count, for none of them goes on by itself.
Seats that leave by themselves are part of the trend. It is the median of the slopes between all
pairs of days (Theil and Sen), so that one odd day is no trend.

A pool is a walk: what a day took away is gone on all days that follow. So the bounds widen with the
root of the time ahead, by how much weeks of this pool sway, and with the time itself, because the
trend of a short history is not known well. A test counts how often they hold.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import NormalDist, median

LEAST_DAYS = 14
"""A shorter history has no trend."""

MOST_DAYS = 60
"""What lies further back says little about the weeks to come."""

HORIZON = 365
"""Days that are looked ahead; a pool that lasts longer does not run dry."""

SURE = 0.8
"""How much of what may come lies between the bounds."""

WEEK = 7
"""Days over which sway is measured: quiet weekends between busy days are none."""

_SENS_LOSS = 1.2
"""The slope of a walk is known worse by pairs of days than by its two ends, by this factor."""


@dataclass(frozen=True, slots=True)
class Outset:
    """The free seats of a pool at the end of a day, of how many.

    `freed` are those that Seatkeeper released on it, less those it gave back. `coming` are seats
    in quarantine, free again soon, less those in excess, for which no free seat is shown.
    """

    day: date
    left: float
    total: float = 0
    freed: int = 0
    coming: float = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a pool: seats a day (negative: fewer are left), and when none is left.

    `sway` is by how many seats one day differs from the trend, `unsure` the same of the trend
    itself; `reach` is how many times each the bounds of 80 % lie away. A day is None when it lies
    beyond a year.
    """

    today: date
    left: float
    per_day: float
    sway: float = 0
    unsure: float = 0
    reach: float = 0

    @property
    def dry_on(self) -> date | None:
        """The day on which no seat is left."""
        if self.left <= 0:
            return self.today
        if self.per_day >= 0 or self.left / -self.per_day > HORIZON:
            return None
        return self._day(math.ceil(self.left / -self.per_day - _ROUNDING))

    @property
    def earliest(self) -> date | None:
        """The day by which that happens at the earliest."""
        return self._first_dry(-1)

    @property
    def latest(self) -> date | None:
        """The day by which that happens at the latest."""
        return self._first_dry(1)

    @property
    def least_per_day(self) -> float:
        """The bound of the trend below."""
        return self.per_day - self.reach * self.unsure

    @property
    def most_per_day(self) -> float:
        """The bound of the trend above."""
        return self.per_day + self.reach * self.unsure

    def after(self, freed: int) -> Forecast:
        """Return the forecast with so many seats more."""
        return replace(self, left=self.left + freed)

    def at(self, days: float, side: int = 0) -> float:
        """Return the seats left in so many days: by the trend, or at a bound (side -1 or 1)."""
        spread = math.sqrt(days * self.sway**2 + (days * self.unsure) ** 2)
        return self.left + days * self.per_day + side * self.reach * spread

    def days_left(self, now: date | None = None) -> int | None:
        """Return in how many days no seat is left, None when it lies beyond a year.

        They count from the last day that is known, or from `now`.
        """
        day = self.dry_on
        return None if day is None else (day - (now or self.today)).days

    def _first_dry(self, side: int) -> date | None:
        days = range(HORIZON + 1)
        first = next((n for n in days if self.at(n, side) <= _ROUNDING), None)
        return None if first is None else self._day(first)

    def _day(self, ahead: int) -> date:
        return self.today + timedelta(days=ahead)


_ROUNDING = 1e-9


def forecast(days: Sequence[Outset]) -> Forecast | None:
    """Return what the last days lead to, oldest first; None when there are too few of them."""
    days = days[-MOST_DAYS:]
    if len(days) < LEAST_DAYS:
        return None
    freed = itertools.accumulate(day.freed for day in days)
    alone = [
        (day.day, day.left + day.coming - day.total - gone)
        for day, gone in zip(days, freed, strict=True)
    ]
    per_day = median(
        (later[1] - earlier[1]) / (later[0] - earlier[0]).days
        for earlier, later in itertools.combinations(alone, 2)
    )
    every = _every_day(alone)
    sway, freedom = _sway(every, per_day)
    last = days[-1]
    return Forecast(
        today=last.day,
        left=last.left,
        per_day=per_day,
        sway=sway,
        unsure=sway * math.sqrt(_SENS_LOSS / (len(every) - 1)),
        reach=_reach(freedom),
    )


def _every_day(known: Sequence[tuple[date, float]]) -> list[float]:
    """Return one value a day; a day that is missing lies between its neighbours."""
    values = [known[0][1]]
    for (before, low), (day, high) in itertools.pairwise(known):
        gap = (day - before).days
        values += [low + (high - low) * n / gap for n in range(1, gap + 1)]
    return values


def _sway(values: Sequence[float], per_day: float) -> tuple[float, float]:
    """Return by how much a day sways, taken from whole weeks, and how many of them told it."""
    steps = len(values) - 1
    span = min(WEEK, steps // 2)
    moved = [later - earlier for earlier, later in zip(values, values[span:], strict=False)]
    squares = sum((one - span * per_day) ** 2 for one in moved)
    # Weeks that overlap tell less than their number: the trend was taken from the same days.
    told = len(moved) * (1 - span / (steps + 1))
    return math.sqrt(squares / told / span), steps / span


def _reach(freedom: float) -> float:
    """Return the bound of Student's distribution, so many independent weeks known (Fisher)."""
    normal = NormalDist().inv_cdf((1 + SURE) / 2)
    return normal + (normal**3 + normal) / (4 * freedom)
