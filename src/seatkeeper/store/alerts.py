"""Alerts as they stand, and the silences of people; a change and its messages are one transaction.

A silence and its record in the ledger are one, too. No user of Qlik is named here: an alert holds
counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.alert_facts import Queue, SiteFacts, Windows
from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.alerts import (
    KEEP_RESOLVED,
    MOST_SILENCE,
    Alert,
    AlertKey,
    AlertState,
    Moved,
    Silence,
)
from seatkeeper.core.record import Actor, Kind, LedgerEntry
from seatkeeper.errors import UsageError
from seatkeeper.store.alert_facts import queues, site_facts
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.outbox import add_entries
from seatkeeper.store.recording import recording
from seatkeeper.store.telling_tables import ALERT_STATE, SILENCE
from seatkeeper.store.watch_tables import CYCLE_SAMPLE

_C = ALERT_STATE.c
_S = SILENCE.c

Judge = Callable[[Mapping[AlertKey, Alert], Sequence[Silence]], Moved]


class Alerts:
    """The alerts of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def facts(self, site: str, windows: Windows, now: datetime, *, trend: bool) -> SiteFacts:
        """Return what the store knows of a site; days of pools only for a `trend`."""
        with self._db.reading() as conn:
            return site_facts(conn, site, windows, now, trend=trend)

    @threaded
    def queues(self) -> tuple[Queue, ...]:
        """Return what waits for each target, and what it refused."""
        with self._db.reading() as conn:
            return queues(conn)

    @threaded
    def gone_sites(self, sites: Collection[str], since: datetime) -> tuple[str, ...]:
        """Return other sites with alerts to end though nothing was heard of them since then.

        Neither was one of their alerts judged, nor did a cycle of theirs begin.
        """
        others = sa.and_(_C.site != "", _C.site.not_in(list(sites)))
        # One that ended under a silence is over when that was told.
        on = sa.or_(_C.state != AlertState.RESOLVED, _C.told == MessageState.FIRING)
        begun = sa.exists().where(CYCLE_SAMPLE.c.site == _C.site, CYCLE_SAMPLE.c.at >= since)
        found = sa.select(_C.site).where(others, ~begun).group_by(_C.site).order_by(_C.site)
        found = found.having(
            sa.func.max(_C.seen) < since, sa.func.sum(sa.case((on, 1), else_=0)) > 0
        )
        with self._db.reading() as conn:
            return tuple(conn.execute(found).scalars())

    @threaded
    def move(self, sites: Collection[str], now: datetime, judge: Judge) -> Moved:
        """Let `judge` move the alerts of these sites, and put what is to be told into the outbox.

        All of it or nothing; judgements of several processes queue up.
        """
        with self._db.writing() as conn:
            if conn.dialect.name == "postgresql":
                conn.exec_driver_sql("LOCK TABLE alert_state IN SHARE ROW EXCLUSIVE MODE")
            found = sa.select(ALERT_STATE).where(_C.site.in_(list(sites)))
            known = [_alert(row) for row in conn.execute(found)]
            moved = judge({alert.key: alert for alert in known}, _silences(conn, now))
            _keep(conn, moved)
            for target, entry in moved.entries:
                add_entries(conn, target, [entry])
        return moved

    @threaded
    def all(self) -> list[Alert]:
        """Return every alert, those over within the last 90 days too, by site and rule."""
        found = sa.select(ALERT_STATE).order_by(_C.site, _C.rule, _C.subject)
        with self._db.reading() as conn:
            return [_alert(row) for row in conn.execute(found)]

    @threaded
    def silences(self, now: datetime) -> list[Silence]:
        """Return the silences that hold now or later, by id."""
        with self._db.reading() as conn:
            return _silences(conn, now)

    @threaded
    def silence(self, wish: Silence, actor: Actor) -> Silence:
        """Keep and record a silence, return it with its id; raises UsageError beyond 90 days."""
        if wish.until - wish.at > MOST_SILENCE:
            raise UsageError(f"a silence lasts {MOST_SILENCE.days} days at most")
        row = {
            "rule": wish.rule,
            "site": wish.site,
            "severity": wish.severity,
            "actor": wish.by,
            "reason": wish.reason,
            "at": wish.at,
            "until": wish.until,
            "ended_by": "",
        }
        with recording(self._db) as record:
            conn = record.conn
            conn.execute(sa.delete(SILENCE).where(_S.until < wish.at - KEEP_RESOLVED))
            done = conn.execute(sa.insert(SILENCE).values(row).returning(_S.id))
            kept = replace(wish, id=int(done.scalar_one()))
            record.note(_silenced(kept, actor))
        return kept

    @threaded
    def unsilence(self, silence_id: int, actor: Actor, reason: str, now: datetime) -> Silence:
        """End a silence now, record it, return it; raises UsageError when none of that id holds."""
        with recording(self._db) as record:
            conn = record.conn
            held = {s.id: s for s in _silences(conn, now)}.get(silence_id)
            if held is None:
                raise UsageError(
                    f"no silence {silence_id} holds; `seatkeeper alerts list` shows those that do"
                )
            until = max(now, held.at)
            its = sa.update(SILENCE).where(_S.id == silence_id)
            conn.execute(its.values(until=until, ended_by=actor.by))
            record.note(_unsilenced(held, actor, reason, now))
        return replace(held, until=until, ended_by=actor.by)


