"""Money adds up to the cent, idle is what the policy calls so, and a seat that came back saves."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from builders import (
    ANALYZER,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_seat_summary,
    a_snapshot,
    a_summary,
    a_user,
    an_allocation,
    days_ago,
    facts_of,
)
from seatkeeper.core.cost import (
    MOST_DEPARTMENTS,
    AllSites,
    Bill,
    SeatGroup,
    SeatGroups,
    bill_of,
    group_seats,
    measured,
    spend_of,
)
from seatkeeper.core.departments import (
    CAPACITY,
    NO_DEPARTMENT,
    NOT_KNOWN,
    OTHERS,
    department_of,
)
from seatkeeper.core.model import Allocation, LicenseType, User
from seatkeeper.core.money import Prices, money, shared_out
from seatkeeper.core.savings import Freed, Releases, saved_in_month, savings
from seatkeeper.core.summary import SeatSummary

PRICES = Prices(
    "EUR",
    {PROFESSIONAL: Decimal(35), ANALYZER: Decimal("15.25")},
    Decimal("12.50"),
    Decimal(5000),
    "department",
)


def of(label: str, department: str | None, name: str = "Department") -> User:
    """Return a user of a department."""
    return a_user(label, properties=() if department is None else ((name, department),))


def seat(user: User, idle: float, **changes: object) -> Allocation:
    """Return a professional seat, not used for so many days."""
    return an_allocation(
        user.label, user_id=user.id, last_used=days_ago(idle), id=f"s-{user.label}", **changes
    )


def groups(*pairs: tuple[User, Allocation], attribute: str = "department") -> SeatGroups:
    """Count these by department, under a policy of 90 days."""
    snapshot = a_snapshot([s for _, s in pairs], [u for u, _ in pairs])
    policy = a_policy()
    return group_seats(snapshot, facts_of(snapshot, policy), policy, attribute, NOW)


def test_seats_are_counted_by_department_letter_case_aside() -> None:
    users = [of(r"E\a", "Sales"), of(r"E\b", "SALES", "dePARTment"), of(r"E\c", None)]
    found = groups(*((u, seat(u, 1)) for u in users))

    assert [(g.department, g.allocated) for g in found.groups] == [
        (NO_DEPARTMENT, 1),
        ("SALES", 2),
    ]


def test_a_department_comes_from_the_custom_property_before_the_attribute() -> None:
    told = (("Department", "Finance"),)
    both = a_user(r"E\a", properties=(("department", "Sales"),), attributes=told)
    blank = a_user(r"E\b", properties=(("department", " "),), attributes=told)
    neither = a_user(r"E\c", properties=(("office", "Sales"),), attributes=(("office", "Lund"),))
    unsaid = a_user(r"E\d", properties=None, attributes=None)

    found = [department_of(user, "department") for user in (both, blank, neither, unsaid)]

    assert found == ["Sales", "Finance", NO_DEPARTMENT, NO_DEPARTMENT]


@pytest.mark.parametrize("name", ["(none)", "(Total)", "(shared idle)", "(other)", "(capacity)"])
def test_a_department_that_is_named_like_one_of_ours_is_told_apart(name: str) -> None:
    user = of(r"E\a", f" {name} ")

    assert department_of(user, "department") == f"department: {name}"


def test_idle_is_what_the_policy_calls_idle() -> None:
    users = [of(rf"E\u{n}", "Sales") for n in range(4)]
    never = an_allocation(
        users[3].label, user_id=users[3].id, last_used=None, created=days_ago(400), id="never"
    )
    found = groups(
        (users[0], seat(users[0], 89.9)),
        (users[1], seat(users[1], 90)),
        (users[2], seat(users[2], 200, created=days_ago(29))),
        (users[3], never),
    )

    assert [(g.allocated, g.idle) for g in found.groups] == [(4, 2)]


def test_seats_that_nobody_holds_now_are_not_counted() -> None:
    user = of(r"E\a", "Sales")

    assert groups((user, seat(user, 200, quarantined=True))).groups == ()


def test_small_departments_beyond_the_most_are_told_together() -> None:
    users = [of(rf"E\u{n}", f"D{n:04}") for n in range(MOST_DEPARTMENTS + 3)]
    found = groups(*((u, seat(u, 1)) for u in users))

    assert len(found.groups) == MOST_DEPARTMENTS + 1
    assert [g.allocated for g in found.groups if g.department == OTHERS] == [3]


def test_without_an_attribute_everybody_is_in_one_group() -> None:
    user = of(r"E\a", "Sales")
    found = groups((user, seat(user, 1)), attribute="")

    assert [g.department for g in found.groups] == [NO_DEPARTMENT]


def some_groups(*told: tuple[str, LicenseType, int, int]) -> SeatGroups:
    """Return seats by department."""
    return SeatGroups(
        site="prod",
        at=NOW,
        groups=tuple(
            SeatGroup(department=d, license_type=t, allocated=a, idle=i) for d, t, a, i in told
        ),
    )


def test_a_bill_tells_spend_idle_spend_and_free_seats_apart() -> None:
    seats = some_groups(
        ("Sales", PROFESSIONAL, 30, 5), ("HR", PROFESSIONAL, 10, 1), ("HR", ANALYZER, 100, 20)
    )
    bill = bill_of(a_summary(), seats, PRICES, Releases(), NOW)

    told = [(t.license_type.value, t.spend, t.idle_spend, t.free) for t in bill.types]
    assert told == [
        ("professional", 1400_00, 210_00, 350_00),
        ("analyzer", 1525_00, 305_00, 1525_00),
        ("analyzer_capacity", 62_50, 0, 0),
    ]
    assert [(d.department, d.spend, d.idle_spend) for d in bill.departments] == [
        ("HR", 1875_00, 340_00),
        ("Sales", 1050_00, 175_00),
        (CAPACITY, 62_50, 0),
    ]
    assert money(bill.spend) == Decimal("2987.50")


def test_the_numbers_of_metrics_are_those_of_the_bill() -> None:
    seats = some_groups(("Sales", PROFESSIONAL, 30, 5))
    found = measured(bill_of(a_summary(), seats, PRICES, Releases(), NOW))

    assert found["professional"]["spend"] == Decimal("1050.00")
    assert found["professional"]["shared_idle"] == Decimal("350.00")
    assert found["analyzer"]["spend"] == 0


def test_sites_are_added_up_beside_their_one_budget() -> None:
    bill = bill_of(
        a_summary(), some_groups(("Sales", PROFESSIONAL, 30, 5)), PRICES, Releases(), NOW
    )
    found = AllSites.of([bill, bill], PRICES)

    assert (found.spend, found.free) == (2 * bill.spend, 2 * bill.free)
    assert found.budget == 5000_00
    assert AllSites.of([], replace(PRICES, budget=None)).budget is None


def adds_up(bill: Bill) -> None:
    """Check that departments and types agree to the cent, and idle is part of spend."""
    assert sum(d.spend for d in bill.departments) == bill.spend
    assert sum(d.idle_spend for d in bill.departments) == bill.idle_spend
    assert sum(d.saved for d in bill.departments) == bill.saved
    assert sum(d.savings for d in bill.departments) == bill.savings
    assert all(0 <= d.idle_spend <= d.spend for d in bill.departments)


def some_freed(rng: random.Random) -> list[Freed]:
    """Return releases of people of any department, known or not."""
    return [
        Freed(
            rng.choice(list(LicenseType)),
            days_ago(rng.uniform(0, 300)),
            rng.randrange(1, 50),
            rng.choice([None, "d1", *(f"D{n}" for n in range(50))]),
        )
        for _ in range(rng.randrange(30))
    ]


def some_free(rng: random.Random) -> dict[LicenseType, dict[date, int]]:
    """Return how many seats were free on some days of the month."""
    days = [NOW.date().replace(day=number) for number in range(1, NOW.day + 1)]
    return {
        kind: {day: rng.randrange(-3, 100) for day in rng.sample(days, rng.randrange(len(days)))}
        for kind in LicenseType
    }


def live_of(told: list[tuple[str, LicenseType, int, int]]) -> tuple[SeatSummary, ...]:
    """Count the same seats as a summary does."""
    return tuple(
        a_seat_summary(kind, week=sum(held for _, k, held, _ in told if k is kind))
        for kind in LicenseType
    )


@pytest.mark.parametrize("block", range(10))
def test_a_thousand_organisations_add_up_to_the_cent_and_twice_the_same(block: int) -> None:
    rng = random.Random(block)  # noqa: S311 - made-up organisations, no secrets
    for _ in range(100):
        told = []
        for number in range(rng.randrange(1, 40)):
            for kind in LicenseType:
                held = rng.randrange(3000)
                told.append((f"D{number}", kind, held, rng.randint(0, held)))
        prices = Prices(
            "EUR",
            {kind: Decimal(rng.randrange(1_000_000)) / 10_000 for kind in LicenseType},
            Decimal(rng.randrange(1_000_000)) / 10_000,
            attribute="department",
        )
        releases = Releases(some_freed(rng), some_free(rng))
        bill = bill_of(a_summary(), some_groups(*told), prices, releases, NOW)

        adds_up(bill)
        assert spend_of(a_summary(seats=live_of(told)), prices) == bill.spend
        assert bill == bill_of(a_summary(), some_groups(*told), prices, releases, NOW)


def test_parts_go_by_the_largest_remainder() -> None:
    assert shared_out(100, [1, 1, 1]) == [34, 33, 33]
    assert shared_out(10, [0, 3, 7]) == [0, 3, 7]
    assert shared_out(0, []) == []
    with pytest.raises(ValueError, match="nobody"):
        shared_out(1, [0])


NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
A_DAY = timedelta(days=1)
AT_30 = Prices("EUR", {PROFESSIONAL: Decimal(30)})


def each_month(now: datetime, *freed: Freed, free: int = 100) -> int:
    """Return what these save a month when so many professional seats are free."""
    return sum(savings(freed, {PROFESSIONAL: free}, AT_30, now)[PROFESSIONAL].values())


def in_month(now: datetime, *freed: Freed, free: dict[date, int] | None = None) -> int:
    """Return what these have saved in the month until now."""
    known = {NOVEMBER.date(): 100} if free is None else free
    releases = Releases(freed, {PROFESSIONAL: known})
    return sum(saved_in_month(releases, AT_30, now)[PROFESSIONAL].values())


def test_what_releases_save_a_month_is_the_same_on_every_day_of_it() -> None:
    freed = Freed(PROFESSIONAL, NOVEMBER - 40 * A_DAY, 10)
    moments = [NOVEMBER - A_DAY, NOVEMBER, NOVEMBER + A_DAY / 96, NOVEMBER + 14 * A_DAY]

    assert [each_month(now, freed) for now in moments] == [300_00] * 4


def test_a_released_seat_that_somebody_else_holds_saves_nothing() -> None:
    freed = Freed(PROFESSIONAL, NOVEMBER, 10)

    told = [each_month(NOVEMBER + A_DAY, freed, free=free) for free in (10, 3, 0)]
    assert told == [300_00, 90_00, 0]
    assert in_month(NOVEMBER + 3 * A_DAY, freed, free={NOVEMBER.date(): 0}) == 0


def test_a_release_has_saved_for_the_part_of_the_month_in_which_the_seat_was_free() -> None:
    now = NOVEMBER + 15 * A_DAY

    assert in_month(now, Freed(PROFESSIONAL, now - 40 * A_DAY)) == 15_00
    assert in_month(now, Freed(PROFESSIONAL, now - 5 * A_DAY)) == 5_00
    assert in_month(now, Freed(PROFESSIONAL, now - A_DAY / 2)) == 50
    assert in_month(now, Freed(PROFESSIONAL, now + A_DAY)) == 0


def test_on_each_day_of_the_month_as_many_seats_save_as_were_free_then() -> None:
    now, first = NOVEMBER + 10 * A_DAY, NOVEMBER.date()
    freed = Freed(PROFESSIONAL, NOVEMBER - 40 * A_DAY, 4)

    # 2 free on the first three days, 0 on the fourth and fifth, then 9, of which 4 count.
    free = {first + A_DAY: 2, first + 3 * A_DAY: 0, first + 5 * A_DAY: 9}
    assert in_month(now, freed, free=free) == 3 * 2_00 + 5 * 4_00
    assert in_month(now, freed, free={}) == 0


def test_who_lost_seats_shares_alike_in_those_that_are_still_free() -> None:
    prices = replace(AT_30, attribute="department")
    freed = [
        Freed(PROFESSIONAL, NOVEMBER, 6, "Sales"),
        Freed(PROFESSIONAL, NOVEMBER, 2, "HR"),
    ]
    found = savings(freed, {PROFESSIONAL: 4}, prices, NOVEMBER + A_DAY)

    assert found[PROFESSIONAL] == {"HR": 30_00, "Sales": 90_00}


def of_november(*freed: Freed, seats: SeatGroups) -> Bill:
    """Return the bill of a site on which all of these seats are still free."""
    free = {PROFESSIONAL: {NOW.date(): 100}}
    return bill_of(a_summary(), seats, PRICES, Releases(freed, free), NOW)


def test_savings_stand_with_the_department_that_had_the_seat() -> None:
    seats = some_groups(("Sales", PROFESSIONAL, 3, 0), ("HR", PROFESSIONAL, 1, 0))
    begin = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    freed = [
        Freed(PROFESSIONAL, begin, 2, "SALES"),
        Freed(PROFESSIONAL, begin, 1, "Gone"),
        Freed(PROFESSIONAL, begin, 1, NO_DEPARTMENT),
        Freed(PROFESSIONAL, begin, 1),
    ]
    bill = of_november(*freed, seats=seats)

    told = {d.department: d for d in bill.departments}
    assert list(told) == ["Gone", "HR", "Sales", CAPACITY, NO_DEPARTMENT, NOT_KNOWN]
    assert (told["Sales"].savings, told[NOT_KNOWN].savings, bill.savings) == (70_00, 35_00, 175_00)
    each = told[NOT_KNOWN].saved
    assert each > 0
    assert abs(told["Sales"].saved - 2 * each) <= 1
    assert (told["Gone"].allocated, told["HR"].saved) == (0, 0)
    assert sum(d.saved for d in bill.departments) == bill.saved


def test_without_an_attribute_savings_are_of_nobody_in_particular() -> None:
    prices = replace(PRICES, attribute="")
    found = savings([Freed(PROFESSIONAL, days_ago(1), 2, "Sales")], {PROFESSIONAL: 5}, prices, NOW)

    assert list(found[PROFESSIONAL]) == [NO_DEPARTMENT]


def test_where_small_departments_stand_together_savings_do_too() -> None:
    seats = some_groups(("Sales", PROFESSIONAL, 3, 0), (OTHERS, PROFESSIONAL, 1, 0))
    freed = [Freed(PROFESSIONAL, days_ago(1), 1, "Small"), Freed(PROFESSIONAL, days_ago(1), 1)]
    bill = of_november(*freed, seats=seats)

    saved = {d.department for d in bill.departments if d.saved}
    assert saved == {OTHERS, NOT_KNOWN}
