"""Seats are given back by POST, one outcome a seat, and nothing is granted twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from builders import PROFESSIONAL, an_allocation, days_ago, id_of
from fakes import fail_with, hang
from flow_world import World, a_world, idle_seats
from seatkeeper.core.outcome import GrantOutcome
from seatkeeper.core.record import Kind
from seatkeeper.errors import LeaseLost, NoAnswer, StoreError

SEATS = [seat.id for seat in idle_seats(20)]


async def _applied(number: int = 3) -> tuple[World, str]:
    world = a_world(number)
    stored = await world.plan()
    await world.apply(stored)
    return world, stored.plan.plan_id


async def test_every_seat_of_a_plan_is_given_back() -> None:
    world, plan_id = await _applied()

    assert await world.undo(plan_id) == dict.fromkeys(SEATS[:3], "restored")
    holders = {s.user_id for s in world.fake.live(PROFESSIONAL)}
    assert {id_of(rf"EXAMPLE\u{n}") for n in range(3)} <= holders


async def test_each_step_is_in_the_ledger_before_and_after() -> None:
    world, plan_id = await _applied(2)

    await world.undo(plan_id)

    assert world.store.kinds()[-4:] == [Kind.GRANT_INTENT, Kind.GRANT_OUTCOME] * 2


async def test_giving_back_twice_grants_once() -> None:
    world, plan_id = await _applied()
    await world.undo(plan_id)

    assert await world.undo(plan_id) == dict.fromkeys(SEATS[:3], "already_held")
    assert len(world.fake.posted) == 3


async def test_a_user_who_is_gone_gets_nothing() -> None:
    world, plan_id = await _applied()
    del world.fake.users[id_of(r"EXAMPLE\u1")]

    assert (await world.undo(plan_id))[SEATS[1]] == "user_gone"
    assert len(world.fake.posted) == 2


async def test_with_too_few_free_seats_each_is_told() -> None:
    world, plan_id = await _applied()
    world.fake.totals[PROFESSIONAL] = len(world.fake.live(PROFESSIONAL)) + 1

    assert sorted((await world.undo(plan_id)).values()) == [
        "no_free_seat",
        "no_free_seat",
        "restored",
    ]
    assert len(world.fake.posted) == 1


async def test_a_quarantined_seat_comes_back_though_the_pool_is_dry() -> None:
    world = a_world(1)
    stored = await world.plan()
    world.fake.every_post = 500
    world.fake.on("release", lambda: world.fake.use(SEATS[0]))
    await world.apply(stored)
    world.fake.totals[PROFESSIONAL] = 0
    world.fake.every_post = 201

    assert await world.undo(stored.plan.plan_id) == {SEATS[0]: "restored"}


async def test_a_refusal_is_told() -> None:
    world, plan_id = await _applied()
    world.fake.every_post = 403

    assert set((await world.undo(plan_id)).values()) == {"refused"}


async def test_an_answer_that_did_not_come_is_settled_by_reading_again() -> None:
    world, plan_id = await _applied(1)
    world.fake.post_answers_lost = True

    assert await world.undo(plan_id) == {SEATS[0]: "restored"}
    assert len(world.fake.posted) == 1


async def test_a_clear_yes_counts_though_the_seat_cannot_be_read_again() -> None:
    world, plan_id = await _applied(1)
    world.fake.on("allocations_of_users", fail_with(NoAnswer("down")), nth=2)

    assert await world.undo(plan_id) == {SEATS[0]: "restored"}


async def test_no_answer_and_no_reading_is_unknown() -> None:
    world, plan_id = await _applied(1)
    world.fake.post_answers_lost = True
    world.fake.on("allocations_of_users", fail_with(NoAnswer("down")), nth=2)

    assert await world.undo(plan_id) == {SEATS[0]: "unknown"}


@pytest.mark.parametrize("readable", [True, False])
async def test_what_never_left_is_not_attempted(readable: bool) -> None:
    world, plan_id = await _applied(1)
    world.fake.posts_leave = False
    if not readable:
        world.fake.on("allocations_of_users", fail_with(NoAnswer("down")), nth=2)

    assert await world.undo(plan_id) == {SEATS[0]: "not_attempted"}


@pytest.mark.parametrize(("status", "outcome"), [(400, "no_free_seat"), (403, "refused")])
async def test_a_pool_that_ran_dry_meanwhile_is_told_from_a_refusal(
    status: int, outcome: str
) -> None:
    world, plan_id = await _applied(1)
    world.fake.every_post = status
    world.fake.on("grant", lambda: world.fake.totals.update({PROFESSIONAL: 0}))

    assert await world.undo(plan_id) == {SEATS[0]: outcome}


async def test_a_refusal_with_free_seats_is_a_refusal() -> None:
    world, plan_id = await _applied(1)
    world.fake.every_post = 400

    assert await world.undo(plan_id) == {SEATS[0]: "refused"}


async def test_a_quarantined_row_is_no_seat_that_the_user_holds() -> None:
    world, plan_id = await _applied(1)
    row = an_allocation(r"EXAMPLE\u0", last_used=days_ago(1), quarantined=True, id="row")
    world.fake.seats["row"] = row

    assert await world.undo(plan_id) == {SEATS[0]: "restored"}
    assert len(world.fake.posted) == 1


async def test_a_post_in_flight_gets_its_time_when_a_stop_comes() -> None:
    world, plan_id = await _applied(2)
    hand = world.process()
    world.fake.on("grant", lambda: asyncio.sleep(3.0))
    asyncio.get_running_loop().call_later(1.0, hand.run.stop.set)

    results = await world.undo(plan_id, hand)

    assert list(results.values()) == ["restored", "not_attempted"]


async def test_a_fence_lost_between_two_seats_leaves_the_second() -> None:
    world, plan_id = await _applied(2)
    hand = world.process()
    world.fake.on("grant", world.process, times=1)

    results = await world.undo(plan_id, hand)

    assert list(results.values()) == ["restored", "not_attempted"]
    assert len(world.fake.posted) == 1


async def test_an_unreadable_site_attempts_nothing_and_records_that() -> None:
    world, plan_id = await _applied()
    world.fake.on("users_by_id", fail_with(NoAnswer("down")))

    assert set((await world.undo(plan_id)).values()) == {"not_attempted"}
    assert not world.fake.posted
    assert world.store.kinds().count(Kind.GRANT_OUTCOME) == 3


async def test_after_five_seats_without_an_answer_the_rest_is_left_alone() -> None:
    world, plan_id = await _applied(20)
    world.fake.on("users_by_id", fail_with(NoAnswer("down")))
    asked = world.fake.calls["users_by_id"]

    results = await world.undo(plan_id)

    assert list(results.values()) == ["not_attempted"] * 20
    assert world.fake.calls["users_by_id"] - asked == 5


async def test_without_an_intent_no_post_is_sent() -> None:
    world, plan_id = await _applied()
    world.store.broken["intend_grants"] = StoreError("disk full")

    with pytest.raises(StoreError):
        await world.undo(plan_id)

    assert not world.fake.posted


async def test_without_the_lease_nothing_begins() -> None:
    world, plan_id = await _applied()
    hand = world.process()
    hand.held.is_lost = True

    with pytest.raises(LeaseLost):
        await world.undo(plan_id, hand)


async def test_a_lease_lost_in_the_middle_leaves_the_rest_and_tells() -> None:
    world, plan_id = await _applied()
    hand = world.process()
    world.fake.on("grant", lambda: setattr(hand.held, "is_lost", True), times=1)

    results = await world.undo(plan_id, hand)

    assert sorted(results.values()) == ["not_attempted", "not_attempted", "restored"]
    assert len(world.fake.posted) == 1


async def test_undo_works_under_a_freeze() -> None:
    world, plan_id = await _applied()
    world.freeze()

    assert set((await world.undo(plan_id)).values()) == {"restored"}


@pytest.mark.parametrize("call", ["users_by_id", "allocations_of_users", "grant"])
async def test_a_stop_ends_it_whatever_hangs(call: str) -> None:
    world, plan_id = await _applied()
    hand = world.process()
    world.fake.on(call, hang)
    begun = world.clock.now()
    asyncio.get_running_loop().call_later(20.0, hand.run.stop.set)

    results = await world.undo(plan_id, hand)

    assert world.clock.now() - begun <= timedelta(seconds=33)
    assert set(results.values()) <= {GrantOutcome.NOT_ATTEMPTED, GrantOutcome.UNKNOWN}
    assert set(results) == set(SEATS[:3])
