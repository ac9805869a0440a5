"""What the site says no to, says nothing to, or only says it did (design rules 21 and 22)."""

from __future__ import annotations

import asyncio

import pytest

from builders import days_ago
from fakes import Delete, fail_with
from flow_world import World, a_world, counted, details, idle_seats
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import Kind
from seatkeeper.errors import NoAnswer

SEATS = [seat.id for seat in idle_seats(100)]


def _planned(world: World) -> list[str]:
    """Return the allocations in the order of the plan."""
    plan = next(reversed(world.store.plans.values())).plan
    return [a.allocation_id for a in plan.actions]


@pytest.mark.parametrize("how", [Delete.FORBIDDEN, Delete.BROKEN, Delete.NOTHING])
async def test_a_refused_seat_is_told_and_the_others_go(how: Delete) -> None:
    world = a_world(10)
    stored = await world.plan()
    world.fake.deletes[SEATS[3]] = how

    result = await world.apply(stored)

    assert counted(result) == {"released": 9, "refused": 1}
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.PARTLY_APPLIED


@pytest.mark.parametrize("how", [Delete.FORBIDDEN, Delete.BROKEN])
async def test_five_failures_in_a_row_stop_the_run(how: Delete) -> None:
    world = a_world(60)
    stored = await world.plan()
    world.fake.every_delete = how

    result = await world.apply(stored, world.process(concurrency=1))

    assert counted(result) == {"refused": 5, "not_attempted": 55}
    assert result.stopped == "5 failures in a row"


async def test_what_is_in_flight_when_the_fifth_fails_is_still_told() -> None:
    world = a_world(60)
    world.fake.latency = 0.01
    stored = await world.plan()
    world.fake.every_delete = Delete.BROKEN

    result = await world.apply(stored, world.process(concurrency=4))

    assert counted(result)["refused"] in range(5, 9)
    assert len(world.fake.deleted) == counted(result)["refused"]


async def test_five_failures_that_are_not_in_a_row_do_not_stop() -> None:
    world = a_world(60)
    stored = await world.plan()
    for n, seat in enumerate(_planned(world)):
        if n % 3:
            world.fake.deletes[seat] = Delete.FORBIDDEN

    result = await world.apply(stored, world.process(concurrency=1))

    assert counted(result) == {"released": 20, "refused": 40}


async def test_failures_in_a_row_are_counted_across_batches() -> None:
    world = a_world(60)
    stored = await world.plan()
    for seat in _planned(world)[32:40]:
        world.fake.deletes[seat] = Delete.BROKEN

    result = await world.apply(stored, world.process(concurrency=1))

    assert counted(result)["released"] == 32
    assert result.stopped == "5 failures in a row"


async def test_a_success_in_flight_does_not_undo_five_failures_in_a_row() -> None:
    world = a_world(60)
    stored = await world.plan()
    world.fake.every_delete = Delete.BROKEN
    world.fake.latency = 0.01
    world.fake.deletes[_planned(world)[5]] = Delete.DONE
    world.fake.on("release", lambda: asyncio.sleep(0.005), nth=6, times=1)
    hand = world.process(concurrency=6)

    result = await world.apply(stored, hand)

    # The rest of the first batch was sent before the fifth answer came.
    assert counted(result) == {"released": 1, "refused": 7, "not_attempted": 52}


async def test_a_seat_gone_at_the_last_moment_neither_counts_nor_ends_the_row() -> None:
    world = a_world(60)
    stored = await world.plan()
    world.fake.every_delete = Delete.BROKEN
    gone = _planned(world)[2]
    world.fake.deletes[gone] = Delete.DONE
    world.fake.on("release", lambda: world.fake.seats.pop(gone, None) and None, times=1)

    result = await world.apply(stored, world.process(concurrency=1))

    assert counted(result) == {"already_gone": 1, "refused": 5, "not_attempted": 54}


async def test_changed_seats_between_failures_do_not_end_the_row() -> None:
    world = a_world(60)
    stored = await world.plan()
    world.fake.every_delete = Delete.BROKEN
    world.fake.use(_planned(world)[2])

    result = await world.apply(stored, world.process(concurrency=1))

    assert counted(result) == {"changed": 1, "refused": 5, "not_attempted": 54}


async def test_deletes_that_do_nothing_are_seen_and_stop_after_the_first_batch() -> None:
    world = a_world(60)
    stored = await world.plan()
    world.fake.every_delete = Delete.NOTHING

    result = await world.apply(stored)

    assert counted(result) == {"refused": 8, "not_attempted": 52}
    assert details(result, Outcome.REFUSED)[0] == "status 204, yet the seat is still held"


async def test_answers_lost_after_success_are_releases_and_no_failures() -> None:
    world = a_world(60)
    stored = await world.plan()
    world.fake.every_delete = Delete.LOST

    result = await world.apply(stored)

    assert counted(result) == {"released": 60}
    assert len(world.fake.deleted) == 60


async def test_no_answer_and_still_held_is_unknown_and_settled_later() -> None:
    world = a_world(10)
    stored = await world.plan()
    world.fake.deletes[SEATS[3]] = Delete.SWALLOWED

    result = await world.apply(stored)

    assert counted(result) == {"released": 9, "unknown": 1}
    world.clock.advance(minutes=2)
    await world.recover()
    assert world.store.outcomes(stored.plan.plan_id)[SEATS[3]] is Outcome.REFUSED
    assert world.store.kinds()[-1] is Kind.RELEASE_SETTLED


