"""What each kind of job does, once its site is held, and how it says what it came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from seatkeeper.core.outcome import GrantOutcome, RunResult, counted
from seatkeeper.core.request import WhatToUndo
from seatkeeper.errors import NotAllowed, PlanStale
from seatkeeper.flow.apply import Hands, apply_plan
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.cycle import release_cycle, waiting_plan
from seatkeeper.flow.monitor import monitor
from seatkeeper.flow.propose import sharing
from seatkeeper.flow.recover import recover
from seatkeeper.flow.returnable import seats_to_give_back
from seatkeeper.flow.sampling import Cycle, sampled
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.flow.undo import Granting, undo


class JobKind(StrEnum):
    """The jobs a site has."""

    MONITOR = "monitor"
    RELEASE = "release"
    APPLY = "apply"
    """An approved plan waits; not on a schedule."""
    UNDO = "undo"
    """A person asked for seats back; not on a schedule."""


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a job came to: `said` in a few words, the numbers, and the plan it was about."""

    said: str
    plan_id: str = ""
    counts: dict[str, int] = {}
    troubles: tuple[str, ...] = ()
    """What failed after the site was read whole."""
    only_recovered: bool = False
    """Its work is still to be done: it settled what an interrupted run had left."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job to do: the site among all sites, the records, and the hands if it may act."""

    kind: JobKind
    site: Site
    sites: Sequence[Site]
    records: Records
    run: Run
    hands: Callable[[], Hands]
    granting: Callable[[str], Granting]
    undo: WhatToUndo | None = None
    interrupted: bool = False
    """An earlier holder of this job died: settle what it left, and release nothing now."""
    began: datetime | None = None
    """When the job began, by which its cycle is known to who else may record it."""


async def do(work: Work) -> JobResult:
    """Do one job; raises Interrupted when it is asked to end before anything was done."""
    if work.interrupted and work.kind is not JobKind.MONITOR:
        settled = await recover(work.site, work.records, work.run)
        said = f"{len(settled)} settled after an interruption, nothing released"
        return JobResult(said=said, only_recovered=True)
    if work.kind is JobKind.MONITOR:
        return await _monitor(work)
    if work.kind is JobKind.APPLY:
        return await _apply_waiting(work)
    if work.undo is not None:
        return await _undo(work, work.undo)
    return await _release(work)


async def _monitor(work: Work) -> JobResult:
    async with _sampled(work) as cycle:
        await recover(work.site, work.records, work.run)
        done = await monitor(work.site, work.records, work.run)
        cycle.troubles = done.troubles
    return JobResult(
        said=f"{done.users} users and {done.seats} seats read",
        troubles=tuple(trouble.words for trouble in done.troubles),
    )


def _sampled(work: Work) -> AbstractAsyncContextManager[Cycle]:
    return sampled(work.kind.value, work.site, work.records, work.run, work.began)


async def _release(work: Work) -> JobResult:
    async with _sampled(work):
        done = await release_cycle(work.site, work.sites, work.records, work.run, work.hands)
    plan = done.stored.plan
    if done.result is not None:
        return _applied(done.result)
    held = f"; {done.held_back}" if done.held_back else ""
    return JobResult(said=f"{len(plan.actions)} seats may go{held}", plan_id=plan.plan_id)


async def _apply_waiting(work: Work) -> JobResult:
    await recover(work.site, work.records, work.run)
    waiting = await waiting_plan(work.site, work.records, work.run.clock.now())
    if waiting is None:
        return JobResult(said="no plan waits")
    partners = await until_stopped(sharing(work.site, work.sites, work.records), work.run.stop)
    try:
        result = await apply_plan(
            waiting, work.site, partners, work.records, work.run, work.hands()
        )
    except (NotAllowed, PlanStale) as error:
        return JobResult(said=f"not applied: {error}", plan_id=waiting.plan.plan_id)
    return _applied(result)


def _applied(result: RunResult) -> JobResult:
    why = f"; stopped: {result.stopped}" if result.stopped else ""
    return JobResult(
        said=in_words(result.counts) + why, plan_id=result.plan_id, counts=result.counts
    )


async def _undo(work: Work, what: WhatToUndo) -> JobResult:
    await recover(work.site, work.records, work.run)
    by_site = await seats_to_give_back(work.records.plans, what, work.site.name)
    granting = work.granting(what.reason or "undo")
    seats = by_site[work.site.name]
    results = await undo(seats, work.site, work.records, work.run, granting)
    counts = counted(GrantOutcome, (r.outcome for r in results))
    return JobResult(said=in_words(counts), plan_id=what.plan or "", counts=counts)


def in_words(counts: dict[str, int]) -> str:
    """Say counts as people do: `5 released, 1 changed`."""
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items()) or "nothing"
