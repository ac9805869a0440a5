"""The newest summary of each site, for everybody who never saw its snapshot."""

from __future__ import annotations

import contextlib

import msgspec
import sqlalchemy as sa

from seatkeeper.core.summary import Summary, summary_from_bytes, summary_to_bytes
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.lateness import gives_way
from seatkeeper.store.watch_tables import SUMMARY

_C = SUMMARY.c


class Summaries:
    """The summaries of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def keep(self, summary: Summary) -> None:
        """Keep a summary in place of an older one; a newer one stays, unless a clock was ahead."""
        row = {"site": summary.site, "at": summary.at, "body": summary_to_bytes(summary)}
        with self._db.writing() as conn:
            conn.execute(
                sa.delete(SUMMARY).where(_C.site == summary.site, gives_way(_C.at, summary.at))
            )
            insert_missing(conn, SUMMARY, [row])

    @threaded
    def newest(self, site: str) -> Summary | None:
        """Return the newest summary of a site, None before its first reading."""
        return self._read(sa.select(SUMMARY).where(_C.site == site)).get(site)

    @threaded
    def all(self) -> dict[str, Summary]:
        """Return the newest summary of every site, by site."""
        return self._read(sa.select(SUMMARY).order_by(_C.site))

    def _read(self, found: sa.Select[tuple[object, ...]]) -> dict[str, Summary]:
        with self._db.reading() as conn:
            rows = conn.execute(found).all()
        summaries = {}
        for row in rows:
            # Another version may have written it; the next reading replaces it.
            with contextlib.suppress(msgspec.ValidationError):
                summaries[str(row.site)] = summary_from_bytes(row.body)
        return summaries
