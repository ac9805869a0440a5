"""Reading the ledger: who did what, when and why; in pages, whole as an export, and verified.

Records are appended only inside the transaction of the change they tell about (`recording`);
there is no way to write one alone, and none to change one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.model import person_key
from seatkeeper.core.record import Actor, Kind, LedgerEntry, LedgerRecord
from seatkeeper.errors import LedgerBroken, UsageError
from seatkeeper.store.chain import Head
from seatkeeper.store.columns import AnyRow, moment_of
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.erase import Erased, erase_person
from seatkeeper.store.recording import read_head, recording
from seatkeeper.store.tables import LEDGER, PERSON
from seatkeeper.store.verify import Verified, verify_chain

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class LedgerQuery:
    r"""Which records to show; every field that is set narrows the choice.

    `person` is `DIR\id` in any case. `since` is inclusive. `after_seq` and `before_seq` page
    through what was found.
    """

    site: str | None = None
    plan_id: str | None = None
    run_id: str | None = None
    kind: Kind | None = None
    since: datetime | None = None
    person: str | None = None
    after_seq: int | None = None
    before_seq: int | None = None


class Ledger:
    """The ledger of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def append(self, entry: LedgerEntry) -> None:
        """Record something that is no change of the store itself."""
        with recording(self._db) as record:
            record.note(entry)

    @threaded
    def show(self, query: LedgerQuery | None = None, limit: int = 100) -> list[LedgerRecord]:
        """Return the newest records that match, oldest of them first."""
        return self._read(query or LedgerQuery(), limit, newest=True)

    async def pages(
        self, query: LedgerQuery | None = None, size: int = _PAGE
    ) -> AsyncIterator[Sequence[LedgerRecord]]:
        """Give every record that matches, oldest first, a page at a time.

        What is appended meanwhile may follow; nothing is read twice or left out.
        """
        wanted = query or LedgerQuery()
        while True:
            page = await self._page(wanted, size)
            if page:
                yield page
            if len(page) < size:
                return
            wanted = replace(wanted, after_seq=page[-1].seq)

    @threaded
    def head(self) -> Head:
        """Return the newest number and hash: written down elsewhere it proves a later cut."""
        with self._db.reading() as conn:
            return read_head(conn)

    @threaded
    def verify(self, noted: Head | str | None = None) -> Verified:
        """Verify every record, the persons beside them, and the head.

        `noted` is a head kept elsewhere, as `SEQ:HASH`. Raises LedgerBroken that names the first
        bad record, UsageError for a head that cannot be read.
        """
        return verify_chain(self._db, _head(noted))

    @threaded
    def erase(self, person: str, actor: Actor, reason: str, now: datetime) -> Erased:
        r"""Take `DIR\id` out of everything that is over; the chain still verifies.

        Raises UsageError when nobody of that name is known, or when a plan or release that still
        needs the name is not over.
        """
        return erase_person(
            self._db,
            LedgerEntry(kind=Kind.PERSON_ERASED, at=now, actor=actor, why=reason, person=person),
        )

    @threaded
    def _page(self, query: LedgerQuery, size: int) -> list[LedgerRecord]:
        return self._read(query, size, newest=False)

    def _read(self, query: LedgerQuery, limit: int, *, newest: bool) -> list[LedgerRecord]:
        order = LEDGER.c.seq.desc() if newest else LEDGER.c.seq
        found = _FOUND.where(*_conditions(query)).order_by(order).limit(limit)
        with self._db.reading() as conn:
            rows = conn.execute(found).all()
        records = [_record(row) for row in rows]
        return records[::-1] if newest else records


# Raw text: a record changed by hand must not stop the others from being shown by SQLAlchemy.
_FOUND = sa.select(
    *(sa.type_coerce(c, sa.Text).label(c.name) if c.name == "at" else c for c in LEDGER.c),
    sa.func.coalesce(PERSON.c.label, "").label("label"),
).select_from(LEDGER.outerjoin(PERSON, PERSON.c.ref == LEDGER.c.person_ref))


def _conditions(query: LedgerQuery) -> list[sa.ColumnElement[bool]]:
    columns = LEDGER.c
    found: list[sa.ColumnElement[bool]] = []
    if query.site is not None:
        found.append(columns.site == query.site)
    if query.plan_id is not None:
        found.append(columns.plan_id == query.plan_id)
    if query.run_id is not None:
        found.append(columns.run_id == query.run_id)
    if query.kind is not None:
        found.append(columns.kind == query.kind.value)
    if query.since is not None:
        found.append(columns.at >= query.since)
    if query.person is not None:
        found.append(PERSON.c.person_key == person_key(query.person))
    if query.after_seq is not None:
        found.append(columns.seq > query.after_seq)
    if query.before_seq is not None:
        found.append(columns.seq < query.before_seq)
    return found


def _record(row: AnyRow) -> LedgerRecord:
    try:
        return LedgerRecord(
            seq=row.seq,
            at=moment_of(row.at),
            kind=Kind(row.kind),
            site=row.site,
            run_id=row.run_id,
            plan_id=row.plan_id,
            by=row.actor,
            os_account=row.os_account,
            host=row.host,
            why=row.why,
            policy_digest=row.policy_digest,
            person_ref=row.person_ref,
            person=row.label,
            evidence=msgspec.json.decode(row.body, type=dict[str, Any]),
            hash=row.hash,
        )
    except (ValueError, TypeError) as error:
        raise LedgerBroken(
            f"record {row.seq} cannot be read: it was changed; run `seatkeeper ledger verify`",
            seq=row.seq,
        ) from error


def _head(noted: Head | str | None) -> Head | None:
    if not isinstance(noted, str):
        return noted
    try:
        return Head.parse(noted)
    except ValueError as error:
        raise UsageError(f"{error}, as `seatkeeper ledger verify` prints it") from error
