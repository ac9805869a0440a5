from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from builders import NOW, a_pool, a_snapshot
from seatkeeper.core.retention import Retention
from seatkeeper.flow.ports import Observed
from seatkeeper.store import open_store
from seatkeeper.wiring.upkeep import DailyPruning

DAY = timedelta(days=1)


async def test_the_first_cycle_of_a_day_prunes(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    follower = DailyPruning(store, Retention(raw=7 * DAY, daily=31 * DAY))

    async def cycle(days: int) -> int:
        now = NOW + days * DAY
        snapshot = a_snapshot([], pools=[a_pool()], now=now)
        await store.history.observe(snapshot)
        await follower.follow(Observed(snapshot, cast("Any", None), cast("Any", None), now))
        return len({day.day for day in await store.past.pool_days("prod", NOW.date())})

    assert [await cycle(days) for days in (0, 10, 20, 31, 32)] == [1, 2, 3, 4, 4]
    store.close()
