"""The daemon's loop: claims what is due, runs it under its lease, and says when it is due again.

One task a site, one lease a site. Several engines may share a store: whoever claims first runs
the job. Nothing here decides about seats.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from seatkeeper.core.record import Actor
from seatkeeper.engine.jobs import JobKind
from seatkeeper.engine.running import Job, RunJob, Running
from seatkeeper.engine.settling import Settling
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import Timing
from seatkeeper.engine.wishes import Wish, Wishes
from seatkeeper.errors import SiteBusy, StoreError
from seatkeeper.flow.context import Run
from seatkeeper.flow.ports import Clock
from seatkeeper.store import Held, Store

POLL = 2.0
"""Seconds between two looks for work."""

DRAIN = 12.5
"""Seconds that running jobs get to end by themselves; a release needs up to 12."""

SLOTS = 32
"""Jobs on schedule at once, each of another site; most of their time they wait for answers."""

FOR_PEOPLE = 8
"""Jobs at once that people wait for, beside those on schedule."""

MOST_INTERRUPTIONS = 3
"""A job whose process died so often in a row is not tried again before its next time."""

ASLEEP = timedelta(minutes=10)
"""So long without a look (frozen, suspended, the store away) is like being started anew."""


@dataclass(slots=True)
class Engine:
    """One engine; `timings` holds the schedules by site and kind."""

    store: Store
    timings: Mapping[tuple[str, JobKind], Timing]
    run_job: InitVar[RunJob]
    clock: Clock
    actor: Actor
    log: FilteringBoundLogger
    state: EngineState
    slots: int = SLOTS
    poll: float = POLL
    drain: float = DRAIN
    _running: Running = field(init=False)
    _settling: Settling = field(init=False)
    _wishes: Wishes = field(init=False)
    _awake: datetime | None = None
    """Since when it looks for work without a longer break; None: it has to begin."""
    _strange: set[str] = field(default_factory=set)

    def __post_init__(self, run_job: RunJob) -> None:
        """Make the parts."""
        self._running = Running(self.store.leases, run_job)
        self._settling = Settling(self.store, self.timings, self.clock, self.log, self.state)
        self._wishes = Wishes(self.store, self.sites, self.log, self.state)

    @property
    def sites(self) -> frozenset[str]:
        """The sites this engine works for."""
        return frozenset(site for site, _ in self.timings)

    async def work(self, stop: asyncio.Event) -> None:
        """Look for work until asked to stop, then let what runs end."""
        async with self._running.kept():
            try:
                while not stop.is_set():
                    await self.look()
                    await self._pause(stop)
            finally:
                await self._end()

    async def look(self) -> None:
        """Settle what has ended and start what is to be done; a store that fails is told once."""
        try:
            now = self.clock.now()
            await self._wake(now)
            await self._settle_ended()
            freeze = await self.store.control.frozen(now)
            self.state.frozen_by = freeze.by if freeze else ""
            for wish in await self._wishes.now_due(self._awake or now, now):
                await self._grant(wish, now)
            await self._take_due(now)
        except StoreError as error:
            self._store_failed(error)
            return
        self.state.last_look = now
        if self.state.store_error:
            self.log.info("store.back")
        self.state.store_error = ""

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next look: `poll` seconds, or until a job or everything ends."""
        asking = asyncio.ensure_future(stop.wait())
        # Those that cannot be settled because the store is away must not make us spin.
        tasks = [job.task for job in self._running.alive]
        await asyncio.wait((asking, *tasks), timeout=self.poll, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()

    def _store_failed(self, error: StoreError) -> None:
        if not self.state.store_error:
            self.log.error("store.failed", error=str(error))
        self.state.store_error = str(error)

    async def _wake(self, now: datetime) -> None:
        """Write which jobs there are and when they are due, at a start and after a long break."""
        last, began = self.state.last_look, self.state.started
        slept = last is not None and not -ASLEEP < now - last < ASLEEP
        if self._awake is not None and not slept:
            return
        if self._awake is not None:
            self.log.warning("engine.slept", since=f"{last:%F %T}")
            self._awake = None
        leases = self.store.leases
        known = {(j.site, j.kind): j for j in await leases.jobs()}
        wanted: dict[tuple[str, str], tuple[str, datetime | None]] = {}
        for (site, kind), timing in self.timings.items():
            job = known.get((site, kind))
            due = job.due if job is not None and job.spec == timing.spec else None
            when = timing.at_start(due, job.last_run if job else None, now)
            wanted[site, kind] = (timing.spec, when)
        for site in self.sites:
            # Never due by itself; it is there so that an interrupted one is found and settled.
            wanted[site, JobKind.APPLY] = ("approved plans", None)
        await leases.set_jobs(wanted)
        await leases.reschedule({job: due for job, (_, due) in wanted.items()})
        self._awake = began if last is None and now - began < ASLEEP else now

    async def _settle_ended(self) -> None:
        for job in self._running.ended:
            await self._settling.settle(job)
            del self._running.jobs[job.site]

    async def _grant(self, wish: Wish, now: datetime) -> None:
        """Start what a person waits for, or leave it for the next look when it cannot be now."""
        if self._running.count(for_a_person=True) >= FOR_PEOPLE:
            return
        if (busy := self._running.jobs.get(wish.site)) is not None:
            if busy.kind is JobKind.MONITOR:
                busy.run.stop.set()  # a reading can be done again; a person waits
            return
        leases = self.store.leases
        try:
            held = await leases.claim_site(wish.site, wish.kind, now)
        except SiteBusy:
            return
        with self._dropped_on_error(held):
            if held.interrupted:
                self._start(held, now)  # settle first what the holder before left; then again
            elif wish.request is None or await self.store.requests.take(wish.request.id, now):
                self._wishes.tried(wish, now)
                self._start(held, now, wish)
            else:
                await leases.release(held)

    async def _take_due(self, now: datetime) -> None:
        free = self.slots - self._running.count(for_a_person=False)
        if free <= 0:
            return
        claimed = await self.store.leases.claim_due(free, now)
        with self._dropped_on_error(*claimed):
            for held in claimed:
                await self._take(held, now)

    async def _take(self, held: Held, now: datetime) -> None:
        if held.site not in self.sites or held.kind not in set(JobKind):
            # Another engine, with a newer configuration, has written this job.
            if held.site not in self._strange:
                self.log.warning("job.strange", site=held.site, kind=held.kind)
            self._strange.add(held.site)
            await self.store.leases.release(held)
            return
        kind = JobKind(held.kind)
        timing = self.timings.get((held.site, kind))
        if held.interruptions >= MOST_INTERRUPTIONS:
            why = f"the process that did it died {held.interruptions} times in a row"
            await self._settling.give_up(held, why)
        elif timing and not held.interrupted and timing.is_too_late(held.due, now):
            self.log.warning("job.skipped", site=held.site, kind=kind.value, due=str(held.due))
            await self.store.leases.done(held, kind, timing.after_run(now, now), None)
        else:
            self._start(held, now)

    def _start(self, held: Held, now: datetime, wish: Wish | None = None) -> None:
        request = wish.request if wish else None
        actor = request.actor if request else self.actor
        run = Run(
            f"r-{uuid.uuid4().hex[:12]}",
            actor,
            self.clock,
            asked_by=request.actor.answers if request else "",
            by_request=request is not None,
        )
        job = Job(
            held,
            JobKind(held.kind),
            run,
            now,
            request=request,
            undo=wish.undo if wish else None,
            for_a_person=wish is not None,
        )
        self.log.debug("job.started", site=job.site, kind=job.kind.value, run_id=run.run_id)
        self._running.start(job)

    @contextlib.contextmanager
    def _dropped_on_error(self, *claimed: Held) -> Iterator[None]:
        """Forget leases that no task works on when the store fails: they run out."""
        try:
            yield
        except StoreError:
            at_work = [job.held for job in self._running.jobs.values()]
            for held in claimed:
                if held not in at_work:
                    self.store.leases.drop(held)
            raise

    async def _end(self) -> None:
        """Let running jobs end, cut off those that do not, give back what can be given back."""
        await self._running.end(self.drain)
        for job in self._running.ended:
            try:
                await self._settling.settle(job)
            except StoreError as error:
                self._store_failed(error)
        self._running.jobs.clear()
