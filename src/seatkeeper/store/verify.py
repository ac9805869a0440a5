"""Proving the ledger whole: every column of every record, the table of persons, and the head.

Streams in one snapshot of the database, so that a million records need little memory and whoever
appends meanwhile is not in the way. The first bad record is named; nothing is ever repaired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.model import person_key
from seatkeeper.core.record import Kind
from seatkeeper.errors import LedgerBroken
from seatkeeper.store.chain import COLUMNS, Head, person_ref, record_hash
from seatkeeper.store.engine import Database
from seatkeeper.store.tables import LEDGER, LEDGER_HEAD, PERSON

_PAGE = 2_000
_ERASED = Kind.PERSON_ERASED.value


@dataclass(frozen=True, slots=True)
class Verified:
    """A ledger that is whole: its records, the persons beside it, who was erased, its head."""

    records: int
    persons: int
    erased: int
    head: Head


def verify_chain(db: Database, noted: Head | None = None) -> Verified:
    """Verify everything; raises LedgerBroken that names the first bad record.

    `noted` is a head written down elsewhere at an earlier time: with it even a ledger that was
    replaced as a whole, or cut and given a new head, is recognised.
    """
    with db.snapshot() as conn:
        return verify_within(conn, noted)


def verify_within(conn: sa.Connection, noted: Head | None = None) -> Verified:
    """Verify what the caller's transaction sees."""
    head = _verify_records(conn, noted)
    _verify_head(conn, head)
    persons = _verify_persons(conn)
    erased = _verify_references(conn)
    return Verified(head.seq, persons, erased, head)


def record_holds(conn: sa.Connection, seq: int) -> bool:
    """Tell whether one record fits its hash and the record before; False when it is not there."""
    raw = [sa.type_coerce(LEDGER.c[name], sa.Text) for name in (*COLUMNS[1:], "hash")]
    found = sa.select(LEDGER.c.seq, *raw).where(LEDGER.c.seq.in_((seq - 1, seq)))
    rows = {row[0]: tuple(row) for row in conn.execute(found)}
    if seq not in rows or (seq > 1 and seq - 1 not in rows):
        return False
    head = Head(seq - 1, rows[seq - 1][-1]) if seq > 1 else Head()
    try:
        _verify_record(head, rows[seq])
    except LedgerBroken:
        return False
    return True


def _verify_records(conn: sa.Connection, noted: Head | None) -> Head:
    head = Head()
    for row in _rows(conn, [LEDGER.c[name] for name in (*COLUMNS, "hash")]):
        _verify_record(head, row)
        head = Head(row[0], row[-1])
        if noted is not None and noted.seq == head.seq and noted.hash != head.hash:
            raise LedgerBroken(
                f"record {head.seq} is not the one whose hash was noted: the ledger was rewritten "
                "at or before it",
                seq=head.seq,
            )
    if noted is not None and noted.seq > head.seq:
        raise _cut_off(head, noted.seq, "noted")
    return head


def _verify_record(head: Head, row: tuple[Any, ...]) -> None:
    seq = row[0]
    if seq > head.seq + 1:
        raise LedgerBroken(
            f"record {head.seq + 1} is missing: record {head.seq} is followed by {seq}",
            seq=head.seq + 1,
        )
    if seq != head.seq + 1:
        raise LedgerBroken(f"record {seq} was inserted: the first record is 1", seq=seq)
    if set(map(type, row[1:])) != {str}:
        raise LedgerBroken(f"record {seq} was changed: a column is not text", seq=seq)
    if record_hash(head.hash, row[:-1]) != row[-1]:
        raise LedgerBroken(
            f"record {seq} was changed, or does not continue record {head.seq}: its hash does not "
            "fit its columns and the record before",
            seq=seq,
        )


def _verify_head(conn: sa.Connection, head: Head) -> None:
    kept = conn.execute(sa.select(LEDGER_HEAD.c.seq, LEDGER_HEAD.c.hash)).first()
    if kept is None:
        raise LedgerBroken("the note of the newest record is gone from the store", seq=head.seq)
    if kept.seq > head.seq:
        raise _cut_off(head, kept.seq, "kept beside the ledger")
    if kept.seq < head.seq:
        raise LedgerBroken(
            f"record {kept.seq + 1} was inserted: the ledger was left at {kept.seq}",
            seq=kept.seq + 1,
        )
    if kept.hash != head.hash:
        raise LedgerBroken(f"record {head.seq} is not the one that was written last", seq=head.seq)


