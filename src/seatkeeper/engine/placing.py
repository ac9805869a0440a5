"""Where a job runs: in this process, or, when it has to read a large site whole, in a child."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from seatkeeper.engine.child import Order, rules_of
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.running import Job
from seatkeeper.errors import QrsError
from seatkeeper.flow.context import Site
from seatkeeper.flow.ports import History
from seatkeeper.flow.stopping import until_stopped

LARGE = 20_000
"""Users from which on the jobs of a site are done in a child process."""

READING_HERE = 8
"""Sites that are read at once in this process."""

CHILDREN = 2
"""Child processes at once; each may need 350 MiB."""

Here = Callable[[Job], Awaitable[JobResult]]
There = Callable[[Order, asyncio.Event], Awaitable[JobResult]]


@dataclass(frozen=True, slots=True)
class Placing:
    """Runs a job where there is room for it.

    A site that does not answer shows it at the first small request, before it takes any room.
    """

    sites: Mapping[str, Site]
    history: History
    here: Here
    there: There
    large: int = LARGE
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READING_HERE))
    _children: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CHILDREN))

    async def __call__(self, job: Job) -> JobResult:
        """Run a job; raises what it raises, and Interrupted when it never had room."""
        only_recovers = job.held.interrupted and job.kind is not JobKind.MONITOR
        if job.undo is not None or only_recovers:
            return await self.here(job)
        is_large = await until_stopped(self._is_large(job), job.run.stop)
        if job.kind is JobKind.APPLY and not is_large:
            return await self.here(job)
        room = self._children if is_large else self._reading
        await until_stopped(room.acquire(), job.run.stop)
        try:
            if is_large:
                return await self.there(self._order(job), job.run.stop)
            return await self.here(job)
        finally:
            room.release()

    async def _is_large(self, job: Job) -> bool:
        if await self.sites[job.site].reader.count_users() >= self.large:
            return True
        if job.kind is JobKind.MONITOR:
            return False
        for partner in await self._partners(job.site):
            try:
                if await partner.reader.count_users() >= self.large:
                    return True
            except QrsError:
                continue  # whether nothing can be planned then, the job itself decides
        return False

    async def _partners(self, name: str) -> list[Site]:
        """Return the sites known to share the license: a release reads them whole too."""
        if len(self.sites) == 1:
            return []
        numbers = await self.history.license_numbers()
        own = numbers.get(name)
        return [
            other
            for other in self.sites.values()
            if other.name != name
            and (
                self.sites[name].policy.shared.names(other.name)
                or other.policy.shared.names(name)
                or (own is not None and numbers.get(other.name) == own)
            )
        ]

    def _order(self, job: Job) -> Order:
        return Order(
            site=job.site,
            kind=job.kind,
            fence=job.held.fence,
            owner=job.held.owner,
            interrupted=job.held.interrupted,
            run_id=job.run.run_id,
            began=job.began,
            actor=job.run.actor,
            asked_by=job.run.asked_by,
            by_request=job.run.by_request,
            rules=rules_of(self.sites[job.site].policy),
        )
