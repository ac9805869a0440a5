"""Defects measured in the incumbent that the flow must not have, by their numbers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from builders import an_allocation, days_ago
from fakes import Crash, Delete, hang
from flow_world import a_world, counted, idle_seats
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.policy import Mode
from seatkeeper.errors import PlanStale, StoreError

SEATS = [seat.id for seat in idle_seats(70)]


async def test_defect_1_one_failing_delete_does_not_end_the_release() -> None:
    world = a_world(70)
    stored = await world.plan()
    world.fake.deletes[SEATS[4]] = Delete.BROKEN

    assert counted(await world.apply(stored)) == {"released": 69, "refused": 1}


async def test_defect_1_a_seat_that_is_always_refused_does_not_block_every_run() -> None:
    world = a_world(70)
    world.in_mode(Mode.AUTO)
    world.fake.deletes[SEATS[0]] = Delete.FORBIDDEN
    await world.cycle()
    world.clock.advance(days=1)
    for seat in idle_seats(3)[1:]:
        world.fake.seats[seat.id] = seat

    cycle = await world.cycle()

    assert cycle.result is not None
    assert counted(cycle.result) == {"released": 2, "refused": 1}


async def test_defect_2_a_seat_of_a_deleted_user_blocks_nothing() -> None:
    deleted = an_allocation(
        r"EXAMPLE\ghost", last_used=days_ago(200), user_id=None, deleted_user=True
    )
    world = a_world([*idle_seats(5), deleted], users=[])
    for seat in idle_seats(5):
        world.fake.users |= {u.id: u for u in a_world([seat]).fake.users.values()}

    stored = await world.plan()

    assert stored.plan.kept["deleted_user"] == 1
    assert counted(await world.apply(stored)) == {"released": 5}


async def test_defect_3_one_user_who_cannot_be_found_costs_only_that_seat() -> None:
    world = a_world(70)
    stored = await world.plan()
    del world.fake.users[idle_seats(1)[0].user_id or ""]

    assert counted(await world.apply(stored)) == {"released": 69, "changed": 1}


async def test_defect_8_who_came_back_after_the_listing_keeps_the_seat() -> None:
    world = a_world(70)
    world.fake.latency = 0.02
    stored = await world.plan()
    returned = SEATS[::4]
    for seat in returned:
        world.fake.use(seat)

    result = await world.apply(stored)

    assert counted(result) == {"released": 70 - len(returned), "changed": len(returned)}
    assert not {i for _, i in world.fake.deleted} & set(returned)


@pytest.mark.parametrize("write", ["intend", "start"])
async def test_defect_12_a_store_that_is_down_stops_the_release(write: str) -> None:
    world = a_world(70)
    stored = await world.plan()
    world.store.broken[write] = StoreError("disk full")

    try:
        await world.apply(stored)
    except StoreError:
        assert write == "start"

    assert not world.fake.deleted


async def test_defect_12_a_store_that_goes_down_in_the_middle_stops_before_the_next_batch() -> None:
    world = a_world(70)
    stored = await world.plan()

    def breaks() -> None:
        world.store.broken.update(intend=StoreError("disk full"), settle=StoreError("disk full"))

    world.fake.on("release", breaks, nth=8, times=1)

    with pytest.raises(StoreError):
        await world.apply(stored)

    assert len(world.fake.deleted) == 8


async def test_defect_15_a_lost_answer_is_recorded_as_what_it_was() -> None:
    world = a_world(20)
    stored = await world.plan()
    world.fake.deletes[SEATS[8]] = Delete.LOST

    result = await world.apply(stored)

    assert counted(result) == {"released": 20}
    assert world.store.outcomes(stored.plan.plan_id)[SEATS[8]] is Outcome.RELEASED


async def test_defect_15_a_signal_in_a_run_leaves_nothing_unrecorded() -> None:
    world = a_world(70)
    world.fake.latency = 0.1
    stored = await world.plan()
    hand = world.process()
    asyncio.get_running_loop().call_later(1.0, hand.run.stop.set)

    await world.apply(stored, hand)

    known = world.store.outcomes(stored.plan.plan_id)
    released = {i for i, o in known.items() if o is Outcome.RELEASED}
    assert released == {i for _, i in world.fake.deleted}
    assert released


async def test_defect_16_releases_do_not_overlap() -> None:
    world = a_world(40)
    world.in_mode(Mode.AUTO)
    world.fake.latency = 0.02
    first, second = world.process(), world.process()
    first.held.fence = second.held.fence

    await asyncio.gather(world.cycle(first), world.cycle(second), return_exceptions=True)

    sent = [i for _, i in world.fake.deleted]
    assert len(sent) == len(set(sent)) == 40


async def test_defect_16_who_lost_the_site_to_another_sends_nothing_more() -> None:
    world = a_world(40)
    world.fake.latency = 0.02
    stored = await world.plan()
    frozen = world.process()
    world.fake.on("active_since", hang, times=2)
    applying = asyncio.ensure_future(world.apply(stored, frozen))
    await asyncio.sleep(60)
    following = world.process()
    await world.cycle(following)
    sent = len(world.fake.deleted)

    frozen.run.stop.set()
    await asyncio.gather(applying, return_exceptions=True)

    assert len(world.fake.deleted) == sent


async def test_defect_18_a_restart_releases_nothing() -> None:
    world = a_world(40)
    stored = await world.plan()
    hand = world.process(crash_at=60)
    with pytest.raises(Crash):
        await world.apply(stored, hand)
    sent = len(world.fake.deleted)

    for _ in range(5):
        await world.recover()
        with pytest.raises(PlanStale):
            await world.apply(stored)

    assert len(world.fake.deleted) == sent < 40


async def test_defect_18_a_restart_loop_never_releases_more_than_a_day_allows() -> None:
    world = a_world(40)
    world.in_mode(Mode.AUTO)
    object.__setattr__(world.policy.limits, "max_per_day", 10)
    object.__setattr__(world.policy.limits, "max_per_run", 10)

    for _ in range(6):
        await world.cycle()
        world.clock.advance(minutes=10)

    assert len(world.fake.deleted) == 10
    world.clock.advance(days=1)
    await world.cycle()
    assert len(world.fake.deleted) == 20


async def test_defect_24_there_is_no_request_for_each_candidate() -> None:
    world = a_world(200)
    stored = await world.plan()
    before = world.fake.asked

    await world.apply(stored)

    assert world.fake.asked - before < 40
    assert world.clock.now() - stored.plan.created_at < timedelta(minutes=1)
