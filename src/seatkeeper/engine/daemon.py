"""`serve`: the engine and the web side in one process, ended together."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from seatkeeper.engine.child import Order, in_child, require_same_rules
from seatkeeper.engine.engine import SLOTS, Engine
from seatkeeper.engine.jobs import JobKind, JobResult, Work, do
from seatkeeper.engine.placing import LARGE, Placing
from seatkeeper.engine.running import Job
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import Timing, place_of
from seatkeeper.errors import UsageError
from seatkeeper.flow.context import Records, Run
from seatkeeper.flow.ports import Clock
from seatkeeper.logs import logger
from seatkeeper.store import Held, Store
from seatkeeper.wiring.clock import this_actor
from seatkeeper.wiring.hands import granting_of, hands_of
from seatkeeper.wiring.readers import OpenSite


def timings_of(opened: Mapping[str, OpenSite]) -> dict[tuple[str, JobKind], Timing]:
    """Return the schedules of every site; more sites than fit at once are spread."""
    found = {}
    for name, one in opened.items():
        schedule, zone = one.settings.schedule, one.settings.zone
        spread = place_of(name) if len(opened) > SLOTS else None
        found[name, JobKind.MONITOR] = Timing(JobKind.MONITOR, schedule.monitor, zone, spread)
        found[name, JobKind.RELEASE] = Timing(JobKind.RELEASE, schedule.release, zone)
    return found


def in_this_process(
    records: Records, opened: Mapping[str, OpenSite]
) -> Callable[[Job], Awaitable[JobResult]]:
    """Return what runs a job of any of these sites right here."""
    sites = [o.site for o in opened.values()]

    async def run_job(job: Job) -> JobResult:
        one, run, held = opened[job.site], job.run, job.held
        return await do(
            Work(
                kind=job.kind,
                site=one.site,
                sites=sites,
                records=records,
                run=run,
                hands=lambda: hands_of(one, records, run, held),
                granting=lambda why: granting_of(one, held, why),
                undo=job.undo,
                interrupted=held.interrupted,
                began=job.began,
            )
        )

    return run_job


def engine_of(
    store: Store,
    records: Records,
    opened: Mapping[str, OpenSite],
    clock: Clock,
    config: Path,
    large: int = LARGE,
) -> Engine:
    """Make an engine; the jobs of sites with `large` users or more run in a child process.

    The child reads the same configuration file.
    """
    placing = Placing(
        {name: one.site for name, one in opened.items()},
        records.history,
        in_this_process(records, opened),
        lambda order, stop: in_child(order, config, stop),
        large,
    )

    async def run_job(job: Job) -> JobResult:
        # Certificates are renewed by an upgrade of Qlik Sense while the daemon lives.
        await opened[job.site].client.refresh()
        return await placing(job)

    return Engine(
        store=store,
        timings=timings_of(opened),
        run_job=run_job,
        clock=clock,
        actor=this_actor("the schedule"),
        log=logger(),
        state=EngineState(started=clock.now()),
    )


async def carry_out_order(
    order: Order, store: Store, records: Records, opened: Mapping[str, OpenSite], run: Run
) -> JobResult:
    """Do in a child process what the daemon ordered, on the daemon's lease.

    Raises UsageError when site or rules are not those of the daemon any more.
    """
    if order.site not in opened:
        raise UsageError(f"site {order.site} is gone from the configuration; restart the daemon")
    require_same_rules(order, opened[order.site].site.policy)
    held = Held(
        order.site, order.kind, order.fence, order.owner, 0.0, interrupted=order.interrupted
    )
    async with store.leases.borrowing(held):
        job = Job(held, order.kind, run, order.began)
        return await in_this_process(records, opened)(job)


async def together_until(stop: asyncio.Event, **works: Coroutine[Any, Any, None]) -> None:
    """Do these works, by name, until all have ended; the end of one asks the others to end.

    Raises the first error, once everything has ended.
    """
    tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
    for task in tasks:
        task.add_done_callback(functools.partial(_set, stop))
    try:
        await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        task.result()


def _set(stop: asyncio.Event, _task: asyncio.Task[None]) -> None:
    stop.set()
