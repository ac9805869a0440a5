from __future__ import annotations

import pytest

from seatkeeper.cli.sparks import bar, thinned


def test_many_numbers_become_averages_that_end_with_the_newest() -> None:
    assert thinned([1, 2, 3, 4, 5, 6], 3) == [1.5, 3.5, 5.5]
    assert thinned([0, 1, 2, 3, 4], 2) == [0.5, 3.0]
    assert thinned([1, 2], 26) == [1, 2]
    assert thinned([], 5) == []
    assert len(thinned(list(range(180)), 26)) == 26


@pytest.mark.parametrize(("value", "drawn"), [(0, "░░░░"), (5, "██░░"), (10, "████"), (99, "████")])
def test_a_share_is_a_bar(value: float, drawn: str) -> None:
    assert bar(value, 10, 4) == drawn
    assert bar(value, 0, 4) == "░░░░"
