"""Taking a lease: the conditional updates of which exactly one of several claimants wins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from seatkeeper.store.columns import AnyRow
from seatkeeper.store.fence import database_now
from seatkeeper.store.held import Held
from seatkeeper.store.jobs import Holder, holder_of, insert_missing
from seatkeeper.store.owner import Owner
from seatkeeper.store.tables import JOB, LEASE


def claim_one(
    conn: sa.Connection, me: Owner, what: tuple[str, str], at: datetime, ttl: float
) -> Held | Holder:
    """Take the lease of `what` (site, kind), or return who has it.

    A lease that ran out, or whose process on this machine is dead, is free.
    """
    site, kind = what
    insert_missing(conn, LEASE, [{"site": site, "until": 0.0, "fence": 0}])
    row = conn.execute(sa.select(LEASE).where(LEASE.c.site == site).with_for_update()).one()
    now = database_now(conn)
    if row.until >= now and not _is_dead(row, me):
        return holder_of(row)
    return _take(conn, me, row, kind, (at, now + ttl))


def claim_due(
    conn: sa.Connection,
    me: Owner,
    busy: frozenset[str],
    terms: tuple[int, datetime, float],
) -> list[Held]:
    """Take up to `limit` jobs (of `terms`: limit, time, ttl) that are due or were interrupted."""
    limit, at, ttl = terms
    now = database_now(conn)
    _end_dead_ones(conn, me, now)
    taken: dict[str, Held] = {}
    # A site with several due jobs comes several times, and busy ones are passed over.
    found = conn.execute(_claimable(now, at).limit(4 * limit + len(busy))).all()
    for row in found:
        if row.site not in taken and row.site not in busy and len(taken) < limit:
            taken[row.site] = _take(conn, me, row, row.job_kind, (at, now + ttl))
            taken[row.site].due = row.job_due
    return list(taken.values())


def _claimable(now: float, at: datetime) -> sa.Select[Any]:
    """Select jobs whose site nobody holds: interrupted ones, then due ones, longest due first.

    A lease left by something that is no job (a command) is no reason to wait: any due job of
    the site takes it over.
    """
    other = JOB.alias()
    is_a_job = sa.exists().where(other.c.site == LEASE.c.site, other.c.kind == LEASE.c.kind)
    may_be_due = sa.or_(LEASE.c.kind.is_(None), ~is_a_job)
    was_interrupted = sa.func.coalesce(LEASE.c.kind, "") == JOB.c.kind
    return (
        sa.select(LEASE, JOB.c.kind.label("job_kind"), JOB.c.due.label("job_due"))
        .join(JOB, JOB.c.site == LEASE.c.site)
        .where(
            LEASE.c.until < now,
            sa.or_(was_interrupted, sa.and_(may_be_due, JOB.c.due <= at)),
        )
        .order_by(sa.case((was_interrupted, 0), else_=1), JOB.c.due, LEASE.c.site, JOB.c.kind)
        .with_for_update(of=LEASE, skip_locked=True)
    )


def _end_dead_ones(conn: sa.Connection, me: Owner, now: float) -> None:
    """Let the leases of processes run out that ended on this machine without giving them back."""
    columns = LEASE.c
    living = sa.select(columns.owner, columns.owner_facts).where(
        columns.until >= now, columns.owner != me.instance
    )
    dead = [row.owner for row in conn.execute(living.distinct()) if _is_dead(row, me)]
    if dead:
        conn.execute(sa.update(LEASE).where(columns.owner.in_(dead)).values(until=0.0))


def _is_dead(row: AnyRow, me: Owner) -> bool:
    owner = Owner.parse(row.owner_facts)
    return owner is not None and owner.is_dead(me)


def _take(
    conn: sa.Connection, me: Owner, row: AnyRow, kind: str, times: tuple[datetime, float]
) -> Held:
    """Write the new holder into a row that the caller has locked."""
    since, until = times
    values = {
        "owner": me.instance,
        "owner_facts": me.facts,
        "kind": kind,
        "since": since,
        "until": until,
        "fence": row.fence + 1,
    }
    conn.execute(sa.update(LEASE).where(LEASE.c.site == row.site).values(values))
    held = Held(row.site, kind, row.fence + 1, me, deadline=float("-inf"))
    if row.owner is not None:
        held.interrupted = True
        held.previous, held.previous_kind = Owner.parse(row.owner_facts), row.kind
        was = sa.update(JOB).where(JOB.c.site == row.site, JOB.c.kind == row.kind)
        conn.execute(was.values(interruptions=JOB.c.interruptions + 1))
    counted = sa.select(JOB.c.interruptions).where(JOB.c.site == row.site, JOB.c.kind == kind)
    held.interruptions = conn.execute(counted).scalar() or 0
    return held
