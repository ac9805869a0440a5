"""What is looked up in the history: users and their idle time, and numbers day by day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from seatkeeper.core.changes import Standing
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.summary import LicenseSummary


class UserSort(StrEnum):
    """By what users are sorted."""

    IDLE = "idle"
    """Whoever never used it first, then the longest idle."""
    LAST_USED = "last_used"
    """Whoever used it last first."""
    USER = "user"
    CREATED = "created"
    """The oldest seat first."""
    MINUTES = "minutes"
    """Whoever used the most minutes of analyzer capacity first."""


@dataclass(frozen=True, slots=True)
class MeterDay:
    """One number of a pool on one day (UTC): its last value, and its bounds."""

    day: date
    license_type: MeasuredType
    name: str
    last: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class LicenseChange:
    """What was known of the license of the server from this moment on."""

    at: datetime
    license: LicenseSummary


@dataclass(frozen=True, slots=True)
class UserQuery:
    """Which users are wanted; None or empty is no condition.

    Active days and minutes of analyzer capacity are counted from the day `since` (UTC) on; None:
    not.
    """

    sites: tuple[str, ...] = ()
    license_type: MeasuredType | None = None
    idle: timedelta | None = None
    sort: UserSort = UserSort.IDLE
    limit: int | None = None
    former: bool = False
    """Also those who hold no seat of the type any more."""
    since: date | None = None


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user and a license type: the seat, if there is one, and the latest use of the type.

    `standing` is None without a seat; the name is empty when it was erased. `minutes` are those of
    analyzer capacity, None for other types and where the site told none. `active` counts the days
    with use of the type in each month that has some, by the first of the month, oldest first.
    """

    site: str
    user: str
    license_type: MeasuredType
    standing: Standing | None
    excess: bool
    created: datetime | None
    last_used: datetime | None
    first_seen: datetime
    minutes: int | None = None
    active: tuple[tuple[date, int], ...] = ()

    @property
    def active_days(self) -> int:
        """Count the days with use."""
        return sum(days for _, days in self.active)

    def idle_days(self, now: datetime) -> int | None:
        """Return the whole days since the latest use; None for never.

        Twenty-nine days and some hours are 29, here as for `--idle 30d` and for a policy.
        """
        return None if self.last_used is None else max((now - self.last_used).days, 0)


@dataclass(frozen=True, slots=True)
class Series:
    """One number day by day; a day of which nothing is known is missing."""

    license_type: MeasuredType
    name: str
    days: tuple[MeterDay, ...]

    def by_day(self, since: date, until: date) -> list[float | None]:
        """Return the last value of every day from `since` to `until`, None where it is missing."""
        known = {day.day: day.last for day in self.days}
        length = (until - since).days + 1
        return [known.get(since + timedelta(days=n)) for n in range(length)]


@dataclass(frozen=True, slots=True)
class SiteHistory:
    """What is known of a site day by day (UTC), from `since` to `until`."""

    site: str
    since: date
    until: date
    series: tuple[Series, ...]
    license: tuple[LicenseChange, ...] = ()

    @property
    def first(self) -> date:
        """The first day of which something may be known: `since`, or later."""
        return max(self.since, min((s.days[0].day for s in self.series), default=self.since))


def series_of(days: Iterable[MeterDay]) -> tuple[Series, ...]:
    """Put days of many numbers together, by license type in its usual order, and name."""
    found: dict[tuple[MeasuredType, str], list[MeterDay]] = {}
    for day in days:
        found.setdefault((day.license_type, day.name), []).append(day)
    order = list(MeasuredType)
    return tuple(
        Series(license_type, name, tuple(sorted(some, key=lambda d: d.day)))
        for (license_type, name), some in sorted(
            found.items(), key=lambda item: order.index(item[0][0])
        )
    )
