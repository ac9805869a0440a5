from __future__ import annotations

import pytest
import sqlalchemy as sa

from builders import a_policy, a_snapshot, a_user, an_allocation, judged_of
from seatkeeper.core.outcome import GrantOutcome, GrantResult, Outcome
from seatkeeper.core.plan import Notice, PlanStatus
from seatkeeper.core.record import Kind
from seatkeeper.core.roster import lines_of
from seatkeeper.errors import PlanAltered, UsageError
from seatkeeper.store import RequestKind, Store
from seatkeeper.store.columns import META
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
    applied,
    applying,
    changed,
    hold,
    later,
    some_actions,
)


async def erase(store: Store, person: str = ANNA) -> None:
    await store.ledger.erase(person, JANE, "asked for it", later(1))


async def everything(store: Store) -> str:
    """Every value of every table, plans unpacked, in one text."""
    from seatkeeper.store.plan_rows import unpack  # noqa: PLC0415 - only here

    with store.ledger._db.reading() as conn:
        rows = [row for table in META.sorted_tables for row in conn.execute(sa.select(table))]
        bodies = [unpack(body) for body in conn.execute(sa.select(PLAN.c.body)).scalars()]
    return (str(rows) + str(bodies)).casefold()


async def test_no_trace_of_an_erased_person_is_left_and_the_chain_verifies(store: Store) -> None:
    warning = Notice(code="unused_exemption", message=rf"user {ANNA.upper()} matches nobody")
    plan = a_plan(an_action(), *some_actions(2), deferred=(), warnings=(warning,))
    await applied(store, plan)
    await store.history.observe(a_snapshot(users=[a_user(ANNA, inactive=True)]))
    held = an_allocation(ANNA, id="seat-1", last_used=NOW)
    reading = a_snapshot([held])
    await store.activity.observe(reading, NOW)
    await store.roster.keep("prod", NOW, lines_of(judged_of(reading, a_policy()), ""))
    (seat, *_) = await store.plans.released(user=ANNA)
    grant = GrantResult(
        allocation_id=seat.allocation_id,
        user=ANNA,
        license_type=seat.license_type,
        outcome=GrantOutcome.REFUSED,
        detail=f"{ANNA} is blocked",
    )
    await store.plans.settle_grants("undo-1", JANE, "prod", [grant], NOW)
    asked = await store.requests.ask(RequestKind.UNDO, "prod", {"user": ANNA}, JANE, NOW)
    await store.requests.take(asked.id, NOW)
    await store.requests.finish(asked.id, {"user": ANNA}, NOW)
    seat_id = plan.actions[0].allocation_id
    assert "anna" in (await everything(store)).replace(seat_id, "")

    await erase(store)

    assert "anna" not in (await everything(store)).replace(seat_id, "")
    verified = await store.ledger.verify()
    assert (verified.erased, verified.persons) == (1, 2)


async def test_what_became_of_the_seats_stays(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)

    erased = await store.ledger.erase(ANNA, JANE, "asked for it", later(1))

    assert (erased.plans, erased.releases) == (1, 1)
    (outcome,) = await store.plans.outcomes(plan.plan_id)
    assert (outcome.user, outcome.outcome) == ("", Outcome.RELEASED)
    assert await store.plans.released(plan_id=plan.plan_id) == []


async def test_the_erasure_is_recorded_without_the_name(store: Store) -> None:
    await applied(store, a_plan())
    ref = next(r.person_ref for r in await store.ledger.show() if r.person == ANNA)

    await erase(store)

    record = (await store.ledger.show())[-1]
    assert (record.kind, record.person_ref, record.person) == (Kind.PERSON_ERASED, ref, "")
    assert (record.by, record.why) == ("Jane Doe", "asked for it")
    assert record.evidence == {"plans": 1, "releases": 1}


