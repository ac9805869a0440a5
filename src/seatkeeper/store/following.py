"""Following a plan while it is applied: its numbers by one look at small rows, then every seat."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.application import ActionProgress, Application, Pulse, Return, Stage
from seatkeeper.core.canonical import canonical_bytes
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Action, PlanStatus
from seatkeeper.core.record import Kind
from seatkeeper.errors import UsageError
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.plan_rows import LINE_COLUMNS, find_row, status_at, stored_plan
from seatkeeper.store.recording import chunks
from seatkeeper.store.tables import GIVE_BACK, LEDGER, PLAN, PLAN_ACTION, RUN


def pulse(conn: sa.Connection, plan_id: str, now: datetime) -> Pulse:
    """Count how far a plan has come; its bytes are not read. Raises UsageError if unknown."""
    row = conn.execute(sa.select(*LINE_COLUMNS).where(PLAN.c.plan_id == plan_id)).first()
    if row is None:
        raise UsageError(f"there is no plan {plan_id}; `seatkeeper status` names the newest ones")
    releases = _counted(conn, PLAN_ACTION, plan_id)
    returns = _counted(conn, GIVE_BACK, plan_id)
    run = conn.execute(sa.select(RUN).where(RUN.c.run_id == row.run_id)).first()
    status = status_at(row, now)
    return Pulse(
        plan_id=plan_id,
        site=row.site,
        status=status,
        total=row.actions,
        intended=sum(r.number for r in releases if r.outcome is None),
        outcomes={Outcome(r.outcome): r.number for r in releases if r.outcome is not None},
        returning=sum(r.number for r in returns if r.outcome is None),
        given_back={GrantOutcome(r.outcome): r.number for r in returns if r.outcome is not None},
        version=_version(row, status, (*releases, *returns)),
        run_id=row.run_id,
        started_at=None if run is None else run.started_at,
        started_by="" if run is None else run.actor,
        ended_at=row.expires_at if status is PlanStatus.EXPIRED else row.ended_at,
        note=row.note,
    )


def application(conn: sa.Connection, plan_id: str, now: datetime) -> Application:
    """Tell of every release of a plan where it stands; raises UsageError if unknown.

    The caller's transaction has to see one moment.
    """
    plan = stored_plan(conn, find_row(conn, plan_id), now).plan
    found = conn.execute(sa.select(PLAN_ACTION).where(PLAN_ACTION.c.plan_id == plan_id))
    returns = _returns(conn, plan_id)
    actions = _in_step(plan.actions, found, returns)
    return Application(pulse(conn, plan_id, now), actions)


def progress_of(
    conn: sa.Connection, plan_id: str, actions: Sequence[Action]
) -> tuple[ActionProgress, ...]:
    """Tell of some releases of a plan where they stand, in their order.

    Nothing but their own rows is read: whoever shows a page of a large plan has the plan.
    """
    rows: list[AnyRow] = []
    for ids in chunks([action.allocation_id for action in actions]):
        these = sa.and_(PLAN_ACTION.c.plan_id == plan_id, PLAN_ACTION.c.allocation_id.in_(ids))
        rows += conn.execute(sa.select(PLAN_ACTION).where(these)).all()
    return _in_step(actions, rows, _returns(conn, plan_id) if rows else {})


def _in_step(
    actions: Sequence[Action], found: Iterable[AnyRow], returns: Mapping[str, Return]
) -> tuple[ActionProgress, ...]:
    rows = {row.allocation_id: row for row in found}
    ids = [(action, action.allocation_id) for action in actions]
    return tuple(_progress(a, rows.get(i), returns.get(i)) for a, i in ids)


def _counted(conn: sa.Connection, table: sa.Table, plan_id: str) -> list[AnyRow]:
    """Count rows of a plan by outcome, with the latest moment of each, in a settled order."""
    columns = table.c
    found = sa.select(
        columns.outcome,
        sa.func.count().label("number"),
        sa.func.max(sa.func.coalesce(columns.settled_at, columns.intended_at)).label("latest"),
    )
    counted = found.where(columns.plan_id == plan_id).group_by(columns.outcome)
    return sorted(conn.execute(counted).all(), key=lambda row: row.outcome or "")


def _version(plan: AnyRow, status: PlanStatus, counted: Iterable[AnyRow]) -> str:
    facts: list[Any] = [status, plan.run_id, plan.approved_at, plan.ended_at, plan.note]
    facts += [(row.outcome, row.number, row.latest) for row in counted]
    return hashlib.sha256(canonical_bytes(facts)).hexdigest()[:16]


def _progress(action: Action, row: AnyRow | None, given_back: Return | None) -> ActionProgress:
    if row is None:
        return ActionProgress(action, Stage.WAITING)
    if row.outcome is None:
        return ActionProgress(action, Stage.INTENDED, row.intended_at, given_back=given_back)
    outcome = Outcome(row.outcome)
    return ActionProgress(action, Stage.DONE, row.settled_at, outcome, row.detail, given_back)


def _returns(conn: sa.Connection, plan_id: str) -> dict[str, Return]:
    """Return the newest give-back of each seat; one that was restored stays so."""
    found = sa.select(GIVE_BACK).where(GIVE_BACK.c.plan_id == plan_id)
    rows = conn.execute(found.order_by(GIVE_BACK.c.intended_at)).all()
    people = _who_gave_back(conn, plan_id) if rows else {}
    returns: dict[str, Return] = {}
    for row in rows:
        known = returns.get(row.allocation_id)
        if known is None or known.outcome is not GrantOutcome.RESTORED:
            returns[row.allocation_id] = Return(
                by=people.get(row.run_id, ""),
                why=row.why,
                at=row.settled_at or row.intended_at,
                outcome=None if row.outcome is None else GrantOutcome(row.outcome),
                detail=row.detail,
            )
    return returns


def _who_gave_back(conn: sa.Connection, plan_id: str) -> dict[str, str]:
    """Return who gave seats of a plan back, by run; who settled it later does not count."""
    kinds = (Kind.GRANT_INTENT.value, Kind.GRANT_OUTCOME.value)
    found = sa.select(LEDGER.c.run_id, LEDGER.c.actor).where(
        LEDGER.c.plan_id == plan_id, LEDGER.c.kind.in_(kinds)
    )
    people: dict[str, str] = {}
    for row in conn.execute(found.order_by(LEDGER.c.seq)):
        people.setdefault(row.run_id, row.actor)
    return people
