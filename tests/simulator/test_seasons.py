from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from seatkeeper.simulator.founding import found_site
from seatkeeper.simulator.moments import DAY, NEVER, to_datetime, to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.rows import Habit, User
from seatkeeper.simulator.seasons import is_holiday, last_visit, visits

END = to_ms(datetime(2026, 12, 31, 12, tzinfo=UTC))
YEAR = END - 364 * DAY


@pytest.fixture(scope="module")
def people() -> list[User]:
    made = found_site(SimOptions(Path("unused"), users=1500, seed=3, now=to_datetime(END)))
    return [user for user in made.users.values() if user.created < YEAR]


@pytest.fixture(scope="module")
def days(people: list[User]) -> Counter[date]:
    """How many were there on each day of the year."""
    moments = [moment for user in people for moment in visits(user, YEAR, END)]
    return Counter(to_datetime(moment).date() for moment in moments)


def a_week(days: Counter[date], monday: date) -> int:
    return sum(days[monday + timedelta(days=n)] for n in range(7))


def of(people: list[User], habit: Habit) -> list[User]:
    return [user for user in people if user.habit is habit]


def test_weekends_and_holidays_are_quiet(days: Counter[date]) -> None:
    ordinary = days[date(2026, 5, 6)]

    assert days[date(2026, 5, 9)] < ordinary / 10
    assert days[date(2026, 5, 1)] < ordinary / 10
    assert days[date(2026, 12, 25)] < ordinary / 20


def test_summer_is_quieter_and_quarter_ends_are_busier(days: Counter[date]) -> None:
    ordinary = a_week(days, date(2026, 4, 20))

    assert a_week(days, date(2026, 7, 27)) < 0.8 * ordinary
    assert a_week(days, date(2026, 9, 28)) > 1.15 * ordinary
    assert a_week(days, date(2026, 12, 28)) < 0.25 * ordinary


def test_quarterly_people_come_around_the_ends_of_quarters(people: list[User]) -> None:
    for user in of(people, Habit.QUARTERLY):
        for moment in visits(user, YEAR, END):
            day = to_datetime(moment)
            assert day.month in {1, 3, 4, 6, 7, 9, 10, 12}, day
            assert day.day >= 20 or day.day <= 14, day


def test_seasonal_people_come_for_months_and_stay_away_for_longer(people: list[User]) -> None:
    seasonal = of(people, Habit.SEASONAL)
    months = [
        {to_datetime(moment).month for moment in visits(user, YEAR, END)} for user in seasonal
    ]

    assert len(seasonal) > 20
    assert all(len(found) <= 5 for found in months)
    assert sum(len(found) >= 3 for found in months) > len(seasonal) / 2


def test_some_are_away_for_months_and_come_back(people: list[User]) -> None:
    longest = []
    for user in of(people, Habit.DAILY):
        moments = visits(user, YEAR, END)
        gaps = pairwise(moments)
        longest.append(max((later - earlier for earlier, later in gaps), default=0))

    share = sum(gap > 70 * DAY for gap in longest) / len(longest)
    assert 0.01 < share < 0.1


def test_the_last_visit_is_the_last_of_all(people: list[User]) -> None:
    for user in people[:300]:
        found = visits(user, YEAR, END)
        if found:
            assert last_visit(user, END, YEAR) == found[-1]
            assert last_visit(user, found[-1] - 1, YEAR) == (found[-2] if len(found) > 1 else NEVER)


def test_a_year_in_one_stretch_is_the_year_day_by_day(people: list[User]) -> None:
    for user in people[:200]:
        by_day = [
            moment
            for start in range(YEAR, END, DAY)
            for moment in visits(user, start, min(start + DAY, END))
        ]
        assert by_day == visits(user, YEAR, END)


@pytest.mark.parametrize(
    "day", [date(2024, 4, 1), date(2025, 4, 18), date(2026, 4, 6), date(2027, 3, 26)]
)
def test_easter_moves(day: date) -> None:
    assert is_holiday(day)
    assert not is_holiday(day + timedelta(days=8))
