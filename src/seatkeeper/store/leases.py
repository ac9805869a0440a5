"""One lease a site: whoever holds it may act on the site, and its fence proves it to the store.

Claiming is one conditional update that raises the fence; a holder renews while it works, checks
its own deadline before every side effect, and shows the fence with every intent. A lease that
ran out, or whose process is dead, is taken over, and the new holder is told that somebody was
interrupted. Rows of leases are never deleted, so that no fence ever comes twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from seatkeeper.errors import SiteBusy, StoreError
from seatkeeper.store.claims import claim_due, claim_one
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.fence import database_now
from seatkeeper.store.held import Held, lease_clock
from seatkeeper.store.jobs import Holder, JobState, all_jobs, holders, replace_jobs
from seatkeeper.store.owner import Owner
from seatkeeper.store.tables import JOB, LEASE


class Leases:
    """The leases of one store, as one process sees them.

    `ttl` is how long a lease lasts without renewal, `margin` how much earlier its holder stops by
    itself, both in seconds.
    """

    def __init__(
        self, db: Database, owner: Owner, *, ttl: float = 30.0, margin: float = 7.5
    ) -> None:
        self._db = db
        self.owner = owner
        self.ttl = ttl
        self.margin = margin
        self._held: dict[str, Held] = {}

    async def claim_site(self, site: str, kind: str, now: datetime) -> Held:
        """Take the lease of a site for a command; raises SiteBusy that says who has it."""
        return self._keep(await self._claim_site(site, kind, now))

    async def claim_due(self, limit: int, now: datetime) -> list[Held]:
        """Take jobs that are due, or were interrupted, of sites that nobody holds.

        At most `limit`, one a site, interrupted ones first. A site whose earlier task in this
        process has not ended (`done`, `release` or `drop`) is left alone.
        """
        return [self._keep(held) for held in await self._claim_due(limit, now)]

    @threaded
    def renew(self, held: Iterable[Held]) -> list[Held]:
        """Make leases last for another `ttl`; returns those that are lost, and marks them so."""
        wanted = {h.site: h for h in held}
        start = lease_clock()
        with self._db.writing() as conn:
            now = database_now(conn)
            ours = sa.and_(
                LEASE.c.owner == self.owner.instance,
                LEASE.c.site.in_(sorted(wanted)),
                LEASE.c.until >= now,
            )
            conn.execute(sa.update(LEASE).where(ours).values(until=now + self.ttl))
            kept = {r.site: r.fence for r in conn.execute(sa.select(LEASE).where(ours))}
        lost = [h for h in wanted.values() if kept.get(h.site) != h.fence]
        # Another thread may ask for the deadline at any moment: a lost one is never in the future.
        for one in wanted.values():
            if one in lost:
                one.lose()
            else:
                one.deadline = start + self.ttl - self.margin
        return lost

    async def done(
        self, held: Held, kind: str, next_due: datetime | None, last_run: datetime | None
    ) -> bool:
        """Give the lease back and say when its job is due again; False when it was lost.

        The job then counts as not interrupted. `last_run` None: it did not do its work, so the
        run before still counts as its last.
        """
        job: dict[str, object] = {"due": next_due, "interruptions": 0}
        if last_run is not None:
            job["last_run"] = last_run
        return await self._give_back(held, kind, job)

    async def release(self, held: Held) -> bool:
        """Give the lease back; False when it was lost. Jobs are not touched."""
        return await self._give_back(held, held.kind, {})

    async def abandon(self, held: Held) -> None:
        """Let a lease run out now: whoever worked on it is dead, and that is an interruption."""
        await self._end_now(held)
        held.lose()
        self.drop(held)

    def drop(self, held: Held) -> None:
        """Forget a lease without giving it back: it runs out, and counts as interrupted."""
        if self._held.get(held.site) is held:
            del self._held[held.site]

    @contextlib.asynccontextmanager
    async def holding(
        self, site: str, kind: str, now: datetime | None = None
    ) -> AsyncIterator[Held]:
        """Hold a site for a command: renewed in the background, given back at the end.

        The body asks `held.check()` before each side effect; it is not cancelled.
        """
        held = await self.claim_site(site, kind, now or datetime.now(UTC))
        keeper = asyncio.create_task(self._renew_until_lost(held), name=f"lease:{site}")
        try:
            yield held
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})
            # Not given back, it runs out by itself; the body's own error matters more.
            with contextlib.suppress(StoreError):
                await self.release(held)
            self.drop(held)

    @contextlib.asynccontextmanager
    async def borrowing(self, held: Held) -> AsyncIterator[Held]:
        """Work on a lease that the process which started this one holds and will give back.

        Renewed in the background as by `holding`. Raises LeaseLost when it is over already.
        """
        if await self.renew([held]):
            held.check()
        keeper = asyncio.create_task(self._renew_until_lost(held), name=f"lease:{held.site}")
        try:
            yield held
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})

    @threaded
    def set_jobs(self, wanted: Mapping[tuple[str, str], tuple[str, datetime | None]]) -> None:
        """Make `{(site, kind): (spec, due)}` the jobs there are.

        `due` counts for a job that is new or whose spec changed; another keeps its own, with its
        last run. A job that is not wanted any more goes, and with the last one of a site the
        memory that its lease was not given back.
        """
        with self._db.writing() as conn:
            replace_jobs(conn, wanted, database_now(conn))

    @threaded
    def reschedule(self, due: Mapping[tuple[str, str], datetime | None]) -> None:
        """Say when jobs are due, whatever they were; what runs now is not touched by it."""
        with self._db.writing() as conn:
            for (site, kind), at in sorted(due.items(), key=lambda item: item[0]):
                this = sa.and_(JOB.c.site == site, JOB.c.kind == kind)
                conn.execute(sa.update(JOB).where(this).values(due=at))

    @threaded
    def jobs(self) -> list[JobState]:
        """Return every job: when it is due, when it ran last, and where it runs now."""
        with self._db.reading() as conn:
            return all_jobs(conn, database_now(conn))

    @threaded
    def holders(self) -> list[Holder]:
        """Return who holds which site now."""
        with self._db.reading() as conn:
            return holders(conn, database_now(conn))

    @threaded
    def _claim_site(self, site: str, kind: str, now: datetime) -> Held:
        start = lease_clock()
        with self._db.writing() as conn:
            claimed = claim_one(conn, self.owner, (site, kind), now, self.ttl)
        if isinstance(claimed, Holder):
            raise SiteBusy(
                f"{site} is held by {claimed.words}; wait until it ends, or end it, and try again"
            )
        claimed.deadline = start + self.ttl - self.margin
        return claimed

    @threaded
    def _claim_due(self, limit: int, now: datetime) -> list[Held]:
        start = lease_clock()
        with self._db.writing() as conn:
            claimed = claim_due(conn, self.owner, frozenset(self._held), (limit, now, self.ttl))
        for held in claimed:
            held.deadline = start + self.ttl - self.margin
        return claimed

    @threaded
    def _end_now(self, held: Held) -> None:
        ours = sa.update(LEASE).where(
            LEASE.c.site == held.site,
            LEASE.c.owner == held.owner.instance,
            LEASE.c.fence == held.fence,
        )
        with self._db.writing() as conn:
            conn.execute(ours.values(until=0.0))

    @threaded
    def _give_back(self, held: Held, kind: str, job: Mapping[str, object]) -> bool:
        free = {"owner": None, "owner_facts": None, "kind": None, "since": None, "until": 0.0}
        with self._db.writing() as conn:
            ours = sa.update(LEASE).where(
                LEASE.c.site == held.site,
                LEASE.c.owner == held.owner.instance,
                LEASE.c.fence == held.fence,
            )
            was_ours = conn.execute(ours.values(free)).rowcount == 1
            if was_ours and job:
                this = sa.update(JOB).where(JOB.c.site == held.site, JOB.c.kind == kind)
                conn.execute(this.values(job))
        held.lose()
        self.drop(held)
        return was_ours

    def _keep(self, held: Held) -> Held:
        self._held[held.site] = held
        return held

    async def _renew_until_lost(self, held: Held) -> None:
        while not held.is_over:
            await asyncio.sleep(self.ttl / 3)
            # The store may be away for a moment; the deadline decides, not one failed try.
            with contextlib.suppress(StoreError):
                if await self.renew([held]):
                    return
