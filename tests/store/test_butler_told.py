"""Butler's events: once a period for each who wants them, from the first reading on."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from builders import NOW, a_policy, a_snapshot, a_summary, facts_of
from fake_outbox import FakeOutbox
from seatkeeper.core.channel import ButlerSends
from seatkeeper.core.outbox import OutboxState
from seatkeeper.flow.butler import ButlerKeeper, ButlerTarget
from seatkeeper.flow.ports import Observed
from seatkeeper.store import open_store

MONTH = timedelta(days=30)


def a_target(name: str) -> ButlerTarget:
    return ButlerTarget(name=name, sends=ButlerSends.STATUS, threshold_days=60, every=MONTH)


def observed(at: datetime) -> Observed:
    snapshot = a_snapshot()
    return Observed(snapshot, facts_of(snapshot, a_policy()), a_summary(at=at), at)


async def test_a_channel_that_comes_later_is_told_at_once_and_then_once_a_period(
    tmp_path: Path,
) -> None:
    store, outbox = open_store(f"sqlite:///{tmp_path}/store.db", command="test"), FakeOutbox()
    old, new = a_target("alert:old"), a_target("alert:new")

    await ButlerKeeper((old,), outbox, store.told).follow(observed(NOW))
    for hours in (1, 2):
        at = NOW + timedelta(hours=hours)
        await ButlerKeeper((old, new), outbox, store.told).follow(observed(at))
    first = await outbox.depth()
    await ButlerKeeper((old, new), outbox, store.told).follow(observed(NOW + MONTH))
    store.close()

    waiting = OutboxState.WAITING
    assert first == {("alert:old", waiting): 1, ("alert:new", waiting): 1}
    assert await outbox.depth() == {("alert:old", waiting): 2, ("alert:new", waiting): 2}


async def test_what_a_clock_ahead_told_does_not_silence_a_year(tmp_path: Path) -> None:
    store, outbox = open_store(f"sqlite:///{tmp_path}/store.db", command="test"), FakeOutbox()
    keeper = ButlerKeeper((a_target("alert:old"),), outbox, store.told)

    for ahead in (timedelta(days=365), timedelta(0), timedelta(hours=1)):
        await keeper.follow(observed(NOW + ahead))
    store.close()

    assert await outbox.depth() == {("alert:old", OutboxState.WAITING): 2}