def _cut_off(head: Head, known: int, where: str) -> LedgerBroken:
    return LedgerBroken(
        f"record {head.seq + 1} is missing: the ledger ends at {head.seq}, and a head at {known} "
        f"was {where}",
        seq=head.seq + 1,
    )


def _verify_persons(conn: sa.Connection) -> int:
    count = 0
    columns = [PERSON.c.ref, PERSON.c.salt, PERSON.c.person_key, PERSON.c.label]
    for row in _rows(conn, columns):
        count += 1
        ref, salt, key, label = row
        is_text = set(map(type, row)) == {str}
        if not is_text or person_ref(salt, label) != ref or person_key(label) != key:
            seq = _first_use(conn, str(ref))
            raise LedgerBroken(
                f"the person behind reference {ref} was changed"
                + (f" (first named in record {seq})" if seq else " (no record names it)"),
                seq=seq,
            )
    return count


def _first_use(conn: sa.Connection, ref: str) -> int:
    query = sa.select(sa.func.min(LEDGER.c.seq)).where(LEDGER.c.person_ref == ref)
    return int(conn.execute(query).scalar() or 0)


def _verify_references(conn: sa.Connection) -> int:
    """Every reference has its person or was erased, never both; every person has a record."""
    person = sa.exists().where(PERSON.c.ref == LEDGER.c.person_ref)
    other = LEDGER.alias()
    gone = sa.exists().where(other.c.person_ref == LEDGER.c.person_ref, other.c.kind == _ERASED)
    # The smallest number, not the first row: PostgreSQL then compares the tables as wholes.
    named = sa.select(sa.func.min(LEDGER.c.seq)).where(LEDGER.c.person_ref != "")
    if seq := conn.execute(named.where(~person, ~gone)).scalar():
        raise LedgerBroken(
            f"the person named in record {seq} is gone, and no record says that they were erased",
            seq=seq,
        )
    if seq := conn.execute(named.where(LEDGER.c.kind == _ERASED, person)).scalar():
        raise LedgerBroken(f"the person erased by record {seq} is back in the store", seq=seq)
    is_named = sa.exists().where(LEDGER.c.person_ref == PERSON.c.ref)
    unused = sa.select(sa.func.min(PERSON.c.ref)).where(~is_named)
    if (ref := conn.execute(unused).scalar()) is not None:
        raise LedgerBroken(f"a person was added under {ref}, and no record names them")
    erased = sa.select(sa.func.count()).where(LEDGER.c.kind == _ERASED, LEDGER.c.person_ref != "")
    return int(conn.execute(erased).scalar_one())


def _rows(conn: sa.Connection, columns: Sequence[sa.Column[Any]]) -> Iterator[tuple[Any, ...]]:
    """Every row exactly as stored, ordered by its first column, page by page.

    Damage that makes a row unreadable to SQLite is met again row by row, to name it.
    """
    key, *others = columns
    raw = [sa.type_coerce(column, sa.Text) for column in others]
    query = sa.select(key, *raw).order_by(key)
    last: Any = None
    size = _PAGE
    while True:
        page = query if last is None else query.where(key > last)
        try:
            rows = conn.execute(page.limit(size)).all()
        except sa.exc.DatabaseError as error:
            if not any(sign in str(error.orig) for sign in _UNREADABLE):
                raise
            if size == 1:
                raise _unreadable(key, last) from error.orig
            size = 1
            continue
        yield from map(tuple, rows)
        if len(rows) < size:
            return
        last = rows[-1][0]


_UNREADABLE = ("Could not decode to UTF-8", "malformed")


def _unreadable(key: sa.Column[Any], last: Any) -> LedgerBroken:
    if key.table is LEDGER:
        seq = (last or 0) + 1
        return LedgerBroken(f"record {seq} was changed: its text cannot be read", seq=seq)
    return LedgerBroken(f"the person after reference {last or 'none'} cannot be read")
