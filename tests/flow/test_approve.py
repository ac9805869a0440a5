"""A person approves a plan, past the limits that the person names (design rule 18)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders import days_ago
from flow_world import JANE, World, a_world, counted, limited
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import Actor, StoredPlan
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.flow.approve import Approval, ready_to_apply

TOM = Actor(by="Tom Tailor", os_account="tom", host="desk")


async def _blocked() -> tuple[World, StoredPlan]:
    """Return a plan that two limits block: the site's clock, and nobody active for a week."""
    world = a_world(5)
    world.fake.skew = timedelta(hours=1)
    for seat in list(world.fake.seats.values()):
        if seat.last_used and seat.last_used > days_ago(8):
            world.fake.change_seat(seat.id, last_used=days_ago(8))
    return world, await world.plan(approved=False)


async def test_an_open_plan_is_approved_in_a_persons_name() -> None:
    world = a_world()
    stored = await world.plan(approved=False)

    approved = await world.approve(stored)

    assert approved.status is PlanStatus.APPROVED
    assert approved.approved_by == "Jane Doe"


async def test_approving_twice_changes_nothing() -> None:
    world = a_world()
    stored = await world.plan()
    ledger = list(world.store.ledger)

    assert (await world.approve(stored)).status is PlanStatus.APPROVED
    assert world.store.ledger == ledger


async def test_a_blocked_plan_is_refused_with_every_reason_and_way_out() -> None:
    world, stored = await _blocked()

    with pytest.raises(NotAllowed) as refused:
        await world.approve(stored)

    assert "clock_skew" in str(refused.value)
    assert "stale_activity" in str(refused.value)


async def test_passing_one_of_two_limits_is_not_enough_and_is_not_kept() -> None:
    world, stored = await _blocked()

    with pytest.raises(NotAllowed):
        await world.approve(stored, Approval(JANE, "known", (Limit.CLOCK_SKEW,)))

    assert not world.store.overrides


async def test_passing_every_limit_approves_and_is_kept_for_this_plan_alone() -> None:
    world, stored = await _blocked()
    passing = (Limit.CLOCK_SKEW, Limit.STALE_ACTIVITY)

    approved = await world.approve(stored, Approval(JANE, "known", passing))

    assert approved.status is PlanStatus.APPROVED
    assert {o.plan_id for o in world.store.overrides} == {stored.plan.plan_id}


async def test_an_override_that_lasts_is_for_the_site_and_policy() -> None:
    world, stored = await _blocked()
    passing = (Limit.CLOCK_SKEW, Limit.STALE_ACTIVITY)

    await world.approve(stored, Approval(JANE, "known", passing, timedelta(days=30)))

    assert {o.plan_id for o in world.store.overrides} == {None}
    following = await world.plan(approved=False)
    assert following.status is PlanStatus.OPEN
    assert {o.limit for o in following.plan.overridden} == set(passing)


async def test_passing_a_limit_that_is_not_broken_is_a_slip() -> None:
    world = a_world()
    stored = await world.plan(approved=False)

    with pytest.raises(UsageError, match="does not break max_share; it breaks nothing"):
        await world.approve(stored, Approval(JANE, "known", (Limit.MAX_SHARE,)))


@pytest.mark.parametrize(
    ("approval", "why"),
    [
        ({"passing": (Limit.MAX_SHARE,)}, "passed with a reason"),
        ({"passing": (Limit.PAUSE,), "reason": "x"}, "cannot be overridden"),
        (
            {"passing": (Limit.GROWN,), "reason": "x", "lasting": timedelta(days=91)},
            "at most 90d",
        ),
        ({"passing": (Limit.GROWN,), "reason": "x", "lasting": timedelta(0)}, "above 0"),
        ({"lasting": timedelta(days=1)}, "goes with --override"),
    ],
)
def test_an_approval_that_makes_no_sense_is_refused(approval: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Approval(JANE, **approval)  # type: ignore[arg-type]


async def test_mode_observe_approves_nothing() -> None:
    world = a_world()
    stored = await world.plan(approved=False)
    world.in_mode(Mode.OBSERVE)

    with pytest.raises(NotAllowed, match="observe"):
        await world.approve(stored)


async def test_an_expired_plan_is_not_approved_whatever_is_overridden() -> None:
    world, stored = await _blocked()
    world.clock.advance(hours=73)

    with pytest.raises(PlanStale, match="expired"):
        await world.approve(stored, Approval(JANE, "known", (Limit.CLOCK_SKEW,)))


async def test_a_share_made_smaller_since_the_plan_has_to_be_passed_too() -> None:
    world = a_world(5)
    stored = await world.plan(approved=False)
    world.clock.advance(seconds=1)
    world.policy = limited(max_share=0.01)

    with pytest.raises(NotAllowed, match="max_share"):
        await world.approve(stored)
    passing = Approval(JANE, "looked through the list", (Limit.MAX_SHARE,))
    approved = await world.approve(stored, passing)

    assert approved.status is PlanStatus.APPROVED
    assert counted(await world.apply(approved)) == {"released": 5}


async def test_a_plan_that_somebody_has_approved_is_not_approved_again_by_another() -> None:
    world = a_world()
    stored = await world.plan()
    ledger = list(world.store.ledger)

    with pytest.raises(PlanStale, match=r"approved by Jane Doe since 20.* nothing was changed"):
        await world.approve(stored, Approval(TOM))

    assert world.store.ledger == ledger


async def test_an_override_of_a_plan_that_is_approved_already_is_not_dropped_in_silence() -> None:
    world = a_world()
    stored = await world.plan()
    lasting = Approval(JANE, "known", (Limit.CLOCK_SKEW,), timedelta(days=30))

    with pytest.raises(PlanStale, match="nothing was changed"):
        await world.approve(stored, lasting)

    assert not world.store.overrides


async def _ready(world: World, stored: StoredPlan) -> StoredPlan:
    """Let Tom apply a plan, up to where it may be applied."""
    hand, now = world.process(), world.clock.now()
    return await ready_to_apply(stored.plan.plan_id, hand.site, hand.records, Approval(TOM), now)


async def test_a_plan_that_somebody_has_approved_is_applied_by_another_as_it_was_approved() -> None:
    world = a_world()
    stored = await world.plan()
    ledger = list(world.store.ledger)

    ready = await _ready(world, stored)

    assert (ready.status, ready.approved_by) == (PlanStatus.APPROVED, "Jane Doe")
    assert world.store.ledger == ledger


async def test_a_plan_that_waits_is_approved_by_whoever_applies_it() -> None:
    world = a_world()

    ready = await _ready(world, await world.plan(approved=False))

    assert (ready.status, ready.approved_by) == (PlanStatus.APPROVED, TOM.by)
