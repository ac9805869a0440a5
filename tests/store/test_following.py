"""Following a plan while it is applied, and finding the one before it."""

from __future__ import annotations

import pytest

from seatkeeper.core.application import Stage
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Plan, PlanStatus
from seatkeeper.core.policy import Policy
from seatkeeper.core.smaller import Leaving, without
from seatkeeper.errors import UsageError
from seatkeeper.store import Held, Store
from stored import (
    ENGINE,
    JANE,
    NOW,
    a_grant,
    a_plan,
    an_outcome,
    applied,
    applying,
    hold,
    later,
    some_actions,
)


async def half_done(store: Store) -> tuple[Plan, Held]:
    """Return a plan of four seats: one released, one unknown, one intended, one waiting."""
    plan = a_plan(*some_actions(4))
    held = await applying(store, plan)
    one, two, three, _ = plan.actions
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, [one, two, three], later(1))
    told = [an_outcome(one), an_outcome(two, Outcome.UNKNOWN, "no clear answer")]
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, told, later(2))
    return plan, held


async def test_a_plan_that_waits_has_nothing_to_tell_yet(store: Store) -> None:
    plan = a_plan(*some_actions(4))
    await store.plans.record(plan, ENGINE, "run-0")

    pulse = await store.plans.pulse(plan.plan_id, NOW)

    assert (pulse.status, pulse.total, pulse.waiting) == (PlanStatus.OPEN, 4, 4)
    assert not pulse.is_moving
    assert pulse.started_at is None


async def test_a_part_of_a_plan_is_told_as_the_whole_tells_it(store: Store) -> None:
    plan, held = await half_done(store)
    [seat] = [s for s in await store.plans.released(plan_id=plan.plan_id) if s.user.endswith("u0")]
    await store.plans.intend_grants("run-2", JANE, held, [seat], "needed", later(3))
    whole = (await store.plans.application(plan.plan_id, later(3))).actions

    for part in (slice(0, 2), slice(2, 4), slice(3, 1)):
        told = await store.plans.progress_of(plan.plan_id, plan.actions[part])
        assert told == whole[part]
    assert whole[0].given_back is not None


async def test_the_numbers_of_a_plan_in_the_middle(store: Store) -> None:
    plan, _ = await half_done(store)

    pulse = await store.plans.pulse(plan.plan_id, later(2))

    assert (pulse.status, pulse.run_id) == (PlanStatus.APPLYING, "run-1")
    assert (pulse.started_at, pulse.started_by) == (NOW, "engine")
    assert (pulse.total, pulse.waiting, pulse.intended, pulse.done) == (4, 1, 1, 2)
    assert pulse.outcomes == {Outcome.RELEASED: 1, Outcome.UNKNOWN: 1}
    assert pulse.is_moving


async def test_every_seat_says_where_it_stands_in_the_order_of_the_plan(store: Store) -> None:
    plan, _ = await half_done(store)

    found = await store.plans.application(plan.plan_id, later(2))

    assert [a.action for a in found.actions] == list(plan.actions)
    assert [(a.stage, a.outcome, a.at) for a in found.actions] == [
        (Stage.DONE, Outcome.RELEASED, later(2)),
        (Stage.DONE, Outcome.UNKNOWN, later(2)),
        (Stage.INTENDED, None, later(1)),
        (Stage.WAITING, None, None),
    ]
    assert found.actions[1].detail == "no clear answer"
    assert found.pulse == await store.plans.pulse(plan.plan_id, later(2))


async def test_the_version_stays_while_nothing_happens_and_changes_with_every_step(
    store: Store,
) -> None:
    plan = a_plan(*some_actions(2))
    await store.plans.record(plan, ENGINE, "run-0")
    seen: list[str] = []

    async def looked(hours: float) -> None:
        version = (await store.plans.pulse(plan.plan_id, later(hours))).version
        assert version == (await store.plans.pulse(plan.plan_id, later(hours + 0.5))).version
        seen.append(version)

    def told(outcome: Outcome) -> list[object]:
        return [an_outcome(plan.actions[0], outcome)]

    await looked(1)
    await store.plans.approve(plan.plan_id, JANE, "fine", later(1))
    await looked(1)
    held = await hold(store)
    await store.plans.start(plan.plan_id, "run-1", ENGINE, held, later(2))
    await looked(2)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions[:1], later(2))
    await looked(2)
    for outcome in (Outcome.UNKNOWN, Outcome.RELEASED):
        await store.plans.settle(plan.plan_id, "run-1", ENGINE, told(outcome), later(3))  # type: ignore[arg-type]
        await looked(3)
    await store.plans.finish(plan.plan_id, "run-1", ENGINE, later(4), complete=False)
    await looked(4)
    seats = await store.plans.released(plan_id=plan.plan_id)
    await store.plans.intend_grants("run-2", JANE, held, seats, "she called", later(5))
    await looked(5)
    await store.plans.settle_grants("run-2", JANE, "prod", [a_grant(seats[0])], later(5))
    await looked(5)

    assert len(set(seen)) == len(seen) == 9


