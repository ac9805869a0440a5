"""Lists of plans, runs and requests in pages: newest first, for programs that read all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import PlanLine, RunLine
from seatkeeper.core.request import RequestKind, RequestState
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.plan_rows import LINE_COLUMNS, WAITING, plan_line
from seatkeeper.store.tables import PLAN, REQUEST, RUN


@dataclass(frozen=True, slots=True)
class PlanQuery:
    """Which plans of these sites; `before`: those that stand after this moment and id."""

    sites: tuple[str, ...]
    status: PlanStatus | None = None
    before: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs of these sites; `before`: those that stand after this moment and id."""

    sites: tuple[str, ...]
    plan_id: str | None = None
    before: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class RequestQuery:
    """Which requests about these sites; `before`: those of a smaller number."""

    sites: tuple[str, ...]
    kind: RequestKind | None = None
    state: RequestState | None = None
    before: int | None = None


def plan_lines(conn: sa.Connection, query: PlanQuery, now: datetime, limit: int) -> list[PlanLine]:
    """Return plans in short, the newest reading first, of one reading the newest plan."""
    columns = PLAN.c
    found = sa.select(*LINE_COLUMNS).where(columns.site.in_(query.sites))
    if query.status is not None:
        found = found.where(_has(query.status, now))
    if query.before is not None:
        found = found.where(_after(columns.created_at, columns.plan_id, query.before))
    found = found.order_by(columns.created_at.desc(), columns.plan_id.desc())
    return [plan_line(row, now) for row in conn.execute(found.limit(limit))]


def _has(status: PlanStatus, now: datetime) -> sa.ColumnElement[bool]:
    """Choose plans that have a status at this moment: what waited too long is expired."""
    columns = PLAN.c
    waits, late = columns.status.in_(WAITING), columns.expires_at <= now
    if status in WAITING:
        return sa.and_(columns.status == status, ~late)
    if status is PlanStatus.EXPIRED:
        return sa.or_(columns.status == status, sa.and_(waits, late))
    return columns.status == status


def run_lines(conn: sa.Connection, query: RunQuery, limit: int) -> list[RunLine]:
    """Return runs that applied a plan, newest first."""
    columns = RUN.c
    found = sa.select(RUN).where(columns.site.in_(query.sites))
    if query.plan_id is not None:
        found = found.where(columns.plan_id == query.plan_id)
    if query.before is not None:
        found = found.where(_after(columns.started_at, columns.run_id, query.before))
    found = found.order_by(columns.started_at.desc(), columns.run_id.desc())
    return [_run(row) for row in conn.execute(found.limit(limit))]


def run_line(conn: sa.Connection, run_id: str) -> RunLine | None:
    """Return one run, None when there is none."""
    row = conn.execute(sa.select(RUN).where(RUN.c.run_id == run_id)).first()
    return None if row is None else _run(row)


def requests_asked(query: RequestQuery, limit: int) -> sa.Select[Any]:
    """Choose requests, newest first."""
    columns = REQUEST.c
    found = sa.select(REQUEST).where(columns.site.in_(query.sites))
    if query.kind is not None:
        found = found.where(columns.kind == query.kind)
    if query.state is not None:
        found = found.where(columns.state == query.state)
    if query.before is not None:
        found = found.where(columns.id < query.before)
    return found.order_by(columns.id.desc()).limit(limit)


def _after(
    at: sa.Column[Any], name: sa.Column[Any], place: tuple[datetime, str]
) -> sa.ColumnElement[bool]:
    moment, last = place
    return sa.or_(at < moment, sa.and_(at == moment, name < last))


def _run(row: AnyRow) -> RunLine:
    return RunLine(
        run_id=row.run_id,
        plan_id=row.plan_id,
        site=row.site,
        by=row.actor,
        started_at=row.started_at,
        ended_at=row.ended_at,
        complete=row.complete,
        note=row.note,
    )
