"""Jobs and when they are due, kept across restarts; and what `status` shows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.store.columns import AnyRow
from seatkeeper.store.owner import Owner
from seatkeeper.store.tables import JOB, LEASE


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a site, at what, and since when (the holder's clock)."""

    site: str
    kind: str
    owner: Owner | None
    since: datetime | None

    @property
    def words(self) -> str:
        """The holder in a sentence."""
        who = self.owner.words if self.owner else "a process that did not say who it is"
        since = f" since {self.since:%F %T} UTC" if self.since else ""
        return f"{who}, at {self.kind}{since}"


@dataclass(frozen=True, slots=True)
class JobState:
    """A job: when it is due (None: never by itself), when it ran last, who runs it now."""

    site: str
    kind: str
    spec: str
    due: datetime | None
    last_run: datetime | None
    interruptions: int
    runs: Holder | None = None


def replace_jobs(
    conn: sa.Connection,
    wanted: Mapping[tuple[str, str], tuple[str, datetime | None]],
    now: float,
) -> None:
    """Make `wanted` the jobs there are; see `Leases.set_jobs`."""
    known = {(r.site, r.kind): r.spec for r in conn.execute(sa.select(JOB))}
    sites = sorted({site for site, _ in wanted})
    insert_missing(conn, LEASE, [{"site": s, "until": 0.0, "fence": 0} for s in sites])
    for (site, kind), (spec, due) in sorted(wanted.items()):
        row = {"site": site, "kind": kind, "spec": spec, "due": due, "interruptions": 0}
        if (site, kind) not in known:
            insert_missing(conn, JOB, [row])
        elif known[site, kind] != spec:
            conn.execute(_job(sa.update(JOB), site, kind).values(spec=spec, due=due))
    for site, kind in sorted(known.keys() - wanted.keys()):
        conn.execute(_job(sa.delete(JOB), site, kind))
    # What was left by a job that is gone must not wait for it; the fence stays, for ever.
    left = sa.update(LEASE).where(LEASE.c.until < now, LEASE.c.owner.is_not(None))
    left = left.where(~sa.exists().where(JOB.c.site == LEASE.c.site))
    conn.execute(left.values(owner=None, owner_facts=None, kind=None, since=None))


def all_jobs(conn: sa.Connection, now: float) -> list[JobState]:
    """Return every job, by site and kind."""
    running = {(h.site, h.kind): h for h in holders(conn, now)}
    found = sa.select(JOB).order_by(JOB.c.site, JOB.c.kind)
    return [
        JobState(
            site=row.site,
            kind=row.kind,
            spec=row.spec,
            due=row.due,
            last_run=row.last_run,
            interruptions=row.interruptions,
            runs=running.get((row.site, row.kind)),
        )
        for row in conn.execute(found)
    ]


def holders(conn: sa.Connection, now: float) -> list[Holder]:
    """Return who holds a site now."""
    found = sa.select(LEASE).where(LEASE.c.until >= now, LEASE.c.owner.is_not(None))
    return [holder_of(row) for row in conn.execute(found.order_by(LEASE.c.site))]


def holder_of(row: AnyRow) -> Holder:
    """Read a holder from the row of its lease."""
    return Holder(row.site, row.kind or "", Owner.parse(row.owner_facts), row.since)


def insert_missing(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    if rows:
        conn.execute(insert(table).on_conflict_do_nothing(), list(rows))


def _job(statement: Any, site: str, kind: str) -> Any:
    return statement.where(JOB.c.site == site, JOB.c.kind == kind)
