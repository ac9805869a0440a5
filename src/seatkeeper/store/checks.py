"""When the ledger was last verified as a whole, by whom, and what came of it.

Verifying a million records takes many seconds, so it is done once a day and by `ledger verify`,
and pages show the kept result with its age. What can be told at once is told at once: whether the
record that was the newest then is still there as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from seatkeeper.errors import LedgerBroken
from seatkeeper.store.chain import Head
from seatkeeper.store.engine import Database
from seatkeeper.store.recording import read_head
from seatkeeper.store.tables import LEDGER, LEDGER_CHECK
from seatkeeper.store.verify import Verified


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The result of verifying everything: whole up to `head`, or broken at record `bad_seq`."""

    at: datetime
    by: str
    seconds: float
    head: Head
    bad_seq: int | None = None
    error: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the ledger was whole then."""
        return not self.error


@dataclass(frozen=True, slots=True)
class ChainState:
    """The newest record now, the last check (None: never), and whether the chain continues it."""

    head: Head
    check: LedgerCheck | None
    continues: bool = True

    @property
    def since_check(self) -> int:
        """Records written since the last check."""
        return self.head.seq - (0 if self.check is None else self.check.head.seq)


def keep_whole(db: Database, verified: Verified, by: str, at: datetime, seconds: float) -> None:
    """Keep that the ledger was whole."""
    head = verified.head
    _keep(db, {"seq": head.seq, "hash": head.hash, "bad_seq": None, "error": ""}, by, at, seconds)


def keep_broken(db: Database, error: LedgerBroken, by: str, at: datetime, seconds: float) -> None:
    """Keep that the ledger was broken, and where."""
    with db.reading() as conn:
        head = _head(conn)
    broken = {"seq": head.seq, "hash": head.hash, "bad_seq": error.seq, "error": str(error)}
    _keep(db, broken, by, at, seconds)


def _keep(db: Database, result: dict[str, Any], by: str, at: datetime, seconds: float) -> None:
    row = {"id": 1, "at": at, "checked_by": by, "seconds": seconds, **result}
    with db.writing() as conn:
        conn.execute(sa.delete(LEDGER_CHECK))
        conn.execute(sa.insert(LEDGER_CHECK).values(row))


def _head(conn: sa.Connection) -> Head:
    """Return the newest record, also where the note of it is gone."""
    newest = sa.select(LEDGER.c.seq, LEDGER.c.hash).order_by(LEDGER.c.seq.desc()).limit(1)
    row = conn.execute(newest).first()
    return Head() if row is None else Head(row.seq, row.hash)


def chain_state(conn: sa.Connection) -> ChainState:
    """Tell how the chain stands, by three rows."""
    head, row = read_head(conn), conn.execute(sa.select(LEDGER_CHECK)).first()
    if row is None:
        return ChainState(head, None)
    then = Head(row.seq, row.hash)
    check = LedgerCheck(row.at, row.checked_by, row.seconds, then, row.bad_seq, row.error)
    there = conn.execute(sa.select(LEDGER.c.hash).where(LEDGER.c.seq == then.seq)).scalar()
    continues = then.seq <= head.seq and there == (then.hash if then.seq else None)
    return ChainState(head, check, continues)
