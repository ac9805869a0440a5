"""What seats cost: spend, idle spend, free seats, and what releases have saved; by department.

Everything is counted in whole cents. A total is rounded once (half up), and parts are handed out
by the largest remainder, so parts always add up to their total.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

import msgspec

from seatkeeper.core.departments import CAPACITY, NO_DEPARTMENT, NOT_KNOWN, OTHERS, department_of
from seatkeeper.core.facts import LONG_AGO, Facts
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, LicenseType, Snapshot
from seatkeeper.core.money import Prices, cents, money, shared_out
from seatkeeper.core.policy import Policy
from seatkeeper.core.rules import AHEAD, idle_time
from seatkeeper.core.savings import Releases, saved_in_month, savings
from seatkeeper.core.summary import Summary

MOST_DEPARTMENTS = 500
"""The largest are kept by name, the others together as `OTHERS`."""


class SeatGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The live seats of one type that people of one department hold, and the idle ones of them."""

    department: str
    license_type: LicenseType
    allocated: int
    idle: int


class SeatGroups(msgspec.Struct, frozen=True, kw_only=True):
    """The seats of one reading by department; no person is named."""

    site: str
    at: datetime
    groups: tuple[SeatGroup, ...]


@dataclass(frozen=True, slots=True)
class TypeCost:
    """Money a month for one license type, in cents.

    `free`: seats that are paid for and that nobody holds. `savings`: what released seats that
    stayed free save a month; `saved`: what they have saved in the calendar month until now.
    """

    license_type: MeasuredType
    spend: int
    idle_spend: int = 0
    free: int = 0
    savings: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class DepartmentCost:
    """The part of a department, in cents; `allocated` and `idle` count its seats."""

    department: str
    allocated: int
    idle: int
    spend: int
    idle_spend: int
    savings: int = 0
    saved: int = 0

    def plus(self, other: DepartmentCost) -> DepartmentCost:
        """Return what this department costs on two sites."""
        return DepartmentCost(
            department=self.department,
            allocated=self.allocated + other.allocated,
            idle=self.idle + other.idle,
            spend=self.spend + other.spend,
            idle_spend=self.idle_spend + other.idle_spend,
            savings=self.savings + other.savings,
            saved=self.saved + other.saved,
        )


@dataclass(frozen=True, slots=True)
class Bill:
    """What a site costs a month; the departments add up to the types, to the cent.

    A budget is for all sites together, so no bill has one.
    """

    site: str
    at: datetime
    currency: str
    types: tuple[TypeCost, ...]
    departments: tuple[DepartmentCost, ...]

    @property
    def spend(self) -> int:
        """Cents for everything allocated or used."""
        return sum(t.spend for t in self.types)

    @property
    def idle_spend(self) -> int:
        """Cents of it for seats that their holders do not use."""
        return sum(t.idle_spend for t in self.types)

    @property
    def free(self) -> int:
        """Cents for seats that nobody holds; not in `spend`."""
        return sum(t.free for t in self.types)

    @property
    def savings(self) -> int:
        """Cents a month that releases save."""
        return sum(t.savings for t in self.types)

    @property
    def saved(self) -> int:
        """Cents that releases have saved in the calendar month until now."""
        return sum(t.saved for t in self.types)


@dataclass(frozen=True, slots=True)
class AllSites:
    """What all sites cost a month together, in cents, beside their one budget (None without)."""

    currency: str
    budget: int | None
    spend: int
    idle_spend: int
    free: int
    savings: int
    saved: int

    @classmethod
    def of(cls, bills: Sequence[Bill], prices: Prices) -> AllSites:
        """Add up the bills of all sites."""
        return cls(
            currency=prices.currency,
            budget=None if prices.budget is None else cents(Fraction(prices.budget)),
            spend=sum(one.spend for one in bills),
            idle_spend=sum(one.idle_spend for one in bills),
            free=sum(one.free for one in bills),
            savings=sum(one.savings for one in bills),
            saved=sum(one.saved for one in bills),
        )


def departments_together(bills: Iterable[Bill]) -> tuple[DepartmentCost, ...]:
    """Add the departments of several sites up (letter case aside), the costliest first."""
    found: dict[str, DepartmentCost] = {}
    for one in (department for bill in bills for department in bill.departments):
        key = one.department.casefold()
        found[key] = found[key].plus(one) if key in found else one
    return tuple(sorted(found.values(), key=lambda d: (-d.spend, d.department)))