def over_for_long(now: datetime) -> sa.ColumnElement[bool]:
    """Choose alerts that nobody needs to know of any more (KEEP_RESOLVED)."""
    return sa.and_(_C.state == AlertState.RESOLVED, _C.resolved_at < now - KEEP_RESOLVED)


def _keep(conn: sa.Connection, moved: Moved) -> None:
    advance = moved.advance
    gone = [*advance.forgotten, *(alert.key for alert in advance.kept)]
    for key in gone:
        its = sa.and_(_C.rule == key.rule, _C.site == key.site, _C.subject == key.subject)
        conn.execute(sa.delete(ALERT_STATE).where(its))
    if advance.kept:
        conn.execute(sa.insert(ALERT_STATE), [_row(alert) for alert in advance.kept])


def _silences(conn: sa.Connection, now: datetime) -> list[Silence]:
    found = sa.select(SILENCE).where(_S.until > now).order_by(_S.id)
    return [_silence(row) for row in conn.execute(found)]


def _silenced(silence: Silence, actor: Actor) -> LedgerEntry:
    return LedgerEntry(
        kind=Kind.SILENCED,
        at=silence.at,
        actor=actor,
        site=silence.site or "",
        why=silence.reason,
        evidence={
            "silence": silence.id,
            "by": silence.by,
            "rule": silence.rule,
            "severity": silence.severity,
            "until": silence.until,
        },
    )


def _unsilenced(held: Silence, actor: Actor, reason: str, now: datetime) -> LedgerEntry:
    return LedgerEntry(
        kind=Kind.UNSILENCED,
        at=now,
        actor=actor,
        site=held.site or "",
        why=reason,
        evidence={
            "silence": held.id,
            "silenced_by": held.by,
            "silenced_at": held.at,
            "would_have_ended": held.until,
        },
    )


def _silence(row: AnyRow) -> Silence:
    return Silence(
        by=row.actor,
        reason=row.reason,
        at=row.at,
        until=row.until,
        rule=row.rule,
        site=row.site,
        severity=None if row.severity is None else Severity(row.severity),
        id=row.id,
        ended_by=row.ended_by,
    )


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.key.rule,
        "site": alert.key.site,
        "subject": alert.key.subject,
        "state": alert.state,
        "severity": alert.severity,
        "since": alert.since,
        "seen": alert.seen,
        "says": alert.says,
        "numbers": msgspec.json.encode(alert.values).decode(),
        "step": alert.step,
        "fired_at": alert.fired_at,
        "fine_since": alert.fine_since,
        "resolved_at": alert.resolved_at,
        "told": alert.told,
        "told_at": alert.told_at,
        "told_step": alert.told_step,
    }


def _alert(row: AnyRow) -> Alert:
    return Alert(
        key=AlertKey(row.rule, row.site, row.subject),
        state=AlertState(row.state),
        severity=Severity(row.severity),
        since=row.since,
        seen=row.seen,
        says=row.says,
        values=msgspec.json.decode(row.numbers),
        step=row.step,
        fired_at=row.fired_at,
        fine_since=row.fine_since,
        resolved_at=row.resolved_at,
        told=None if row.told is None else MessageState(row.told),
        told_at=row.told_at,
        told_step=row.told_step,
    )
