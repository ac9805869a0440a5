"""An engine for tests: over a real store, with a clock moved by hand and jobs that do as told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from structlog.testing import LogCapture

from seatkeeper.core.record import Actor
from seatkeeper.core.schedule import Schedule
from seatkeeper.engine.engine import DRAIN, POLL, Engine
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.running import Job
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import Timing
from seatkeeper.store import Store

START = datetime(2026, 11, 2, 2, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
ENGINE = Actor(by="the schedule", os_account="svc", host="qlik-1")
ANNA = Actor(by="Anna", os_account="anna", host="desk-7")

Behaviour = Callable[[Job], Awaitable[JobResult]]


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the time."""
        return self._at

    def advance(self, **by: float) -> datetime:
        """Move on: `advance(minutes=10)`."""
        self._at += timedelta(**by)
        return self._at


@dataclass(frozen=True)
class Seen:
    """One job as it was run."""

    site: str
    kind: JobKind
    interrupted: bool
    at: datetime
    by: str


@dataclass
class FakeJobs:
    """Runs jobs: notes them, then does what the test has said for this kind."""

    clock: HandClock
    seen: list[Seen] = field(default_factory=list)
    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    at_work: dict[str, int] = field(default_factory=dict)
    most_at_once: int = 0
    overlaps: int = 0
    """How often a site was worked on twice at the same time."""

    async def __call__(self, job: Job) -> JobResult:
        seen = Seen(job.site, job.kind, job.held.interrupted, self.clock.now(), job.run.actor.by)
        self.seen.append(seen)
        self.at_work[job.site] = self.at_work.get(job.site, 0) + 1
        self.overlaps += self.at_work[job.site] > 1
        self.most_at_once = max(self.most_at_once, sum(self.at_work.values()))
        try:
            does = self.behaviour.get(job.kind) or self.behaviour.get("") or _worked
            return await does(job)
        finally:
            self.at_work[job.site] -= 1

    def kinds(self) -> list[str]:
        """The kinds of the jobs that were run, in order."""
        return [one.kind.value for one in self.seen]

    def of(self, kind: JobKind) -> list[Seen]:
        """The jobs of one kind."""
        return [one for one in self.seen if one.kind is kind]


async def _worked(job: Job) -> JobResult:
    if job.held.interrupted and job.kind is not JobKind.MONITOR:
        return JobResult(said="0 settled", only_recovered=True)
    return JobResult(said=f"{job.kind} done")


def failing(error: Exception) -> Behaviour:
    """A job that fails."""

    async def fail(_job: Job) -> JobResult:
        raise error

    return fail


def waiting_for(event: asyncio.Event) -> Behaviour:
    """A job that goes on until the event, deaf to the wish to end."""

    async def wait(_job: Job) -> JobResult:
        await event.wait()
        return JobResult(said="done at last")

    return wait


@dataclass
class World:
    """One engine over a store."""

    store: Store
    clock: HandClock
    jobs: FakeJobs
    engine: Engine
    logs: LogCapture

    async def look(self, *, times: int = 1) -> None:
        """Look so often, each time until every job that was started has ended and is settled."""
        for _ in range(times):
            await self.engine.look()
            while running := self.engine._running.jobs:
                await asyncio.wait([job.task for job in running.values()])
                await self.engine.look()

    async def after(self, *, step_minutes: float = 1, **passed: float) -> None:
        """Let time pass in steps, looking each time."""
        left = timedelta(**passed)
        while left > timedelta(0):
            step = min(left, timedelta(minutes=step_minutes))
            left -= step
            self.clock.advance(seconds=step.total_seconds())
            await self.look()

    async def due(self, kind: JobKind, site: str = "prod") -> datetime | None:
        """When a job is due, as the store has it."""
        jobs = await self.store.leases.jobs()
        return next(job.due for job in jobs if (job.site, job.kind) == (site, kind))

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """The log events of a name."""
        return [entry for entry in self.logs.entries if entry["event"] == name]


def timings(
    *sites: str, monitor: str = "every 15 minutes", release: str = "0 3 * * *", zone: str = "UTC"
) -> dict[tuple[str, JobKind], Timing]:
    """The schedules of sites, all alike."""
    texts = {JobKind.MONITOR: monitor, JobKind.RELEASE: release}
    return {
        (site, kind): Timing(kind, Schedule.parse(text), ZoneInfo(zone))
        for site in sites or ("prod",)
        for kind, text in texts.items()
    }


def a_world(
    store: Store,
    *sites: str,
    clock: HandClock | None = None,
    jobs: FakeJobs | None = None,
    quick: bool = False,
    slots: int = 32,
    **schedule: str,
) -> World:
    """Start an engine that has not looked yet; a quick one looks often and soon gives up."""
    clock = clock or HandClock()
    jobs = jobs or FakeJobs(clock)
    logs = LogCapture()
    engine = Engine(
        store=store,
        timings=timings(*sites, **schedule),
        run_job=jobs,
        clock=clock,
        actor=ENGINE,
        log=structlog.wrap_logger(
            None, processors=[logs], wrapper_class=structlog.make_filtering_bound_logger(0)
        ),
        state=EngineState(started=clock.now()),
        slots=slots,
        poll=0.05 if quick else POLL,
        drain=0.3 if quick else DRAIN,
    )
    return World(store, clock, jobs, engine, logs)
