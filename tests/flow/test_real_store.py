"""The same flow on a real store: what the fakes promise, SQLite keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import Crash, FakeGranter
from flow_world import Hand, World, a_world, counted
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import StoredPlan
from seatkeeper.flow.apply import apply_plan
from seatkeeper.flow.approve import Approval, approve
from seatkeeper.flow.context import Records
from seatkeeper.flow.propose import propose
from seatkeeper.flow.recover import recover
from seatkeeper.flow.undo import GiveBack, Granting, undo
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.readers import records_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(f"sqlite:///{tmp_path}/seatkeeper.db", command="test")
    yield opened
    opened.close()


async def _approved(world: World, store: Store) -> tuple[Records, StoredPlan]:
    records = records_of(store)
    hand = world.process()
    now = world.clock.now()
    plan = await propose(hand.site, [], records, hand.run, now)
    approval = Approval(hand.run.actor)
    world.clock.advance(seconds=1)
    now = world.clock.now()
    stored = await approve(plan.plan.plan_id, hand.site, records, approval, now)
    return records, stored


async def _holding(
    world: World, store: Store, records: Records, act: Callable[[Hand], Awaitable[object]]
) -> None:
    """Do something under a real lease."""
    hand = world.process()
    async with store.leases.holding("prod", "apply", world.clock.now()) as held:
        granter = FakeGranter(world.fake, hand.process)
        give_back = GiveBack(hand.site, records, hand.run, granter, held)
        hand.hands = replace(hand.hands, held=held, give_back=give_back)
        hand.granting = Granting(granter, held, "undo")
        await act(hand)


def test_seats_that_went_stale_are_meant_again_and_go(store: Store) -> None:
    async def story() -> None:
        world = a_world(8)
        records, stored = await _approved(world, store)
        world.fake.on("release", lambda: world.clock.advance(seconds=10), nth=3, times=1)

        async def act(hand: Hand) -> None:
            result = await apply_plan(stored, hand.site, [], records, hand.run, hand.hands)
            assert counted(result) == {"released": 8}

        await _holding(world, store, records, act)
        assert world.fake.calls["users_by_id"] > 1
        loaded = await records.plans.load(stored.plan.plan_id, world.clock.now())
        assert loaded.status is PlanStatus.APPLIED

    asyncio.run(story())


def test_a_freeze_in_the_middle_stops_the_intents(store: Store) -> None:
    async def story() -> None:
        world = a_world(50)
        records, stored = await _approved(world, store)

        async def freeze() -> None:
            actor = world.process().run.actor
            await store.control.freeze(actor, "audit", world.clock.now())

        async def act(hand: Hand) -> None:
            world.fake.on("users_by_id", freeze, nth=2, times=1)
            result = await apply_plan(stored, hand.site, [], records, hand.run, hand.hands)
            assert counted(result) == {"released": 8, "not_attempted": 42}
            assert "frozen by Jane Doe" in result.stopped

        await _holding(world, store, records, act)
        assert len(world.fake.deleted) == 8

    asyncio.run(story())


@pytest.mark.parametrize("crash_at", [4, 9, 12, 15, 17])
def test_a_crash_is_recovered_from_and_everything_given_back(store: Store, crash_at: int) -> None:
    async def story() -> None:
        world = a_world(6)
        records, stored = await _approved(world, store)

        async def crash(hand: Hand) -> None:
            hand.process.crash_at = len(hand.process.steps) + crash_at
            with pytest.raises(Crash):
                await apply_plan(stored, hand.site, [], records, hand.run, hand.hands)

        async def settle(hand: Hand) -> None:
            world.clock.advance(minutes=2)
            await recover(hand.site, records, hand.run)
            outcomes = await records.plans.outcomes(stored.plan.plan_id)
            assert len(outcomes) == 6
            for told in outcomes:
                gone = told.allocation_id not in world.fake.seats
                assert (told.outcome is Outcome.RELEASED) is gone
            seats = await records.plans.released(plan_id=stored.plan.plan_id)
            results = await undo(seats, hand.site, records, hand.run, hand.granting)
            assert {r.outcome.value for r in results} <= {"restored"}
            assert len(results) == len(world.fake.deleted)

        await _holding(world, store, records, crash)
        await _holding(world, store, records, settle)

    asyncio.run(story())
