"""What has ended: told once in the log, answered to whoever asked, its lease given back.

Every step that needs the store may fail and is then done again at the next look, as long as the
lease lasts; after that the job counts as interrupted, and whoever claims it next recovers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from structlog.typing import FilteringBoundLogger

from seatkeeper.core.record import CycleSample
from seatkeeper.engine.child import ChildDied
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.running import Job
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import Timing
from seatkeeper.errors import Interrupted, SeatkeeperError, said_of
from seatkeeper.flow.ports import Clock
from seatkeeper.store import Held, Store


class Ending(Enum):
    """How a job ended."""

    WORKED = auto()
    RECOVERED = auto()
    """It settled what an interrupted run had left; its own work is still to be done."""
    PUT_OFF = auto()
    """It was asked to end before anything was done."""
    FAILED = auto()
    BROKEN_OFF = auto()
    """It was cut off in the middle: its lease runs out, and the next holder recovers."""


def ending_of(job: Job) -> Ending:
    """Tell how the task of a job ended."""
    if job.task.cancelled():
        return Ending.BROKEN_OFF
    error = job.task.exception()
    if error is None:
        return Ending.RECOVERED if job.task.result().only_recovered else Ending.WORKED
    if isinstance(error, Interrupted) and job.run.stop.is_set():
        return Ending.PUT_OFF
    return Ending.BROKEN_OFF if isinstance(error, ChildDied) else Ending.FAILED


def _exception(job: Job) -> BaseException | None:
    return None if job.task.cancelled() else job.task.exception()


@dataclass(slots=True)
class Settling:
    """Settles the jobs of one engine."""

    store: Store
    timings: Mapping[tuple[str, JobKind], Timing]
    clock: Clock
    log: FilteringBoundLogger
    state: EngineState
    _since: dict[tuple[str, JobKind], datetime] = field(default_factory=dict)
    """When the first of the failing tries of a job began, since its usual time."""

    async def settle(self, job: Job) -> None:
        """Tell, answer, and give the lease back; raises StoreError when it has to be repeated."""
        ending, now = ending_of(job), self.clock.now()
        if not job.is_told:
            self._tell(job, ending, now)
            job.is_told = True
        if ending in (Ending.FAILED, Ending.BROKEN_OFF):
            await self._record_failure(job, now)
        if job.request is not None:
            ok = ending is Ending.WORKED
            await self.store.requests.finish(job.request.id, _answer(job, ending), now, ok=ok)
        if isinstance(_exception(job), ChildDied):
            await self.store.leases.abandon(job.held)
        elif job.held.is_over or ending is Ending.BROKEN_OFF:
            self.store.leases.drop(job.held)
        else:
            await self._give_back(job, ending, now)

    async def _record_failure(self, job: Job, now: datetime) -> None:
        """Keep that a cycle failed, for where it never came to the point of saying so itself."""
        was_asked = job.is_cut and not job.held.is_over
        if job.kind in (JobKind.MONITOR, JobKind.RELEASE) and not was_asked:
            seconds = max(0.0, (now - job.began).total_seconds())
            error = _error_of(job)[0]
            sample = CycleSample(job.site, job.kind.value, job.began, seconds, 0, error)
            await self.store.cycles.add(sample)

    async def give_up(self, held: Held, error: str) -> None:
        """Do not try a job again before its next time."""
        now = self.clock.now()
        timing = self.timings.get((held.site, JobKind(held.kind)))
        times = self.state.failed(held.site, held.kind, error, now)
        self.log.error("job.given_up", site=held.site, kind=held.kind, error=error, in_a_row=times)
        await self.store.cycles.add(CycleSample(held.site, held.kind, now, 0.0, 0, error))
        due = timing.after_run(now, now) if timing else None
        await self.store.leases.done(held, held.kind, due, None)

    async def _give_back(self, job: Job, ending: Ending, now: datetime) -> None:
        leases, held = self.store.leases, job.held
        timing = self.timings.get((job.site, job.kind))
        if ending is Ending.PUT_OFF or job.request is not None or job.kind is JobKind.UNDO:
            await leases.release(held)
        elif ending is Ending.RECOVERED:
            # In this order, or another engine finds the job due in between. It is not called
            # done: a job that kills its process has to be given up at some time.
            if timing is not None:
                when = timing.when_owed(await self._last_run(job), now)
                await leases.reschedule({(job.site, job.kind): when})
            await leases.release(held)
        elif ending is Ending.WORKED:
            next_due = timing.after_run(job.began, now) if timing else None
            await leases.done(held, job.kind, next_due, job.began)
            self._since.pop((job.site, job.kind), None)
        else:
            retry = self._after_failure(job, timing, now) if timing else None
            await leases.done(held, job.kind, retry, None)

    async def _last_run(self, job: Job) -> datetime | None:
        jobs = await self.store.leases.jobs()
        return next((j.last_run for j in jobs if (j.site, j.kind) == (job.site, job.kind)), None)

    def _after_failure(self, job: Job, timing: Timing, now: datetime) -> datetime:
        key = (job.site, job.kind)
        since = self._since.setdefault(key, job.began)
        due = timing.after_failure(self.state.jobs[key].in_a_row, since, now)
        if due == timing.after_run(now, now):
            del self._since[key]
        return due

    def _tell(self, job: Job, ending: Ending, now: datetime) -> None:
        """Write the one line of a run."""
        log = self.log.bind(
            site=job.site,
            kind=job.kind.value,
            run_id=job.run.run_id,
            seconds=round((now - job.began).total_seconds(), 1),
        )
        if job.request is not None:
            log = log.bind(request=job.request.id, by=job.request.actor.by)
        if ending in (Ending.WORKED, Ending.RECOVERED):
            self._tell_result(log, job, ending, now)
        elif ending is Ending.PUT_OFF:
            log.info("job.put_off")
        elif job.is_cut and not job.held.is_over:
            log.warning("job.cut_off")
        else:
            self._tell_failure(log, job, now)

    def _tell_result(
        self, log: FilteringBoundLogger, job: Job, ending: Ending, now: datetime
    ) -> None:
        result: JobResult = job.task.result()
        if result.plan_id:
            log = log.bind(plan_id=result.plan_id)
        if ending is Ending.RECOVERED:
            log.warning("job.recovered", result=result.said)
            return
        if job.request is None:
            self.state.worked(job.site, job.kind, now)
        if result.troubles:
            log.warning("job.ended", result=result.said, troubles=result.troubles)
        else:
            log.info("job.ended", result=result.said)

    def _tell_failure(self, log: FilteringBoundLogger, job: Job, now: datetime) -> None:
        words, fault = _error_of(job)
        if job.request is None:
            log = log.bind(in_a_row=self.state.failed(job.site, job.kind, words, now))
        if fault is not None:
            log.error("job.failed", error=words, exc_info=fault)
        else:
            log.warning("job.failed", error=words)


def _error_of(job: Job) -> tuple[str, BaseException | None]:
    """Say why a job failed, with the error itself when it is a fault of ours.

    The text of such a fault may hold anything, and is for the log alone.
    """
    if job.task.cancelled():
        return "it lost its lease: the store could not be reached, or the process stood still", None
    error = job.task.exception()
    if error is None or isinstance(error, SeatkeeperError):
        return str(error), None
    return said_of(error), error


def _answer(job: Job, ending: Ending) -> dict[str, Any]:
    """Return what whoever asked is told."""
    known: dict[str, Any] = {"run_id": job.run.run_id}
    if ending is Ending.WORKED:
        result = job.task.result()
        return known | {"said": result.said, "plan_id": result.plan_id, "counts": result.counts}
    if ending is Ending.PUT_OFF:
        return known | {"error": "the daemon ended before it was done; ask again"}
    if ending is Ending.BROKEN_OFF:
        return known | {"error": "it was cut off in the middle; see the ledger, then ask again"}
    return known | {"error": _error_of(job)[0]}
