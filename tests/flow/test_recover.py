"""What a run that ended early left open is settled from a fresh reading; nothing is released."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import a_user
from fakes import Crash, Delete, fail_with
from flow_world import Hand, World, a_world, counted, idle_seats
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import Kind, StoredPlan
from seatkeeper.errors import NoAnswer
from seatkeeper.flow.recover import recover

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
    world.clock.advance(minutes=2)

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


@pytest.mark.parametrize("seconds", [0.0, 8.0, 74.0])
async def test_a_seat_still_held_is_unknown_while_its_delete_may_be_carried_out(
    seconds: float,
) -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.clock.advance(seconds=seconds)
    begun = world.clock.now()

    assert await world.recover() == []

    assert world.store.outcomes(stored.plan.plan_id) == dict.fromkeys(SEATS, Outcome.UNKNOWN)
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.PARTLY_APPLIED
    assert Kind.RELEASE_SETTLED not in world.store.kinds()
    assert world.clock.now() == begun, "nobody waits for it"


async def test_it_counts_as_released_and_can_be_given_back_until_it_is_settled() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    await world.recover()
    hand = world.process()

    released = await hand.records.plans.released(plan_id=stored.plan.plan_id)
    baseline = await hand.records.history.baseline("prod", "any", world.clock.now())

    assert len(released) == 3
    assert baseline.released_last_day == 3


async def test_a_seat_still_held_is_settled_once_the_time_out_of_the_site_is_over() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    await world.recover()
    world.clock.advance(seconds=75)

    await world.recover()

    assert world.store.outcomes(stored.plan.plan_id) == dict.fromkeys(SEATS, Outcome.REFUSED)
    assert world.store.kinds()[-3:] == [Kind.RELEASE_SETTLED] * 3


async def test_a_site_that_may_take_longer_to_answer_is_given_longer() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.clock.advance(seconds=75)
    hand = world.process()
    slow = replace(hand.site, timeout=timedelta(minutes=5))

    assert await recover(slow, hand.records, hand.run) == []


async def test_a_delete_that_lands_late_is_told_as_what_it_was() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _lands_late(world, stored)

    assert await world.recover() == []
    await asyncio.sleep(8.0)
    world.fake.latency = 0.0
    await world.recover()

    outcomes = world.store.outcomes(stored.plan.plan_id)
    assert outcomes[SEATS[0]] is Outcome.RELEASED
    released = await world.process().records.plans.released(plan_id=stored.plan.plan_id)
    assert SEATS[0] in {seat.allocation_id for seat in released}


async def _lands_late(world: World, stored: StoredPlan) -> None:
    """Let a process end with its first DELETE on the wire; it is carried out 8 s later."""
    hand = world.process(concurrency=1)
    world.fake.on("release", lambda: setattr(world.fake, "latency", 18.0), times=1)
    applying = asyncio.ensure_future(world.apply(stored, hand))
    await asyncio.sleep(1.0)
    hand.process.is_dead = True
    applying.cancel()
    with pytest.raises(Crash):
        await applying
    world.fake.latency = 0.0
    assert not world.fake.deleted


async def test_no_later_plan_releases_a_seat_whose_release_is_not_settled() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _lands_late(world, stored)
    await world.recover()
    following = await world.plan()
    assert len(following.plan.actions) == 3

    result = await world.apply(following)

    assert counted(result) == {"not_attempted": 3}
    assert "not settled yet" in result.outcomes[0].detail
    await asyncio.sleep(10.0)
    assert [allocation_id for _, allocation_id in world.fake.deleted] == [SEATS[0]]


async def test_seats_nobody_asked_for_go_beside_those_that_are_not_settled() -> None:
    world = a_world(3)
    world.fake.latency = 0.01
    stored = await world.plan()
    world.fake.deletes[SEATS[1]] = Delete.SWALLOWED
    await world.apply(stored)
    world.fake.deletes.clear()
    more = idle_seats(5)[3:]
    world.fake.seats |= {s.id: s for s in more}
    world.fake.users |= {str(s.user_id): a_user(s.holder) for s in more}

    result = await world.apply(await world.plan())

    assert counted(result) == {"released": 2, "not_attempted": 1}


async def test_a_later_plan_releases_it_once_it_is_settled() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    await world.recover()
    world.clock.advance(seconds=75)
    await world.recover()

    assert counted(await world.apply(await world.plan())) == {"released": 3}


async def test_an_unknown_outcome_is_not_refused_by_a_run_that_follows_at_once() -> None:
    world = a_world(3)
    stored = await world.plan()
    world.fake.deletes[SEATS[0]] = Delete.SWALLOWED
    await world.apply(stored)
    ledger = list(world.store.ledger)

    assert await world.recover() == []

    assert world.store.outcomes(stored.plan.plan_id)[SEATS[0]] is Outcome.UNKNOWN
    assert world.store.ledger == ledger


async def test_a_clock_set_back_proves_nothing_and_keeps_nobody_waiting() -> None:
    world = a_world(3)
    stored = await world.plan()
    await _crash_at(world, stored, "release")
    world.clock.advance(days=-1)
    begun = world.clock.now()

    assert await world.recover() == []

    assert world.clock.now() == begun


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
    world.clock.advance(minutes=2)

    await world.recover()

    kinds = world.store.kinds()
    assert kinds.count(Kind.RELEASE_SETTLED) == 3
    assert Kind.RELEASE_OUTCOME not in kinds
