"""Lets the past of a simulated site happen: its days pass, and real cycles run on each of them.

For `demo`, and for tests and benchmarks that need months of history. Works under the clock of
simulated sites alone, so it cannot be pointed at a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seatkeeper.core.outcome import RunResult
from seatkeeper.core.record import Actor, StoredPlan
from seatkeeper.flow.apply import Hands, apply_plan
from seatkeeper.flow.approve import Approval, approve
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.monitor import Monitored, monitor
from seatkeeper.flow.ports import Held
from seatkeeper.flow.propose import propose
from seatkeeper.flow.sampling import sampled
from seatkeeper.store import Store
from seatkeeper.wiring.clock import SimulatedClock

MakeHands = Callable[[Run, Held], Hands]
Each = Callable[[datetime, Monitored], Awaitable[None]]
"""Told of the time and the result of every monitoring cycle."""


async def _nothing(_now: datetime, _done: Monitored) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Watched:
    """A simulated site that is watched: where its records go, its clock, and its hands.

    `pass_to` moves the site's own clock and lets its people live until then.
    """

    site: Site
    store: Store
    records: Records
    clock: SimulatedClock
    hands: MakeHands
    pass_to: Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Habits:
    """How often somebody looks and cleans up; `clean_every` None: nobody ever does.

    `sleep_on_it`: a plan is decided about at the look after the one that it was made at.
    """

    actor: Actor
    look_every: timedelta = timedelta(days=1)
    clean_every: timedelta | None = timedelta(days=28)
    each: Each = field(default=_nothing)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    sleep_on_it: bool = False


@dataclass(slots=True)
class Past:
    """What happened: cycles done, and the runs that released seats."""

    cycles: int = 0
    runs: list[RunResult] = field(default_factory=list)


async def live_through(watched: Watched, until: datetime, habits: Habits) -> Past:
    """Let the days pass until a moment, each with a monitoring cycle and sometimes a clean-up.

    Raises NotSimulated as soon as the site does not say that it is the simulator, Interrupted when
    it is asked to end.
    """
    past, began = Past(), await watched.clock.look()
    clean_at = began + habits.clean_every if habits.clean_every else None
    waiting: StoredPlan | None = None
    for moment in _moments(began, until, habits.look_every):
        watched.pass_to(moment)
        now = await watched.clock.look()
        run = Run(f"past-{now:%Y%m%d-%H%M}", habits.actor, watched.clock, habits.stop)
        async with sampled("monitor", watched.site, watched.records, run) as cycle:
            done = await monitor(watched.site, watched.records, run)
            cycle.troubles = done.troubles
        await habits.each(now, done)
        past.cycles += 1
        if waiting is not None:
            past.runs += await _release(waiting, watched, run, now)
            waiting = None
        if clean_at is not None and now >= clean_at and habits.clean_every:
            clean_at = now + habits.clean_every
            waiting = await propose(watched.site, [], watched.records, run, now)
            if not habits.sleep_on_it:
                past.runs += await _release(waiting, watched, run, now)
                waiting = None
    return past


def _moments(began: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    moment = began + step
    while moment < until:
        yield moment
        moment += step
    yield until


async def _release(
    stored: StoredPlan, watched: Watched, run: Run, now: datetime
) -> list[RunResult]:
    """Approve a plan, whatever limit speaks against it, and apply it, as a person would."""
    site, records = watched.site, watched.records
    if not stored.plan.actions:
        return []
    limits = tuple(sorted({v.limit for v in stored.plan.violations if v.limit.overridable}))
    approval = Approval(run.actor, "monthly clean-up, looked through the list", limits)
    async with watched.store.leases.holding(site.name, "apply", now) as held:
        ready = await approve(stored.plan.plan_id, site, records, approval, now)
        return [await apply_plan(ready, site, [], records, run, watched.hands(run, held))]
