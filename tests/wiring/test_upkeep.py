from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from builders import NOW, a_pool, a_snapshot
from seatkeeper.core.retention import Retention
from seatkeeper.errors import LedgerBroken
from seatkeeper.flow.ports import Observed
from seatkeeper.store import open_store
from seatkeeper.wiring.upkeep import DailyPruning, DailyVerifying
from stored import an_entry

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


async def test_the_first_cycle_of_a_day_verifies_the_ledger_and_keeps_what_came_of_it(
    tmp_path: Path,
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    follower = DailyVerifying(store)

    async def cycle(hours: float) -> datetime:
        await follower.follow(observed(NOW + timedelta(hours=hours)))
        check = (await store.ledger.state()).check
        assert check is not None
        assert check.by == "the schedule"
        return check.at

    done = [await cycle(hours) for hours in (0, 12, 24, 25)]

    assert [(at - NOW) / timedelta(hours=1) for at in done] == [0, 0, 24, 24]
    store.close()


async def test_a_broken_ledger_is_told_at_every_cycle(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    await store.ledger.append(an_entry())
    with store.ledger._db.writing() as conn:
        conn.exec_driver_sql("DROP TRIGGER ledger_no_update")
        conn.exec_driver_sql("UPDATE ledger SET why = 'nothing'")

    for hours in (0, 1):
        with pytest.raises(LedgerBroken, match="record 1 was changed"):
            await DailyVerifying(store).follow(observed(NOW + timedelta(hours=hours)))
    store.close()


def observed(now: datetime) -> Observed:
    """Return what a cycle observed, as far as upkeep looks at it."""
    snapshot = a_snapshot([], pools=[a_pool()], now=now)
    return Observed(snapshot, cast("Any", None), cast("Any", None), now)
