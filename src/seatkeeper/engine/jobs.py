"""What each kind of job does, once its site is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seatkeeper.errors import NotAllowed, PlanStale
from seatkeeper.flow.apply import Hands, apply_plan
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.cycle import release_cycle, waiting_plan
from seatkeeper.flow.monitor import monitor
from seatkeeper.flow.propose import sharing
from seatkeeper.flow.recover import recover


class JobKind(StrEnum):
    """The jobs a site has."""

    MONITOR = "monitor"
    RELEASE = "release"
    APPLY = "apply"
    """An approved plan waits; not on a schedule."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job to do: the site among all sites, the records, and the hands if it may act."""

    kind: JobKind
    site: Site
    sites: Sequence[Site]
    records: Records
    run: Run
    hands: Callable[[], Hands]
    interrupted: bool = False
    """An earlier holder of this job died: settle what it left, and release nothing now."""


async def do(work: Work) -> str:
    """Do one job and return what it came to, in a few words for the log."""
    if work.interrupted and work.kind is not JobKind.MONITOR:
        settled = await recover(work.site, work.records, work.run)
        return f"recovered: {len(settled)} settled; nothing is released after an interruption"
    if work.kind is JobKind.MONITOR:
        await recover(work.site, work.records, work.run)
        snapshot = await monitor(work.site, work.records, work.run)
        return f"read: {len(snapshot.users)} users, {len(snapshot.allocations)} seats"
    if work.kind is JobKind.APPLY:
        return await _apply_waiting(work)
    return await _release(work)


async def _release(work: Work) -> str:
    done = await release_cycle(work.site, work.sites, work.records, work.run, work.hands)
    plan = done.stored.plan
    if done.result is None:
        held = f"; {done.held_back}" if done.held_back else ""
        return f"plan {plan.plan_id}: {len(plan.actions)} seats may go{held}"
    return f"plan {plan.plan_id}: {done.result.counts}"


async def _apply_waiting(work: Work) -> str:
    await recover(work.site, work.records, work.run)
    waiting = await waiting_plan(work.site, work.records, work.run.clock.now())
    if waiting is None:
        return "no plan waits"
    partners = await sharing(work.site, work.sites, work.records)
    try:
        result = await apply_plan(
            waiting, work.site, partners, work.records, work.run, work.hands()
        )
    except (NotAllowed, PlanStale) as error:
        return f"plan {waiting.plan.plan_id} not applied: {error}"
    return f"plan {waiting.plan.plan_id}: {result.counts}"
