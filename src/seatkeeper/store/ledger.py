"""Reading the ledger: who did what, when and why; in pages, whole as an export, and verified.

Records are appended only inside the transaction of the change they tell about (`recording`);
there is no way to write one alone, and none to change one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from seatkeeper.core.record import Actor, Kind, LedgerEntry, LedgerRecord
from seatkeeper.errors import LedgerBroken, UsageError
from seatkeeper.store import searching
from seatkeeper.store.chain import Head
from seatkeeper.store.checks import ChainState, chain_state, keep_broken, keep_whole
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.erase import Erased, erase_person
from seatkeeper.store.recording import read_head, recording
from seatkeeper.store.searching import LedgerPage, LedgerQuery
from seatkeeper.store.tables import LEDGER
from seatkeeper.store.verify import Verified, record_holds, verify_chain

_PAGE = 1_000


class Ledger:
    """The ledger of one store; a search counts what matches up to `counted`."""

    def __init__(self, db: Database, *, counted: int = searching.COUNTED) -> None:
        self._db = db
        self._counted = counted

    @threaded
    def append(self, entry: LedgerEntry) -> None:
        """Record something that is no change of the store itself."""
        with recording(self._db) as record:
            record.note(entry)

    @threaded
    def show(self, query: LedgerQuery | None = None, limit: int = 100) -> list[LedgerRecord]:
        """Return the newest records that match, oldest of them first."""
        with self._db.reading() as conn:
            return searching.read(conn, query or LedgerQuery(), limit, newest=True)[::-1]

    @threaded
    def search(self, query: LedgerQuery | None = None, limit: int = 50) -> LedgerPage:
        """Return a page of the records that match, newest first, and how many there are.

        `before_seq` of the query is `older` of the page before.
        """
        with self._db.snapshot() as conn:
            return searching.page(conn, query or LedgerQuery(), limit, self._counted)

    @threaded
    def record(self, seq: int) -> LedgerRecord:
        """Return one record; raises UsageError when there is none of this number."""
        with self._db.reading() as conn:
            row = conn.execute(searching.FOUND.where(LEDGER.c.seq == seq)).first()
        if row is None:
            raise UsageError(f"the ledger has no record {seq}")
        return searching.record_of(row)

    @threaded
    def holds(self, seq: int) -> bool:
        """Tell whether this one record is as it was written, and continues the one before."""
        with self._db.reading() as conn:
            return record_holds(conn, seq)

    @threaded
    def actors(self, sites: Collection[str] | None = None) -> list[str]:
        """Return the names of everybody who ever acted on these sites, of all without."""
        with self._db.reading() as conn:
            return searching.actors(conn, sites)

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
    def check(self, by: str, now: datetime, noted: Head | str | None = None) -> Verified:
        """Verify everything as `verify` does, and keep what came of it for `state`.

        What only a head kept elsewhere tells is not kept: it may have been mistyped.
        """
        head, began = _head(noted), time.perf_counter()
        try:
            verified = verify_chain(self._db, head)
        except LedgerBroken as error:
            if head is None:
                keep_broken(self._db, error, by, now, time.perf_counter() - began)
            raise
        keep_whole(self._db, verified, by, now, time.perf_counter() - began)
        return verified

    @threaded
    def state(self) -> ChainState:
        """Tell at once how the chain stands: its head, and the last check of the whole."""
        with self._db.snapshot() as conn:
            return chain_state(conn)

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
        with self._db.reading() as conn:
            return searching.read(conn, query, size, newest=False)


def _head(noted: Head | str | None) -> Head | None:
    if not isinstance(noted, str):
        return noted
    try:
        return Head.parse(noted)
    except ValueError as error:
        raise UsageError(f"{error}, as `seatkeeper ledger verify` prints it") from error
