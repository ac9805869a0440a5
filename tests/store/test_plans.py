from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.record import Kind
from seatkeeper.errors import LeaseLost, NotAllowed, PlanAltered, PlanStale, StoreError, UsageError
from seatkeeper.store import LedgerQuery, Store
from seatkeeper.store.tables import PLAN
from stored import (
    ANNA,
    ENGINE,
    JANE,
    NOW,
    a_plan,
    a_violation,
    an_action,
    an_outcome,
    an_override,
    applied,
    applying,
    hold,
    later,
    some_actions,
)


async def kinds(store: Store, plan_id: str) -> list[Kind]:
    return [r.kind for r in await store.ledger.show(LedgerQuery(plan_id=plan_id))]


async def status(store: Store, plan_id: str) -> PlanStatus:
    return (await store.plans.load(plan_id, NOW)).status


async def test_a_plan_comes_back_exactly_as_it_was_recorded(store: Store) -> None:
    plan = a_plan(an_action("EXAMPLE\\Ünï \U0001f600"), an_action())

    await store.plans.record(plan, ENGINE, "run-0")
    stored = await store.plans.load(plan.plan_id, NOW)

    assert stored.plan == plan
    assert stored.digest == plan.digest
    assert stored.status is PlanStatus.OPEN
    assert await kinds(store, plan.plan_id) == [Kind.PLAN_PROPOSED]


async def test_the_proposal_in_the_ledger_has_the_digest_and_names_nobody(store: Store) -> None:
    plan = a_plan(violations=(a_violation(),))

    await store.plans.record(plan, ENGINE, "run-0")
    (record,) = await store.ledger.show(LedgerQuery(plan_id=plan.plan_id))

    assert record.evidence["digest"] == plan.digest
    assert record.evidence["violations"] == ["max_share"]
    assert record.evidence["actions"] == 1
    assert "anna" not in str(record).casefold()


async def test_a_plan_that_breaks_a_limit_starts_blocked(store: Store) -> None:
    plan = a_plan(violations=(a_violation(),))

    await store.plans.record(plan, ENGINE, "run-0")

    assert await status(store, plan.plan_id) is PlanStatus.BLOCKED


async def test_the_mode_approves_an_unblocked_plan_and_never_a_blocked_one(store: Store) -> None:
    plan, blocked = a_plan(), a_plan(violations=(a_violation(),))

    await store.plans.record(plan, ENGINE, "run-0", approve=True)
    with pytest.raises(NotAllowed):
        await store.plans.record(blocked, ENGINE, "run-0", approve=True)

    stored = await store.plans.approved("prod", NOW)
    assert stored is not None
    assert (stored.plan, stored.approved_by) == (plan, "mode auto")
    assert await kinds(store, plan.plan_id) == [Kind.PLAN_PROPOSED, Kind.PLAN_APPROVED]


async def test_an_unknown_plan_is_a_usage_error(store: Store) -> None:
    with pytest.raises(UsageError, match="no plan nonsense"):
        await store.plans.load("nonsense", NOW)


@pytest.mark.parametrize("column", ["body", "digest", "site", "expires_at", "both"])
async def test_a_plan_changed_in_the_store_is_refused(store: Store, column: str) -> None:
    plan, other = a_plan(), a_plan(an_action(r"EXAMPLE\boss"))
    await store.plans.record(plan, ENGINE, "run-0")
    await store.plans.record(other, ENGINE, "run-0")

    with store.plans._db.writing() as conn:
        row = conn.execute(sa.select(PLAN).where(PLAN.c.plan_id == other.plan_id)).one()
        forged = {
            "body": {"body": row.body},
            "digest": {"digest": row.digest},
            "site": {"site": "test"},
            "expires_at": {"expires_at": later(1000)},
            "both": {"body": row.body, "digest": row.digest},
        }[column]
        conn.execute(sa.update(PLAN).where(PLAN.c.plan_id == plan.plan_id).values(forged))

    with pytest.raises(PlanAltered, match=plan.plan_id):
        await store.plans.load(plan.plan_id, NOW)


