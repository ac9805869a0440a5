"""Up to which reading the points of each site were put into the outbox."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.watch_tables import UPKEEP

_C = UPKEEP.c


class Told:
    """What one store knows of points that were put.

    That a cycle read its site tells nothing of this: the step that puts points may have failed.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def until(self, site: str) -> datetime | None:
        """Return the last reading of a site whose points were put, None before the first."""
        with self._db.reading() as conn:
            at: datetime | None = conn.execute(
                sa.select(_C.at).where(_C.name == _name(site))
            ).scalar()
        return at

    @threaded
    def note(self, site: str, at: datetime) -> None:
        """Remember that all points of a reading were put."""
        with self._db.writing() as conn:
            known = sa.update(UPKEEP).where(_C.name == _name(site)).values(at=at)
            if not conn.execute(known).rowcount:
                insert_missing(conn, UPKEEP, [{"name": _name(site), "at": at}])


def _name(site: str) -> str:
    return f"points:{site}"
