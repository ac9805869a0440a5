"""A person approves a plan without some seats, or makes the smaller plan for somebody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flow_world import JANE, World, a_world, counted, limited
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import Actor, Kind, StoredPlan
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.flow.approve import Approval
from seatkeeper.flow.reject import reject

TOM = Actor(by="Tom Tailor", os_account="tom", host="desk")


def without(stored: StoredPlan, number: int = 1, who: Actor = JANE, **more: object) -> Approval:
    """Return the wish to leave out the first seats of a plan."""
    users = tuple(a.user for a in stored.plan.actions[:number])
    return replace(Approval(who, "on leave", without=users), **more)  # type: ignore[arg-type]


async def a_plan(world: World, **more: str) -> StoredPlan:
    """Make a plan that waits, a minute ago."""
    stored = await world.plan(approved=False, **more)  # type: ignore[arg-type]
    world.clock.advance(minutes=1)
    return stored


async def test_the_rest_is_approved_and_only_the_rest_is_released() -> None:
    world = a_world(5)
    stored = await a_plan(world)

    approved = await world.approve(stored, without(stored, 2))
    result = await world.apply(approved)

    assert approved.status is PlanStatus.APPROVED
    assert approved.approved_by == "Jane Doe"
    assert counted(result) == {"released": 3}
    kept = {a.allocation_id for a in stored.plan.actions[:2]}
    assert kept <= set(world.fake.seats)


async def test_the_plan_it_was_made_from_is_superseded() -> None:
    world = a_world(5)
    stored = await a_plan(world)

    await world.approve(stored, without(stored))

    with pytest.raises(PlanStale, match="superseded"):
        await world.approve(stored)


async def test_whoever_is_active_after_the_reading_keeps_the_seat_also_in_a_smaller_plan() -> None:
    """What was read stays as old as it was: the second look asks for use since then."""
    world = a_world(3)
    stored = await a_plan(world)
    back = stored.plan.actions[1]
    world.fake.change_seat(back.allocation_id, last_used=world.clock.now())
    world.clock.advance(hours=1)

    result = await world.apply(await world.approve(stored, without(stored)))

    told = {o.allocation_id: o.outcome for o in result.outcomes}
    assert told[back.allocation_id] is Outcome.CHANGED


async def test_it_ends_when_the_plan_it_was_made_from_would_have_ended() -> None:
    world = a_world(5)
    stored = await a_plan(world)
    world.clock.advance(hours=71)
    smaller = await world.leave_out(stored, without(stored))
    world.clock.advance(hours=1)

    with pytest.raises(PlanStale, match="expired"):
        await world.approve(smaller)


async def test_a_plan_above_max_share_is_approved_when_enough_is_left_out() -> None:
    world = a_world(5, policy=limited(max_share=0.2))
    stored = await a_plan(world)
    assert stored.status is PlanStatus.BLOCKED

    approved = await world.approve(stored, without(stored, 2))

    assert approved.status is PlanStatus.APPROVED
    assert not world.store.overrides


async def test_one_that_is_still_too_large_is_refused_and_nothing_is_kept() -> None:
    world = a_world(5, policy=limited(max_share=0.1))
    stored = await a_plan(world)
    before = list(world.store.ledger)

    with pytest.raises(NotAllowed, match="4 of 20 professional seats"):
        await world.approve(stored, without(stored))

    assert world.store.ledger == before
    assert list(world.store.plans) == [stored.plan.plan_id]


async def test_a_limit_that_it_still_breaks_is_passed_for_it_and_not_for_the_other() -> None:
    world = a_world(5, policy=limited(max_share=0.1))
    stored = await a_plan(world)

    approved = await world.approve(stored, without(stored, passing=(Limit.MAX_SHARE,)))

    assert [o.plan_id for o in world.store.overrides] == [approved.plan.plan_id]
    assert counted(await world.apply(approved)) == {"released": 4}


async def test_in_mode_observe_nothing_is_approved_but_a_smaller_plan_can_be_looked_at() -> None:
    world = a_world(5)
    stored = await a_plan(world)
    world.in_mode(Mode.OBSERVE)

    with pytest.raises(NotAllowed, match="observe"):
        await world.approve(stored, without(stored))
    assert (await world.leave_out(stored, without(stored))).status is PlanStatus.OPEN


async def test_both_plans_wait_until_one_of_them_is_approved() -> None:
    world = a_world(5)
    stored = await a_plan(world)

    smaller = await world.leave_out(stored, without(stored))
    assert smaller.status is PlanStatus.OPEN
    await world.approve(stored)

    with pytest.raises(PlanStale, match="superseded"):
        await world.approve(smaller)


async def test_an_approved_plan_is_not_made_smaller() -> None:
    world = a_world(5)
    stored = await world.plan()

    with pytest.raises(PlanStale, match="approved by Jane Doe"):
        await world.approve(stored, without(stored))
    with pytest.raises(PlanStale, match="make a new plan"):
        await world.leave_out(stored, without(stored))


async def test_with_four_eyes_who_asked_for_the_plan_cannot_approve_it() -> None:
    world = a_world(5)
    world.four_eyes = True
    stored = await a_plan(world, asked_by="jane doe")

    with pytest.raises(NotAllowed, match=r"asked for it.*approval\.four_eyes"):
        await world.approve(stored)
    assert (await world.approve(stored, Approval(TOM))).approved_by == "Tom Tailor"


async def test_with_four_eyes_nobody_leaves_seats_out_and_approves_the_rest() -> None:
    world = a_world(5)
    world.four_eyes = True
    stored = await a_plan(world)

    with pytest.raises(NotAllowed, match="leave-out"):
        await world.approve(stored, without(stored))
    smaller = await world.leave_out(stored, without(stored))
    with pytest.raises(NotAllowed, match="left seats out"):
        await world.approve(smaller)

    assert (await world.approve(smaller, Approval(TOM))).status is PlanStatus.APPROVED


async def test_with_four_eyes_who_asked_stays_known_in_the_smaller_plan() -> None:
    world = a_world(5)
    world.four_eyes = True
    stored = await a_plan(world, asked_by="Jane Doe")
    smaller = await world.leave_out(stored, without(stored, who=TOM))

    for who in (JANE, TOM):
        with pytest.raises(NotAllowed):
            await world.approve(smaller, Approval(who))


async def test_without_four_eyes_whoever_asked_may_approve() -> None:
    world = a_world(5)
    stored = await a_plan(world, asked_by="Jane Doe")

    assert (await world.approve(stored)).status is PlanStatus.APPROVED


async def test_a_plan_is_rejected_with_a_reason_and_never_applied() -> None:
    world = a_world(5)
    stored = await a_plan(world)
    plans = world.process().records.plans

    rejected = await reject(
        stored.plan.plan_id, plans, JANE, " half of them left ", world.clock.now()
    )

    assert rejected.note == "rejected by Jane Doe: half of them left"
    assert world.store.kinds()[-1] is Kind.PLAN_REJECTED
    with pytest.raises(PlanStale, match="rejected"):
        await world.approve(stored)


async def test_a_plan_is_not_rejected_without_a_reason() -> None:
    world = a_world(5)
    stored = await a_plan(world)
    plans = world.process().records.plans

    with pytest.raises(UsageError, match="with a reason"):
        await reject(stored.plan.plan_id, plans, JANE, " ", world.clock.now())
