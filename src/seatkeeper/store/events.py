"""Events, found by looking: in the ledger by number, among alerts and requests by time.

What has no number is looked for LATE before the place once more: a time that was taken before
another may be written after it. So an event can come twice, and is known by its key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.event import Event, EventKind, News, Place
from seatkeeper.core.record import Kind
from seatkeeper.core.request import RequestState
from seatkeeper.errors import UsageError
from seatkeeper.store import following
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.recording import read_head
from seatkeeper.store.tables import LEDGER, REQUEST
from seatkeeper.store.telling_tables import ALERT_STATE

LATE = timedelta(minutes=1)
"""So much later than the time it says something may be written."""

RECORDS = 500
"""Records of the ledger that one look reads."""

REQUESTS = 100
"""Newest requests that one look goes through."""

_OF_PLANS = {
    Kind.PLAN_PROPOSED: EventKind.PLAN_MADE,
    Kind.PLAN_APPROVED: EventKind.PLAN_APPROVED,
    Kind.PLAN_REJECTED: EventKind.PLAN_REJECTED,
    Kind.APPLY_STARTED: EventKind.PLAN_STARTED,
    Kind.APPLY_FINISHED: EventKind.PLAN_APPLIED,
}

_PROGRESS = frozenset({Kind.RELEASE_OUTCOME, Kind.RELEASE_SETTLED, Kind.GRANT_OUTCOME})

_TOLD = tuple(kind.value for kind in (*_OF_PLANS, *_PROGRESS))

_RECORD = "record-"

_A, _R = ALERT_STATE.c, REQUEST.c


class Events:
    """The events of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def here(self, now: datetime) -> Place:
        """Return the place before everything that is still to happen."""
        with self._db.reading() as conn:
            return Place(read_head(conn).seq, now)

    @threaded
    def after(self, place: Place, sites: Collection[str], now: datetime) -> News:
        """Return what happened on these sites since, and the place after it.

        Alerts that are about no site count with every site.
        """
        with self._db.snapshot() as conn:
            return news_after(conn, place, sites, now)


def news_after(conn: sa.Connection, place: Place, sites: Collection[str], now: datetime) -> News:
    """Return what `Events.after` does, in the caller's transaction."""
    last = read_head(conn).seq
    seq = min(place.seq, last)  # a store from a backup has fewer records
    upto = min(last, seq + RECORDS)
    found = [*_of_records(conn, seq, upto, sites, now)]
    since = min(place.at, now) - LATE
    found += [*_of_alerts(conn, since, sites), *_of_requests(conn, since, sites)]
    events = tuple(sorted(found, key=lambda e: e.at))
    return News(events, Place(upto, now), more=upto < last)


def has_number(event: Event) -> bool:
    """Whether an event is a record of the ledger: such are found once, everything else again."""
    return event.key.startswith(_RECORD)


def _of_records(
    conn: sa.Connection, seq: int, upto: int, sites: Collection[str], now: datetime
) -> Iterator[Event]:
    columns = LEDGER.c
    between = sa.and_(columns.seq > seq, columns.seq <= upto)
    if seq == upto:
        return
    found = sa.select(LEDGER).where(between, columns.kind.in_(_TOLD)).order_by(columns.seq)
    moved: dict[str, AnyRow] = {}
    for row in conn.execute(found).all():
        kind = Kind(row.kind)
        if row.site not in sites:
            continue
        if kind in _PROGRESS:
            moved[row.plan_id] = row
            continue
        if kind is Kind.APPLY_FINISHED and row.plan_id in moved:
            yield from _progress(conn, moved.pop(row.plan_id), now)
        yield _of_plan(_OF_PLANS[kind], row)
    for row in moved.values():
        yield from _progress(conn, row, now)


def _of_plan(kind: EventKind, row: AnyRow) -> Event:
    data: dict[str, Any] = {"plan_id": row.plan_id, "by": row.actor, "why": row.why}
    if row.run_id:
        data["run_id"] = row.run_id
    evidence = msgspec.json.decode(row.body, type=dict[str, Any])
    if kind is EventKind.PLAN_APPLIED:
        data |= {key: evidence[key] for key in ("status", "counts") if key in evidence}
    return Event(f"{_RECORD}{row.seq}", kind, row.at, row.site, data)


def _progress(conn: sa.Connection, row: AnyRow, now: datetime) -> Iterator[Event]:
    """Tell how far a plan is now, once for all the records of one look."""
    try:
        pulse = following.pulse(conn, row.plan_id, now)
    except UsageError:  # the record is older than the plan's store; nothing can be told
        return
    data = {
        "plan_id": row.plan_id,
        "status": pulse.status.value,
        "total": pulse.total,
        "done": pulse.done,
        "outcomes": {outcome.value: number for outcome, number in pulse.outcomes.items()},
        "given_back": {outcome.value: number for outcome, number in pulse.given_back.items()},
    }
    yield Event(f"{_RECORD}{row.seq}", EventKind.PLAN_PROGRESS, row.at, row.site, data)


def _of_alerts(conn: sa.Connection, since: datetime, sites: Collection[str]) -> Iterator[Event]:
    here = _A.site.in_([*sites, ""])
    new = sa.or_(_A.fired_at > since, _A.resolved_at > since)
    for row in conn.execute(sa.select(ALERT_STATE).where(here, new)):
        for kind, at in (
            (EventKind.ALERT_FIRED, row.fired_at),
            (EventKind.ALERT_RESOLVED, row.resolved_at if row.fired_at is not None else None),
        ):
            if at is not None and at > since:
                yield _of_alert(kind, row, at)


def _of_alert(kind: EventKind, row: AnyRow, at: datetime) -> Event:
    name = f"{row.rule}/{row.site}/{row.subject}/{kind.value}/{at.isoformat()}"
    data = {
        "rule": row.rule,
        "subject": row.subject,
        "severity": row.severity,
        "says": row.says,
        "since": row.since,
    }
    return Event(
        f"alert-{hashlib.sha256(name.encode()).hexdigest()[:24]}", kind, at, row.site, data
    )


def _of_requests(conn: sa.Connection, since: datetime, sites: Collection[str]) -> Iterator[Event]:
    newest = sa.select(REQUEST).order_by(_R.id.desc()).limit(REQUESTS).subquery("newest")
    columns = newest.c
    found = sa.select(newest).where(columns.site.in_(list(sites)), columns.ended_at > since)
    for row in conn.execute(found.order_by(columns.id)):
        result = msgspec.json.decode(row.result or "{}", type=dict[str, Any])
        data = {
            "request_id": row.id,
            "kind": row.kind,
            "asked_by": row.actor,
            "ok": row.state == RequestState.DONE,
            "plan_id": result.get("plan_id") or None,
        }
        yield Event(f"request-{row.id}", EventKind.REQUEST_DONE, row.ended_at, row.site, data)
