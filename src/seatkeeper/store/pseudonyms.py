"""The secret of this store under which people are hashed in points."""

from __future__ import annotations

import sqlalchemy as sa

from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.tables import STORE_SECRET


class Pseudonyms:
    """What makes a name unreadable, and the same name the same, outside this store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def key(self) -> bytes:
        """Return the secret; whoever has it can test a name against its hash."""
        with self._db.reading() as conn:
            return points_key(conn)


def points_key(conn: sa.Connection) -> bytes:
    """Return the secret, in the caller's transaction."""
    found = sa.select(STORE_SECRET.c.value).where(STORE_SECRET.c.name == "points")
    return str(conn.execute(found).scalar_one()).encode("ascii")
