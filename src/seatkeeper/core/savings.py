"""What releases save: seats that were released, did not come back, and that nobody holds now.

Seats of a pool cannot be told apart, so who takes one first takes what was free anyway. Of the
released seats only so many save as the pool has free; who lost one shares alike in that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

from seatkeeper.core.departments import NO_DEPARTMENT, NOT_KNOWN
from seatkeeper.core.model import LicenseType
from seatkeeper.core.money import Prices, cents, shared_out

_TICK = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Freed:
    """Seats of one type that were released at one moment and did not come back.

    `department`: that of whoever had them, None when nobody knows it.
    """

    license_type: LicenseType
    at: datetime
    seats: int = 1
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Releases:
    """What was released, and how many seats were free at the last reading of each day (UTC)."""

    freed: Sequence[Freed] = ()
    free: Mapping[LicenseType, Mapping[date, int]] = field(default_factory=dict)


def savings(
    freed: Iterable[Freed], free: Mapping[LicenseType, int], prices: Prices, now: datetime
) -> dict[LicenseType, dict[str, int]]:
    """Return the cents a month that releases save, at so many free seats of each type.

    They stand by type and department; the departments of a type add up to its total, which is
    rounded once. No day of the month makes a difference.
    """
    seats = {kind: Counter[str]() for kind in prices.seats}
    for one in freed:
        if one.license_type in seats and one.at < now:
            seats[one.license_type][_whose(one, prices)] += one.seats
    found = {}
    for kind, parts in seats.items():
        saving = min(parts.total(), max(0, free.get(kind, 0)))
        found[kind] = _handed_out(cents(Fraction(prices.seats[kind]) * saving), parts)
    return found


def saved_in_month(
    releases: Releases, prices: Prices, now: datetime, since: datetime | None = None
) -> dict[LicenseType, dict[str, int]]:
    """Return the cents saved in the calendar month (UTC) of `now`, until `now`.

    As `savings`, but a seat saves its price for the part of the month in which it was free: from
    the release, or the beginning of the month. On each day so many seats save as were free at its
    last reading. `since`: the beginning of a month that `now` ends.
    """
    begin = since or month_begin(now)
    year, month = (begin.year + 1, 1) if begin.month == 12 else (begin.year, begin.month + 1)
    length = (begin.replace(year=year, month=month) - begin) // _TICK
    found = {}
    for kind, price in prices.seats.items():
        freed = [f for f in releases.freed if f.license_type is kind and f.at < now]
        free = releases.free.get(kind, {})
        parts = _free_time(freed, free, prices, begin, now)
        worth = Fraction(price) * sum(parts.values(), Fraction()) / length
        found[kind] = _handed_out(cents(worth), parts)
    return found


def month_begin(now: datetime) -> datetime:
    """Return the beginning of the calendar month of UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _free_time(
    freed: Iterable[Freed], free: Mapping[date, int], prices: Prices, begin: datetime, end: datetime
) -> dict[str, Fraction]:
    """Return how long seats of each department were free, in seats times microseconds."""
    new, time_of_new = defaultdict[date, Counter[str]](Counter), Counter[tuple[date, str]]()
    for one in freed:
        at, name = max(one.at, begin).astimezone(UTC), _whose(one, prices)
        new[at.date()][name] += one.seats
        time_of_new[at.date(), name] += one.seats * ((_end_of(at, end) - at) // _TICK)
    found, before, known = defaultdict[str, Fraction](Fraction), Counter[str](), sorted(free)
    for start in _days(begin, end):
        day, ticks = start.date(), (_end_of(start, end) - start) // _TICK
        seats = before + new[day]
        free_now = free[_nearest(known, day)] if known else 0
        share = Fraction(min(seats.total(), max(0, free_now)), seats.total() or 1)
        for name in seats if share else ():
            found[name] += share * (before[name] * ticks + time_of_new[day, name])
        before = seats
    return found


def _days(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += _DAY


def _end_of(at: datetime, latest: datetime) -> datetime:
    """Return the end of the day (UTC) of a moment, `latest` at most."""
    return min(latest, datetime.combine(at.date(), time(), UTC) + _DAY)


def _nearest(known: Sequence[date], day: date) -> date:
    """Return the newest day until `day` of which something is known, else the first after it."""
    return known[max(0, bisect_right(known, day) - 1)]


def _handed_out(total: int, parts: Mapping[str, int | Fraction]) -> dict[str, int]:
    names = sorted(parts)
    shares = shared_out(total, [parts[name] for name in names])
    return dict(zip(names, shares, strict=True))


def _whose(one: Freed, prices: Prices) -> str:
    if not prices.attribute:
        return NO_DEPARTMENT
    return NOT_KNOWN if one.department is None else one.department
