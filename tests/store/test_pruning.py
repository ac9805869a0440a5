from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from builders import ANNA, NOW, PROFESSIONAL, a_pool, a_snapshot, a_user, an_allocation
from seatkeeper.core.changes import By, ChangeCounts, ChangeKind
from seatkeeper.core.lookback import UserQuery
from seatkeeper.core.model import Capacity, Overview, Snapshot
from seatkeeper.core.retention import Retention
from seatkeeper.store import Store
from seatkeeper.store.pruning import Pruning
from seatkeeper.store.tables import LEDGER, PLAN, PLAN_ACTION
from seatkeeper.store.watch_tables import (
    ACTIVE_DAY,
    ACTIVITY_MONTH,
    CAPACITY_DAY,
    HOLDER,
    LAST_USE,
    LICENSE_CHANGE,
    METER_SAMPLE,
    POOL_DAY,
    POOL_SAMPLE,
    SEAT,
    SEAT_EVENT,
)
from stored import a_plan, an_action, applied

DAY = timedelta(days=1)
SHORT = Retention(raw=10 * DAY, daily=40 * DAY)
BOB = r"EXAMPLE\bob"


def a_reading(day: int, *held: str) -> Snapshot:
    """A reading on which these people hold a seat and used it an hour before."""
    now = NOW + day * DAY
    seats = [an_allocation(p, last_used=now - timedelta(hours=1)) for p in held]
    snapshot = a_snapshot(seats, [a_user(ANNA), a_user(BOB)], now=now)
    capacity = Capacity(True, 1000, day % 28 * 6, 0)
    return replace(snapshot, overview=Overview((a_pool(allocated=len(seats)),), capacity))


def sizes(store: Store) -> dict[str, int]:
    """How many rows each table of the history has."""
    tables = (
        ACTIVE_DAY,
        ACTIVITY_MONTH,
        CAPACITY_DAY,
        HOLDER,
        LAST_USE,
        LICENSE_CHANGE,
        METER_SAMPLE,
        POOL_DAY,
        POOL_SAMPLE,
        SEAT,
        SEAT_EVENT,
    )
    with store.ledger._db.reading() as conn:
        return {
            t.name: conn.execute(sa.select(sa.func.count()).select_from(t)).scalar_one()
            for t in tables
        }


@pytest.fixture
async def filled(store: Store) -> Store:
    """A hundred days, ten of them read: Anna all the time, Bob until day 20."""
    for day in range(0, 100, 11):
        reading = a_reading(day, *((ANNA, BOB) if day < 20 else (ANNA,)))
        await store.history.observe(reading)
        await store.activity.observe(reading, reading.taken_at)
    return store


async def test_what_is_older_than_the_retention_goes_and_nothing_else(filled: Store) -> None:
    now = NOW + 99 * DAY
    before = sizes(filled)
    foretold = await filled.pruning.count(SHORT, now)
    assert sizes(filled) == before

    pruned = await filled.pruning.prune(SHORT, now)

    # Bob's events hold his name for as long as they are kept; then both go at once.
    assert (pruned.rows | {"users": 0}) == (foretold.rows | {"users": 0})
    assert not pruned.left
    after = sizes(filled)
    assert (after["pool_sample"], after["meter_sample"]) == (1, 3)
    assert after["pool_day"] == 4 * 9
    assert after["active_day"] == 4
    assert (after["activity_month"], after["seat_event"]) == (3, 0)
    assert after["license_change"] == before["license_change"] == 1
    assert (after["holder"], after["last_use"], after["seat"]) == (1, 1, 1)
    assert [u.user for u in await filled.past.users(UserQuery(former=True), now)] == [ANNA]
    last = await filled.history.last_reading("prod")
    assert last is not None
    assert last.pools


async def test_ledger_plans_and_releases_stay(filled: Store) -> None:
    await applied(filled, a_plan())

    await filled.pruning.prune(Retention(7 * DAY, 31 * DAY), NOW + 4000 * DAY)

    with filled.ledger._db.reading() as conn:
        for table in (LEDGER, PLAN, PLAN_ACTION):
            assert conn.execute(sa.select(table)).first() is not None
    assert (await filled.ledger.verify()).head.seq > 0


async def test_a_return_is_told_once_however_short_days_are_kept(store: Store) -> None:
    """And the release behind it stays no saving, as long as a saving would count."""

    async def observed(day: int, *ids: str) -> ChangeCounts:
        seats = [an_allocation(id=i, created=NOW + (day - 2) * DAY) for i in ids]
        snapshot = a_snapshot(seats, [a_user(ANNA)], now=NOW + day * DAY)
        return await store.activity.observe(snapshot, snapshot.taken_at)

    await observed(0, "old")
    await applied(store, a_plan(an_action(ANNA, allocation_id="old"), at=NOW + DAY / 24))
    await observed(1)
    assert (ChangeKind.CAME_BACK, By.SOMEBODY, PROFESSIONAL) in await observed(2, "new")

    for day in (40, 75, 360):
        await store.pruning.prune(Retention(7 * DAY, 31 * DAY), NOW + day * DAY)
        assert await observed(day, "new") == {}
        assert await store.costs.freed("prod", NOW + day * DAY) == []

    await store.pruning.prune(Retention(7 * DAY, 31 * DAY), NOW + 403 * DAY)
    assert await observed(403, "new") == {}
    assert sizes(store)["seat_event"] == 0


async def test_the_newest_reading_and_seats_that_are_held_stay_however_old(filled: Store) -> None:
    await filled.pruning.prune(SHORT, NOW + 4000 * DAY)

    last = await filled.history.last_reading("prod")
    assert last is not None
    assert [p.allocated for p in last.pools] == [1]
    assert sizes(filled)["seat"] == sizes(filled)["last_use"] == sizes(filled)["holder"] == 1


async def test_it_is_done_once_a_day(filled: Store) -> None:
    now = NOW + 99 * DAY
    first = await filled.pruning.prune_daily(SHORT, now)
    assert first is not None
    assert first.total > 0

    assert await filled.pruning.prune_daily(SHORT, now + DAY / 2) is None
    again = await filled.pruning.prune_daily(SHORT, now + 8 * DAY)
    assert again is not None
    assert again.total > 0


async def test_a_clock_that_was_ahead_does_not_stop_it(filled: Store) -> None:
    assert await filled.pruning.prune_daily(SHORT, NOW + 4000 * DAY) is not None

    assert await filled.pruning.prune_daily(SHORT, NOW + 99 * DAY) is not None
    assert await filled.pruning.prune_daily(SHORT, NOW + 99 * DAY) is None


async def test_one_turn_takes_so_much(filled: Store) -> None:
    little = Pruning(filled.ledger._db, batch=5, turn=2)

    pruned = await little.prune(SHORT, NOW + 99 * DAY)

    assert pruned.left
    assert pruned.rows["readings"] == 9 + 10


async def test_an_empty_store_has_nothing_to_prune(store: Store) -> None:
    assert (await store.pruning.prune(Retention(), NOW)).total == 0
    assert (await store.pruning.count(Retention(), NOW)).total == 0
