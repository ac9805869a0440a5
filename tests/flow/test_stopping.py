"""Ctrl-C and SIGTERM set `run.stop`: everything ends within 15 s, what was sent is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from builders import a_policy
from fakes import START, Delete, hang
from flow_world import Hand, World, a_world, counted, details, idle_seats
from seatkeeper.core.outcome import Outcome, RunResult
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.policy import Mode, Shared, SharedKind
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import Interrupted
from seatkeeper.flow.stopping import until_stopped

WITHIN = timedelta(seconds=13)
"""Two seconds less than promised: reading the configuration and leaving take time too."""

SEATS = [seat.id for seat in idle_seats(100)]


async def _stopped_after(
    seconds: float, world: World, stored: StoredPlan, hand: Hand | None = None
) -> RunResult:
    """Apply a plan and ask it to end after so many seconds; fail if it takes too long."""
    hand = hand or world.process()
    asyncio.get_running_loop().call_later(seconds, hand.run.stop.set)
    begun = world.clock.now()
    result = await world.apply(stored, hand)
    assert world.clock.now() - begun <= timedelta(seconds=seconds) + WITHIN
    return result


async def test_a_stop_between_batches_leaves_the_rest() -> None:
    world = a_world(100)
    stored = await world.plan()
    hand = world.process()
    world.fake.on("release", hand.run.stop.set, nth=8, times=1)

    result = await world.apply(stored, hand)

    assert counted(result) == {"released": 8, "not_attempted": 92}
    assert result.interrupted
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.PARTLY_APPLIED


async def test_a_stop_while_sending_lets_what_is_in_flight_be_answered() -> None:
    world = a_world(100)
    world.fake.latency = 0.3
    stored = await world.plan()

    begun = world.clock.now()

    result = await _stopped_after(2.2, world, stored)

    assert counted(result)["released"] == len(world.fake.deleted) > 0
    assert set(details(result, Outcome.RELEASED)) == {""}
    assert max(at for at, _ in world.fake.left) <= begun + timedelta(seconds=2.2)
    assert result.interrupted


async def _hang_everywhere(world: World) -> None:
    world.fake.on("allocations_by_id", hang)
    await hang()


HANGING: dict[str, Callable[[World], object]] = {
    "the second look": lambda world: world.fake.on("users_by_id", hang),
    "activity since the plan": lambda world: world.fake.on("active_since", hang),
    "a later second look": lambda world: world.fake.on("users_by_id", hang, nth=2),
    "a DELETE before it is carried out": lambda world: world.fake.on("release", hang, nth=10),
    "a DELETE after it is carried out": lambda world: world.fake.deletes.update(
        dict.fromkeys(SEATS[:4], Delete.HANGS)
    ),
    "the reading back": lambda world: world.fake.on("allocations_by_id", hang, nth=2),
    "everything from then on": lambda world: world.fake.on(
        "release", lambda: _hang_everywhere(world), nth=3
    ),
}


@pytest.mark.parametrize("what", HANGING)
async def test_a_stop_ends_the_run_whatever_hangs(what: str) -> None:
    world = a_world(100)
    stored = await world.plan()
    HANGING[what](world)

    result = await _stopped_after(30.0, world, stored)

    assert result.interrupted
    assert result.stopped == "ended on request"
    known = world.store.outcomes(stored.plan.plan_id)
    assert set(known) == set(SEATS)
    for _, allocation_id in world.fake.deleted:
        assert known[allocation_id] in (Outcome.RELEASED, Outcome.UNKNOWN)


async def test_what_a_hanging_read_back_left_unknown_is_settled_later() -> None:
    world = a_world(8)
    stored = await world.plan()
    world.fake.on("allocations_by_id", hang, nth=2, times=1)
    await _stopped_after(5.0, world, stored)

    await world.recover()

    assert set(world.store.outcomes(stored.plan.plan_id).values()) == {Outcome.RELEASED}


async def test_a_hanging_delete_that_was_carried_out_is_told_as_released() -> None:
    world = a_world(3)
    stored = await world.plan()
    world.fake.every_delete = Delete.HANGS

    result = await _stopped_after(1.0, world, stored)

    assert counted(result) == {"released": 3}
    assert result.interrupted


async def test_a_stop_while_giving_back_hangs_names_the_seat_for_undo() -> None:
    world = a_world(3)
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.use(SEATS[0]), times=1)
    world.fake.on("grant", hang)

    result = await _stopped_after(1.0, world, stored)

    assert "seatkeeper undo" in details(result, Outcome.QUARANTINED)[0]


async def test_a_stop_before_the_beginning_leaves_the_plan_approved() -> None:
    world = a_world(3)
    stored = await world.plan()
    world.fake.on("overview", hang)

    result = await _stopped_after(1.0, world, stored)

    assert result.interrupted
    assert counted(result) == {"not_attempted": 3}
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPROVED


@pytest.mark.parametrize(
    "call", ["server_license", "overview", "users", "allocations", "count_users", "witness"]
)
async def test_a_stop_ends_a_cycle_that_hangs_while_reading(call: str) -> None:
    world = a_world(3)
    world.in_mode(Mode.AUTO)
    world.fake.on(call, hang)
    hand = world.process()
    asyncio.get_running_loop().call_later(20.0, hand.run.stop.set)

    with pytest.raises(Interrupted):
        await world.cycle(hand, sites=[a_world(name="test").process().site])

    assert world.clock.now() - START <= timedelta(seconds=21)
    assert not world.fake.deleted


async def test_a_stop_ends_recover_while_it_waits() -> None:
    world = a_world(3)
    stored = await world.plan()
    world.fake.on("allocations_by_id", hang, nth=2, times=1)
    await _stopped_after(1.0, world, stored)
    world.fake.on("allocations_by_id", hang)
    hand = world.process()
    hand.run.stop.set()

    with pytest.raises(Interrupted):
        await world.cycle(hand)

    assert set(world.store.outcomes(stored.plan.plan_id).values()) == {Outcome.UNKNOWN}


async def test_a_cancelled_run_still_reads_back_and_records_what_was_sent() -> None:
    world = a_world(50)
    world.fake.latency = 0.3
    stored = await world.plan()
    running = asyncio.ensure_future(world.apply(stored))
    await asyncio.sleep(2.3)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    known = world.store.outcomes(stored.plan.plan_id)
    assert world.fake.deleted
    for _, allocation_id in world.fake.deleted:
        assert known[allocation_id] is Outcome.RELEASED


async def test_a_cancelled_run_does_not_wait_for_a_read_back_that_hangs() -> None:
    world = a_world(50)
    world.fake.latency = 0.3
    stored = await world.plan()
    world.fake.on("allocations_by_id", hang, nth=2)
    running = asyncio.ensure_future(world.apply(stored))
    await asyncio.sleep(2.3)
    begun = world.clock.now()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert world.clock.now() - begun <= timedelta(seconds=5)


async def test_a_cancelled_run_does_not_wait_for_a_seat_to_be_given_back() -> None:
    world = a_world(50)
    world.fake.latency = 0.3
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.use(SEATS[0]), times=1)
    world.fake.on("grant", hang)
    running = asyncio.ensure_future(world.apply(stored))
    await asyncio.sleep(1.0)
    begun = world.clock.now()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert world.clock.now() - begun <= timedelta(seconds=7)
    assert world.store.outcomes(stored.plan.plan_id)[SEATS[0]] is Outcome.QUARANTINED


async def test_a_stop_ends_a_cycle_that_hangs_while_reading_a_partner() -> None:
    shared = Shared(SharedKind.SITES, ("test",))
    world = a_world(3, policy=a_policy(mode=Mode.APPROVE, shared=shared))
    other = a_world(3, name="test")
    other.fake.on("users", hang)
    hand = world.process()
    asyncio.get_running_loop().call_later(20.0, hand.run.stop.set)

    with pytest.raises(Interrupted):
        await world.cycle(hand, sites=[other.process().site])


async def test_work_that_ends_by_itself_is_not_cut() -> None:
    stop = asyncio.Event()
    stop.set()

    async def quick() -> int:
        await asyncio.sleep(1.0)
        return 7

    assert await until_stopped(quick(), stop, grace=2.0) == 7
    with pytest.raises(Interrupted):
        await until_stopped(quick(), stop, grace=0.5)


async def test_an_error_of_the_work_comes_out_as_itself() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await until_stopped(broken(), asyncio.Event())
