"""How each cycle went: its time, its requests, and why it failed if it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.record import CycleSample
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.watch_tables import CYCLE_SAMPLE

LONGEST = 300
"""Characters of an error that are kept."""

_C = CYCLE_SAMPLE.c


@dataclass(frozen=True, slots=True)
class CycleState:
    """How a job of a site goes: its newest cycle, and when one last succeeded.

    `last_success` of `monitor` is the moment of the last good snapshot. `failures` counts the
    cycles that failed since, `failing_since` is when the first of them began.
    """

    newest: CycleSample
    last_success: datetime | None
    failures: int = 0
    failing_since: datetime | None = None


class Cycles:
    """The cycles of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def add(self, sample: CycleSample) -> None:
        """Keep how a cycle went; who records it first is right, for it was nearest."""
        row = {
            "site": sample.site,
            "kind": sample.kind,
            "at": sample.at,
            "seconds": sample.seconds,
            "requests": sample.requests,
            "error": sample.error[:LONGEST],
            "trouble": sample.trouble[:LONGEST],
        }
        with self._db.writing() as conn:
            insert_missing(conn, CYCLE_SAMPLE, [row])

    @threaded
    def states(self, sites: Iterable[str], now: datetime) -> dict[tuple[str, str], CycleState]:
        """Return how each job of these sites goes, by site and kind; none that never ran."""
        found = {}
        with self._db.snapshot() as conn:
            for site in sites:
                for kind in ("monitor", "release"):
                    if (state := state_of(conn, site, kind, now)) is not None:
                        found[site, kind] = state
        return found

    @threaded
    def since(self, site: str, since: datetime) -> list[CycleSample]:
        """Return the cycles of a site that began at that moment or later, oldest first."""
        found = sa.select(CYCLE_SAMPLE).where(_C.site == site, _C.at >= since)
        with self._db.reading() as conn:
            return [_sample(row) for row in conn.execute(found.order_by(_C.at, _C.kind))]


def old_cycles(before: datetime, now: datetime) -> sa.ColumnElement[bool]:
    """Choose cycles that began earlier, except the newest and the last good one of each job."""
    newest = _newest_of_each_job(_C.at <= now)
    good = _newest_of_each_job(_C.at <= now, _C.error == "")
    key = sa.tuple_(_C.site, _C.kind, _C.at)
    return sa.and_(_C.at < before, key.not_in(newest), key.not_in(good))


def _newest_of_each_job(*which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    of = sa.select(_C.site, _C.kind, sa.func.max(_C.at)).where(*which)
    return of.group_by(_C.site, _C.kind)


def state_of(conn: sa.Connection, site: str, kind: str | None, now: datetime) -> CycleState | None:
    """Return how a job of a site goes (None: every job that reads it), None when it never ran.

    What seems to be later than `now` was written while the clock was ahead, and tells nothing.
    """
    its = sa.and_(_C.site == site, _C.at <= now)
    if kind is not None:
        its = sa.and_(its, _C.kind == kind)
    latest_first = sa.select(CYCLE_SAMPLE).where(its).order_by(_C.at.desc()).limit(1)
    newest = conn.execute(latest_first).first()
    if newest is None:
        return None
    good = conn.execute(latest_first.where(_C.error == "")).first()
    since = sa.select(sa.func.count(), sa.func.min(_C.at)).where(its)
    if good is not None:
        since = since.where(_C.at > good.at)
    failures, first = conn.execute(since).one()
    return CycleState(_sample(newest), good.at if good else None, failures, first)


def _sample(row: AnyRow) -> CycleSample:
    return CycleSample(
        site=row.site,
        kind=row.kind,
        at=row.at,
        seconds=row.seconds,
        requests=row.requests,
        error=row.error,
        trouble=row.trouble,
    )
