"""One transaction with the ledger records it leaves behind: both are written, or neither.

Every such transaction locks the head of the chain before it changes anything else (only the
fence comes first), so they queue up on PostgreSQL as they do on SQLite and cannot deadlock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.canonical import canonical_bytes
from seatkeeper.core.model import person_key
from seatkeeper.core.record import LedgerEntry
from seatkeeper.errors import StoreError
from seatkeeper.store.chain import COLUMNS, Head, new_salt, person_ref, record_hash
from seatkeeper.store.columns import clean, moment_text
from seatkeeper.store.engine import Database
from seatkeeper.store.fence import Fenced, require_fence
from seatkeeper.store.tables import LEDGER, LEDGER_HEAD, PERSON

CHUNK = 500
"""Values in one IN list; SQLite knows a limit."""


@dataclass(slots=True)
class Recording:
    """A transaction in progress: its connection, and the records to be appended at its end."""

    conn: sa.Connection
    _entries: list[tuple[LedgerEntry, str]] = field(default_factory=list)

    def note(self, entry: LedgerEntry, *, person_ref: str = "") -> None:
        """Append this record when the transaction commits.

        `person_ref` is for a record about somebody whose row beside the chain is gone.
        """
        self._entries.append((entry, person_ref))

    def flush(self, head: Head) -> None:
        """Write the records after `head` and move it."""
        if not self._entries:
            return
        refs = _refs(self.conn, {e.person for e, _ in self._entries if e.person})
        rows: list[dict[str, Any]] = []
        for entry, ref in self._entries:
            row = _row(head.seq + 1, entry, ref or refs.get(_key(entry.person), ""))
            head = Head(head.seq + 1, record_hash(head.hash, [row[c] for c in COLUMNS]))
            rows.append({**row, "hash": head.hash})
        self.conn.execute(_INSERT, rows)
        self.conn.execute(sa.update(LEDGER_HEAD).values(seq=head.seq, hash=head.hash))


@contextlib.contextmanager
def recording(db: Database, held: Fenced | None = None) -> Iterator[Recording]:
    """Open a transaction that leaves records; with `held` it raises LeaseLost without its fence."""
    with db.writing() as conn:
        if held is not None:
            require_fence(conn, held)
        head = lock_head(conn)
        record = Recording(conn)
        yield record
        record.flush(head)


def lock_head(conn: sa.Connection) -> Head:
    """Read where the chain ends, and keep others from appending until the commit."""
    return read_head(conn, lock=True)


def read_head(conn: sa.Connection, *, lock: bool = False) -> Head:
    """Read where the chain ends; raises StoreError when nobody can tell."""
    query = sa.select(LEDGER_HEAD.c.seq, LEDGER_HEAD.c.hash)
    row = conn.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise StoreError(
            "the ledger has lost its head: somebody changed the store by hand; nothing is "
            "recorded, and so nothing is done, until it is restored from a backup"
        )
    return Head(row.seq, row.hash)


# Times are text already: what is hashed is what is stored.
_INSERT = sa.insert(LEDGER).values(
    {c: sa.bindparam(c, type_=sa.Text) for c in (*COLUMNS, "hash") if c != "seq"}
)


def _row(seq: int, entry: LedgerEntry, ref: str) -> dict[str, Any]:
    """Return the columns of a record exactly as they are stored and hashed.

    How somebody signed in stands with the evidence: two ways in may know the same name.
    """
    signed_in = {"signed_in": entry.actor.via} if entry.actor.via else {}
    return {
        "seq": seq,
        "at": moment_text(entry.at),
        "kind": entry.kind.value,
        "site": clean(entry.site),
        "run_id": clean(entry.run_id),
        "plan_id": clean(entry.plan_id),
        "actor": clean(entry.actor.by),
        "os_account": clean(entry.actor.os_account),
        "host": clean(entry.actor.host),
        "why": clean(entry.why),
        "policy_digest": clean(entry.policy_digest),
        "person_ref": ref,
        "body": canonical_bytes(entry.evidence | signed_in).decode("utf-8"),
    }


def _refs(conn: sa.Connection, labels: set[str]) -> dict[str, str]:
    """Return the reference of each person by key; whoever is new gets a salt and a row."""
    known: dict[str, str] = {}
    wanted = {_key(label): clean(label) for label in sorted(labels)}
    for keys in chunks(list(wanted)):
        query = sa.select(PERSON.c.person_key, PERSON.c.ref).where(PERSON.c.person_key.in_(keys))
        known.update((row.person_key, row.ref) for row in conn.execute(query))
    new = [_person(key, label) for key, label in wanted.items() if key not in known]
    if new:
        conn.execute(sa.insert(PERSON), new)
    return known | {row["person_key"]: row["ref"] for row in new}


def _key(label: str) -> str:
    return person_key(clean(label))


def _person(key: str, label: str) -> dict[str, str]:
    salt = new_salt()
    return {"ref": person_ref(salt, label), "salt": salt, "person_key": key, "label": label}


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut a list into pieces that fit one IN list."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
