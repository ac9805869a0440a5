from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatkeeper.core.durations import format_duration, format_share, parse_duration, parse_share


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("2w", timedelta(days=14)),
        (" 7 D ", timedelta(days=7)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "30", "d", "-5d", "1.5h", "30 days", "1d12h", "٣d", "1e3s", "30y", "999999999w", "9" * 12],
)
def test_a_duration_that_means_nothing_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="a length of time is"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=14), "14d"),
        (timedelta(hours=72), "3d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=61), "61s"),
        (timedelta(0), "0s"),
        (timedelta(days=-2), "-2d"),
    ],
)
def test_a_duration_is_shown_in_the_largest_unit_without_a_rest(
    length: timedelta, text: str
) -> None:
    assert format_duration(length) == text


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**9))
def test_every_duration_reads_back_as_it_was_shown(seconds: int) -> None:
    length = timedelta(seconds=seconds)

    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(
    ("value", "share"),
    [
        ("20%", 0.2),
        ("0.2", 0.2),
        (0.2, 0.2),
        ("1%", 0.01),
        ("1.5 %", 0.015),
        ("100%", 1.0),
        ("0", 0.0),
        (0, 0.0),
    ],
)
def test_a_share_is_percent_or_a_fraction_of_one(value: str | float, share: float) -> None:
    assert parse_share(value) == share


@pytest.mark.parametrize(
    "value",
    ["", "%", "twenty", "20", "1", 1, 1.0, 20, "101%", "-5%", "-0.1", "20,5%", "nan", "inf%", True],
)
def test_a_share_that_could_mean_two_things_or_none_is_refused(value: str | float) -> None:
    with pytest.raises(ValueError, match="a share"):
        parse_share(value)


@settings(deadline=None)
@given(st.floats(min_value=0, max_value=1))
def test_every_share_reads_back_as_it_was_shown(share: float) -> None:
    assert parse_share(format_share(share)) == share
