from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from builders import a_policy
from fakes import START, fail_with
from flow_world import World, a_world, counted, idle_seats, limited
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Mode, Pause
from seatkeeper.core.record import Kind
from seatkeeper.errors import LeaseLost, NotAllowed, PlanStale, StoreError, Unreachable


async def test_every_planned_seat_is_released_and_no_other() -> None:
    world = a_world(5)
    busy = set(world.fake.seats) - {s.id for s in idle_seats(5)}
    stored = await world.plan()

    result = await world.apply(stored)

    assert counted(result) == {"released": 5}
    assert set(world.fake.seats) == busy
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPLIED


async def test_intent_comes_before_and_outcome_after_each_release() -> None:
    world = a_world(3)
    stored = await world.plan()

    await world.apply(stored)

    assert [k for k in world.store.kinds() if k.value.startswith(("release", "apply"))] == [
        Kind.APPLY_STARTED,
        *[Kind.RELEASE_INTENT] * 3,
        *[Kind.RELEASE_OUTCOME] * 3,
        Kind.APPLY_FINISHED,
    ]


async def test_a_plan_is_applied_once_at_most() -> None:
    world = a_world(3)
    stored = await world.plan()
    await world.apply(stored)

    with pytest.raises(PlanStale):
        await world.apply(stored)

    assert len(world.fake.deleted) == 3


async def test_a_plan_that_is_over_says_what_became_of_it() -> None:
    world = a_world(3)
    stored = await world.plan()
    await world.apply(stored)

    with pytest.raises(PlanStale, match="is applied: applied to the end"):
        await world.apply(world.store.plans[stored.plan.plan_id])


async def test_of_two_applications_of_one_plan_exactly_one_acts() -> None:
    world = a_world(20)
    world.fake.latency = 0.02
    stored = await world.plan()
    first, second = world.process(), world.process()
    second.held.fence = first.held.fence = world.store.fences["prod"]

    results = await asyncio.gather(
        world.apply(stored, first), world.apply(stored, second), return_exceptions=True
    )

    assert sorted(type(r).__name__ for r in results) == ["PlanStale", "RunResult"]
    assert len(world.fake.deleted) == 20


@pytest.mark.parametrize("approved", [True, False])
async def test_an_expired_plan_is_refused(approved: bool) -> None:
    world = a_world()
    stored = await world.plan(approved=approved)
    world.clock.advance(hours=72)

    with pytest.raises((PlanStale, NotAllowed)):
        await world.apply(stored)

    assert not world.fake.deleted


async def test_an_open_plan_is_refused() -> None:
    world = a_world()
    stored = await world.plan(approved=False)

    with pytest.raises(NotAllowed, match="waits for an approval"):
        await world.apply(stored)


async def test_a_superseded_plan_is_refused() -> None:
    world = a_world()
    first = await world.plan()
    world.clock.advance(minutes=1)
    await world.plan()

    with pytest.raises(PlanStale):
        await world.apply(first)

    assert not world.fake.deleted


async def test_looking_again_supersedes_nothing() -> None:
    world = a_world()
    first = await world.plan()
    world.clock.advance(minutes=1)
    await world.plan(approved=False)

    assert counted(await world.apply(first)) == {"released": 5}


async def test_mode_observe_releases_nothing() -> None:
    world = a_world()
    stored = await world.plan()
    world.in_mode(Mode.OBSERVE)

    with pytest.raises(NotAllowed, match="observe"):
        await world.apply(stored)


async def test_a_freeze_refuses_the_plan_and_leaves_it_approved() -> None:
    world = a_world()
    stored = await world.plan()
    world.freeze()

    with pytest.raises(NotAllowed, match="frozen by Jane Doe"):
        await world.apply(stored)

    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPROVED


async def test_a_plan_of_another_site_is_refused() -> None:
    world, other = a_world(), a_world(name="test")
    stored = await other.plan()

    with pytest.raises(ValueError, match="not of prod"):
        await world.apply(stored)


async def test_without_the_lease_nothing_begins() -> None:
    world = a_world()
    stored = await world.plan()
    hand = world.process()
    hand.held.is_lost = True

    with pytest.raises(LeaseLost):
        await world.apply(stored, hand)

    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPROVED


async def test_a_site_that_is_down_leaves_the_plan_approved() -> None:
    world = a_world()
    stored = await world.plan()
    world.fake.on("overview", fail_with(Unreachable("down")))

    with pytest.raises(Unreachable):
        await world.apply(stored)

    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPROVED


def _freeze_at_second_batch(world: World) -> None:
    world.fake.on("users_by_id", world.freeze, nth=2, times=1)


async def test_a_freeze_stops_before_the_next_intent() -> None:
    world = a_world(60)
    stored = await world.plan()
    _freeze_at_second_batch(world)

    result = await world.apply(stored)

    assert counted(result) == {"released": 8, "not_attempted": 52}
    assert "frozen by Jane Doe" in result.stopped
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.PARTLY_APPLIED


