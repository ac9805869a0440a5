"""When a pool runs dry, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from seatkeeper.core.forecast import HORIZON, LEAST_DAYS, Outset, forecast

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
