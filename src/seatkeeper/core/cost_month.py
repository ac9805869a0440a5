"""The money of a month that is over, as far as the history of a site knows it.

Seats are counted in days: whoever holds a seat for a day adds one seat-day, and a month costs the
mean over the days that were read. Today's prices count, for no others are kept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from seatkeeper.core.cost import (
    Bill,
    Cell,
    SeatGroup,
    SeatGroups,
    TypeCost,
    bill_from,
    of_type,
    with_savings,
)
from seatkeeper.core.departments import CAPACITY, NOT_KNOWN
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType
from seatkeeper.core.money import Prices, cents
from seatkeeper.core.savings import Freed, Releases, month_begin, saved_in_month


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month (UTC)."""

    first: date

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `YYYY-MM`; raises ValueError."""
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
            raise ValueError(f"{text!r} is no month")
        try:
            return cls(date.fromisoformat(f"{text}-01"))
        except ValueError:
            raise ValueError(f"{text!r} is no month") from None

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month of a day."""
        return cls(day.replace(day=1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def after(self) -> date:
        """The first day of the next month."""
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def before(self) -> Month:
        """The month before."""
        return Month.of(self.first - timedelta(days=1))

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.after - self.first).days

    @property
    def begin(self) -> datetime:
        """The moment at which it begins."""
        return datetime(self.first.year, self.first.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The moment at which it is over."""
        return datetime(self.after.year, self.after.month, 1, tzinfo=UTC)

    def is_over(self, now: datetime) -> bool:
        """Whether nothing of it is still to come."""
        return self.end <= month_begin(now)


@dataclass(frozen=True, slots=True)
class PoolDay:
    """A number of a pool as it last was on a day: `allocated` or `available` seats."""

    day: date
    license_type: MeasuredType
    name: str
    seats: int


@dataclass(frozen=True, slots=True)
class MonthKnown:
    """What the history knows of a month of a site.

    `minutes`: analyzer capacity used, None where the site had none.
    """

    groups: Sequence[SeatGroups]
    pools: Sequence[PoolDay]
    minutes: Fraction | None = None


@dataclass(frozen=True, slots=True)
class MonthBill:
    """What a month has cost; seats are the mean of the days that were read.

    Of `days_by_department` days idle seats and departments are known, of the other days that
    were read only the spend.
    """

    month: Month
    bill: Bill
    days_read: int
    days_by_department: int

    @property
    def gaps(self) -> tuple[str, ...]:
        """What the history cannot tell of this month, a sentence each."""
        found = []
        if self.days_read < self.month.days:
            found.append(
                f"{self.days_read} of {self.month.days} days were read; the others are taken to be"
                " like them, and capacity minutes of days without a reading are missing"
            )
        if (left := self.days_read - self.days_by_department) > 0:
            found.append(
                f"idle seats and departments are not known of {left} of {self.days_read} days:"
                f" their spend stands under {NOT_KNOWN}, and idle spend is at least what is told"
            )
        return tuple(found)


def bill_of_month(
    month: Month, site: str, known: MonthKnown, prices: Prices, freed: Iterable[Freed]
) -> MonthBill | None:
    """Return what a month has cost a site; None when it was not read in it.

    What a month saves and what was saved in it are then the same.
    """
    by_day = {groups.at.astimezone(UTC).date(): groups for groups in known.groups}
    only_pools = [one for one in known.pools if one.day not in by_day]
    pool_days = {one.day for one in known.pools}
    read = len(by_day.keys() | pool_days)
    if not read:
        return None
    releases = Releases(tuple(freed), free_days(known.pools))
    saved = saved_in_month(releases, prices, month.end, since=month.begin)
    types, cells = list[TypeCost](), list[Cell]()
    for kind, price in prices.seats.items():
        seats = [g for groups in by_day.values() for g in groups.groups if g.license_type is kind]
        untold = _seats(only_pools, kind, "allocated")
        groups = _added_up(kind, seats, untold)
        free = Fraction(price) * Fraction(
            _seats(known.pools, kind, "available"), len(pool_days) or 1
        )
        cost, parts = of_type(kind, Fraction(price) / read, groups, cents(free))
        whole, of_them = with_savings(cost, saved[kind], saved[kind])
        types.append(whole)
        cells += [*parts, *of_them]
    if prices.per_1000_minutes is not None and known.minutes is not None:
        minutes = cents(Fraction(prices.per_1000_minutes) * known.minutes / 1000)
        types.append(TypeCost(MeasuredType.ANALYZER_CAPACITY, minutes))
        cells.append(Cell(CAPACITY, spend=minutes))
    bill = bill_from(site, month.end, prices, types, cells)
    means = [
        replace(d, allocated=_mean(d.allocated, read), idle=_mean(d.idle, read))
        for d in bill.departments
    ]
    return MonthBill(month, replace(bill, departments=tuple(means)), read, len(by_day))


def free_days(pools: Iterable[PoolDay]) -> dict[LicenseType, dict[date, int]]:
    """Return how many seats of each type were free on each day."""
    found: dict[LicenseType, dict[date, int]] = {kind: {} for kind in LicenseType}
    for one in pools:
        if one.name == "available":
            found[LicenseType(one.license_type.value)][one.day] = one.seats
    return found


def _added_up(kind: LicenseType, seats: Iterable[SeatGroup], untold: int) -> list[SeatGroup]:
    """Add up the seat-days of departments, in one spelling each."""
    held, idle = defaultdict[str, int](int), defaultdict[str, int](int)
    spelt: dict[str, str] = {}
    for one in seats:
        key = one.department.casefold()
        spelt[key] = min(one.department, spelt.get(key, one.department))
        held[key] += one.allocated
        idle[key] += one.idle
    if untold:
        spelt[NOT_KNOWN] = NOT_KNOWN
        held[NOT_KNOWN] += untold
    return [
        SeatGroup(department=spelt[key], license_type=kind, allocated=held[key], idle=idle[key])
        for key in sorted(held)
    ]


def _seats(pools: Iterable[PoolDay], kind: LicenseType, name: str) -> int:
    wanted = MeasuredType(kind.value)
    return sum(max(0, p.seats) for p in pools if p.license_type is wanted and p.name == name)


def _mean(seat_days: int, days: int) -> int:
    return int(Fraction(seat_days, days) + Fraction(1, 2))
