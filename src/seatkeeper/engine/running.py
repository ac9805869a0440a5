"""The jobs that run now, one a site: started, kept on their leases, asked to end.

A lease is renewed only while the task that works on it lives, and a task whose lease is over is
cancelled, whatever else the engine waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from seatkeeper.core.request import WhatToUndo
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.errors import StoreError
from seatkeeper.flow.context import Run
from seatkeeper.store import Held, Leases, Request


@dataclass(slots=True, eq=False)
class Job:
    """One job at work: on which lease, for which run, and who asked for it, if a person did."""

    held: Held
    kind: JobKind
    run: Run
    began: datetime
    request: Request | None = None
    undo: WhatToUndo | None = None
    for_a_person: bool = False
    task: asyncio.Task[JobResult] = field(init=False)
    is_cut: bool = False
    """Its task was cancelled."""
    is_told: bool = False
    """What became of it is in the log."""

    @property
    def site(self) -> str:
        """The site it works for."""
        return self.held.site

    def cut(self) -> None:
        """Cancel it, once: a second time could disturb its clearing up."""
        if not self.is_cut:
            self.is_cut = True
            self.task.cancel()


RunJob = Callable[[Job], Awaitable[JobResult]]
"""Runs a job under its lease and returns what it came to."""


class Running:
    """The jobs of one engine."""

    def __init__(self, leases: Leases, run_job: RunJob) -> None:
        self._leases = leases
        self._run_job = run_job
        self.jobs: dict[str, Job] = {}

    def start(self, job: Job) -> None:
        """Start a job; its site must be free."""
        job.task = asyncio.create_task(self._do(job), name=f"{job.kind}:{job.site}")
        self.jobs[job.site] = job

    async def _do(self, job: Job) -> JobResult:
        return await self._run_job(job)

    @property
    def alive(self) -> list[Job]:
        """Jobs that have not ended."""
        return [job for job in self.jobs.values() if not job.task.done()]

    @property
    def ended(self) -> list[Job]:
        """Jobs that have ended and are not settled yet."""
        return [job for job in self.jobs.values() if job.task.done()]

    def count(self, *, for_a_person: bool) -> int:
        """Count the jobs on schedule, or those that a person asked for."""
        return sum(job.for_a_person is for_a_person for job in self.jobs.values())

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep the leases of what runs until the block ends."""
        keepers = [
            asyncio.create_task(self._renew(), name="leases: renew"),
            asyncio.create_task(self._cut_lost(), name="leases: cut"),
        ]
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._leases.ttl / 3)
            if held := [job.held for job in self.alive]:
                # The store may be away for a moment; the deadline decides, not one failed try.
                with contextlib.suppress(StoreError):
                    await self._leases.renew(held)

    async def _cut_lost(self) -> None:
        while True:
            await asyncio.sleep(self._leases.ttl / 30)
            for job in self.alive:
                if job.held.is_over:
                    job.cut()

    async def end(self, seconds: float) -> None:
        """Ask everything to end, and cut off what has not after so many seconds."""
        for job in self.jobs.values():
            job.run.stop.set()
        if tasks := [job.task for job in self.jobs.values()]:
            await asyncio.wait(tasks, timeout=seconds)
            late = self.alive
            for job in late:
                job.cut()
            await asyncio.gather(*(job.task for job in late), return_exceptions=True)