def group_seats(
    snapshot: Snapshot, facts: Facts, policy: Policy, attribute: str, now: datetime
) -> SeatGroups:
    """Count live seats and idle ones by department and type."""
    wanted = attribute.casefold()
    allocated, idle = Counter[tuple[str, LicenseType]](), Counter[tuple[str, LicenseType]]()
    spelt: dict[str, str] = {}
    for seat in snapshot.allocations:
        if seat.is_live:
            name = department_of(snapshot.users.get(seat.user_id or ""), wanted)
            key = name.casefold()
            spelt[key] = min(name, spelt.get(key, name))
            allocated[key, seat.license_type] += 1
            idle[key, seat.license_type] += is_idle(seat, facts, policy, now)
    sizes = Counter[str]()
    for (key, _), number in allocated.items():
        sizes[key] += number
    named = sorted(sizes, key=lambda k: (-sizes[k], k))[:MOST_DEPARTMENTS]
    into = {key: spelt[key] if key in set(named) else OTHERS for key in sizes}
    return SeatGroups(
        site=snapshot.site, at=snapshot.taken_at, groups=tuple(_merged(allocated, idle, into))
    )


def _merged(
    allocated: Mapping[tuple[str, LicenseType], int],
    idle: Mapping[tuple[str, LicenseType], int],
    into: Mapping[str, str],
) -> Iterator[SeatGroup]:
    held, unused = Counter[tuple[str, LicenseType]](), Counter[tuple[str, LicenseType]]()
    for (key, kind), number in allocated.items():
        held[into[key], kind] += number
        unused[into[key], kind] += idle[key, kind]
    for (name, kind), number in sorted(held.items()):
        yield SeatGroup(
            department=name, license_type=kind, allocated=number, idle=unused[name, kind]
        )


def is_idle(seat: Allocation, facts: Facts, policy: Policy, now: datetime) -> bool:
    """Whether a live seat is idle by the times of the policy, protected or not; doubt is no idle.

    Never used counts from the day the seat was given, `new_seat_grace` long.
    """
    if seat.doubt or facts.is_use_unclear(seat):
        return False
    created = seat.created if seat.created and seat.created >= LONG_AGO else None
    if created and idle_time(created, now, facts.pauses) < policy.new_seat_grace:
        return False
    latest = facts.last_activity(seat)
    if latest is None or latest < LONG_AGO:
        return created is not None
    if latest > now + AHEAD:
        return False
    return idle_time(latest, now, facts.pauses) >= policy.of(seat.license_type).release_after


def bill_of(
    summary: Summary, seats: SeatGroups, prices: Prices, releases: Releases, now: datetime
) -> Bill:
    """Return what a site costs, from its newest reading."""
    free = {pool.license_type: max(0, pool.available) for pool in summary.pools if pool.enabled}
    each_month = savings(releases.freed, free, prices, now)
    until_now = saved_in_month(releases, prices, now)
    types, parts = list[TypeCost](), list[Cell]()
    for kind in LicenseType:
        if (price := prices.seats.get(kind)) is None:
            continue
        groups = [g for g in seats.groups if g.license_type is kind]
        worth = cents(Fraction(price) * free.get(kind, 0))
        cost, cells = of_type(kind, Fraction(price), groups, worth)
        saved, of_them = with_savings(cost, each_month[kind], until_now[kind])
        types.append(saved)
        parts += [*cells, *of_them]
    if (minutes := _capacity(summary, prices)) is not None:
        types.append(TypeCost(MeasuredType.ANALYZER_CAPACITY, minutes))
        parts.append(Cell(CAPACITY, spend=minutes))
    return bill_from(summary.site, seats.at, prices, types, parts)


def bill_from(
    site: str, at: datetime, prices: Prices, types: Sequence[TypeCost], cells: Iterable[Cell]
) -> Bill:
    """Put a bill together from the cost of the types and the parts of departments."""
    return Bill(
        site=site,
        at=at,
        currency=prices.currency,
        types=tuple(types),
        departments=_departments(cells),
    )


