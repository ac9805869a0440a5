"""The life of a plan, one transaction a step: proposed, approved or rejected, started, finished.

Every step checks the status under the ledger's lock, so that of two who want the same step
exactly one takes it, and the other is told who did and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.outcome import Outcome, counted
from seatkeeper.core.plan import Limit, Plan, PlanStatus
from seatkeeper.core.record import BY_MODE, Actor, Kind, LedgerEntry, Override, StoredPlan
from seatkeeper.core.smaller import is_smaller
from seatkeeper.errors import NotAllowed, PlanStale, SeatkeeperError
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.control import note_override
from seatkeeper.store.engine import Database
from seatkeeper.store.fence import Fenced
from seatkeeper.store.plan_rows import WAITING, find_row, plan_row, stored_plan
from seatkeeper.store.recording import Recording, recording
from seatkeeper.store.tables import PLAN, PLAN_ACTION, RUN


@dataclass(frozen=True, slots=True)
class Step:
    """Who does something to a plan, when, and why; `run_id` where a run does it."""

    actor: Actor
    now: datetime
    why: str = ""
    run_id: str = ""

    def entry(self, kind: Kind, plan: Any, **more: Any) -> LedgerEntry:
        """Return the ledger record of this step; `plan` is a Plan or its row."""
        about = {
            "site": plan.site,
            "plan_id": plan.plan_id,
            "policy_digest": plan.policy_digest,
            "run_id": self.run_id,
            "why": self.why,
            "actor": self.actor,
        }
        return LedgerEntry(kind=kind, at=self.now, **(about | more))


def propose(db: Database, plan: Plan, step: Step, *, approved: bool) -> None:
    """Keep a new plan; `approved` counts it as approved by the mode (an unblocked one only)."""
    if approved and plan.violations:
        raise NotAllowed(f"plan {plan.plan_id} breaks a limit: the mode cannot approve it")
    row = plan_row(plan)
    why = f"mode {plan.mode.value}"
    if approved:
        row |= {"status": PlanStatus.APPROVED, "approved_by": BY_MODE}
        row |= {"approved_at": step.now, "approve_reason": why}
    with recording(db) as record:
        expire(record, plan.site, step)
        record.conn.execute(sa.insert(PLAN).values(row))
        record.note(step.entry(Kind.PLAN_PROPOSED, plan, evidence=_proposal(plan, row["digest"])))
        if approved:
            nobody = replace(step.actor, by=BY_MODE, person="", via="")
            record.note(step.entry(Kind.PLAN_APPROVED, plan, why=why, actor=nobody))
            _supersede(record, plan, step, "approved")


def approve(
    db: Database, plan_id: str, step: Step, passing: Sequence[Override] | None
) -> StoredPlan:
    """Approve an open plan, or with `passing` a blocked one, and keep what is passed with it."""
    with recording(db) as record:
        row = find_row(record.conn, plan_id)
        expire(record, row.site, step)
        stored = stored_plan(record.conn, row, step.now)
        refusal = _not_approvable(record.conn, stored, overridden=passing is not None)
        if refusal is None:
            for override in passing or ():
                note_override(record, override, step.actor)
            _approve(record, row, step)
            stored = stored_plan(record.conn, find_row(record.conn, plan_id), step.now)
    if refusal is not None:
        raise refusal
    return stored


def _approve(record: Recording, plan: Any, step: Step) -> None:
    """Write that a person approves; `plan` is a Plan or its row."""
    _set(
        record.conn,
        plan.plan_id,
        status=PlanStatus.APPROVED,
        approved_by=step.actor.by,
        approved_at=step.now,
        approve_reason=step.why,
    )
    record.note(step.entry(Kind.PLAN_APPROVED, plan))
    _supersede(record, plan, step, "approved")


def leave_out(
    db: Database, smaller: Plan, step: Step, passing: Sequence[Override] | None
) -> StoredPlan:
    """Keep a smaller plan beside the one it was made from, which has to be waiting still.

    `passing` None: it waits for an approval of its own. Else it is approved in the same step, past
    these limits; the caller has made sure that nothing else blocks it.
    """
    if smaller.made_from is None:
        raise ValueError(f"plan {smaller.plan_id} was made from no other")
    with recording(db) as record:
        row = find_row(record.conn, smaller.made_from.plan_id)
        expire(record, row.site, step)
        stored = stored_plan(record.conn, row, step.now)
        waits = stored.status in (PlanStatus.OPEN, PlanStatus.BLOCKED)
        refusal = None if waits else stale(record.conn, stored)
        if refusal is None:
            if not is_smaller(smaller, stored):
                raise ValueError(f"{smaller.plan_id} is not plan {row.plan_id} without some seats")
            _insert_smaller(record, smaller, stored, step)
            for override in passing or ():
                note_override(record, override, step.actor)
            if passing is not None:
                _approve(record, smaller, step)
    if refusal is not None:
        raise refusal
    with db.reading() as conn:  # its digest is in the ledger only now
        return stored_plan(conn, find_row(conn, smaller.plan_id), step.now)


def _insert_smaller(record: Recording, smaller: Plan, stored: StoredPlan, step: Step) -> None:
    row = plan_row(smaller)
    record.conn.execute(sa.insert(PLAN).values(row))
    proposal = _proposal(smaller, row["digest"])
    record.note(step.entry(Kind.PLAN_PROPOSED, smaller, evidence=proposal))
    for left in smaller.left_out[len(stored.plan.left_out) :]:
        action = left.action
        evidence = {
            "allocation_id": action.allocation_id,
            "license_type": action.license_type.value,
            "made_from": stored.plan.plan_id,
        }
        entry = step.entry(
            Kind.SEAT_LEFT_OUT, smaller, why=left.reason, person=action.user, evidence=evidence
        )
        record.note(entry)


def reject(db: Database, plan_id: str, step: Step) -> StoredPlan:
    """Close a plan that waits; it is never applied."""
    with recording(db) as record:
        row = find_row(record.conn, plan_id)
        expire(record, row.site, step)
        stored = stored_plan(record.conn, row, step.now)
        refusal = stale(record.conn, stored) if stored.status.is_over else None
        if refusal is None:
            _set(
                record.conn,
                plan_id,
                status=PlanStatus.REJECTED,
                ended_at=step.now,
                note=f"rejected by {step.actor.by}: {step.why}",
            )
            record.note(step.entry(Kind.PLAN_REJECTED, row))
            stored = stored_plan(record.conn, find_row(record.conn, plan_id), step.now)
    if refusal is not None:
        raise refusal
    return stored


def start(db: Database, plan_id: str, step: Step, held: Fenced) -> None:
    """Take an approved plan for one run; raises PlanStale when another took it, or it is over."""
    with recording(db, held) as record:
        row = find_row(record.conn, plan_id)
        if row.site != held.site:
            raise ValueError(f"plan {plan_id} is of {row.site}, and {held.site} is held")
        expire(record, row.site, step)
        stored = stored_plan(record.conn, row, step.now)
        refusal = _not_startable(record.conn, stored)
        if refusal is None:
            _set(record.conn, plan_id, status=PlanStatus.APPLYING, run_id=step.run_id)
            record.conn.execute(sa.insert(RUN).values(_run_row(row, step, held)))
            record.note(step.entry(Kind.APPLY_STARTED, row, evidence={"digest": row.digest}))
            _supersede(record, row, step, "applied", only_earlier=False)
    if refusal is not None:
        raise refusal


def finish(db: Database, plan_id: str, step: Step, *, complete: bool) -> None:
    """Close the run of a plan; a plan that is closed already stays as it is."""
    status = PlanStatus.APPLIED if complete else PlanStatus.PARTLY_APPLIED
    with recording(db) as record:
        row = find_row(record.conn, plan_id)
        if row.status != PlanStatus.APPLYING:
            return
        _set(record.conn, plan_id, status=status, ended_at=step.now, note=step.why)
        run = {"ended_at": step.now, "complete": complete, "note": step.why}
        record.conn.execute(sa.update(RUN).where(RUN.c.run_id == row.run_id).values(run))
        evidence = {"status": status.value, "counts": _outcome_counts(record.conn, plan_id)}
        record.note(step.entry(Kind.APPLY_FINISHED, row, evidence=evidence))


def expire(record: Recording, site: str, step: Step) -> None:
    """Write down which plans of a site waited for too long."""
    late = sa.select(PLAN.c.plan_id, PLAN.c.site, PLAN.c.policy_digest, PLAN.c.expires_at).where(
        PLAN.c.site == site, PLAN.c.status.in_(WAITING), PLAN.c.expires_at <= step.now
    )
    for row in record.conn.execute(late.order_by(PLAN.c.created_at)).all():
        _set(record.conn, row.plan_id, status=PlanStatus.EXPIRED, ended_at=row.expires_at)
        record.note(step.entry(Kind.PLAN_EXPIRED, row, why="", run_id=""))


def stale(conn: sa.Connection, stored: StoredPlan) -> PlanStale:
    """Say what became of a plan, by which run and when, and what to do instead."""
    plan = stored.plan
    said = f"plan {plan.plan_id} of {plan.site} is {stored.status.value}"
    run = conn.execute(sa.select(RUN).where(RUN.c.run_id == stored.run_id)).first()
    if run is not None:
        said += f": run {run.run_id} by {run.actor} on {run.host}, since {run.started_at:%F %T} UTC"
    elif stored.ended_at is not None:
        said += f" since {stored.ended_at:%F %T} UTC"
    elif stored.approved_at is not None:
        said += f" by {stored.approved_by} since {stored.approved_at:%F %T} UTC"
    if stored.note:
        said += f" ({stored.note})"
    return PlanStale(f"{said}; make a new plan to release what is still idle")


def _not_approvable(
    conn: sa.Connection, stored: StoredPlan, *, overridden: bool
) -> SeatkeeperError | None:
    if stored.status is PlanStatus.OPEN:
        return None
    if stored.status is not PlanStatus.BLOCKED:
        return stale(conn, stored)
    broken = sorted({v.limit.value for v in stored.plan.violations})
    if overridden and all(Limit(limit).overridable for limit in broken):
        return None
    return NotAllowed(
        f"plan {stored.plan.plan_id} breaks {', '.join(broken)} and cannot be approved as it is"
    )


def _not_startable(conn: sa.Connection, stored: StoredPlan) -> SeatkeeperError | None:
    if stored.status is PlanStatus.APPROVED:
        return None
    if stored.status.is_over:
        return stale(conn, stored)
    return NotAllowed(f"plan {stored.plan.plan_id} {stored.status.words}")


def _supersede(
    record: Recording, plan: Any, step: Step, what: str, *, only_earlier: bool = True
) -> None:
    """Close the plans of the site that this one, approved or applied, makes pointless."""
    others = sa.select(PLAN.c.plan_id, PLAN.c.site, PLAN.c.policy_digest).where(
        PLAN.c.site == plan.site, PLAN.c.status.in_(WAITING), PLAN.c.plan_id != plan.plan_id
    )
    if only_earlier:
        others = others.where(PLAN.c.created_at <= plan.created_at)
    note = f"plan {plan.plan_id} was {what}"
    for row in record.conn.execute(others.order_by(PLAN.c.created_at)).all():
        status = PlanStatus.SUPERSEDED
        _set(record.conn, row.plan_id, status=status, ended_at=step.now, note=note)
        evidence = {"by_plan": plan.plan_id}
        record.note(step.entry(Kind.PLAN_SUPERSEDED, row, why=note, evidence=evidence))


def _set(conn: sa.Connection, plan_id: str, **values: Any) -> None:
    conn.execute(sa.update(PLAN).where(PLAN.c.plan_id == plan_id).values(values))


def _run_row(plan: AnyRow, step: Step, held: Fenced) -> dict[str, Any]:
    return {
        "run_id": step.run_id,
        "plan_id": plan.plan_id,
        "site": plan.site,
        "fence": held.fence,
        "actor": step.actor.by,
        "os_account": step.actor.os_account,
        "host": step.actor.host,
        "started_at": step.now,
        "note": "",
    }


def _proposal(plan: Plan, digest: str) -> dict[str, Any]:
    return {
        "digest": digest,
        "mode": plan.mode.value,
        "expires_at": plan.expires_at,
        "actions": len(plan.actions),
        "deferred": len(plan.deferred),
        "kept": plan.kept,
        "counts": plan.counts,
        "users": plan.users,
        "violations": sorted({v.limit.value for v in plan.violations}),
        "overridden": [{"limit": o.limit.value, "until": o.until} for o in plan.overridden],
        "asked_by": plan.asked_by,
    } | _origin(plan)


def _origin(plan: Plan) -> dict[str, Any]:
    if plan.made_from is None:
        return {}
    left = [one.action.allocation_id for one in plan.left_out]
    return {"made_from": plan.made_from, "left_out": left}


def _outcome_counts(conn: sa.Connection, plan_id: str) -> dict[str, int]:
    found = sa.select(PLAN_ACTION.c.outcome).where(
        PLAN_ACTION.c.plan_id == plan_id, PLAN_ACTION.c.outcome.is_not(None)
    )
    return counted(Outcome, (Outcome(value) for value in conn.execute(found).scalars()))