async def test_damaged_bytes_are_an_altered_plan(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    with store.plans._db.writing() as conn:
        conn.execute(sa.update(PLAN).values(body=b"damaged"))

    with pytest.raises(PlanAltered, match="damaged"):
        await store.plans.load(plan.plan_id, NOW)


async def test_a_waiting_plan_marked_as_redacted_is_an_altered_plan(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    with store.plans._db.writing() as conn:
        conn.execute(sa.update(PLAN).values(redacted_digest=plan.digest))

    with pytest.raises(PlanAltered):
        await store.plans.load(plan.plan_id, NOW)


async def test_a_plan_id_is_used_once(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    with pytest.raises(StoreError):
        await store.plans.record(plan, ENGINE, "run-0")

    assert await kinds(store, plan.plan_id) == [Kind.PLAN_PROPOSED]


async def test_a_person_approves_an_open_plan_and_it_is_found_to_be_applied(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    stored = await store.plans.approve(plan.plan_id, JANE, "looked at it", later(1))

    assert stored.status is PlanStatus.APPROVED
    assert (stored.approved_by, stored.approve_reason) == ("Jane Doe", "looked at it")
    assert stored.approved_at == later(1)
    assert await store.plans.approved("prod", later(2)) == stored
    assert await store.plans.approved("test", later(2)) is None


async def test_a_blocked_plan_is_approved_only_when_overridden(store: Store) -> None:
    plan = a_plan(violations=(a_violation(),))
    await store.plans.record(plan, ENGINE, "run-0")

    with pytest.raises(NotAllowed, match="max_share"):
        await store.plans.approve(plan.plan_id, JANE, "fine", NOW)
    stored = await store.plans.approve(plan.plan_id, JANE, "fine", NOW, [])

    assert stored.status is PlanStatus.APPROVED


async def test_a_pause_cannot_be_overridden_into_an_approval(store: Store) -> None:
    plan = a_plan(violations=(a_violation(Limit.PAUSE),))
    await store.plans.record(plan, ENGINE, "run-0")

    with pytest.raises(NotAllowed, match="pause"):
        await store.plans.approve(plan.plan_id, JANE, "fine", NOW, [])


async def test_approving_supersedes_earlier_plans_and_looking_again_does_not(store: Store) -> None:
    first, second, third = (a_plan(at=later(n)) for n in range(3))
    elsewhere = a_plan(site="test")
    for plan in (first, second, third, elsewhere):
        await store.plans.record(plan, ENGINE, "run-0")
    assert await status(store, first.plan_id) is PlanStatus.OPEN

    await store.plans.approve(second.plan_id, JANE, "fine", later(3))

    assert await status(store, first.plan_id) is PlanStatus.SUPERSEDED
    assert await status(store, third.plan_id) is PlanStatus.OPEN
    assert await status(store, elsewhere.plan_id) is PlanStatus.OPEN
    assert await kinds(store, first.plan_id) == [Kind.PLAN_PROPOSED, Kind.PLAN_SUPERSEDED]
    assert second.plan_id in (await store.plans.load(first.plan_id, NOW)).note


async def test_an_approval_by_the_mode_supersedes_earlier_plans_too(store: Store) -> None:
    blocked, new = a_plan(violations=(a_violation(),)), a_plan(at=later(1))

    await store.plans.record(blocked, ENGINE, "run-0")
    await store.plans.record(new, ENGINE, "run-1", approve=True)

    assert await status(store, blocked.plan_id) is PlanStatus.SUPERSEDED


async def test_a_plan_that_waited_too_long_is_shown_as_expired(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")
    await store.plans.approve(plan.plan_id, JANE, "fine", NOW)

    stored = await store.plans.load(plan.plan_id, plan.expires_at)

    assert stored.status is PlanStatus.EXPIRED
    assert stored.ended_at == plan.expires_at
    assert await store.plans.approved("prod", plan.expires_at) is None
    assert await kinds(store, plan.plan_id) == [Kind.PLAN_PROPOSED, Kind.PLAN_APPROVED]


async def test_the_next_write_stores_the_expiry_even_when_it_is_refused(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    with pytest.raises(PlanStale, match="expired"):
        await store.plans.approve(plan.plan_id, JANE, "late", plan.expires_at)
    with pytest.raises(PlanStale, match="expired"):
        await store.plans.reject(plan.plan_id, JANE, "late", plan.expires_at)

    assert await kinds(store, plan.plan_id) == [Kind.PLAN_PROPOSED, Kind.PLAN_EXPIRED]
    assert await status(store, plan.plan_id) is PlanStatus.EXPIRED


async def test_a_new_plan_stores_the_expiry_of_earlier_ones(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    await store.plans.record(a_plan(at=later(100)), ENGINE, "run-1")

    assert await kinds(store, plan.plan_id) == [Kind.PLAN_PROPOSED, Kind.PLAN_EXPIRED]


async def test_a_rejected_plan_is_over_and_says_why(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    stored = await store.plans.reject(plan.plan_id, JANE, "not these people", NOW)

    assert stored.status is PlanStatus.REJECTED
    assert "not these people" in stored.note
    with pytest.raises(PlanStale, match="rejected"):
        await store.plans.approve(plan.plan_id, JANE, "after all", NOW)


async def test_a_plan_is_started_once_and_the_second_is_told_by_whom(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan, "run-1")

    with pytest.raises(PlanStale, match=r"applying: run run-1 by engine on qlik-1, since 2026-11"):
        await store.plans.start(plan.plan_id, "run-2", ENGINE, held, NOW)

    assert (await store.plans.load(plan.plan_id, NOW)).run_id == "run-1"


async def test_of_many_who_start_a_plan_at_once_exactly_one_does(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0", approve=True)
    held = await hold(store)

    async def attempt(number: int) -> bool:
        try:
            await store.plans.start(plan.plan_id, f"run-{number}", ENGINE, held, NOW)
        except PlanStale:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt(n) for n in range(8)))) == 1


async def test_an_open_plan_is_not_started(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    with pytest.raises(NotAllowed, match="waits for an approval"):
        await store.plans.start(plan.plan_id, "run-1", ENGINE, await hold(store), NOW)


async def test_a_plan_of_another_site_is_not_started(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0", approve=True)

    with pytest.raises(ValueError, match="test is held"):
        await store.plans.start(plan.plan_id, "run-1", ENGINE, await hold(store, "test"), NOW)


async def test_starting_supersedes_every_other_waiting_plan_of_the_site(store: Store) -> None:
    first, second = a_plan(), a_plan(at=later(1))
    await store.plans.record(first, ENGINE, "run-0", approve=True)
    await store.plans.record(second, ENGINE, "run-0")

    await store.plans.start(first.plan_id, "run-1", ENGINE, await hold(store), later(2))

    assert await status(store, second.plan_id) is PlanStatus.SUPERSEDED
    assert "applied" in (await store.plans.load(second.plan_id, NOW)).note


async def test_starting_needs_the_lease(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0", approve=True)
    held = await hold(store)
    await store.leases.release(held)

    with pytest.raises(LeaseLost):
        await store.plans.start(plan.plan_id, "run-1", ENGINE, held, NOW)

    assert await status(store, plan.plan_id) is PlanStatus.APPROVED


async def test_a_whole_run_leaves_its_story_in_the_ledger(store: Store) -> None:
    plan = a_plan()

    await applied(store, plan)

    assert await status(store, plan.plan_id) is PlanStatus.APPLIED
    records = await store.ledger.show(LedgerQuery(plan_id=plan.plan_id))
    assert [r.kind for r in records] == [
        Kind.PLAN_PROPOSED,
        Kind.PLAN_APPROVED,
        Kind.APPLY_STARTED,
        Kind.RELEASE_INTENT,
        Kind.RELEASE_OUTCOME,
        Kind.APPLY_FINISHED,
    ]
    intent, outcome, finished = records[-3:]
    assert intent.person == outcome.person == ANNA
    assert intent.evidence["reason"] == "idle"
    assert intent.evidence["idle_days"] == 120
    assert outcome.evidence["outcome"] == "released"
    assert finished.evidence["counts"] == {"released": 1}
    assert {r.run_id for r in records[-4:]} == {"run-1"}


async def test_a_run_that_ended_early_leaves_its_plan_partly_applied(store: Store) -> None:
    plan = a_plan()
    await applying(store, plan)

    await store.plans.finish(
        plan.plan_id, "run-1", ENGINE, later(1), complete=False, note="five failures in a row"
    )

    stored = await store.plans.load(plan.plan_id, NOW)
    assert (stored.status, stored.ended_at) == (PlanStatus.PARTLY_APPLIED, later(1))
    assert stored.note == "five failures in a row"


async def test_a_plan_is_closed_once(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)

    await store.plans.finish(plan.plan_id, "run-1", ENGINE, later(1), complete=False)

    assert await status(store, plan.plan_id) is PlanStatus.APPLIED
    assert (await kinds(store, plan.plan_id)).count(Kind.APPLY_FINISHED) == 1


async def test_a_plan_being_applied_is_named_as_interrupted_on_its_site(store: Store) -> None:
    plan = a_plan()
    await applying(store, plan)

    assert [s.plan for s in await store.plans.interrupted("prod", NOW)] == [plan]
    assert await store.plans.interrupted("test", NOW) == []


async def test_the_newest_plan_of_a_site_is_the_one_made_last(store: Store) -> None:
    plans = [a_plan(at=later(n)) for n in (2, 3, 1)]
    for plan in plans:
        await store.plans.record(plan, ENGINE, "run-0")

    newest = await store.plans.newest("prod", later(4))

    assert newest is not None
    assert newest.plan == plans[1]
    assert await store.plans.newest("test", NOW) is None


async def test_a_list_of_plans_has_their_numbers_newest_first(store: Store) -> None:
    await store.plans.record(a_plan(at=later(1), site="test"), ENGINE, "run-0")
    old = a_plan(*some_actions(3), deferred=some_actions(2, "d"), violations=(a_violation(),))
    await store.plans.record(old, ENGINE, "run-0")
    await store.plans.record(a_plan(at=later(2)), ENGINE, "run-0")

    lines = await store.plans.lines(later(3), site="prod")

    assert [line.created_at for line in lines] == [later(2), NOW]
    assert (lines[1].actions, lines[1].deferred) == (3, 2)
    assert lines[1].violations == (Limit.MAX_SHARE,)
    assert len(await store.plans.lines(later(3), limit=2)) == 2


async def test_what_became_of_each_action_is_told(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)
    result = an_outcome(plan.actions[0], Outcome.QUARANTINED, "until Friday")

    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [result], NOW)

    assert await store.plans.outcomes(plan.plan_id) == [result]


async def test_only_what_a_person_approved_waits_for_the_engine(store: Store) -> None:
    of_mode, open_one, approved = a_plan(site="a"), a_plan(site="b"), a_plan(site="c")
    await store.plans.record(of_mode, ENGINE, "run-0", approve=True)
    await store.plans.record(open_one, ENGINE, "run-0")
    await store.plans.record(approved, ENGINE, "run-0")
    await store.plans.approve(approved.plan_id, JANE, "fine", later(1))

    (waiting,) = await store.plans.waiting(later(2))

    assert (waiting.plan_id, waiting.site) == (approved.plan_id, "c")
    assert waiting.approved_at == later(1)
    assert list(await store.plans.waiting(approved.expires_at)) == []


async def test_an_approval_that_comes_too_late_keeps_no_override(store: Store) -> None:
    plan = a_plan(violations=(a_violation(),))
    await store.plans.record(plan, ENGINE, "run-0")
    await store.plans.reject(plan.plan_id, JANE, "no", NOW)
    override = an_override(plan_id=plan.plan_id)

    with pytest.raises(PlanStale):
        await store.plans.approve(plan.plan_id, JANE, "fine", NOW, [override])

    assert await store.control.overrides("prod", "policy-1", NOW, plan.plan_id) == []
    assert Kind.LIMIT_OVERRIDDEN not in await kinds(store, plan.plan_id)


async def test_an_override_is_kept_in_the_step_that_approves(store: Store) -> None:
    plan = a_plan(violations=(a_violation(),))
    await store.plans.record(plan, ENGINE, "run-0")
    override = an_override(plan_id=plan.plan_id)

    await store.plans.approve(plan.plan_id, JANE, "fine", NOW, [override])

    assert await store.control.overrides("prod", "policy-1", NOW, plan.plan_id) == [override]
    assert (await kinds(store, plan.plan_id))[-2:] == [Kind.LIMIT_OVERRIDDEN, Kind.PLAN_APPROVED]