async def test_a_seat_given_back_says_by_whom_why_and_what_became_of_it(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan)
    held = await hold(store)
    seats = await store.plans.released(plan_id=plan.plan_id)
    await store.plans.intend_grants("run-2", JANE, held, seats, "they called", later(5))
    going = await store.plans.pulse(plan.plan_id, later(5))
    refused = a_grant(seats[0], GrantOutcome.NO_FREE_SEAT)
    await store.plans.settle_grants("run-2", JANE, "prod", [refused], later(6))

    found = await store.plans.application(plan.plan_id, later(6))

    assert (going.returning, going.is_moving) == (2, True)
    assert (found.pulse.returning, found.pulse.given_back) == (1, {GrantOutcome.NO_FREE_SEAT: 1})
    by_seat = {a.action.allocation_id: a.given_back for a in found.actions}
    told, open_one = by_seat[seats[0].allocation_id], by_seat[seats[1].allocation_id]
    assert told is not None
    assert open_one is not None
    assert (told.by, told.why, told.outcome) == (
        "Jane Doe",
        "they called",
        GrantOutcome.NO_FREE_SEAT,
    )
    assert open_one.outcome is None


async def test_a_seat_restored_once_stays_restored_whatever_a_later_try_says(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    held = await hold(store)
    (seat,) = await store.plans.released(plan_id=plan.plan_id)
    for run_id, outcome in (
        ("run-2", GrantOutcome.REFUSED),
        ("run-3", GrantOutcome.RESTORED),
        ("run-4", GrantOutcome.ALREADY_HELD),
    ):
        at = later(int(run_id[-1]))
        await store.plans.intend_grants(run_id, JANE, held, [seat], "", at)
        await store.plans.settle_grants(run_id, JANE, "prod", [a_grant(seat, outcome)], at)

    (one,) = (await store.plans.application(plan.plan_id, later(9))).actions

    assert one.given_back is not None
    assert one.given_back.outcome is GrantOutcome.RESTORED


async def test_an_expired_plan_is_told_as_expired(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    early, late = [await store.plans.pulse(plan.plan_id, at) for at in (NOW, plan.expires_at)]

    assert (late.status, late.ended_at) == (PlanStatus.EXPIRED, plan.expires_at)
    assert early.version != late.version


async def test_an_unknown_plan_cannot_be_followed(store: Store) -> None:
    for look in (store.plans.pulse, store.plans.application, store.plans.previous):
        with pytest.raises(UsageError, match="no plan x"):
            await look("x", NOW)


async def test_the_previous_plan_is_the_one_made_before_on_the_same_site(store: Store) -> None:
    first, second = a_plan(at=NOW), a_plan(at=later(2))
    for plan in (first, a_plan(at=later(1), site="test"), second, a_plan(at=later(3))):
        await store.plans.record(plan, ENGINE, "run-0")

    before = await store.plans.previous(second.plan_id, later(4))

    assert before is not None
    assert before.plan == first
    assert await store.plans.previous(first.plan_id, later(4)) is None


async def test_before_a_smaller_plan_comes_the_one_it_was_made_from(store: Store) -> None:
    earlier, plan = a_plan(at=NOW), a_plan(*some_actions(3), at=later(1))
    for one in (earlier, plan):
        await store.plans.record(one, ENGINE, "run-0")
    stored = await store.plans.load(plan.plan_id, later(1))
    leaving = Leaving((plan.actions[0].allocation_id,), "Jane Doe")
    smaller = without(stored, leaving, Policy(), later(2))
    await store.plans.leave_out(smaller, JANE, "", later(2))

    before = await store.plans.previous(smaller.plan_id, later(2))
    before_it = await store.plans.previous(plan.plan_id, later(2))

    assert before is not None
    assert before.plan == plan
    assert before_it is not None
    assert before_it.plan == earlier
