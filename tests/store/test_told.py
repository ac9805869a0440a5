from __future__ import annotations

from datetime import timedelta

from seatkeeper.core.retention import Retention
from seatkeeper.store import Store
from stored import NOW, later


async def test_the_last_reading_whose_points_were_put_is_known_for_each_site(store: Store) -> None:
    for at in (NOW, later(30 * 24), later(1)):  # a clock was ahead in between
        await store.told.note("prod", at)
    await store.told.note("test", later(2))

    assert await store.told.until("prod") == later(1)
    assert await store.told.until("test") == later(2)
    assert await store.told.until("other") is None


async def test_pruning_forgets_nothing_of_it(store: Store) -> None:
    await store.told.note("prod", NOW)
    await store.pruning.prune_daily(Retention(), NOW + timedelta(days=4000))

    assert await store.told.until("prod") == NOW
