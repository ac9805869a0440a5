"""One monitoring cycle: read the site whole, remember it, count it, tell the numbers.

Nothing is released or changed at the site. Without a whole reading there is no cycle; once there
is one, every step is done, whatever became of the others.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from seatkeeper.core.facts import Facts, Sources
from seatkeeper.core.summarise import Beside, summarise
from seatkeeper.core.summary import Summary
from seatkeeper.flow.collect import collect
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.steps import Steps, Trouble
from seatkeeper.flow.stopping import until_stopped


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a monitoring cycle came to; `summary` is None when even counting failed."""

    users: int
    seats: int
    summary: Summary | None
    troubles: tuple[Trouble, ...] = ()


async def monitor(site: Site, records: Records, run: Run) -> Monitored:
    """Read a site and do everything that follows a reading.

    Raises QrsError or IncompleteRead when it cannot be read whole, Interrupted when the run is
    asked to end meanwhile.
    """
    steps = Steps(site.name, run.run_id)
    done = await _read(site, records, run, steps)
    if done.summary is not None:
        await _tell(done.summary, records, run, steps)
    return Monitored(done.users, done.seats, done.summary, tuple(steps.troubles))


async def _read(site: Site, records: Records, run: Run, steps: Steps) -> Monitored:
    """Read, remember and count; a function of its own so that the snapshot is gone afterwards."""
    began, sent = run.clock.now(), site.reader.requests
    run.progress("reading the site", 0, 0)
    snapshot = await until_stopped(collect(site.name, site.reader, began), run.stop)
    read, requests = run.clock.now(), site.reader.requests - sent
    run.progress("counting", 0, 0)
    await steps.attempt("history", lambda: records.history.observe(snapshot))
    activity = records.activity
    if activity is not None:
        await steps.attempt("activity", lambda: activity.observe(snapshot, run.clock.now()))

    async def count() -> Summary:
        now = run.clock.now()
        plans = await records.plans.lines(now, site.name, limit=1)
        beside = Beside.since(began, read, requests, plans[0] if plans else None)
        facts = Facts(Sources.of(snapshot), site.policy, now)
        return summarise(snapshot, facts, site.policy, now, beside)

    summary = await steps.attempt("summary", count)
    return Monitored(len(snapshot.users), len(snapshot.allocations), summary)


async def _tell(summary: Summary, records: Records, run: Run, steps: Steps) -> None:
    await steps.attempt("keeping the summary", lambda: records.summaries.keep(summary))
    for follower in records.followers:
        follow = functools.partial(follower.follow, summary, run.clock.now())
        await steps.attempt(follower.step, follow)
