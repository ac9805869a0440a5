"""When a pool runs dry at its present trend, with how sure anybody can be.

The trend is that of the seats people take: what was released is added back, and seats that were
bought do not count, for neither goes on by itself. It is the median of the slopes between all pairs
of days (Theil and Sen), so that one odd day is no trend. The interval is Sen's, from Kendall's
variance; it takes days as independent, which they are not quite, so it is rather narrow.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Outset:
    """The free seats of a pool at the end of a day, of how many, and how many were freed on it."""

    day: date
    left: float
    total: float = 0
    freed: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of a pool: seats a day (negative: fewer are left), and when none is left.

    `earliest` and `latest` are the bounds of 80 %; a day is None when it lies beyond a year.
    """

    today: date
    left: float
    per_day: float
    least_per_day: float
    most_per_day: float

    @property
    def dry_on(self) -> date | None:
        """The day on which no seat is left."""
        return self._dry(self.per_day)

    @property
    def earliest(self) -> date | None:
        """The day by which that happens at the earliest."""
        return self._dry(self.least_per_day)

    @property
    def latest(self) -> date | None:
        """The day by which that happens at the latest."""
        return self._dry(self.most_per_day)

    def after(self, freed: int) -> Forecast:
        """Return the forecast with so many seats more."""
        return Forecast(
            self.today, self.left + freed, self.per_day, self.least_per_day, self.most_per_day
        )

    def days_left(self) -> int | None:
        """Return in how many days no seat is left, None when it lies beyond a year."""
        day = self.dry_on
        return None if day is None else (day - self.today).days

    def _dry(self, per_day: float) -> date | None:
        if self.left <= 0:
            return self.today
        if per_day >= 0 or self.left / -per_day > HORIZON:
            return None
        return self.today + timedelta(days=math.ceil(self.left / -per_day))


def forecast(days: Sequence[Outset]) -> Forecast | None:
    """Return what the last days lead to, oldest first; None when there are too few of them."""
    days = days[-MOST_DAYS:]
    if len(days) < LEAST_DAYS:
        return None
    freed = itertools.accumulate(day.freed for day in days)
    alone = [(day.day, day.left - day.total - gone) for day, gone in zip(days, freed, strict=True)]
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0]).days
        for index, earlier in enumerate(alone)
        for later in alone[index + 1 :]
    )
    low, high = _bounds(len(days), len(slopes))
    last = days[-1]
    return Forecast(last.day, last.left, median(slopes), slopes[low], slopes[high])


def _bounds(days: int, slopes: int) -> tuple[int, int]:
    """Return which of the sorted slopes are the bounds."""
    deviation = math.sqrt(days * (days - 1) * (2 * days + 5) / 18)
    reach = NormalDist().inv_cdf((1 + SURE) / 2) * deviation
    low = max(0, math.floor((slopes - reach) / 2))
    high = min(slopes - 1, math.ceil((slopes + reach) / 2))
    return low, high
