"""What seats cost: spend, idle spend, free seats, and what releases have saved; by department.

Everything is counted in whole cents. A total is rounded once (half up), and parts are handed out
by the largest remainder, so parts always add up to their total.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from seatkeeper.core.facts import LONG_AGO, Facts
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, LicenseType, Snapshot, User
from seatkeeper.core.policy import Policy
from seatkeeper.core.rules import AHEAD, idle_time
from seatkeeper.core.summary import Summary

NO_DEPARTMENT = "(none)"
NOT_KNOWN = "(not known)"
"""What cannot be told of any department: whose a released seat was, or a day in the past."""
OTHERS = "(other)"
CAPACITY = "(capacity)"
_TICK = timedelta(microseconds=1)
MOST_DEPARTMENTS = 500
"""The largest are kept by name, the others together as `OTHERS`."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What things cost a month, from the configuration; a type without a price costs nothing.

    `attribute` is the custom property or user attribute that names the department of a user,
    empty for none.
    """

    currency: str = ""
    seats: Mapping[LicenseType, Decimal] = field(default_factory=dict)
    per_1000_minutes: Decimal | None = None
    budget: Decimal | None = None
    attribute: str = ""


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

    `free`: seats that are paid for and that nobody holds. `saved`: this month until now.
    """

    license_type: MeasuredType
    spend: int
    idle_spend: int = 0
    free: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class DepartmentCost:
    """The part of a department, in cents; `allocated` and `idle` count its seats."""

    department: str
    allocated: int
    idle: int
    spend: int
    idle_spend: int
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """What a site costs a month; the departments add up to the types, to the cent."""

    site: str
    at: datetime
    currency: str
    budget: int | None
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
    def saved(self) -> int:
        """Cents that releases have saved this month until now."""
        return sum(t.saved for t in self.types)


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


def department_of(user: User | None, attribute: str) -> str:
    """Return the value of a custom property (name casefolded), the first of several.

    Who has no such property counts with the attribute of that name.
    """
    if user is None or not attribute:
        return NO_DEPARTMENT
    for pairs in (user.properties, user.attributes):
        values = (value.strip() for name, value in pairs or () if name.casefold() == attribute)
        if first := min((value for value in values if value), default=""):
            return first
    return NO_DEPARTMENT


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


@dataclass(frozen=True, slots=True)
class Freed:
    """Seats of one type that were released at one moment and did not come back.

    `department`: that of whoever had them, None when nobody knows it.
    """

    license_type: LicenseType
    at: datetime
    seats: int = 1
    department: str | None = None


def bill_of(
    summary: Summary, seats: SeatGroups, prices: Prices, freed: Iterable[Freed], now: datetime
) -> Bill:
    """Return what a site costs, from its newest reading."""
    saved = savings(freed, prices, now)
    types, parts = list[TypeCost](), list[Cell]()
    for kind in LicenseType:
        if (price := prices.seats.get(kind)) is None:
            continue
        groups = [g for g in seats.groups if g.license_type is kind]
        pool = summary.pool(kind)
        free = max(0, pool.available) if pool is not None and pool.enabled else 0
        worth = cents(Fraction(price) * free)
        cost, cells = of_type(kind, Fraction(price), groups, worth, saved[kind])
        types.append(cost)
        parts += cells
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
        budget=None if prices.budget is None else cents(Fraction(prices.budget)),
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
    saved: int = 0


def of_type(
    kind: LicenseType,
    each: Fraction,
    groups: Sequence[SeatGroup],
    free: int,
    saved: Mapping[str, int],
) -> tuple[TypeCost, list[Cell]]:
    """Return what a license type costs at so much for each seat, and the parts of departments.

    `free`, and `saved` by department, are told on in cents.
    """
    spend = cents(each * sum(g.allocated for g in groups))
    idle = cents(each * sum(g.idle for g in groups))
    idle_parts = shared_out(idle, [g.idle for g in groups])
    used_parts = shared_out(spend - idle, [g.allocated - g.idle for g in groups])
    cells = [
        Cell(g.department, g.allocated, g.idle, unused + used, unused)
        for g, unused, used in zip(groups, idle_parts, used_parts, strict=True)
    ]
    cells += [Cell(name, saved=part) for name, part in saved.items() if part]
    cost = TypeCost(MeasuredType(kind.value), spend, idle, free, sum(saved.values()))
    return cost, cells


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


def month_begin(now: datetime) -> datetime:
    """Return the beginning of the calendar month of UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def savings(
    freed: Iterable[Freed], prices: Prices, now: datetime, since: datetime | None = None
) -> dict[LicenseType, dict[str, int]]:
    """Return the cents saved in the calendar month (UTC) of `now`, until `now`.

    They stand by type and department; the departments of a type add up to its total, which is
    rounded once. A seat saves its price for the part of the month in which it was free: from the
    release, or the beginning of the month, until now. `since`: the beginning of a month that
    `now` ends.
    """
    begin = since or month_begin(now)
    year, month = (begin.year + 1, 1) if begin.month == 12 else (begin.year, begin.month + 1)
    length = (begin.replace(year=year, month=month) - begin) // _TICK
    free = {kind: Counter[str]() for kind in prices.seats}
    for one in freed:
        if one.license_type in free and one.at < now:
            ticks = (now - max(one.at, begin)) // _TICK
            free[one.license_type][_whose(one, prices)] += one.seats * ticks
    found = {}
    for kind, parts in free.items():
        total = cents(Fraction(prices.seats[kind]) * parts.total() / length)
        names = sorted(parts)
        shares = shared_out(total, [parts[name] for name in names])
        found[kind] = dict(zip(names, shares, strict=True))
    return found


def _whose(one: Freed, prices: Prices) -> str:
    if not prices.attribute:
        return NO_DEPARTMENT
    return NOT_KNOWN if one.department is None else one.department


def cents(amount: Fraction) -> int:
    """Return an amount of money (not negative) in cents, half a cent up."""
    return int(amount * 100 + Fraction(1, 2))


def shared_out(total: int, weights: Sequence[int]) -> list[int]:
    """Hand out a whole number by weights, by the largest remainder; the parts add up to it.

    Equal remainders go to who comes first. Raises ValueError when there is nobody to take it.
    """
    every = sum(weights)
    if not every:
        if total:
            raise ValueError(f"nobody takes any part of {total}")
        return [0] * len(weights)
    parts = [total * weight // every for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % every), i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def money(amount: int) -> Decimal:
    """Return cents as an amount with two decimals."""
    return Decimal(amount).scaleb(-2)


def measured(bill: Bill) -> dict[str, dict[str, Decimal]]:
    """Return the numbers of a bill by license type and kind, as metrics and points name them.

    The budget is one number for everything, so it stands once, with the first type.
    """
    found = {
        t.license_type.value: {
            "spend": money(t.spend),
            "idle_spend": money(t.idle_spend),
            "savings": money(t.saved),
        }
        for t in bill.types
    }
    if bill.budget is not None and bill.types:
        found[bill.types[0].license_type.value]["budget"] = money(bill.budget)
    return found
