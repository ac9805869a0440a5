from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatkeeper.core.lookback import MeterDay, Series, series_of
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.sparkline import BARS, sparkline

PRO, ANALYZER = MeasuredType.PROFESSIONAL, MeasuredType.ANALYZER


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        pytest.param([0, 1, 2, 3, 4, 5, 6, 7], BARS, id="rising"),
        pytest.param([5, 5, 5], "▁▁▁", id="level"),
        pytest.param([1, None, 2], "▁ █", id="a day without a reading"),
        pytest.param([None, None], "  ", id="nothing known"),
        pytest.param([], "", id="no day"),
        pytest.param([-3, 0], "▁█", id="negative"),
    ],
)
def test_numbers_are_bars(values: list[float | None], drawn: str) -> None:
    assert sparkline(values, 60) == drawn


def test_small_changes_show_unless_a_least_is_given() -> None:
    assert sparkline([100, 101], 9) == "▁█"
    assert sparkline([100, 101], 9, least=0) == "██"
    assert sparkline([7, 7], 9, least=0) == "██"
    assert sparkline([0, 0], 9, least=0) == "▁▁"


def test_more_days_than_columns_share_them_and_each_shows_its_last() -> None:
    assert sparkline([0, 9, 0, 0, 5, 7], 3) == "█▁▆"


@given(
    st.lists(st.none() | st.floats(-1e12, 1e12), max_size=400),
    st.integers(1, 80),
)
def test_it_fits_whatever_the_numbers_are(values: list[float | None], width: int) -> None:
    drawn = sparkline(values, width)

    assert len(drawn) == min(width, len(values))
    assert set(drawn) <= {*BARS, " "}


def test_days_become_series_with_their_gaps() -> None:
    first, third = (MeterDay(date(2026, 11, n), PRO, "used", n, 0, 9) for n in (1, 3))
    other = MeterDay(date(2026, 11, 2), ANALYZER, "used", 5, 5, 5)

    found = series_of([third, other, first])

    assert found == (Series(PRO, "used", (first, third)), Series(ANALYZER, "used", (other,)))
    assert found[0].by_day(date(2026, 11, 1), date(2026, 11, 4)) == [1, None, 3, None]
