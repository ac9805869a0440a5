"""What was not told yet: a queue a target, that survives everything but the loss of the store.

A row goes only after its receiver took it, so a process that dies between the two sends it once
more. One process at a time works on a target; a dead one's place is taken over at once. Rows
leave in the order they were put: nothing overtakes one that has to wait.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

import sqlalchemy as sa

from seatkeeper.core.outbox import OutboxEntry, OutboxRow, OutboxState, SetAside, Waiting
from seatkeeper.core.points import pseudonym
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.fence import database_now
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.owner import Owner
from seatkeeper.store.pseudonyms import points_key
from seatkeeper.store.recording import chunks
from seatkeeper.store.telling_tables import HOOK_PLACE, OUTBOX, OUTBOX_LANE, OUTBOX_LOSS

TURN = 60.0
"""Seconds a process may take for what it took; a living one that is slower may be overtaken."""

KEEP_SET_ASIDE = timedelta(days=90)
"""How long rows that were set aside can be looked at."""

_C = OUTBOX.c


class Outbox:
    """The outbox of one store, as one process sees it."""

    def __init__(self, db: Database, owner: Owner) -> None:
        self._db = db
        self._owner = owner

    @threaded
    def put(self, target: str, entries: Sequence[OutboxEntry]) -> None:
        """Add entries at the end; one whose key waits already is left out."""
        with self._db.writing() as conn:
            add_entries(conn, target, entries)

    @threaded
    def take(self, target: str, limit: int, now: datetime) -> list[OutboxRow]:
        """Return the next rows of a target, in order; nothing while its first has to wait.

        Nothing either while another process works on the target. Rows stay until `done` or
        `set_aside`; the caller ends with `leave`.
        """
        with self._db.reading() as conn:
            if not _due(conn, target, 1, now):  # looking costs no write
                return []
        with self._db.writing() as conn:
            return _due(conn, target, limit, now) if self._enter(conn, target) else []

    @threaded
    def leave(self, target: str) -> None:
        """Let another process work on the target."""
        ours = sa.and_(OUTBOX_LANE.c.target == target, OUTBOX_LANE.c.owner == self._owner.instance)
        with self._db.writing() as conn:
            conn.execute(sa.update(OUTBOX_LANE).where(ours).values(owner=None, until=0.0))

    @threaded
    def done(self, ids: Sequence[int]) -> None:
        """Forget rows that arrived."""
        with self._db.writing() as conn:
            for some in chunks(ids):
                conn.execute(sa.delete(OUTBOX).where(_C.id.in_(some)))

    @threaded
    def later(self, ids: Sequence[int], error: str, not_before: datetime) -> None:
        """Keep rows that did not arrive, say why, and when to try again."""
        self._change(ids, {"tries": _C.tries + 1, "error": error, "not_before": not_before})

    @threaded
    def set_aside(self, ids: Sequence[int], error: str, now: datetime) -> None:
        """Take rows out of the queue that the receiver refuses for good.

        When that was stands in `not_before`, which such a row has no other use for.
        """
        self._change(ids, {"state": OutboxState.SET_ASIDE, "error": error, "not_before": now})

    @threaded
    def depth(self) -> dict[tuple[str, OutboxState], int]:
        """Count rows by target and state."""
        count = sa.select(_C.target, _C.state, sa.func.count().label("rows"))
        with self._db.reading() as conn:
            found = conn.execute(count.group_by(_C.target, _C.state)).all()
        return {(row.target, OutboxState(row.state)): row.rows for row in found}

    @threaded
    def waiting(self) -> list[Waiting]:
        """Return what waits for each target, by target."""
        count = sa.select(
            _C.target,
            sa.func.count().label("rows"),
            sa.func.min(_C.id).label("first"),
        ).where(_C.state == OutboxState.WAITING)
        each = count.group_by(_C.target).subquery()
        found = sa.select(each.c.target, each.c.rows, _C.at, _C.error, _C.not_before).join(
            OUTBOX, _C.id == each.c.first
        )
        with self._db.reading() as conn:
            rows = conn.execute(found.order_by(each.c.target)).all()
        return [Waiting(row.target, row.rows, row.at, row.error, row.not_before) for row in rows]

    @threaded
    def refused(self, limit: int = 100) -> list[SetAside]:
        """Return the newest rows that were set aside, newest first."""
        newest = sa.select(OUTBOX).where(_C.state == OutboxState.SET_ASIDE)
        with self._db.reading() as conn:
            rows = conn.execute(newest.order_by(_C.id.desc()).limit(limit)).all()
        return [SetAside(_row(row), row.error) for row in rows]

    @threaded
    def retry(self, target: str) -> int:
        """Put what was set aside back into the queue, at its old place; returns how much."""
        aside = sa.and_(_C.target == target, _C.state == OutboxState.SET_ASIDE)
        again = {"state": OutboxState.WAITING, "tries": 0, "not_before": None, "error": ""}
        with self._db.writing() as conn:
            return conn.execute(sa.update(OUTBOX).where(aside).values(again)).rowcount

    @threaded
    def drop(self, target: str) -> int:
        """Forget everything of a target that is no longer wanted; returns how much.

        A webhook of events is told from now on, should it come back.
        """
        with self._db.writing() as conn:
            conn.execute(sa.delete(HOOK_PLACE).where(HOOK_PLACE.c.target == target))
            conn.execute(sa.delete(OUTBOX_LANE).where(OUTBOX_LANE.c.target == target))
            conn.execute(sa.delete(OUTBOX_LOSS).where(OUTBOX_LOSS.c.target == target))
            return conn.execute(sa.delete(OUTBOX).where(_C.target == target)).rowcount

    def _change(self, ids: Sequence[int], values: dict[str, object]) -> None:
        with self._db.writing() as conn:
            for some in chunks(ids):
                conn.execute(sa.update(OUTBOX).where(_C.id.in_(some)).values(values))

    def _enter(self, conn: sa.Connection, target: str) -> bool:
        """Take, or keep, the one place at a target; False while somebody else has it."""
        lane = OUTBOX_LANE.c
        insert_missing(conn, OUTBOX_LANE, [{"target": target, "until": 0.0}])
        row = conn.execute(sa.select(OUTBOX_LANE).where(lane.target == target)).one()
        now = database_now(conn)
        holder = Owner.parse(row.owner_facts) if row.owner else None
        ours = row.owner in (None, self._owner.instance)
        if not ours and row.until >= now and not (holder and holder.is_dead(self._owner)):
            return False
        # Whoever else saw the same row loses: only one finds it unchanged.
        unchanged = sa.and_(lane.target == target, lane.until == row.until)
        mine = {
            "owner": self._owner.instance,
            "owner_facts": self._owner.facts,
            "until": now + TURN,
        }
        return conn.execute(sa.update(OUTBOX_LANE).where(unchanged).values(mine)).rowcount == 1


def refused_long_ago(now: datetime) -> sa.ColumnElement[bool]:
    """Choose what was set aside long ago (KEEP_SET_ASIDE)."""
    since = sa.func.coalesce(_C.not_before, _C.at)
    return sa.and_(_C.state == OutboxState.SET_ASIDE, since < now - KEEP_SET_ASIDE)


def add_entries(conn: sa.Connection, target: str, entries: Sequence[OutboxEntry]) -> None:
    """Add entries at the end of a queue, in the caller's transaction.

    One that waits already is left out; one that was set aside gives way, for it is wanted again.
    """
    aside = sa.and_(_C.target == target, _C.state == OutboxState.SET_ASIDE)
    if conn.execute(sa.select(_C.id).where(aside).limit(1)).first() is not None:
        for some in chunks([entry.key for entry in entries]):
            conn.execute(sa.delete(OUTBOX).where(aside, _C.entry_key.in_(some)))
    rows = [
        {
            "target": target,
            "kind": entry.kind,
            "entry_key": entry.key,
            "at": entry.at,
            "body": entry.body,
            "state": OutboxState.WAITING,
            "tries": 0,
            "error": "",
        }
        for entry in entries
    ]
    insert_missing(conn, OUTBOX, rows)


def forget_rows_naming(conn: sa.Connection, person: str) -> int:
    r"""Delete what still has to tell somebody about a person (`DIR\id`); returns how much.

    What names them by their hash goes too.
    """
    hashed = pseudonym(points_key(conn))(person).encode("ascii")
    named = [
        row.id
        for row in conn.execute(sa.select(_C.id, _C.body))
        if hashed in row.body or names(row.body, person)
    ]
    for some in chunks(named):
        conn.execute(sa.delete(OUTBOX).where(_C.id.in_(some)))
    return len(named)


def names(body: bytes, person: str) -> bool:
    """Whether a body holds the name of a person, however its format escapes it."""
    bare = _bare(person)
    return bare in (text := _bare(body.decode("utf-8", "replace"))) and bool(
        re.search(rf"(?<![\w.-]){re.escape(bare)}(?![\w.-])", text)
    )


def _bare(text: str) -> str:
    r"""Return text without what formats put in: backslashes; `DIR\id` becomes `dirid`."""
    return text.casefold().replace("\\", "")


def _due(conn: sa.Connection, target: str, limit: int, now: datetime) -> list[OutboxRow]:
    """Return the first rows of a target, up to one that has to wait."""
    waiting = sa.and_(_C.target == target, _C.state == OutboxState.WAITING)
    first = sa.select(OUTBOX).where(waiting).order_by(_C.id).limit(limit)

    def is_due(row: AnyRow) -> bool:
        return row.not_before is None or row.not_before <= now

    return [_row(row) for row in takewhile(is_due, conn.execute(first))]


def _row(row: AnyRow) -> OutboxRow:
    entry = OutboxEntry(row.kind, row.body, row.entry_key, row.at)
    return OutboxRow(row.id, row.target, entry, row.tries)
