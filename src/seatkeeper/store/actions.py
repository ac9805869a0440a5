"""Releases of a plan, seat by seat: the intent before, the outcome after, both durable.

An outcome that is final is never changed; `unknown` and an intent without an outcome wait for a
fresh reading of the site to settle them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.model import LicenseType, person_key
from seatkeeper.core.outcome import ActionOutcome, GrantOutcome, Outcome
from seatkeeper.core.plan import Action, PlanStatus
from seatkeeper.core.record import Intent, Kind, Released
from seatkeeper.core.scrape import Counted
from seatkeeper.core.unnamed import without_person
from seatkeeper.errors import NotAllowed, PlanStale
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.control import freeze_at
from seatkeeper.store.counters import Count, count_up
from seatkeeper.store.engine import Database
from seatkeeper.store.fence import Fenced
from seatkeeper.store.lifecycle import Step
from seatkeeper.store.plan_rows import find_row
from seatkeeper.store.recording import Recording, chunks, recording
from seatkeeper.store.tables import GIVE_BACK, PLAN_ACTION

_EFFECT = tuple(o for o in Outcome if o.took_effect)
_OPEN = sa.or_(PLAN_ACTION.c.outcome.is_(None), PLAN_ACTION.c.outcome == Outcome.UNKNOWN)


def intend(db: Database, plan_id: str, step: Step, held: Fenced, batch: Sequence[Action]) -> None:
    """Write the intents of a batch; raises without the fence, under a freeze, or a second time."""
    with recording(db, held) as record:
        plan = find_row(record.conn, plan_id)
        _require_running(plan, step, held)
        if (freeze := freeze_at(record.conn, step.now)) is not None:
            raise NotAllowed(
                f"every release is frozen by {freeze.by} since {freeze.at:%F %T} UTC: "
                f"{freeze.reason}"
            )
        known = _rows(record.conn, plan_id, [a.allocation_id for a in batch])
        # This very run may mean a seat again that it did not get to: its DELETE was never sent.
        again = [i for i, r in known.items() if r.run_id == step.run_id and r.outcome is None]
        if taken := len(known) - len(again):
            raise PlanStale(
                f"{taken} of these {len(batch)} seats of plan {plan_id} were taken up before; "
                "a seat is released once at most"
            )
        _renew_intents(record.conn, plan_id, step, again)
        rows = [_intent_row(plan, step, a) for a in batch if a.allocation_id not in known]
        if rows:
            record.conn.execute(sa.insert(PLAN_ACTION), rows)
        for action in batch:
            evidence = _evidence(action)
            record.note(
                step.entry(Kind.RELEASE_INTENT, plan, person=action.user, evidence=evidence)
            )


def settle(
    db: Database, plan_id: str, step: Step, results: Sequence[ActionOutcome], *, later: bool
) -> None:
    """Write outcomes; a final one stays. `later`: found out after the run had ended."""
    with recording(db) as record:
        plan = find_row(record.conn, plan_id)
        known = _rows(record.conn, plan_id, [r.allocation_id for r in results])
        closing: list[ActionOutcome] = []
        counts = Counter[Counted]()
        for result in results:
            before = known.get(result.allocation_id)
            if before is None:
                _insert_outcome(record, plan, step, result)
            elif before.outcome in (None, Outcome.UNKNOWN) and before.outcome != result.outcome:
                closing.append(result)
            else:
                continue
            reason = "" if before is None else before.reason
            counts[Counted(plan.site, result.license_type, result.outcome, reason)] += 1
            was_open = later or (before is not None and before.outcome == Outcome.UNKNOWN)
            is_settled = was_open and result.outcome is not Outcome.UNKNOWN
            kind = Kind.RELEASE_SETTLED if is_settled else Kind.RELEASE_OUTCOME
            evidence = {
                "allocation_id": result.allocation_id,
                "license_type": result.license_type.value,
                "outcome": result.outcome.value,
                "detail": without_person(result.detail, result.user),
            }
            record.note(step.entry(kind, plan, person=result.user, evidence=evidence))
        _update_outcomes(record, plan_id, step, closing)
        count_up(record.conn, Count.RELEASES, counts)


def outcomes(conn: sa.Connection, plan_id: str) -> list[ActionOutcome]:
    """Return what became of each action so far; an intent without an outcome is left out."""
    columns = PLAN_ACTION.c
    found = sa.select(PLAN_ACTION).where(columns.plan_id == plan_id, columns.outcome.is_not(None))
    return [
        ActionOutcome(
            allocation_id=row.allocation_id,
            user=row.person,
            license_type=LicenseType(row.license_type),
            outcome=Outcome(row.outcome),
            detail=row.detail,
        )
        for row in conn.execute(found.order_by(columns.settled_at, columns.allocation_id))
    ]


def unsettled(conn: sa.Connection, site: str) -> list[Intent]:
    """Return the intents of a site without an outcome, or with `unknown`, oldest first."""
    columns = PLAN_ACTION.c
    found = sa.select(PLAN_ACTION).where(
        columns.site == site, columns.intended_at.is_not(None), _OPEN
    )
    return [_intent(row) for row in conn.execute(found.order_by(columns.intended_at))]


def released(conn: sa.Connection, plan_id: str | None, user: str | None) -> list[Released]:
    """Return releases that took effect or may have, with what was given back since."""
    columns = PLAN_ACTION.c
    found = sa.select(PLAN_ACTION).where(columns.outcome.in_(_EFFECT), columns.person_key != "")
    if plan_id is not None:
        found = found.where(columns.plan_id == plan_id)
    if user is not None:
        found = found.where(columns.person_key == person_key(user))
    rows = conn.execute(found.order_by(columns.settled_at, columns.allocation_id)).all()
    given = _given_back(conn, sorted({row.plan_id for row in rows}))
    return [
        Released(
            plan_id=row.plan_id,
            allocation_id=row.allocation_id,
            license_type=LicenseType(row.license_type),
            user=row.person,
            user_id=row.user_id,
            outcome=Outcome(row.outcome),
            at=row.intended_at or row.settled_at,
            given_back=given.get((row.plan_id, row.allocation_id)),
            site=row.site,
        )
        for row in rows
    ]


def _require_running(plan: AnyRow, step: Step, held: Fenced) -> None:
    if plan.site != held.site:
        raise ValueError(f"plan {plan.plan_id} is of {plan.site}, and {held.site} is held")
    if plan.status != PlanStatus.APPLYING or plan.run_id != step.run_id:
        raise PlanStale(
            f"plan {plan.plan_id} is {plan.status} and no longer applied by run {step.run_id}"
        )


def _rows(conn: sa.Connection, plan_id: str, allocation_ids: Sequence[str]) -> dict[str, AnyRow]:
    found: dict[str, AnyRow] = {}
    columns = PLAN_ACTION.c
    for ids in chunks(allocation_ids):
        wanted = (columns.allocation_id, columns.outcome, columns.run_id, columns.reason)
        query = sa.select(*wanted).where(columns.plan_id == plan_id, columns.allocation_id.in_(ids))
        found.update((row.allocation_id, row) for row in conn.execute(query))
    return found


def _renew_intents(
    conn: sa.Connection, plan_id: str, step: Step, allocation_ids: Sequence[str]
) -> None:
    columns = PLAN_ACTION.c
    for ids in chunks(allocation_ids):
        meant = sa.and_(columns.plan_id == plan_id, columns.allocation_id.in_(ids))
        conn.execute(sa.update(PLAN_ACTION).where(meant).values(intended_at=step.now))


def _intent_row(plan: AnyRow, step: Step, action: Action) -> dict[str, Any]:
    return {
        "plan_id": plan.plan_id,
        "allocation_id": action.allocation_id,
        "run_id": step.run_id,
        "site": plan.site,
        "license_type": action.license_type,
        "person": action.user,
        "person_key": person_key(action.user),
        "user_id": action.user_id,
        "reason": action.reason,
        "seat_last_used": action.seat_last_used,
        "intended_at": step.now,
        "detail": "",
    }


def _evidence(action: Action) -> dict[str, Any]:
    return {
        "allocation_id": action.allocation_id,
        "license_type": action.license_type.value,
        "reason": action.reason,
        "created": action.created,
        "last_used": action.last_used,
        "idle_days": action.idle_days,
    }


def _insert_outcome(record: Recording, plan: AnyRow, step: Step, result: ActionOutcome) -> None:
    """Keep an outcome that no intent came before: the seat was left alone, or gone already."""
    row = {
        "plan_id": plan.plan_id,
        "allocation_id": result.allocation_id,
        "run_id": step.run_id,
        "site": plan.site,
        "license_type": result.license_type,
        "person": result.user,
        "person_key": person_key(result.user),
        "user_id": "",
        "reason": "",
        "outcome": result.outcome,
        "detail": result.detail,
        "settled_at": step.now,
    }
    record.conn.execute(sa.insert(PLAN_ACTION).values(row))


_CLOSE = (
    sa.update(PLAN_ACTION)
    .where(
        PLAN_ACTION.c.plan_id == sa.bindparam("of_plan"),
        PLAN_ACTION.c.allocation_id == sa.bindparam("of_seat"),
        _OPEN,
    )
    .values(
        outcome=sa.bindparam("told"), detail=sa.bindparam("said"), settled_at=sa.bindparam("at")
    )
)


def _update_outcomes(
    record: Recording, plan_id: str, step: Step, results: Sequence[ActionOutcome]
) -> None:
    rows = [
        {
            "of_plan": plan_id,
            "of_seat": result.allocation_id,
            "told": result.outcome,
            "said": result.detail,
            "at": step.now,
        }
        for result in results
    ]
    if rows:
        record.conn.execute(_CLOSE, rows)


def _intent(row: AnyRow) -> Intent:
    return Intent(
        plan_id=row.plan_id,
        run_id=row.run_id,
        site=row.site,
        allocation_id=row.allocation_id,
        license_type=LicenseType(row.license_type),
        user=row.person,
        user_id=row.user_id,
        seat_last_used=row.seat_last_used,
        reason=row.reason,
        at=row.intended_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        detail=row.detail,
    )


def _given_back(
    conn: sa.Connection, plan_ids: Sequence[str]
) -> dict[tuple[str, str], GrantOutcome]:
    """Return what became of giving seats back: the newest answer, but once restored is restored."""
    given: dict[tuple[str, str], GrantOutcome] = {}
    for ids in chunks(plan_ids):
        found = sa.select(GIVE_BACK).where(GIVE_BACK.c.plan_id.in_(ids))
        for row in conn.execute(found.order_by(GIVE_BACK.c.intended_at)):
            key = (row.plan_id, row.allocation_id)
            if given.get(key) is not GrantOutcome.RESTORED:
                # Without an outcome the process ended in the middle: it may have been given.
                given[key] = GrantOutcome(row.outcome or GrantOutcome.UNKNOWN)
    return given