def spend_of(summary: Summary, prices: Prices) -> int:
    """Return the spend that a bill of this reading has, in cents, without asking for its parts."""
    live = {seats.license_type: seats.live for seats in summary.seats}
    seats = (cents(Fraction(price) * live.get(kind, 0)) for kind, price in prices.seats.items())
    return sum(seats) + (_capacity(summary, prices) or 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """The part that a department has in one license type, in cents; seats are counted."""

    department: str
    allocated: int = 0
    idle: int = 0
    spend: int = 0
    idle_spend: int = 0
    savings: int = 0
    saved: int = 0


def of_type(
    kind: LicenseType, each: Fraction, groups: Sequence[SeatGroup], free: int
) -> tuple[TypeCost, list[Cell]]:
    """Return what a license type costs at so much for each seat, and the parts of departments.

    `free` is told on in cents.
    """
    spend = cents(each * sum(g.allocated for g in groups))
    idle = cents(each * sum(g.idle for g in groups))
    idle_parts = shared_out(idle, [g.idle for g in groups])
    used_parts = shared_out(spend - idle, [g.allocated - g.idle for g in groups])
    cells = [
        Cell(g.department, g.allocated, g.idle, unused + used, unused)
        for g, unused, used in zip(groups, idle_parts, used_parts, strict=True)
    ]
    return TypeCost(MeasuredType(kind.value), spend, idle, free), cells


def with_savings(
    cost: TypeCost, each_month: Mapping[str, int], saved: Mapping[str, int]
) -> tuple[TypeCost, list[Cell]]:
    """Return the cost with savings, and the parts of departments; both are given in cents."""
    cells = [
        Cell(name, savings=each_month.get(name, 0), saved=saved.get(name, 0))
        for name in sorted(each_month.keys() | saved.keys())
        if each_month.get(name) or saved.get(name)
    ]
    total = replace(cost, savings=sum(each_month.values()), saved=sum(saved.values()))
    return total, cells


def _capacity(summary: Summary, prices: Prices) -> int | None:
    """Return the cents of this month's minutes, None where they cost nothing."""
    capacity, price = summary.capacity, prices.per_1000_minutes
    if price is None or capacity is None or not capacity.enabled:
        return None
    return cents(Fraction(price) * capacity.used_minutes / 1000)


def _departments(cells: Iterable[Cell]) -> tuple[DepartmentCost, ...]:
    by_name = defaultdict[str, list[Cell]](list)
    for name, cell in _under_one_name(list(cells)):
        by_name[name].append(cell)
    found = [
        DepartmentCost(
            department=name,
            allocated=sum(c.allocated for c in theirs),
            idle=sum(c.idle for c in theirs),
            spend=sum(c.spend for c in theirs),
            idle_spend=sum(c.idle_spend for c in theirs),
            savings=sum(c.savings for c in theirs),
            saved=sum(c.saved for c in theirs),
        )
        for name, theirs in by_name.items()
    ]
    return tuple(sorted(found, key=lambda d: (d.department.startswith("("), d.department)))


def _under_one_name(cells: Sequence[Cell]) -> Iterator[tuple[str, Cell]]:
    """Name the department of each cell as the seats of the site spell it, letter case aside.

    Where small departments stand together, so do those that have nothing but savings.
    """
    with_seats = {c.department.casefold(): c.department for c in cells if c.allocated}
    spelt: dict[str, str] = {}
    for cell in sorted(cells, key=lambda c: c.department):
        spelt.setdefault(cell.department.casefold(), cell.department)
    is_short = OTHERS in with_seats
    for cell in cells:
        key = cell.department.casefold()
        is_own = key in with_seats or cell.department in (CAPACITY, NO_DEPARTMENT, NOT_KNOWN)
        yield (OTHERS if is_short and not is_own else with_seats.get(key, spelt[key])), cell


Amounts: TypeAlias = Mapping[str, Mapping[str, Decimal]]
"""Money by license type and kind, as metrics and points name them."""


def measured(bill: Bill) -> dict[str, dict[str, Decimal]]:
    """Return the numbers of a bill as metrics and points name them."""
    return {
        t.license_type.value: {
            "spend": money(t.spend),
            "idle_spend": money(t.idle_spend),
            "shared_idle": money(t.free),
            "savings": money(t.savings),
            "saved_in_month": money(t.saved),
        }
        for t in bill.types
    }
