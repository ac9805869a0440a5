"""What a run that ended early left open is settled from a fresh reading; nothing is released."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from fakes import Crash, Delete, fail_with
from flow_world import Hand, World, a_world, idle_seats
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import Kind, StoredPlan
from seatkeeper.errors import NoAnswer

SEATS = [seat.id for seat in idle_seats(3)]


async def _crash_at(world: World, stored: StoredPlan, step: str, nth: int = 1) -> Hand:
    """Apply a plan in a process that ends at the nth step of this name."""
    probe = a_world(3)
    first = await probe.plan()
    watched = probe.process(concurrency=1)
    await probe.apply(first, watched)
    places = [n for n, name in enumerate(watched.process.steps) if name == step]
    hand = world.process(crash_at=places[nth - 1], concurrency=1)
    with pytest.raises(Crash):
        await world.apply(stored, hand)
    return hand


async def test_a_seat_that_is_gone_was_released() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release answered")

    settled = await world.recover()

    outcomes = {o.allocation_id: o.outcome for o in settled}
    assert outcomes == {
        SEATS[0]: Outcome.RELEASED,
        SEATS[1]: Outcome.NOT_ATTEMPTED,
        SEATS[2]: Outcome.NOT_ATTEMPTED,
    }


async def test_a_seat_in_quarantine_is_quarantined() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.fake.change_seat(SEATS[0], quarantined=True)

    settled = await world.recover()

    assert settled[0].outcome is Outcome.QUARANTINED
    assert settled[0].detail == "settled by a fresh reading"


async def test_a_quarantined_seat_of_somebody_active_is_named_for_undo() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.fake.use(SEATS[0])
    world.fake.remove(SEATS[0])

    settled = await world.recover()

    assert f"seatkeeper undo --plan {stored.plan.plan_id}" in settled[0].detail
    assert not world.fake.posted


async def test_the_plan_is_closed_as_partly_applied_and_every_action_has_an_outcome() -> None:
    world = a_world(60)
    stored = await world.plan()
    hand = world.process(crash_at=90)
    with pytest.raises(Crash):
        await world.apply(stored, hand)

    await world.recover()

    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.PARTLY_APPLIED
    assert set(world.store.outcomes(stored.plan.plan_id)) == {
        a.allocation_id for a in stored.plan.actions
    }


async def test_what_was_left_undone_returns_in_the_next_plan() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release answered")
    await world.recover()

    following = await world.plan(approved=False)

    assert [a.allocation_id for a in following.plan.actions] == SEATS[1:]


async def test_recover_never_sends_a_delete_or_a_post() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release answered")
    before = len(world.fake.deleted)

    await world.recover()

    assert len(world.fake.deleted) == before
    assert not world.fake.posted


async def test_it_waits_until_nothing_can_be_on_the_wire_any_more() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    intent = next(iter(world.store.intents.values()))

    await world.recover()

    assert world.clock.now() - intent.at == timedelta(seconds=5)


async def test_a_delete_that_lands_after_the_crash_is_not_taken_for_unsent() -> None:
    world = a_world(3)
    stored = await world.plan()
    hand = world.process(concurrency=1)
    world.fake.on("release", lambda: setattr(world.fake, "latency", 6.0), times=1)
    applying = asyncio.ensure_future(world.apply(stored, hand))
    await asyncio.sleep(1.0)
    hand.process.is_dead = True
    applying.cancel()
    with pytest.raises(Crash):
        await applying
    assert not world.fake.deleted
    world.fake.latency = 0.0

    await world.recover()

    assert world.store.outcomes(stored.plan.plan_id)[SEATS[0]] is Outcome.RELEASED


async def test_an_old_unknown_seat_does_not_shorten_the_wait_for_a_new_intent() -> None:
    world = a_world(3)
    stored = await world.plan()
    world.fake.deletes[SEATS[0]] = Delete.SWALLOWED
    await world.apply(stored)
    world.clock.advance(days=1)
    world.fake.seats |= {s.id: s for s in idle_seats(3)}
    following = await world.plan()
    await _crash_at(world, following, "release")
    newest = max(intent.at for intent in world.store.intents.values())

    await world.recover()

    assert world.clock.now() - newest == timedelta(seconds=5)


async def test_old_intents_are_settled_without_waiting() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.clock.advance(minutes=1)
    begun = world.clock.now()

    await world.recover()

    assert world.clock.now() == begun


async def test_a_clock_set_back_does_not_make_it_wait_for_ever() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.clock.advance(days=-1)
    begun = world.clock.now()

    await world.recover()

    assert world.clock.now() - begun == timedelta(seconds=5)


async def test_a_site_that_cannot_be_read_leaves_everything_open() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release answered")
    world.fake.on("allocations_by_id", fail_with(NoAnswer("down")))

    with pytest.raises(NoAnswer):
        await world.recover()

    assert not world.store.outcomes(stored.plan.plan_id)
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPLYING


async def test_recovering_twice_changes_nothing() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release answered")
    await world.recover()
    ledger = list(world.store.ledger)

    assert await world.recover() == []

    assert world.store.ledger == ledger


async def test_with_nothing_open_the_site_is_not_even_asked() -> None:
    world = a_world(3)
    await world.plan()
    asked = world.fake.asked

    await world.recover()

    assert world.fake.asked == asked


async def test_a_plan_claimed_but_not_begun_is_closed() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "start done")

    await world.recover()

    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.PARTLY_APPLIED
    assert set(world.store.outcomes(stored.plan.plan_id).values()) == {Outcome.NOT_ATTEMPTED}


async def test_what_is_settled_later_is_told_apart_in_the_ledger() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release answered")

    await world.recover()

    kinds = world.store.kinds()
    assert kinds.count(Kind.RELEASE_SETTLED) == 3
    assert Kind.RELEASE_OUTCOME not in kinds
