"""Seats given back, one by one: what was meant before the POST, what became of it after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.model import LicenseType, person_key
from seatkeeper.core.outcome import GrantOutcome, GrantResult, Outcome
from seatkeeper.core.record import Kind, LedgerEntry, OpenReturn, Released
from seatkeeper.core.unnamed import without_person
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database
from seatkeeper.store.fence import Fenced
from seatkeeper.store.lifecycle import Step
from seatkeeper.store.recording import Recording, chunks, recording
from seatkeeper.store.tables import GIVE_BACK, PLAN_ACTION

_HELD = (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)


def intend_grants(db: Database, step: Step, held: Fenced, seats: Sequence[Released]) -> None:
    """Write that these seats are about to be given back; raises LeaseLost without the fence."""
    with recording(db, held) as record:
        rows = [_row(step, held.site, seat.plan_id, seat) for seat in seats]
        if rows:
            record.conn.execute(sa.insert(GIVE_BACK), rows)
        for seat in seats:
            record.note(_entry(Kind.GRANT_INTENT, step, held.site, seat.plan_id, seat, {}))


def settle_grants(db: Database, step: Step, site: str, results: Sequence[GrantResult]) -> None:
    """Write what became of giving seats back, also of those that were never attempted."""
    with recording(db) as record:
        intended = _intended(record.conn, step.run_id, results)
        released = _released(record.conn, site, results)
        for result in results:
            key = result.allocation_id
            plan_id = intended.get(key) or released.get(key, "")
            if key in intended:
                _update(record, step, result)
            elif plan_id:
                row = _row(step, site, plan_id, result) | _result(step, result)
                record.conn.execute(sa.insert(GIVE_BACK).values(row))
            evidence = {
                "outcome": result.outcome.value,
                "detail": without_person(result.detail, result.user),
                "new_allocation_id": result.new_allocation_id,
            }
            record.note(_entry(Kind.GRANT_OUTCOME, step, site, plan_id, result, evidence))


def open_returns(conn: sa.Connection, site: str) -> list[OpenReturn]:
    """Return give-backs without a final outcome, and given back seats of unsettled releases."""
    given, action = GIVE_BACK.c, PLAN_ACTION.c
    settled = action.outcome.is_not(None) & (action.outcome != Outcome.UNKNOWN)
    is_open = sa.or_(given.outcome.is_(None), given.outcome == GrantOutcome.UNKNOWN)
    found = (
        sa.select(GIVE_BACK, action.user_id, action.outcome.label("release"))
        .join(
            PLAN_ACTION,
            (action.plan_id == given.plan_id) & (action.allocation_id == given.allocation_id),
        )
        .where(
            given.site == site,
            given.person_key != "",
            sa.or_(is_open, given.outcome.in_(_HELD) & ~settled),
        )
        .order_by(given.intended_at, given.allocation_id)
    )
    return [_open_return(row) for row in conn.execute(found)]


def _open_return(row: AnyRow) -> OpenReturn:
    seat = Released(
        plan_id=row.plan_id,
        allocation_id=row.allocation_id,
        license_type=LicenseType(row.license_type),
        user=row.person,
        user_id=row.user_id,
        outcome=Outcome(row.release) if row.release else Outcome.UNKNOWN,
        at=row.intended_at,
        site=row.site,
    )
    outcome = GrantOutcome(row.outcome) if row.outcome else None
    return OpenReturn(row.run_id, seat, row.intended_at, outcome)


def _entry(
    kind: Kind,
    step: Step,
    site: str,
    plan_id: str,
    seat: Released | GrantResult,
    evidence: dict[str, Any],
) -> LedgerEntry:
    about = {"allocation_id": seat.allocation_id, "license_type": seat.license_type.value}
    return LedgerEntry(
        kind=kind,
        at=step.now,
        actor=step.actor,
        site=site,
        why=step.why,
        plan_id=plan_id,
        run_id=step.run_id,
        person=seat.user,
        evidence=about | evidence,
    )


def _row(step: Step, site: str, plan_id: str, seat: Released | GrantResult) -> dict[str, Any]:
    return {
        "run_id": step.run_id,
        "plan_id": plan_id,
        "allocation_id": seat.allocation_id,
        "site": site,
        "license_type": seat.license_type,
        "person": seat.user,
        "person_key": person_key(seat.user),
        "why": step.why,
        "intended_at": step.now,
        "detail": "",
    }


def _result(step: Step, result: GrantResult) -> dict[str, Any]:
    return {
        "outcome": result.outcome,
        "detail": result.detail,
        "new_allocation_id": result.new_allocation_id,
        "settled_at": step.now,
    }


def _update(record: Recording, step: Step, result: GrantResult) -> None:
    columns = GIVE_BACK.c
    this = sa.update(GIVE_BACK).where(
        columns.run_id == step.run_id,
        columns.allocation_id == result.allocation_id,
        sa.or_(columns.outcome.is_(None), columns.outcome == GrantOutcome.UNKNOWN),
    )
    record.conn.execute(this.values(_result(step, result)))


def _intended(conn: sa.Connection, run_id: str, results: Sequence[GrantResult]) -> dict[str, str]:
    columns = GIVE_BACK.c
    found: dict[str, str] = {}
    for ids in chunks([r.allocation_id for r in results]):
        query = sa.select(columns.allocation_id, columns.plan_id).where(
            columns.run_id == run_id, columns.allocation_id.in_(ids)
        )
        found.update((row.allocation_id, row.plan_id) for row in conn.execute(query))
    return found


def _released(conn: sa.Connection, site: str, results: Sequence[GrantResult]) -> dict[str, str]:
    columns = PLAN_ACTION.c
    found: dict[str, str] = {}
    for ids in chunks([r.allocation_id for r in results]):
        query = sa.select(columns.allocation_id, columns.plan_id).where(
            columns.site == site, columns.allocation_id.in_(ids)
        )
        rows = conn.execute(query.order_by(columns.intended_at))
        found.update((row.allocation_id, row.plan_id) for row in rows)
    return found
