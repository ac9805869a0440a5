"""Counters that only grow, moved on in the transaction that writes what they count.

Nobody counts rows for a scrape: these may be pruned, settled anew or erased, and there may be a
hundred thousand of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.core.scrape import Counted
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.watch_tables import COUNTER

_C = COUNTER.c


class Count(StrEnum):
    """What is counted."""

    RELEASES = "releases"
    REGRETS = "regrets"


class Counters:
    """The counters of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def releases(self) -> dict[Counted, int]:
        """Return how many actions ever came to each outcome, by site, type, outcome and reason.

        One whose outcome was found out later is counted under both.
        """
        return self._read(Count.RELEASES)

    @threaded
    def regrets(self) -> dict[Counted, int]:
        """Return how many seats ever came back to their user after a release, by site and type."""
        return self._read(Count.REGRETS)

    def _read(self, name: Count) -> dict[Counted, int]:
        with self._db.reading() as conn:
            rows = conn.execute(sa.select(COUNTER).where(_C.name == name)).all()
        return {
            Counted(row.site, row.license_type, row.outcome, row.reason): row.value for row in rows
        }


def count_up(conn: sa.Connection, name: Count, by: Mapping[Counted, int]) -> None:
    """Add to counters, in the caller's transaction."""
    # Sorted, so that two transactions take the rows they share in the same order.
    rows = [{"name": name, **one._asdict(), "value": number} for one, number in sorted(by.items())]
    if not rows:
        return
    insert = (postgresql if conn.dialect.name == "postgresql" else sqlite).insert(COUNTER)
    more = {"value": _C.value + insert.excluded.value}
    conn.execute(insert.on_conflict_do_update(index_elements=COUNTER.primary_key, set_=more), rows)
