"""Writing the roster: of a reading only what differs from the one before.

Rows go in batches, each in a transaction of its own, so that no release waits for all of them;
every row is true by itself. A row is known by the digest of its line, which costs a reading of a
site on which nothing happened one look and no write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.core.changes import TYPE_OF_SEAT
from seatkeeper.core.model import person_key
from seatkeeper.core.roster import RosterLine, sort_key
from seatkeeper.store.batches import SIZE
from seatkeeper.store.columns import clean
from seatkeeper.store.engine import Database
from seatkeeper.store.recording import chunks
from seatkeeper.store.watch_tables import ROSTER, ROSTER_READING

_FORMAT = b"1"
"""Moves when a line is written otherwise than before, so that every row is written anew."""

_LATE = timedelta(days=1)
"""No reading comes so late; whatever is older was not taken before, the clock was put back."""

_C, _R = ROSTER.c, ROSTER_READING.c
_ENCODER = msgspec.msgpack.Encoder()


def keep(db: Database, site: str, at: datetime, lines: Iterable[RosterLine]) -> int:
    """Keep the lines of a reading of that moment in place of older ones; returns rows written.

    What is newer stays.
    """
    with db.reading() as conn:
        newest = conn.execute(sa.select(_R.at).where(_R.site == site)).scalar()
        if newest is not None and timedelta(0) < newest - at <= _LATE:
            return 0
        found = sa.select(_C.allocation_id, _C.digest).where(_C.site == site)
        known = {row.allocation_id: row.digest for row in conn.execute(found)}
    written = 0
    changed = _changed(lines, known)
    while some := list(islice(changed, SIZE)):
        rows = [_row(site, at, line, digest) for line, digest in some]
        with db.writing() as conn:
            _move(conn, site, at, is_done=False)
            conn.execute(_upsert(conn.dialect.name), rows)
        written += len(rows)
    gone = list(known)
    for ids in chunks(gone):
        with db.writing() as conn:
            _move(conn, site, at, is_done=False)
            conn.execute(sa.delete(ROSTER).where(_C.site == site, _C.allocation_id.in_(ids)))
    with db.writing() as conn:
        _move(conn, site, at, is_done=True)
    return written + len(gone)


def forget(conn: sa.Connection, person: str) -> int:
    """Take the rows of a person (`person_key`) out; a reading that still shows them is new."""
    key = person_key(clean(person))
    sites = conn.execute(sa.select(_R.site)).scalars().all()
    found = sa.select(_C.id, _C.site, _C.label).where(
        _C.site.in_(sites), _C.user_key == sort_key(key)
    )
    rows = [row for row in conn.execute(found) if person_key(row.label) == key]
    for some in chunks([row.id for row in rows]):
        conn.execute(sa.delete(ROSTER).where(_C.id.in_(some)))
    for site in {row.site for row in rows}:
        this = sa.update(ROSTER_READING).where(_R.site == site)
        conn.execute(this.values(version=_R.version + 1))
    return len(rows)


def _changed(
    lines: Iterable[RosterLine], known: dict[str, int]
) -> Iterator[tuple[RosterLine, int]]:
    """Give the lines that differ from the known ones, which are taken out as they are met."""
    for line in lines:
        digest = _digest(line)
        # An id that a site lists twice is met a second time as new: it is written, last wins.
        if known.pop(clean(line.allocation_id), None) != digest:
            yield line, digest


def _digest(line: RosterLine) -> int:
    try:
        body = _FORMAT + _ENCODER.encode(line)
    except UnicodeEncodeError:  # half a character, which is kept as another one
        body = _FORMAT + repr(line).encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big", signed=True)


def _row(site: str, at: datetime, line: RosterLine, digest: int) -> dict[str, Any]:
    return {
        "site": site,
        "allocation_id": line.allocation_id,
        "license_type": TYPE_OF_SEAT[line.license_type],
        "flags": line.flags,
        "label": line.user,
        "name": line.name,
        "department": line.department,
        "user_key": sort_key(line.user),
        "department_key": sort_key(line.department),
        "name_key": sort_key(line.name),
        "created": line.created,
        "last_used": line.last_used,
        "idle_since": line.idle_since,
        "reason": line.reason,
        "since": at,
        "note": line.note,
        "exempt_owner": line.exempt_owner,
        "exempt_reason": line.exempt_reason,
        "exempt_until": line.exempt_until,
        "digest": digest,
    }


_SAME: Sequence[str] = ("id", "site", "allocation_id", "since")


def _upsert(dialect: str) -> sa.Executable:
    """Write a line; a verdict of the same reason stands since it was first given."""
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(ROSTER)
    new = insert.excluded
    values: dict[str, Any] = {c.name: new[c.name] for c in _C if c.name not in _SAME}
    values["since"] = sa.case((_C.reason == new.reason, _C.since), else_=new.since)
    return insert.on_conflict_do_update(index_elements=["site", "allocation_id"], set_=values)


def _move(conn: sa.Connection, site: str, at: datetime, *, is_done: bool) -> None:
    """Say that the rows of a site move, and at the end as of when they are."""
    insert = (postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert)(
        ROSTER_READING
    )
    values: dict[str, Any] = {"at": at} if is_done else {"version": _R.version + 1}
    new = insert.values(site=site, at=at, version=1)
    conn.execute(new.on_conflict_do_update(index_elements=["site"], set_=values))
