"""One release cycle, in each mode (design rules 19 and 23)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import a_policy
from fakes import START, Crash, fail_with
from flow_world import World, a_world, limited
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.policy import Mode, Pause
from seatkeeper.errors import Unreachable


def _auto(number: int = 5) -> World:
    world = a_world(number)
    world.in_mode(Mode.AUTO)
    return world


async def test_mode_auto_releases_an_unblocked_plan() -> None:
    world = _auto()

    cycle = await world.cycle()

    assert cycle.result is not None
    assert cycle.result.counts == {"released": 5}
    assert cycle.stored.status is PlanStatus.APPLIED


async def test_mode_approve_makes_a_plan_and_waits() -> None:
    world = a_world(5)

    cycle = await world.cycle()

    assert cycle.result is None
    assert cycle.held_by_mode
    assert not world.fake.deleted


async def test_mode_approve_applies_what_a_person_approved() -> None:
    world = a_world(5)
    stored = await world.plan()

    cycle = await world.cycle()

    assert cycle.stored.plan.plan_id == stored.plan.plan_id
    assert len(world.fake.deleted) == 5


async def test_mode_observe_looks_anew_and_releases_nothing_even_if_a_plan_is_approved() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.in_mode(Mode.OBSERVE)
    world.clock.advance(minutes=1)

    cycle = await world.cycle()

    assert cycle.stored.plan.plan_id != stored.plan.plan_id
    assert cycle.held_by_mode
    assert not world.fake.deleted


async def test_a_plan_the_mode_approved_is_not_applied_once_the_mode_is_approve() -> None:
    world = _auto()
    world.freeze()
    await world.cycle()
    world.store.freeze = None
    world.in_mode(Mode.APPROVE)
    world.clock.advance(minutes=1)

    cycle = await world.cycle()

    assert cycle.result is None
    assert cycle.held_by_mode
    assert not world.fake.deleted


async def test_a_plan_the_mode_approved_and_a_freeze_held_back_is_made_anew() -> None:
    world = _auto()
    world.freeze()
    first = await world.cycle()
    world.store.freeze = None
    world.clock.advance(minutes=1)

    second = await world.cycle()

    assert second.stored.plan.plan_id != first.stored.plan.plan_id
    assert second.result is not None
    assert world.store.plans[first.stored.plan.plan_id].status is PlanStatus.SUPERSEDED


async def test_a_blocked_plan_is_not_applied() -> None:
    world = _auto()
    world.fake.skew = timedelta(hours=1)

    cycle = await world.cycle()

    assert cycle.held_back == "the plan is blocked by clock_skew"
    assert not cycle.held_by_mode
    assert not world.fake.deleted


async def test_a_freeze_holds_it_back_and_is_no_matter_of_the_mode() -> None:
    world = a_world(5)
    world.freeze()

    cycle = await world.cycle()

    assert cycle.held_back.startswith("frozen by Jane Doe")
    assert not cycle.held_by_mode


async def test_a_pause_holds_it_back() -> None:
    pause = Pause(START, START + timedelta(days=5), "Christmas")
    world = a_world(5, policy=a_policy(mode=Mode.APPROVE, pauses=(pause,)))
    world.in_mode(Mode.AUTO)

    cycle = await world.cycle()

    assert "Christmas" in cycle.held_back
    assert not world.fake.deleted


async def test_room_used_up_since_an_approval_holds_it_back_and_keeps_the_plan() -> None:
    world = a_world(5, policy=limited(max_per_day=5))
    stored = await world.plan()
    world.store.released_by_others = [("prod", world.clock.now())] * 5

    cycle = await world.cycle()

    assert "max_per_day 5" in cycle.held_back
    assert world.store.plans[stored.plan.plan_id].status is PlanStatus.APPROVED


async def test_an_empty_plan_does_not_keep_the_next_cycle_from_looking() -> None:
    world = _auto(0)
    await world.cycle()
    world.clock.advance(hours=1)
    reads = world.fake.calls["users"]

    cycle = await world.cycle()

    assert world.fake.calls["users"] == reads + 1
    assert not cycle.held_back


async def test_it_recovers_before_it_plans() -> None:
    world = _auto()
    stored = await world.plan()
    hand = world.process(crash_at=30)
    with pytest.raises(Crash):
        await world.apply(stored, hand)

    await world.cycle()

    assert world.store.plans[stored.plan.plan_id].status.is_over
    assert len(world.fake.deleted) == len({i for _, i in world.fake.deleted}) == 5


async def test_hands_are_not_even_made_when_nothing_may_be_applied() -> None:
    world = a_world(5)
    hand = world.process()
    object.__setattr__(hand, "hands", None)

    cycle = await world.cycle(hand)

    assert cycle.result is None


async def test_a_site_that_is_down_makes_no_plan() -> None:
    world = _auto()
    world.fake.on("overview", fail_with(Unreachable("down")))

    with pytest.raises(Unreachable):
        await world.cycle()

    assert not world.store.plans


async def test_a_run_that_somebody_asked_for_makes_a_plan_and_releases_nothing_in_any_mode() -> (
    None
):
    world = _auto()

    cycle = await world.cycle(by_request=True)

    assert (cycle.result, cycle.stored.status) == (None, PlanStatus.OPEN)
    assert cycle.stored.approved_by is None
    assert cycle.held_back == "mode auto: the plan waits for an approval, for it was asked for"
    assert not world.fake.deleted


async def test_what_the_mode_approves_was_approved_by_nobody() -> None:
    world = _auto()

    cycle = await world.cycle()

    assert cycle.stored.approved_by == "mode auto"
