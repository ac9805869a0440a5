"""What a past month has cost: the mean of its days, to the cent, and what nobody can tell."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from builders import ANALYZER, PROFESSIONAL
from seatkeeper.core.cost import SeatGroup, SeatGroups
from seatkeeper.core.cost_month import (
    Month,
    MonthBill,
    MonthKnown,
    PoolDay,
    bill_of_month,
)
from seatkeeper.core.departments import CAPACITY, NOT_KNOWN
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType
from seatkeeper.core.money import Prices
from seatkeeper.core.savings import Freed

OCTOBER = Month.parse("2026-10")
PRICES = Prices("EUR", {PROFESSIONAL: Decimal(30), ANALYZER: Decimal("15.25")}, Decimal("12.50"))
A_DAY = timedelta(days=1)


def groups(day: int, *told: tuple[str, LicenseType, int, int]) -> SeatGroups:
    """Return the seats by department as last read on a day of October."""
    return SeatGroups(
        site="prod",
        at=datetime(2026, 10, day, 23, 45, tzinfo=UTC),
        groups=tuple(
            SeatGroup(department=d, license_type=t, allocated=a, idle=i) for d, t, a, i in told
        ),
    )


def pool(day: int, allocated: int, available: int = 0) -> list[PoolDay]:
    """Return what the pool of professional seats was on a day of October."""
    kind, at = MeasuredType.PROFESSIONAL, date(2026, 10, day)
    return [PoolDay(at, kind, "allocated", allocated), PoolDay(at, kind, "available", available)]


def month_of(known: MonthKnown, *freed: Freed, prices: Prices = PRICES) -> MonthBill:
    """Return the bill of October."""
    found = bill_of_month(OCTOBER, "prod", known, prices, freed)
    assert found is not None
    return found


def test_a_month_is_read_from_year_and_month_alone() -> None:
    assert [str(OCTOBER), str(OCTOBER.before), OCTOBER.days] == ["2026-10", "2026-09", 31]
    assert str(Month.parse("2027-01").before) == "2026-12"
    for text in ("2026-13", "2026-1", "10-2026", "2026-10-01", "", "0000-01"):
        with pytest.raises(ValueError, match="is no month"):
            Month.parse(text)


def test_a_month_is_over_when_the_next_has_begun() -> None:
    begun = datetime(2026, 11, 1, tzinfo=UTC)

    assert OCTOBER.is_over(begun)
    assert not OCTOBER.is_over(begun - timedelta(microseconds=1))
    assert Month.parse("2026-12").end == datetime(2027, 1, 1, tzinfo=UTC)


def test_a_month_costs_the_mean_of_its_days() -> None:
    days = [
        groups(1, ("Sales", PROFESSIONAL, 10, 2)),
        groups(2, ("SALES", PROFESSIONAL, 20, 4), ("HR", ANALYZER, 4, 0)),
    ]
    pools = [*pool(1, 10, 5), *pool(2, 20, 1)]
    found = month_of(MonthKnown(days, pools, Fraction(400)))

    told = [(t.license_type.value, t.spend, t.idle_spend, t.free) for t in found.bill.types]
    assert told == [
        ("professional", 450_00, 90_00, 90_00),
        ("analyzer", 30_50, 0, 0),
        ("analyzer_capacity", 5_00, 0, 0),
    ]
    assert [(d.department, d.allocated, d.idle, d.spend) for d in found.bill.departments] == [
        ("HR", 2, 0, 30_50),
        ("SALES", 15, 3, 450_00),
        (CAPACITY, 0, 0, 5_00),
    ]


def test_days_of_which_only_pools_are_known_stand_apart_and_are_said() -> None:
    days = [groups(2, ("Sales", PROFESSIONAL, 10, 5))]
    found = month_of(MonthKnown(days, [*pool(1, 30), *pool(2, 12)]))

    assert [(d.department, d.spend, d.idle_spend) for d in found.bill.departments] == [
        ("Sales", 150_00, 75_00),
        (NOT_KNOWN, 450_00, 0),
    ]
    assert (found.days_read, found.days_by_department) == (2, 1)
    read, departments = found.gaps
    assert "2 of 31 days were read" in read
    assert "not known of 1 of 2 days" in departments


def test_a_whole_month_has_no_gaps() -> None:
    days = [groups(day, ("Sales", PROFESSIONAL, 1, 0)) for day in range(1, 32)]

    assert month_of(MonthKnown(days, ())).gaps == ()


def test_a_month_without_a_reading_has_no_bill() -> None:
    assert bill_of_month(OCTOBER, "prod", MonthKnown((), ()), PRICES, ()) is None


def test_a_seat_saves_from_its_release_to_the_end_of_the_month() -> None:
    known = MonthKnown([groups(1, ("Sales", PROFESSIONAL, 1, 0))], pool(1, 1, 3))
    found = month_of(
        known,
        Freed(PROFESSIONAL, OCTOBER.begin, 2),
        Freed(PROFESSIONAL, OCTOBER.end - 31 * A_DAY / 2),
    )

    assert found.bill.saved == found.bill.savings == 2 * 30_00 + 15_00


def test_on_days_on_which_others_held_the_seats_nothing_was_saved() -> None:
    pools = [*pool(1, 8, 2), *pool(16, 10, 0), *pool(17, 9, 1)]
    found = month_of(MonthKnown((), pools), Freed(PROFESSIONAL, OCTOBER.begin, 2))

    assert found.bill.saved == round((15 * 2 + 15 * 1) * 30_00 / 31)


@pytest.mark.parametrize("seed", range(20))
def test_departments_add_up_to_the_cent(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - made-up organisations, no secrets
    days, pools = [], []
    for day in range(1, 32):
        told = []
        for number in range(rng.randrange(1, 9)):
            for kind in LicenseType:
                held = rng.randrange(300)
                told.append((f"D{number}", kind, held, rng.randint(0, held)))
        if rng.random() < 0.6:
            days.append(groups(day, *told))
        elif rng.random() < 0.8:
            pools += pool(day, rng.randrange(3000), rng.randrange(30))
    prices = Prices("EUR", {kind: Decimal(rng.randrange(10**6)) / 10_000 for kind in LicenseType})
    bill = month_of(MonthKnown(days, pools), prices=prices).bill

    assert sum(d.spend for d in bill.departments) == bill.spend
    assert sum(d.idle_spend for d in bill.departments) == bill.idle_spend
    assert all(0 <= d.idle_spend <= d.spend for d in bill.departments)
