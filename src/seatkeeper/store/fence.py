"""The fence: a write is accepted only while its lease holds, decided by the database itself."""

from __future__ import annotations

import time
from typing import Protocol

import sqlalchemy as sa

from seatkeeper.errors import LeaseLost
from seatkeeper.store.tables import LEASE


class Fenced(Protocol):
    """What a write must show: the site it holds and the number it got with it."""

    @property
    def site(self) -> str:
        """The site held."""

    @property
    def fence(self) -> int:
        """The number of this holding; the next holder has a higher one."""


def database_now(conn: sa.Connection) -> float:
    """Return the clock that all owners of leases share, as seconds since 1970.

    That is the server's clock on PostgreSQL, and this machine's on SQLite, whose file cannot be
    shared between machines.
    """
    if conn.dialect.name == "postgresql":
        clock = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Double)
        return float(conn.execute(sa.select(clock)).scalar_one())
    return time.time()


def require_fence(conn: sa.Connection, held: Fenced) -> None:
    """Raise LeaseLost unless the lease is ours; its row stays locked until the commit.

    Must be the first statement of its transaction, so that a write waits for, or holds off,
    whoever takes the lease over.
    """
    now = database_now(conn)
    ours = sa.update(LEASE).where(
        LEASE.c.site == held.site, LEASE.c.fence == held.fence, LEASE.c.until >= now
    )
    if not conn.execute(ours.values(fence=held.fence)).rowcount:
        raise LeaseLost(
            f"the hold on {held.site} is over: another process has it, or this one was stopped "
            "for too long; nothing more is released, and the next run settles what is open"
        )
