"""How long a name waits after wrong passwords."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import NOW
from seatkeeper.core.lockout import FORGOTTEN, MOST, failures_now, locked_until, wait_after


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (9, 480), (10, 900), (11, 900), (10**6, 900)],
)
def test_waiting_begins_with_the_fifth_and_doubles_to_a_quarter_of_an_hour(
    failures: int, seconds: int
) -> None:
    assert wait_after(failures) == timedelta(seconds=seconds)


def test_a_name_waits_from_its_last_failure_and_not_a_moment_longer() -> None:
    end = NOW + timedelta(seconds=30)

    assert locked_until(5, NOW, NOW) == end
    assert locked_until(5, NOW, end - timedelta(milliseconds=1)) == end
    assert locked_until(5, NOW, end) is None
    assert locked_until(0, None, NOW) is None


def test_a_day_without_a_try_begins_anew() -> None:
    assert failures_now(9, NOW, NOW + FORGOTTEN) == 0
    assert failures_now(9, NOW, NOW + FORGOTTEN - timedelta(seconds=1)) == 9


def test_nobody_can_keep_a_name_out_for_longer_than_the_longest_wait() -> None:
    assert max(wait_after(n) for n in range(2000)) == MOST
