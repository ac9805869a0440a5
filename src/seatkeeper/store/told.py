"""Up to which reading of each site points, or the events for a target, were put into the outbox."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.watch_tables import UPKEEP

_C = UPKEEP.c

POINTS = "points"
"""What is put for every target at once; else it is the name of a target."""


class Told:
    """What one store knows of points that were put.

    That a cycle read its site tells nothing of this: the step that puts points may have failed.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def until(self, site: str, what: str = POINTS) -> datetime | None:
        """Return the last reading of a site of which this was put, None before the first."""
        with self._db.reading() as conn:
            at: datetime | None = conn.execute(
                sa.select(_C.at).where(_C.name == _name(what, site))
            ).scalar()
        return at

    @threaded
    def note(self, site: str, at: datetime, what: str = POINTS) -> None:
        """Remember that all of this was put of a reading."""
        with self._db.writing() as conn:
            known = sa.update(UPKEEP).where(_C.name == _name(what, site)).values(at=at)
            if not conn.execute(known).rowcount:
                insert_missing(conn, UPKEEP, [{"name": _name(what, site), "at": at}])


def _name(what: str, site: str) -> str:
    return f"{what}:{site}"
