"""`serve`: the engine and the web side in one process, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from seatkeeper.engine.child import LARGE, in_child, order_of
from seatkeeper.engine.engine import Engine
from seatkeeper.engine.jobs import JobKind, Work, do
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import Timing
from seatkeeper.flow.context import Records, Run
from seatkeeper.flow.ports import Clock
from seatkeeper.logs import logger
from seatkeeper.store import Held, Store
from seatkeeper.wiring.clock import this_actor
from seatkeeper.wiring.hands import hands_of
from seatkeeper.wiring.readers import OpenSite


def timings_of(opened: Mapping[str, OpenSite]) -> dict[tuple[str, JobKind], Timing]:
    """Return the schedules of every site."""
    found = {}
    for name, one in opened.items():
        schedule = one.settings.schedule
        found[name, JobKind.MONITOR] = Timing(JobKind.MONITOR, schedule.monitor, one.settings.zone)
        found[name, JobKind.RELEASE] = Timing(JobKind.RELEASE, schedule.release, one.settings.zone)
    return found


def in_this_process(
    records: Records, opened: Mapping[str, OpenSite]
) -> Callable[[Held, JobKind, Run], Awaitable[str]]:
    """Return what runs a job of any of these sites right here."""
    sites = [o.site for o in opened.values()]

    async def run_job(held: Held, kind: JobKind, run: Run) -> str:
        one = opened[held.site]
        return await do(
            Work(
                kind=kind,
                site=one.site,
                sites=sites,
                records=records,
                run=run,
                hands=lambda: hands_of(one, records, run, held),
                interrupted=held.interrupted,
            )
        )

    return run_job


def engine_of(
    store: Store,
    records: Records,
    opened: Mapping[str, OpenSite],
    clock: Clock,
    config: Path,
) -> Engine:
    """Make an engine; jobs of large sites run in a child process with the same configuration."""
    here = in_this_process(records, opened)

    async def run_job(held: Held, kind: JobKind, run: Run) -> str:
        if await opened[held.site].site.reader.count_users() < LARGE:
            return await here(held, kind, run)
        return await in_child(order_of(held, kind, run), config, run.stop)

    return Engine(
        store=store,
        timings=timings_of(opened),
        run_job=run_job,
        clock=clock,
        actor=this_actor("the schedule"),
        log=logger(),
        state=EngineState(started=clock.now()),
    )


async def together_until(stop: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Wait until asked to stop or until one task ends, then end them all; raises its error."""
    asking = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait((asking, *tasks), return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    asking.cancel()
    await asyncio.gather(*tasks)
