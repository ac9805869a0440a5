"""One monitoring cycle: read the site whole, remember it, count it, tell what was observed.

Nothing is released or changed at the site. Without a whole reading there is no cycle; once there
is one, every step is done, whatever became of the others.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import datetime

from seatkeeper.core.facts import Elsewhere, Facts, Sources
from seatkeeper.core.judged import Judged
from seatkeeper.core.model import Snapshot
from seatkeeper.core.summarise import Beside, summarise
from seatkeeper.core.summary import Summary
from seatkeeper.flow.collect import collect
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import Observed
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
    began, sent = run.clock.now(), site.reader.requests
    run.progress("reading the site", 0, 0)
    snapshot = await until_stopped(collect(site.name, site.reader, began), run.stop)
    took = Beside.since(began, run.clock.now(), site.reader.requests - sent)
    run.progress("counting", 0, 0)
    steps = Steps(site.name, run.run_id)
    now = run.clock.now()
    await steps.attempt("history", lambda: records.history.observe(snapshot))
    changes = None
    if (activity := records.activity) is not None:
        changes = await steps.attempt("activity", lambda: activity.observe(snapshot, now))
    count = functools.partial(_count, snapshot, site, records, took, now)
    observed = await steps.attempt("counting", count)
    if observed is not None:
        await _tell(replace(observed, changes=changes), records, steps)
    summary = observed.summary if observed else None
    return Monitored(len(snapshot.users), len(snapshot.allocations), summary, tuple(steps.troubles))


async def _count(
    snapshot: Snapshot, site: Site, records: Records, took: Beside, now: datetime
) -> Observed:
    plans = await records.plans.lines(now, site.name, limit=1)
    beside = replace(took, plan=plans[0] if plans else None)
    elsewhere = await _elsewhere(snapshot, site, records)
    facts = Facts(Sources.of(snapshot, *elsewhere), site.policy, now)
    judged = Judged.of(snapshot, facts, site.policy, now)
    return Observed(snapshot, facts, summarise(judged, beside), now, verdicts=judged.verdicts)


async def _elsewhere(snapshot: Snapshot, site: Site, records: Records) -> list[Elsewhere]:
    """Tell who was active on the sites that share the license, as these were last read."""
    license_ = snapshot.server_license
    own = license_.number if license_ else None
    numbers = await records.history.license_numbers()
    sharing = [
        name
        for name, number in numbers.items()
        if name != site.name and (number == own or site.policy.shared.names(name))
    ]
    if records.activity is None or not sharing:
        return []
    return [Elsewhere(await records.activity.latest(sharing))]


async def _tell(observed: Observed, records: Records, steps: Steps) -> None:
    keep = functools.partial(records.summaries.keep, observed.summary)
    await steps.attempt("keeping the summary", keep)
    for follower in records.followers:
        await steps.attempt(follower.step, functools.partial(follower.follow, observed))
