"""The daemon's loop: claims what is due, runs it under its lease, and says when it is due again.

One task a site, one lease a site. Several engines may share a store: whoever claims first runs
the job. Nothing here decides about seats.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from seatkeeper.core.record import Actor
from seatkeeper.engine.jobs import JobKind
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import START_WAIT, Timing
from seatkeeper.errors import SeatkeeperError, SiteBusy, StoreError
from seatkeeper.flow.context import Run
from seatkeeper.flow.ports import Clock
from seatkeeper.store import Held, Store

POLL = 2.0
"""Seconds between two looks for work."""

DRAIN = 12.5
"""Seconds that running jobs get to end by themselves; a release needs up to 12."""

SLOTS = 8
"""Jobs at once; each has a site of its own."""

MOST_INTERRUPTIONS = 3
"""A job whose process died so often in a row is not tried again before its next time."""

DECLINED = timedelta(minutes=1)
"""How long until a plan that could not be applied (frozen, a pause) is tried again."""

RunJob = Callable[[Held, JobKind, Run], Awaitable[str]]
"""Runs a job under its lease and returns what it came to, in a few words."""


@dataclass(slots=True)
class _Running:
    held: Held
    run: Run
    task: asyncio.Task[str]
    began: datetime


@dataclass(slots=True)
class Engine:
    """One engine; `timings` holds the schedules by site and kind."""

    store: Store
    timings: Mapping[tuple[str, JobKind], Timing]
    run_job: RunJob
    clock: Clock
    actor: Actor
    log: FilteringBoundLogger
    state: EngineState
    _running: dict[str, _Running] = field(default_factory=dict)
    _declined: dict[str, datetime] = field(default_factory=dict)
    _renewed: float = 0.0

    @property
    def sites(self) -> set[str]:
        """The sites this engine works for."""
        return {site for site, _ in self.timings}

    async def work(self, stop: asyncio.Event) -> None:
        """Look for work until asked to stop, then let what runs end."""
        planned = False
        try:
            while not stop.is_set():
                try:
                    planned = planned or await self._plan_jobs()
                    await self._look()
                    self.state.store_error = ""
                except StoreError as error:
                    self._store_failed(error)
                await self._pause(stop)
        finally:
            await self._end()

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next look: POLL seconds, or until a job or everything ends."""
        asking = asyncio.ensure_future(stop.wait())
        tasks = [r.task for r in self._running.values()]
        await asyncio.wait((asking, *tasks), timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()

    def _store_failed(self, error: StoreError) -> None:
        if not self.state.store_error:
            self.log.error("store.failed", error=str(error))
        self.state.store_error = str(error)

    async def _plan_jobs(self) -> bool:
        """Write which jobs there are and when they are due, as at a start."""
        now = self.clock.now()
        known = {(j.site, j.kind): j for j in await self.store.leases.jobs()}
        wanted: dict[tuple[str, str], tuple[str, datetime | None]] = {}
        for (site, kind), timing in self.timings.items():
            job = known.get((site, kind))
            same = job is not None and job.spec == timing.spec
            due = timing.at_start(
                job.due if job and same else None, job.last_run if job else None, now
            )
            wanted[site, kind] = (timing.spec, due)
        for site in self.sites:
            # Never due by itself; it is there so that an interrupted one is found and settled.
            wanted[site, JobKind.APPLY] = ("approved plans", None)
        await self.store.leases.set_jobs(wanted)
        await self.store.leases.reschedule({k: due for k, (_, due) in wanted.items()})
        return True

    async def _look(self) -> None:
        await self._reap()
        await self._renew()
        now = self.clock.now()
        free = SLOTS - len(self._running)
        if free > 0:
            for held in await self.store.leases.claim_due(free, now):
                await self._take(held, now)
            await self._look_for_approved(now)
        freeze = await self.store.control.frozen(now)
        self.state.frozen_by = freeze.by if freeze else ""
        self.state.last_look = now

    async def _take(self, held: Held, now: datetime) -> None:
        kind = JobKind(held.kind)
        timing = self.timings.get((held.site, kind))
        if held.interruptions >= MOST_INTERRUPTIONS:
            self._note_failure(held, "its process died three times in a row", now)
            await self._done(held, timing.after_run(now, now) if timing else None, now)
            return
        if timing is not None and not held.interrupted and await self._too_late(held, timing, now):
            self.log.warning("job.skipped", site=held.site, kind=kind, why="its time is long past")
            await self._done(held, timing.after_run(now, now), now)
            return
        self._start(held, kind, now)

    async def _too_late(self, held: Held, timing: Timing, now: datetime) -> bool:
        jobs = await self.store.leases.jobs()
        due = next((j.due for j in jobs if (j.site, j.kind) == (held.site, held.kind)), None)
        return timing.is_too_late(due, now)

    def _start(self, held: Held, kind: JobKind, now: datetime) -> None:
        run = Run(f"r-{uuid.uuid4().hex[:12]}", self.actor, self.clock)
        self.log.info("job.started", site=held.site, kind=kind, run_id=run.run_id)
        task = asyncio.create_task(self.run_job_of(held, kind, run), name=f"{kind}:{held.site}")
        self._running[held.site] = _Running(held, run, task, now)

    async def run_job_of(self, held: Held, kind: JobKind, run: Run) -> str:
        """Run one job; a coroutine of its own so that the task has a name."""
        return await self.run_job(held, kind, run)

    async def _look_for_approved(self, now: datetime) -> None:
        """Apply plans that a person approved; those approved before the start wait a while."""
        for waiting in await self.store.plans.waiting(now):
            early = waiting.approved_at < self.state.started
            if early and now < self.state.started + START_WAIT:
                continue
            retry = self._declined.get(waiting.plan_id)
            if waiting.site not in self.sites or waiting.site in self._running:
                continue
            if len(self._running) >= SLOTS or (retry is not None and now < retry):
                continue
            try:
                held = await self.store.leases.claim_site(waiting.site, JobKind.APPLY, now)
            except SiteBusy:
                continue
            self._declined[waiting.plan_id] = now + DECLINED
            self._start(held, JobKind.APPLY, now)

    async def _renew(self) -> None:
        loop_time = asyncio.get_running_loop().time()
        if self._running and loop_time - self._renewed > self.store.leases.ttl / 3:
            self._renewed = loop_time
            await self.store.leases.renew([r.held for r in self._running.values()])
        for running in self._running.values():
            if running.held.is_over:
                running.task.cancel()

    async def _reap(self) -> None:
        """Record what has ended, and when it is due again."""
        for site, running in list(self._running.items()):
            if running.task.done():
                await self._settle(running)
                del self._running[site]

    async def _settle(self, running: _Running) -> None:
        held, now = running.held, self.clock.now()
        timing = self.timings.get((held.site, JobKind(held.kind)))
        error = _error_of(running.task)
        if error is None:
            self.state.worked(held.site, held.kind, now)
            self.log.info(
                "job.ended",
                site=held.site,
                kind=held.kind,
                run_id=running.run.run_id,
                result=running.task.result(),
                seconds=round((now - running.began).total_seconds(), 1),
            )
            due = timing.after_run(running.began, now) if timing else None
        else:
            failures = self._note_failure(held, error, now)
            due = timing.after_failure(failures, running.began, now) if timing else None
        await self._done(held, due, running.began if error is None else None)

    def _note_failure(self, held: Held, error: str, now: datetime) -> int:
        failures = self.state.failed(held.site, held.kind, error, now)
        self.log.error("job.failed", site=held.site, kind=held.kind, error=error, in_a_row=failures)
        return failures

    async def _done(self, held: Held, due: datetime | None, last_run: datetime | None) -> None:
        if held.is_over:
            self.store.leases.drop(held)
            return
        await self.store.leases.done(held, held.kind, due, last_run)

    async def _end(self) -> None:
        """Let running jobs end, cut off those that do not, give back what can be given back."""
        for running in self._running.values():
            running.run.stop.set()
        tasks = [r.task for r in self._running.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            for running in self._running.values():
                if running.task.cancelled():
                    self.store.leases.drop(running.held)
                else:
                    await self._settle(running)
        except StoreError as error:
            self._store_failed(error)


def _error_of(task: asyncio.Task[str]) -> str | None:
    """Say why a job failed; None when it did not. An error without a name is a defect of ours."""
    if task.cancelled():
        return "it lost its lease"
    error = task.exception()
    if error is None:
        return None
    if isinstance(error, SeatkeeperError):
        return str(error)
    return f"{type(error).__name__}: {error}"
