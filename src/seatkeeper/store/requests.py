"""What console and commands ask of the engine: written here, carried out by whoever runs it.

A request is taken by exactly one process. One that its taker never ended is never done a second
time by itself: it fails, and a person asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.canonical import canonical_bytes
from seatkeeper.core.record import Actor, Kind, LedgerEntry
from seatkeeper.core.request import Request, RequestKind, RequestState
from seatkeeper.errors import UsageError
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.listed import RequestQuery, requests_asked
from seatkeeper.store.owner import Owner
from seatkeeper.store.recording import recording
from seatkeeper.store.tables import REQUEST


class Requests:
    """The requests of one store."""

    def __init__(self, db: Database, owner: Owner) -> None:
        self._db = db
        self._owner = owner

    @threaded
    def ask(
        self, kind: RequestKind, site: str, payload: Mapping[str, Any], actor: Actor, now: datetime
    ) -> Request:
        r"""Put a request into the queue and return it with its number.

        Who asks for what is in the ledger at once, whatever becomes of it. `payload` may name the
        person it is about (`user`, as `DIR\id`) and say why (`reason`). A run or check of
        a site for which one is queued already is the same one: that request is returned.
        """
        row = {
            "kind": kind,
            "site": site,
            "payload": canonical_bytes(payload).decode("utf-8"),
            "actor": actor.by,
            "os_account": actor.os_account,
            "host": actor.host,
            "asked_at": now,
            "state": RequestState.QUEUED,
            "answers": actor.person or None,
        }
        with recording(self._db) as record:
            if (queued := _queued(record.conn, kind, site)) is not None:
                return queued
            key = record.conn.execute(sa.insert(REQUEST).values(row)).inserted_primary_key
            request = _find(record.conn, int(key[0]) if key else 0)
            record.note(_entry(request, actor))
        return request

    @threaded
    def waiting(self, kind: RequestKind, limit: int = 100) -> list[Request]:
        """Return what is queued of one kind, oldest first; neither kind hides the other."""
        queued = sa.and_(REQUEST.c.state == RequestState.QUEUED, REQUEST.c.kind == kind)
        return self._list(queued, REQUEST.c.id, limit)

    @threaded
    def open_of(self, site: str) -> list[Request]:
        """Return what is asked for on a site and not carried out yet, oldest first."""
        ended = (RequestState.DONE, RequestState.FAILED)
        is_open = sa.and_(REQUEST.c.site == site, REQUEST.c.state.not_in(ended))
        return self._list(is_open, REQUEST.c.id, 100)

    @threaded
    def recent(self, limit: int = 20) -> list[Request]:
        """Return the newest requests, newest first, whatever became of them."""
        return self._list(sa.true(), REQUEST.c.id.desc(), limit)

    @threaded
    def listed(self, query: RequestQuery, limit: int) -> list[Request]:
        """Return a page of requests about some sites, newest first."""
        with self._db.reading() as conn:
            return [_request(row) for row in conn.execute(requests_asked(query, limit))]

    @threaded
    def get(self, request_id: int) -> Request:
        """Return one request; raises UsageError when there is none."""
        with self._db.reading() as conn:
            return _find(conn, request_id)

    @threaded
    def take(self, request_id: int, now: datetime) -> bool:
        """Take a queued request; False when another process was first."""
        taken = {"state": RequestState.TAKEN, "taken_by": self._owner.facts, "taken_at": now}
        return self._move(request_id, RequestState.QUEUED, taken)

    @threaded
    def finish(
        self, request_id: int, result: Mapping[str, Any], now: datetime, *, ok: bool = True
    ) -> bool:
        """Write what became of a taken request; False when it was ended by somebody else."""
        ended = {
            "state": RequestState.DONE if ok else RequestState.FAILED,
            "ended_at": now,
            "result": canonical_bytes(result).decode("utf-8"),
        }
        return self._move(request_id, RequestState.TAKEN, ended)

    @threaded
    def fail_abandoned(self, before: datetime, now: datetime) -> int:
        """Fail what was taken before `before`, or by a process that is dead; returns how many."""
        columns = REQUEST.c
        result = {"error": "the process that carried it out ended in the middle; see the ledger"}
        ended = {
            "state": RequestState.FAILED,
            "ended_at": now,
            "result": canonical_bytes(result).decode("utf-8"),
        }
        with self._db.writing() as conn:
            taken = conn.execute(sa.select(REQUEST).where(columns.state == RequestState.TAKEN))
            dead = [r.id for r in taken if r.taken_at < before or self._is_dead(r.taken_by)]
            conn.execute(sa.update(REQUEST).where(columns.id.in_(dead)).values(ended))
        return len(dead)

    def _is_dead(self, facts: str) -> bool:
        owner = Owner.parse(facts)
        return owner is not None and owner.is_dead(self._owner)

    def _move(self, request_id: int, state: RequestState, values: Mapping[str, Any]) -> bool:
        this = sa.update(REQUEST).where(REQUEST.c.id == request_id, REQUEST.c.state == state)
        with self._db.writing() as conn:
            return conn.execute(this.values(values)).rowcount == 1

    def _list(
        self, condition: sa.ColumnElement[bool], order: sa.ColumnElement[Any], limit: int
    ) -> list[Request]:
        found = sa.select(REQUEST).where(condition).order_by(order).limit(limit)
        with self._db.reading() as conn:
            return [_request(row) for row in conn.execute(found)]


_ASKED = {
    RequestKind.RUN: Kind.RUN_ASKED,
    RequestKind.UNDO: Kind.UNDO_ASKED,
    RequestKind.CHECK: Kind.CHECK_ASKED,
}


def _entry(request: Request, actor: Actor) -> LedgerEntry:
    payload = request.payload
    evidence = {"request": request.id}
    return LedgerEntry(
        kind=_ASKED[request.kind],
        at=request.asked_at,
        actor=actor,
        site=request.site,
        why=str(payload.get("reason") or ""),
        plan_id=str(payload.get("plan") or ""),
        person=str(payload.get("user") or ""),
        evidence=evidence | ({"allocation_id": payload["seat"]} if payload.get("seat") else {}),
    )


def _queued(conn: sa.Connection, kind: RequestKind, site: str) -> Request | None:
    if kind is RequestKind.UNDO:
        return None
    its = sa.and_(
        REQUEST.c.state == RequestState.QUEUED,
        REQUEST.c.kind == kind,
        REQUEST.c.site == site,
    )
    row = conn.execute(sa.select(REQUEST).where(its).order_by(REQUEST.c.id)).first()
    return None if row is None else _request(row)


def _find(conn: sa.Connection, request_id: int) -> Request:
    row = conn.execute(sa.select(REQUEST).where(REQUEST.c.id == request_id)).first()
    if row is None:
        raise UsageError(f"there is no request {request_id}")
    return _request(row)


def _request(row: AnyRow) -> Request:
    return Request(
        id=row.id,
        kind=RequestKind(row.kind),
        site=row.site,
        payload=msgspec.json.decode(row.payload, type=dict[str, Any]),
        actor=Actor(row.actor, row.os_account, row.host, person=row.answers or ""),
        asked_at=row.asked_at,
        state=RequestState(row.state),
        taken_at=row.taken_at,
        ended_at=row.ended_at,
        result=None if row.result is None else msgspec.json.decode(row.result, type=dict[str, Any]),
    )
