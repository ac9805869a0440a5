"""Seats by how long nobody used them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from seatkeeper.core.idle_bands import EDGES, IdleBand, IdleBands
from seatkeeper.core.summary import IdleBucket


@pytest.mark.parametrize("edge", EDGES)
def test_the_edges_are_those_of_the_buckets_of_metrics(edge: int) -> None:
    moment = timedelta(seconds=1)

    assert IdleBucket.of(timedelta(days=edge)) is not IdleBucket.of(timedelta(days=edge) - moment)


def test_counts_of_several_sites_add_up_band_by_band() -> None:
    found = IdleBands.of([(0, 5, 1), (4, 3, 3), (-1, 2, 0), (0, 1, 0)])

    assert found.bands[0] == IdleBand(0, 7, seats=6, never=1)
    assert found.bands[-1] == IdleBand(180, None, seats=3, never=3)
    assert (found.unclear, found.never, found.most) == (2, 4, 6)


def test_a_band_says_which_days_it_means() -> None:
    bands = IdleBands.of([]).bands

    assert [band.short for band in bands] == [
        "0\u20136",
        "7\u201329",
        "30\u201389",
        "90\u2013179",
        "180+",
    ]
    assert [bands[n].words for n in (0, 2, 4)] == [
        "0 to 6 days",
        "30 to 89 days",
        "180 days and more",
    ]
