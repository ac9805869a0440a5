"""Smaller plans in the store: recorded whole, and of two who decide at once exactly one has it."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence

import pytest

from lease_process import Process
from seatkeeper.core.plan import LeftOut, Limit, Plan, PlanStatus
from seatkeeper.core.policy import Policy
from seatkeeper.core.record import Actor, Kind, StoredPlan, WaitingPlan
from seatkeeper.core.smaller import Leaving, without
from seatkeeper.errors import PlanStale, UsageError
from seatkeeper.store import LedgerQuery, Store
from stored import (
    ENGINE,
    JANE,
    NOW,
    a_plan,
    a_violation,
    an_override,
    applying,
    changed,
    later,
    some_actions,
)

TOM = Actor(by="Tom Tailor", os_account="tom", host="desk")


async def recorded(store: Store, **more: object) -> StoredPlan:
    """Record a plan of four seats."""
    plan = a_plan(*some_actions(4), **more)
    await store.plans.record(plan, ENGINE, "run-0")
    return await store.plans.load(plan.plan_id, NOW)


def smaller_than(stored: StoredPlan, number: int = 1, by: Actor = JANE) -> Plan:
    """Return the plan without its first seats, as it is made an hour later."""
    seats = tuple(a.allocation_id for a in stored.plan.actions[:number])
    return without(stored, Leaving(seats, by.by, "on leave"), Policy(), later(1))


async def of(store: Store, plan_id: str) -> StoredPlan:
    return await store.plans.load(plan_id, later(1))


async def test_a_smaller_plan_waits_beside_the_one_it_was_made_from(store: Store) -> None:
    stored = await recorded(store)
    smaller = smaller_than(stored)

    kept = await store.plans.leave_out(smaller, JANE, "on leave", later(1))

    assert (kept.plan, kept.status, kept.digest) == (smaller, PlanStatus.OPEN, smaller.digest)
    assert (await of(store, stored.plan.plan_id)).status is PlanStatus.OPEN


async def test_the_ledger_tells_who_left_out_whom_and_from_which_plan(store: Store) -> None:
    stored = await recorded(store)
    smaller = smaller_than(stored, 2)

    await store.plans.leave_out(smaller, JANE, "on leave", later(1))

    records = await store.ledger.show(LedgerQuery(plan_id=smaller.plan_id))
    proposed, *left = records
    assert [r.kind for r in records] == [Kind.PLAN_PROPOSED, *[Kind.SEAT_LEFT_OUT] * 2]
    assert {(r.by, r.why) for r in records} == {("Jane Doe", "on leave")}
    assert [r.person for r in left] == [a.user for a in stored.plan.actions[:2]]
    assert proposed.evidence["digest"] == smaller.digest
    assert proposed.evidence["made_from"]["plan_id"] == stored.plan.plan_id
    assert proposed.evidence["made_from"]["digest"] == stored.digest
    assert proposed.evidence["left_out"] == [a.allocation_id for a in stored.plan.actions[:2]]
    assert not any("EXAMPLE" in str(r.evidence) for r in records)
    await store.ledger.verify()


async def test_approved_at_once_it_supersedes_the_one_it_was_made_from(store: Store) -> None:
    stored = await recorded(store)
    smaller = smaller_than(stored)

    kept = await store.plans.leave_out(smaller, JANE, "on leave", later(1), passing=[])

    assert (kept.status, kept.approved_by) == (PlanStatus.APPROVED, "Jane Doe")
    before = await of(store, stored.plan.plan_id)
    assert before.status is PlanStatus.SUPERSEDED
    assert smaller.plan_id in before.note
    (waiting,) = await store.plans.waiting(later(1))
    assert waiting.plan_id == smaller.plan_id


async def test_a_limit_passed_for_it_is_kept_in_the_same_step(store: Store) -> None:
    stored = await recorded(store, violations=(a_violation(Limit.CLOCK_SKEW),))
    smaller = smaller_than(stored)
    passing = an_override(Limit.CLOCK_SKEW, plan_id=smaller.plan_id)

    await store.plans.leave_out(smaller, JANE, "on leave", later(1), passing=[passing])

    kept = await store.control.overrides("prod", "policy-1", later(1), smaller.plan_id)
    assert [o.plan_id for o in kept] == [smaller.plan_id]
    records = await store.ledger.show(LedgerQuery(plan_id=smaller.plan_id))
    assert [r.kind for r in records][-2:] == [Kind.LIMIT_OVERRIDDEN, Kind.PLAN_APPROVED]


async def test_approving_the_smaller_plan_later_supersedes_the_other(store: Store) -> None:
    stored = await recorded(store)
    smaller = smaller_than(stored)
    await store.plans.leave_out(smaller, JANE, "on leave", later(1))

    await store.plans.approve(smaller.plan_id, TOM, "fine", later(1))

    assert (await of(store, stored.plan.plan_id)).status is PlanStatus.SUPERSEDED


async def test_the_one_made_smaller_last_is_the_newest_plan_of_the_site(store: Store) -> None:
    stored = await recorded(store)
    smaller = smaller_than(stored)
    await store.plans.leave_out(smaller, JANE, "on leave", later(1))

    newest = await store.plans.newest("prod", later(1))

    assert newest is not None
    lines = await store.plans.lines(later(1))
    assert [line.made_from for line in lines if line.made_from] == [stored.plan.plan_id]


async def test_a_smaller_plan_says_nothing_of_what_is_usual_on_the_site(store: Store) -> None:
    blocked = await recorded(store, violations=(a_violation(Limit.MAX_SHARE),))
    smaller = changed(smaller_than(blocked), violations=())
    await store.plans.leave_out(smaller, JANE, "on leave", later(1))

    baseline = await store.history.baseline("prod", "policy-1", later(30))

    assert baseline.eligible_by_day == ()


@pytest.mark.parametrize("decided", ["approved", "rejected", "applying", "expired"])
async def test_a_plan_that_is_decided_is_not_made_smaller(store: Store, decided: str) -> None:
    stored = await recorded(store)
    plan_id, now = stored.plan.plan_id, later(1)
    if decided == "approved":
        await store.plans.approve(plan_id, TOM, "fine", now)
    elif decided == "rejected":
        await store.plans.reject(plan_id, TOM, "no", now)
    elif decided == "expired":
        now = stored.plan.expires_at
    else:
        stored = await store.plans.load((await _applying(store)).plan_id, now)

    with pytest.raises(PlanStale, match=decided):
        await store.plans.leave_out(smaller_than(stored), JANE, "", now, passing=[])


async def _applying(store: Store) -> Plan:
    plan = a_plan(*some_actions(4))
    await applying(store, plan)
    return plan


@pytest.mark.parametrize(
    "changes",
    [{"actions": some_actions(9)}, {"expires_at": later(999)}, {"created_at": later(1)}],
)
async def test_what_is_not_simply_smaller_is_never_recorded(
    store: Store, changes: dict[str, object]
) -> None:
    stored = await recorded(store)
    forged = changed(smaller_than(stored), **changes)

    with pytest.raises(ValueError, match="without some seats"):
        await store.plans.leave_out(forged, JANE, "", later(1), passing=[])

    assert len(await store.ledger.show()) == 1


async def test_of_two_who_approve_whole_and_without_at_once_exactly_one_has_it(
    store: Store,
) -> None:
    for _ in range(10):
        stored = await recorded(store)
        smaller = smaller_than(stored)
        whole = store.plans.approve(stored.plan.plan_id, TOM, "all of it", later(1))
        less = store.plans.leave_out(smaller, JANE, "on leave", later(1), passing=[])

        ended = await asyncio.gather(*(whole, less), return_exceptions=True)

        assert sorted(type(e).__name__ for e in ended) == ["PlanStale", "StoredPlan"]
        (one,) = await store.plans.waiting(later(1))
        await store.plans.reject(one.plan_id, TOM, "next round", later(1))
    await store.ledger.verify()


async def test_of_two_smaller_plans_approved_at_once_exactly_one_is(store: Store) -> None:
    stored = await recorded(store)
    two = [smaller_than(stored, 1, JANE), smaller_than(stored, 2, TOM)]
    for smaller, who in zip(two, (JANE, TOM), strict=True):
        await store.plans.leave_out(smaller, who, "", later(1))

    ended = await asyncio.gather(
        *(store.plans.approve(p.plan_id, ENGINE, "", later(1)) for p in two),
        return_exceptions=True,
    )

    assert sorted(type(e).__name__ for e in ended) == ["PlanStale", "StoredPlan"]


async def test_of_two_processes_that_decide_at_once_exactly_one_has_it(
    store: Store, url: str
) -> None:
    for _ in range(3):
        plan_id = (await recorded(store)).plan.plan_id
        with (
            Process("approve", url, plan_id, "whole") as whole,
            Process("approve", url, plan_id, "less") as less,
        ):
            assert (whole.heard(), less.heard()) == ("ready", "ready")
            whole.go_on()
            less.go_on()
            assert sorted((whole.heard(), less.heard())) == ["PlanStale", "approved"]
        (one,) = await store.plans.waiting(later(1))
        await store.plans.reject(one.plan_id, TOM, "next round", later(1))


async def test_a_process_killed_while_it_decides_leaves_all_of_it_or_nothing(
    store: Store, url: str
) -> None:
    for _ in range(4):
        stored = await recorded(store)
        plan_id = stored.plan.plan_id
        with Process("approve", url, plan_id, "less") as killed:
            assert killed.heard() == "ready"
            killed.go_on()
            await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311 - any moment
            killed.send(signal.SIGKILL)
            killed.end()

        waiting = await store.plans.waiting(later(1))
        before = (await of(store, plan_id)).status
        kinds = [
            r.kind for r in await store.ledger.show() if r.plan_id in (plan_id, *_ids(waiting))
        ]
        if waiting:
            assert before is PlanStatus.SUPERSEDED
            assert kinds == [*_ALL]
            await store.plans.reject(waiting[0].plan_id, TOM, "next round", later(1))
        else:
            assert before is PlanStatus.OPEN
            assert kinds == [Kind.PLAN_PROPOSED]
    await store.ledger.verify()


_ALL = (
    Kind.PLAN_PROPOSED,
    Kind.PLAN_PROPOSED,
    Kind.SEAT_LEFT_OUT,
    Kind.PLAN_APPROVED,
    Kind.PLAN_SUPERSEDED,
)


def _ids(waiting: Sequence[WaitingPlan]) -> list[str]:
    return [plan.plan_id for plan in waiting]


async def test_a_person_is_taken_out_of_a_smaller_plan_too(store: Store) -> None:
    stored = await recorded(store)
    who = stored.plan.actions[0].user
    smaller = without(stored, Leaving((who,), "Jane Doe", f"{who} called"), Policy(), later(1))
    await store.plans.leave_out(smaller, JANE, "", later(1))
    with pytest.raises(UsageError, match="reject it"):
        await store.ledger.erase(who, JANE, "asked for", later(1))

    now = stored.plan.expires_at
    await store.ledger.erase(who, JANE, "asked for", now)

    kept = await store.plans.load(smaller.plan_id, now)
    (left,) = kept.plan.left_out
    assert isinstance(left, LeftOut)
    assert (left.action.user, left.reason) == ("(erased)", "the user called")
    await store.ledger.verify()


async def test_who_asked_for_a_plan_is_in_plan_list_and_ledger(store: Store) -> None:
    await recorded(store, asked_by="Jane Doe")

    (line,) = await store.plans.lines(NOW)
    (record,) = await store.ledger.show()

    assert line.asked_by == "Jane Doe"
    assert record.evidence["asked_by"] == "Jane Doe"