async def test_a_pause_that_begins_stops_before_the_next_batch() -> None:
    begin = START + timedelta(hours=1)
    pause = Pause(begin, begin + timedelta(days=3), "Christmas")
    world = a_world(60, policy=a_policy(mode=Mode.APPROVE, pauses=(pause,)))
    stored = await world.plan()
    world.fake.on("release", lambda: world.clock.advance(hours=2), nth=8, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 8, "not_attempted": 52}
    assert result.stopped == "releases pause until 2026-11-05 04:00 UTC: Christmas"


async def test_a_plan_that_expires_in_the_middle_ends_there() -> None:
    world = a_world(60)
    stored = await world.plan()

    def late() -> None:
        world.clock.advance(hours=73)

    world.fake.on("release", late, nth=8, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 8, "not_attempted": 52}
    assert "expired" in result.stopped


async def test_max_per_run_holds_even_if_it_was_lowered_since_the_plan() -> None:
    world = a_world(10)
    stored = await world.plan()
    world.policy = limited(max_per_run=4)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "not_attempted": 6}
    assert "max_per_run" in result.stopped


async def test_releases_by_others_since_the_plan_count_against_max_per_day() -> None:
    world = a_world(10, policy=limited(max_per_day=12))
    stored = await world.plan()
    now = world.clock.now()
    world.store.released_by_others = [("prod", now)] * 9

    result = await world.apply(stored)

    assert counted(result) == {"released": 3, "not_attempted": 7}


async def test_those_idle_longest_go_first_when_room_is_short() -> None:
    world = a_world(6)
    for n, seat in enumerate(idle_seats(6)):
        world.fake.change_seat(seat.id, last_used=world.clock.now() - timedelta(days=100 + n))
    stored = await world.plan()
    world.policy = limited(max_per_run=2)

    result = await world.apply(stored)

    gone = [o.user for o in result.outcomes if o.outcome is Outcome.RELEASED]
    assert gone == [r"EXAMPLE\u5", r"EXAMPLE\u4"]


async def test_with_no_room_left_today_the_plan_stays_approved_for_tomorrow() -> None:
    world = a_world(10, policy=limited(max_per_day=5))
    stored = await world.plan()
    world.store.released_by_others = [("prod", world.clock.now())] * 5

    with pytest.raises(NotAllowed, match="max_per_day 5"):
        await world.apply(stored)

    world.clock.advance(hours=25)
    assert counted(await world.apply(stored)) == {"released": 5}


async def test_other_sites_releases_do_not_count() -> None:
    world = a_world(5, policy=limited(max_per_day=5))
    stored = await world.plan()
    world.store.released_by_others = [("test", world.clock.now())] * 5

    assert counted(await world.apply(stored)) == {"released": 5}


async def test_a_store_that_cannot_write_intents_lets_no_delete_out() -> None:
    world = a_world()
    stored = await world.plan()
    world.store.broken["intend"] = StoreError("disk full")

    result = await world.apply(stored)

    assert not world.fake.deleted
    assert counted(result) == {"not_attempted": 5}
    assert "disk full" in result.stopped


async def test_outcomes_that_could_not_be_written_at_once_are_written_at_the_end() -> None:
    world = a_world()
    stored = await world.plan()
    world.store.broken["settle"] = StoreError("locked")
    world.store.heal_after_failure = True

    result = await world.apply(stored)

    assert counted(result) == {"released": 5}
    assert world.store.outcomes(stored.plan.plan_id) == dict.fromkeys(
        (a.allocation_id for a in stored.plan.actions), Outcome.RELEASED
    )


async def test_outcomes_that_could_not_be_written_at_all_are_settled_later() -> None:
    world = a_world()
    stored = await world.plan()
    world.store.broken["settle"] = StoreError("disk full")

    with pytest.raises(StoreError):
        await world.apply(stored)

    assert len(world.fake.deleted) == 5
    world.store.broken.clear()
    await world.recover()
    assert set(world.store.outcomes(stored.plan.plan_id).values()) == {Outcome.RELEASED}


@pytest.mark.parametrize("minutes", [9, -9])
async def test_the_sites_clock_is_compared_before_each_batch(minutes: int) -> None:
    world = a_world(60)
    stored = await world.plan()

    def clock_jumps() -> None:
        world.fake.skew = timedelta(minutes=minutes)

    world.fake.on("release", clock_jumps, nth=8, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 8, "not_attempted": 52}
    assert "clock differs from ours by 540 s" in result.stopped


async def test_an_overridden_clock_skew_does_not_stop() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.skew = timedelta(minutes=9)
    world.override(Limit.CLOCK_SKEW)

    assert counted(await world.apply(stored)) == {"released": 5}


async def test_every_action_has_exactly_one_outcome_in_the_order_of_the_plan() -> None:
    world = a_world(80, policy=limited(max_per_run=60))
    stored = await world.plan()

    result = await world.apply(stored)

    assert [o.allocation_id for o in result.outcomes] == [
        a.allocation_id for a in stored.plan.actions
    ]
    assert len(stored.plan.deferred) == 20
    assert len(world.fake.deleted) == 60


async def test_progress_is_told_after_each_batch() -> None:
    world = a_world(60)
    stored = await world.plan()
    hand = world.process()
    told: list[tuple[str, int, int]] = []
    object.__setattr__(hand.run, "progress", lambda *args: told.append(args))

    await world.apply(stored, hand)

    assert told == [("releasing", 8, 60), ("releasing", 60, 60)]