async def test_a_plan_that_names_an_erased_person_is_kept_without_the_name(store: Store) -> None:
    plan = a_plan(an_action(), *some_actions(2))
    await applied(store, plan)

    await erase(store, ANNA.swapcase())
    stored = await store.plans.load(plan.plan_id, later(2))

    assert stored.redacted
    assert stored.digest == plan.digest
    assert stored.status is PlanStatus.APPLIED
    assert stored.plan == changed(
        plan,
        actions=(changed(plan.actions[0], user="(erased)", user_id=""), *plan.actions[1:]),
    )


async def test_a_redacted_plan_changed_by_hand_is_refused(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    await erase(store)
    other = a_plan()
    await store.plans.record(other, ENGINE, "run-2")

    with store.plans._db.writing() as conn:
        body = conn.execute(sa.select(PLAN.c.body).where(PLAN.c.plan_id == other.plan_id)).scalar()
        conn.execute(sa.update(PLAN).where(PLAN.c.plan_id == plan.plan_id).values(body=body))

    with pytest.raises(PlanAltered):
        await store.plans.load(plan.plan_id, later(2))


async def test_two_persons_can_be_erased_from_one_plan(store: Store) -> None:
    plan = a_plan(*some_actions(3))
    await applied(store, plan)

    await erase(store, r"EXAMPLE\u0")
    await erase(store, r"EXAMPLE\u2")

    stored = await store.plans.load(plan.plan_id, later(2))
    assert [a.user for a in stored.plan.actions] == ["(erased)", r"EXAMPLE\u1", "(erased)"]
    assert (await store.ledger.verify()).erased == 2


async def test_a_person_only_deferred_and_never_released_is_erased_too(store: Store) -> None:
    plan = a_plan(*some_actions(1), deferred=(an_action(),))
    await applied(store, plan)

    await erase(store)

    assert "anna.berg" not in str((await store.plans.load(plan.plan_id, NOW)).plan.deferred[0].user)
    assert (await store.ledger.verify()).erased == 0


async def test_a_person_who_returns_gets_a_new_reference(store: Store) -> None:
    await applied(store, a_plan())
    await erase(store)

    await applied(store, a_plan(at=later(2)), run_id="run-2")

    refs = {r.person_ref for r in await store.ledger.show() if r.person_ref}
    assert len(refs) == 2
    assert (await store.ledger.verify()).erased == 1


@pytest.mark.parametrize("status", ["open", "blocked", "approved", "applying"])
async def test_nobody_is_erased_while_a_plan_needs_the_name(store: Store, status: str) -> None:
    plan = a_plan(violations=(a_violation(),) if status == "blocked" else ())
    if status == "applying":
        await applying(store, plan)
    else:
        await store.plans.record(plan, ENGINE, "run-0", approve=status == "approved")

    with pytest.raises(UsageError, match=rf"{plan.plan_id} of prod, which is {status}"):
        await erase(store)

    assert (await store.plans.load(plan.plan_id, NOW)).plan == plan


async def test_an_expired_plan_needs_nobody(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run-0")

    await store.ledger.erase(ANNA, JANE, "asked for it", plan.expires_at)

    assert (await store.plans.load(plan.plan_id, plan.expires_at)).redacted


async def test_nobody_is_erased_while_a_release_is_not_settled(store: Store) -> None:
    plan = a_plan()
    held = await applying(store, plan)
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, NOW)
    unknown = an_outcome(plan.actions[0], Outcome.UNKNOWN)
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, [unknown], NOW)
    await store.plans.finish(plan.plan_id, "run-1", ENGINE, NOW, complete=False)

    with pytest.raises(UsageError, match="not settled"):
        await erase(store)


async def test_nobody_is_erased_while_a_request_waits(store: Store) -> None:
    await applied(store, a_plan())
    await store.requests.ask(RequestKind.UNDO, "prod", {"user": ANNA}, JANE, NOW)

    with pytest.raises(UsageError, match="not carried out yet"):
        await erase(store)


async def test_somebody_unknown_cannot_be_erased(store: Store) -> None:
    await applied(store, a_plan())
    await hold(store)

    with pytest.raises(UsageError, match="knows nobody called"):
        await erase(store, r"EXAMPLE\nobody")

    assert Kind.PERSON_ERASED not in {r.kind for r in await store.ledger.show()}