async def test_an_unknown_seat_that_went_after_all_is_settled_as_released() -> None:
    world = a_world(10)
    stored = await world.plan()
    world.fake.deletes[SEATS[3]] = Delete.SWALLOWED
    await world.apply(stored)
    del world.fake.seats[SEATS[3]]

    await world.recover()

    assert world.store.outcomes(stored.plan.plan_id)[SEATS[3]] is Outcome.RELEASED
    assert len(world.fake.deleted) == 10


async def test_without_a_read_back_the_outcome_is_unknown_until_recover_tells() -> None:
    world = a_world(8)
    stored = await world.plan()
    world.fake.on("allocations_by_id", fail_with(NoAnswer("gone")), nth=2, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"unknown": 8}
    await world.recover()
    assert set(world.store.outcomes(stored.plan.plan_id).values()) == {Outcome.RELEASED}


async def test_a_404_without_a_read_back_is_already_gone() -> None:
    world = a_world(1)
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.seats.pop(SEATS[0]))
    world.fake.on("allocations_by_id", fail_with(NoAnswer("gone")), nth=2, times=1)

    assert counted(await world.apply(stored)) == {"already_gone": 1}


async def test_a_quarantined_seat_with_the_same_last_use_is_quarantined() -> None:
    world = a_world(5)
    stored = await world.plan()

    def quarantines() -> None:
        world.fake.change_seat(SEATS[0], quarantined=True, quarantine_end=days_ago(-7))
        world.fake.deletes[SEATS[0]] = Delete.NOTHING

    world.fake.on("release", quarantines, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "quarantined": 1}
    assert details(result, Outcome.QUARANTINED) == [
        "in Qlik's quarantine until 2026-11-09 03:00 UTC"
    ]
    assert not world.fake.posted


async def test_a_seat_used_at_that_very_moment_is_given_back_at_once() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.use(SEATS[0]), times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "changed": 1}
    assert world.fake.seats[SEATS[0]].quarantined is False
    assert len(world.fake.posted) == 1
    assert Kind.GRANT_INTENT in world.store.kinds()
    assert Kind.GRANT_OUTCOME in world.store.kinds()
    assert details(result, Outcome.CHANGED) == [
        "the user became active at that very moment; given back: the user holds the seat again"
    ]


async def test_a_seat_that_came_back_by_itself_is_changed_and_not_granted_again() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.use(SEATS[0]), times=1)
    world.fake.on("users_by_id", lambda: world.fake.change_seat(SEATS[0], quarantined=False), nth=2)

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}
    assert not world.fake.posted


async def test_a_seat_that_cannot_be_given_back_says_so_and_how() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.every_post = 400
    world.fake.on("release", lambda: world.fake.use(SEATS[0]), times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "quarantined": 1}
    assert (
        f"seatkeeper undo --plan {stored.plan.plan_id}" in details(result, Outcome.QUARANTINED)[0]
    )


async def test_the_other_seats_are_recorded_before_one_is_given_back() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.use(SEATS[0]), times=1)

    await world.apply(stored)

    kinds = world.store.kinds()
    assert kinds.index(Kind.GRANT_INTENT) > kinds.index(Kind.RELEASE_OUTCOME)
    assert kinds[kinds.index(Kind.GRANT_OUTCOME) + 1] is Kind.RELEASE_OUTCOME


async def test_a_lease_lost_while_sending_still_records_what_was_sent() -> None:
    world = a_world(20)
    world.fake.latency = 0.01
    stored = await world.plan()
    hand = world.process(concurrency=1)
    world.fake.on("release", lambda: setattr(hand.held, "is_lost", True), nth=7, times=1)

    result = await world.apply(stored, hand)

    assert counted(result) == {"released": 7, "not_attempted": 13}
    assert len(world.fake.deleted) == 7
    assert "the hold on the site is over" in result.stopped


async def test_a_lease_lost_lets_what_is_in_flight_be_answered() -> None:
    world = a_world(20)
    world.fake.latency = 0.5
    stored = await world.plan()
    hand = world.process(concurrency=4)
    world.fake.on("release", lambda: setattr(hand.held, "is_lost", True), nth=6, times=1)

    result = await world.apply(stored, hand)

    gone = {o.allocation_id for o in result.outcomes if o.outcome is Outcome.RELEASED}
    assert gone == {i for _, i in world.fake.deleted}
    assert set(details(result, Outcome.RELEASED)) == {""}


async def test_without_the_fence_no_intent_is_written_and_nothing_is_sent() -> None:
    world = a_world(20)
    stored = await world.plan()
    hand = world.process()

    async def taken_over() -> None:
        world.process()

    world.fake.on("users_by_id", taken_over)

    result = await world.apply(stored, hand)

    assert not world.fake.deleted
    assert not world.store.intents
    assert counted(result) == {"not_attempted": 20}


async def test_an_active_users_seat_lost_together_with_the_lease_is_named_for_undo() -> None:
    world = a_world(5)
    stored = await world.plan()
    hand = world.process(concurrency=1)

    def used_and_lost() -> None:
        world.fake.use(SEATS[0])
        hand.held.is_lost = True

    world.fake.on("release", used_and_lost, times=1)

    result = await world.apply(stored, hand)

    assert counted(result) == {"quarantined": 1, "not_attempted": 4}
    assert "seatkeeper undo" in details(result, Outcome.QUARANTINED)[0]
    assert not world.fake.posted


async def test_never_more_requests_in_flight_than_allowed() -> None:
    world = a_world(100)
    world.fake.latency = 0.02
    stored = await world.plan()

    await world.apply(stored, world.process(concurrency=3))

    assert 1 < world.fake.most_in_flight <= 3
