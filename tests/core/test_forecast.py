"""When a pool runs dry, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from seatkeeper.core.forecast import HORIZON, LEAST_DAYS, SURE, Outset, forecast

TODAY = date(2026, 11, 24)


def days(*left: float) -> list[Outset]:
    """Return these numbers of free seats, the last of them today."""
    begin = TODAY - timedelta(days=len(left) - 1)
    return [Outset(begin + timedelta(days=n), value) for n, value in enumerate(left)]


def falling(by: float, count: int = 30, end: float = 10) -> list[Outset]:
    return days(*(end + by * (count - 1 - n) for n in range(count)))


def test_a_short_history_has_no_forecast() -> None:
    assert forecast(falling(1, LEAST_DAYS - 1)) is None
    assert forecast(falling(1, LEAST_DAYS)) is not None


def test_a_steady_fall_reaches_zero_on_its_day_and_is_sure_of_it() -> None:
    found = forecast(falling(0.5, end=10))

    assert found is not None
    assert found.per_day == pytest.approx(-0.5)
    assert found.dry_on == found.earliest == found.latest == TODAY + timedelta(days=20)


@pytest.mark.parametrize("by", [0, -0.3])
def test_a_pool_that_does_not_shrink_never_runs_dry(by: float) -> None:
    found = forecast(falling(by))

    assert found is not None
    assert found.dry_on is None


def test_what_lies_beyond_a_year_is_no_date() -> None:
    found = forecast(falling(0.1, end=0.1 * (HORIZON + 2)))

    assert found is not None
    assert found.dry_on is None


def test_a_release_is_no_trend() -> None:
    known = days(*range(40, 25, -1), *range(45, 30, -1))
    known[15] = replace(known[15], freed=20)
    found = forecast(known)

    assert found is not None
    assert found.per_day == pytest.approx(-1)
    assert found.dry_on == TODAY + timedelta(days=31)


def test_seats_that_were_bought_are_no_trend() -> None:
    known = [replace(d, total=100, left=d.left + 60) for d in falling(1)]
    known[:10] = [replace(d, total=40, left=d.left - 60) for d in known[:10]]
    found = forecast(known)

    assert found is not None
    assert found.per_day == pytest.approx(-1)


def test_an_unsteady_fall_has_bounds_on_both_sides() -> None:
    wobble = [60 - n + (n * 7919 % 23) / 2 for n in range(40)]
    found = forecast(days(*wobble))

    assert found is not None
    assert found.earliest is not None
    assert found.dry_on is not None
    assert found.latest is not None
    assert found.earliest < found.dry_on < found.latest


def test_an_empty_pool_is_dry_today() -> None:
    found = forecast(falling(0, end=0))

    assert found is not None
    assert found.dry_on == TODAY


def test_freed_seats_put_the_day_off() -> None:
    found = forecast(falling(0.5, end=10))

    assert found is not None
    assert found.after(20).dry_on == TODAY + timedelta(days=60)


def test_days_that_are_missing_change_nothing() -> None:
    known = falling(0.5, 40)
    found = forecast([day for n, day in enumerate(known) if n % 2 == 1])

    assert found is not None
    assert found.per_day == pytest.approx(-0.5)


def came_and_went(random: Random, some: float) -> int:
    """How many people come on a day on which `some` are expected (Poisson)."""
    count, waited = 0, random.expovariate(some)
    while waited < 1:
        count, waited = count + 1, waited + random.expovariate(some)
    return count


def a_life(random: Random, behind: int) -> tuple[list[Outset], int | None]:
    """Return the days behind a pool of which people take and leave seats, and when it was dry."""
    walk = [0]
    for _ in range(behind - 1):
        walk.append(walk[-1] - came_and_went(random, 1.2) + came_and_went(random, 0.6))
    known = days(*(30 + left - walk[-1] for left in walk))
    left = 30
    for ahead in range(1, HORIZON):
        left += came_and_went(random, 0.6) - came_and_went(random, 1.2)
        if left <= 0:
            return known, ahead
    return known, None


@pytest.mark.parametrize("behind", [LEAST_DAYS, 30, 60])
def test_the_dry_day_lies_between_the_bounds_as_often_as_they_say(behind: int) -> None:
    lives, random = 300, Random(behind)  # noqa: S311 - a seeded simulation
    held = 0
    for _ in range(lives):
        known, ahead = a_life(random, behind)
        found = forecast(known)
        assert found is not None
        dry = date.max if ahead is None else TODAY + timedelta(days=ahead)
        held += (found.earliest or date.max) <= dry <= (found.latest or date.max)

    assert held / lives == pytest.approx(SURE, abs=0.07)


def test_seats_that_leave_by_themselves_are_part_of_the_trend() -> None:
    # One is hired and one leaves each day: as many seats are left, and nothing was released.
    found = forecast(days(*[20] * 60))

    assert found is not None
    assert (found.per_day, found.dry_on) == (0, None)


def test_what_was_released_and_given_back_is_no_trend() -> None:
    known = days(*[20] * 10, *[30] * 10, *[22] * 10)
    known[10], known[20] = replace(known[10], freed=10), replace(known[20], freed=-8)
    found = forecast(known)

    assert found is not None
    assert found.per_day == 0


def test_seats_in_quarantine_and_in_excess_are_no_trend() -> None:
    known = [replace(d, left=0, coming=-5 - n / 2) for n, d in enumerate(days(*[0] * 30))]
    falling_behind_the_license = forecast(known)
    parked = [
        replace(d, freed=8, coming=8) if n == 15 else d for n, d in enumerate(days(*[9] * 30))
    ]
    parked[16:22] = [replace(d, coming=8) for d in parked[16:22]]
    parked[22:] = [replace(d, left=17) for d in parked[22:]]
    released_into_quarantine = forecast(parked)

    assert falling_behind_the_license is not None
    assert falling_behind_the_license.per_day == pytest.approx(-0.5)
    assert released_into_quarantine is not None
    assert released_into_quarantine.per_day == 0
