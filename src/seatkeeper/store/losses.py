"""The bound of the outbox: what waits too long, or is too much, goes, oldest first, and is counted.

What is younger than a day stays, however much there is: an outage of hours loses nothing, and
neither does a large site whose day does not fit the bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.core.outbox import Loss, OutboxState
from seatkeeper.core.retention import SAFE, Retention
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.telling_tables import OUTBOX, OUTBOX_LOSS

TURN = 5_000
"""Rows in one transaction: a release that is written down meanwhile must not wait for long."""

_ANY_AGE = timedelta(days=36_500)

_C = OUTBOX.c
_L = OUTBOX_LOSS.c


class Losses:
    """What the outbox of one store had to give up."""

    def __init__(self, db: Database, turn: int = TURN) -> None:
        self._db, self._turn = db, turn

    @threaded
    def all(self) -> dict[str, Loss]:
        """Return what was ever dropped, by target; nothing of a target that lost nothing."""
        with self._db.reading() as conn:
            return losses(conn)

    @threaded
    def keep_within(self, bound: Retention, now: datetime) -> dict[str, int]:
        """Drop what is beyond the bound; returns how many rows went now, by target."""
        with self._db.reading() as conn:
            queues = conn.execute(sa.select(_C.target, _C.state).distinct()).all()
        gone = Counter[str]()
        for target, state in queues:
            its = sa.and_(_C.target == target, _C.state == state)
            # What was refused for good was told then; how long it stays says `Outbox.prune`.
            is_waiting = state == OutboxState.WAITING
            of_state = bound if is_waiting else replace(bound, outbox=_ANY_AGE)
            while dropped := self._drop_some(its, target, of_state, now):
                gone[target] += dropped
        return gone

    def _drop_some(
        self, its: sa.ColumnElement[bool], target: str, bound: Retention, now: datetime
    ) -> int:
        """Drop from the head of a queue what goes in one turn."""
        head = sa.select(_C.id, _C.at).where(its).order_by(_C.id).limit(self._turn)
        with self._db.reading() as conn:  # looking costs no write
            # Anew in each turn: meanwhile the receiver may take some.
            there = conn.execute(sa.select(sa.func.count()).where(its)).scalar_one()
            rows = conn.execute(head).all()
        some = rows[: _beyond(rows, there - bound.outbox_rows, bound, now)]
        if not some:
            return 0
        with self._db.writing() as conn:
            dropped = conn.execute(sa.delete(OUTBOX).where(its, _C.id <= some[-1].id)).rowcount
            _note(conn, target, Loss(dropped, max(row.at for row in some), now))
        return dropped


def _beyond(rows: Sequence[AnyRow], too_many: int, bound: Retention, now: datetime) -> int:
    """Return how many rows of a head go: too old, or too many and no longer safe."""

    def goes(numbered: tuple[int, AnyRow]) -> bool:
        number, row = numbered
        return row.at < now - bound.outbox or (number < too_many and row.at < now - SAFE)

    return sum(1 for _ in takewhile(goes, enumerate(rows)))


def losses(conn: sa.Connection) -> dict[str, Loss]:
    """Return what was ever dropped, by target, in the caller's transaction."""
    found = conn.execute(sa.select(OUTBOX_LOSS).order_by(_L.target))
    return {row.target: Loss(row.rows, row.newest, row.dropped_at) for row in found}


def _note(conn: sa.Connection, target: str, loss: Loss) -> None:
    insert = (postgresql if conn.dialect.name == "postgresql" else sqlite).insert(OUTBOX_LOSS)
    new = insert.excluded
    more = {
        "rows": _L.rows + new.rows,
        "newest": sa.case((new.newest > _L.newest, new.newest), else_=_L.newest),
        "dropped_at": new.dropped_at,
    }
    row = {"rows": loss.rows, "newest": loss.newest, "dropped_at": loss.dropped_at}
    conn.execute(
        insert.values(target=target, **row).on_conflict_do_update(
            index_elements=OUTBOX_LOSS.primary_key, set_=more
        )
    )
