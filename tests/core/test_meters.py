from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_pool
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.meters import Meter, MonthReading, meters, minutes_between
from seatkeeper.core.model import Capacity, Overview, TokenAccess, Tokens

MONTH = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_every_number_of_every_type_is_a_meter() -> None:
    overview = Overview(
        pools=(a_pool(allocated=5),),
        capacity=Capacity(
            enabled=True, allocated_minutes=1000, used_minutes=30, unavailable_minutes=6
        ),
        tokens_enabled=True,
        tokens=Tokens(
            total=10,
            available=4,
            user=TokenAccess(enabled=True, cost=1, allocated=5, used=3, quarantined=1),
            login=TokenAccess(enabled=False, cost=0.1, allocated=0, used=0),
        ),
    )

    found = {(m.license_type, m.name): m.value for m in meters(overview)}

    assert found[MeasuredType.PROFESSIONAL, "available"] == 10
    assert found[MeasuredType.ANALYZER_CAPACITY, "used"] == 30
    assert found[MeasuredType.TOKENS_AVAILABLE, "available"] == 4
    assert found[MeasuredType.TOKEN_USER, "quarantined"] == 1
    assert {t for t, _ in found} == set(MeasuredType) - {
        MeasuredType.ANALYZER,
        MeasuredType.TOKEN_LOGIN,
    }


def test_what_is_off_or_not_told_is_no_meter() -> None:
    off = Capacity(enabled=False, allocated_minutes=0, used_minutes=0, unavailable_minutes=0)

    assert meters(Overview(pools=(a_pool(enabled=False),), capacity=off)) == []
    assert Meter(MeasuredType.PROFESSIONAL, "excess", 0) in meters(Overview(pools=(a_pool(),)))


@pytest.mark.parametrize(
    ("before", "used", "after", "now", "day", "minutes"),
    [
        pytest.param(MONTH + 5 * DAY, 60, MONTH + 6 * DAY, 90, 6, 30, id="a day"),
        pytest.param(MONTH + 51 * HOUR, 60, MONTH + 75 * HOUR, 90, 3, 30, id="the middle"),
        pytest.param(MONTH - 2 * HOUR, 900, MONTH + 20 * HOUR, 48, 1, 48, id="a new month"),
        pytest.param(MONTH - 2 * HOUR, 900, MONTH + HOUR, 912, 31, 12, id="not yet there"),
        pytest.param(MONTH + HOUR, 912, MONTH + 9 * HOUR, 18, 1, 18, id="reset later than UTC"),
        pytest.param(MONTH - 9 * HOUR, 912, MONTH - 3 * HOUR, 18, 31, 18, id="reset earlier"),
        pytest.param(MONTH - 9 * HOUR, 10, MONTH + 3 * DAY, 18, 2, 18, id="more than before"),
    ],
)
def test_minutes_of_a_day(
    before: datetime, used: float, after: datetime, now: float, day: int, minutes: float
) -> None:
    counted = minutes_between(MonthReading(before, used), MonthReading(after, now))

    assert counted == (date(2026, 11 if day < 31 else 10, day), minutes)


@pytest.mark.parametrize(
    ("before", "used", "after", "now", "most", "minutes"),
    [
        pytest.param(9 * DAY, 5010, 9 * DAY + HOUR, 5004, 5010, 0, id="corrected"),
        pytest.param(9 * DAY, 5004, 9 * DAY + HOUR, 5010, 5010, 0, id="as before"),
        pytest.param(9 * DAY, 5004, 9 * DAY + HOUR, 5016, 5010, 6, id="more than before"),
        pytest.param(9 * DAY, 5010, 9 * DAY + HOUR, 0, 5010, 0, id="the service starts"),
        pytest.param(9 * DAY, 0, 9 * DAY + HOUR, 5010, 5010, 0, id="it has started"),
        pytest.param(13 * HOUR, 900, 20 * HOUR, 6, 0, 6, id="reset late"),
        pytest.param(30 * DAY - 13 * HOUR, 12, 30 * DAY - HOUR, 24, 5010, 12, id="reset early"),
    ],
)
def test_fewer_minutes_begin_a_month_only_where_months_turn(
    before: timedelta, used: float, after: timedelta, now: float, most: float, minutes: float
) -> None:
    readings = MonthReading(MONTH + before, used), MonthReading(MONTH + after, now)

    assert minutes_between(*readings, most)[1] == minutes


@given(st.lists(st.integers(0, 50), min_size=24 * 40, max_size=24 * 40))
def test_hourly_readings_lose_no_minute_but_those_around_a_reset(spent: list[int]) -> None:
    """Over a change of the month at UTC midnight, nothing but the hour of the change is lost."""
    start = MONTH - 20 * DAY
    before, total, lost, used = MonthReading(start, 0), 0.0, 0, 0
    for hour, minutes in enumerate(spent, start=1):
        at = start + hour * HOUR
        used += minutes
        if at == MONTH:
            lost, used = minutes, 0
        total += minutes_between(before, MonthReading(at, used))[1]
        before = MonthReading(at, used)

    assert total == sum(spent) - lost
