"""One release cycle: recover, collect, propose, and apply if the mode allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.outcome import RunResult
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import NotAllowed
from seatkeeper.flow.apply import Hands, apply_plan
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.gate import held_back
from seatkeeper.flow.propose import propose, sharing
from seatkeeper.flow.recover import recover
from seatkeeper.flow.stopping import until_stopped


@dataclass(frozen=True, slots=True)
class CycleResult:
    """What one cycle came to: the plan, and what became of it if it was applied."""

    stored: StoredPlan
    result: RunResult | None = None
    held_back: str = ""
    """Why nothing was applied; empty when something was, or when there was nothing to do."""
    held_by_mode: bool = False
    """Only the mode holds it back: no limit is broken and nothing is frozen."""


async def release_cycle(
    site: Site,
    sites: Sequence[Site],
    records: Records,
    run: Run,
    hands: Callable[[], Hands],
) -> CycleResult:
    """Run one whole cycle of a site; `hands` is asked for only when something may be applied.

    The caller holds the lease. A plan that a person approved is applied before a new one is made.
    Raises Interrupted when the run is asked to end before anything is applied.
    """
    await recover(site, records, run)
    partners = await until_stopped(sharing(site, sites, records), run.stop)
    now = run.clock.now()
    stored = await waiting_plan(site, records, now)
    if stored is None:
        stored = await propose(site, partners, records, run, now, count=True)
    if not stored.plan.actions:
        return CycleResult(stored)
    if waits := await _reason_to_wait(stored, site, records, now):
        return waits
    try:
        result = await apply_plan(stored, site, partners, records, run, hands())
    except NotAllowed as error:
        return CycleResult(stored, held_back=str(error))
    return CycleResult(await records.plans.load(stored.plan.plan_id, run.clock.now()), result)


async def waiting_plan(site: Site, records: Records, now: datetime) -> StoredPlan | None:
    """Return the plan that a person approved and nobody applied yet, None in mode observe.

    One that the mode approved and that could not be applied then is not waited for: it is made
    anew, so that the limits see the site of today and the mode of today decides.
    """
    if site.policy.mode is Mode.OBSERVE:
        return None
    stored = await records.plans.approved(site.name, now)
    if stored is None or stored.approved_by_mode:
        return None
    return stored


async def _reason_to_wait(
    stored: StoredPlan, site: Site, records: Records, now: datetime
) -> CycleResult | None:
    """Say why the plan is not applied, None when nothing speaks against it so far."""
    if site.policy.mode is Mode.OBSERVE:
        reason, by_mode = "mode observe: nothing is released", True
    elif reason := await held_back(site, records, now):
        by_mode = False
    elif stored.status is PlanStatus.BLOCKED:
        limits = ", ".join(sorted({v.limit.value for v in stored.plan.violations}))
        reason, by_mode = f"the plan is blocked by {limits}", False
    elif stored.status is not PlanStatus.APPROVED:
        asked = ", for it was asked for" if stored.plan.mode is Mode.AUTO else ""
        reason = f"mode {stored.plan.mode.value}: the plan waits for an approval{asked}"
        by_mode = True
    else:
        return None
    return CycleResult(stored, held_back=reason, held_by_mode=by_mode)
