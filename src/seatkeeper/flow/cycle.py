"""One release cycle: recover, collect, propose, and apply if the mode allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.outcome import RunResult
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import StoredPlan
from seatkeeper.flow.apply import Hands, apply_plan
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.propose import propose, sharing
from seatkeeper.flow.recover import recover


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

    The caller holds the lease. An approved plan that waits is applied before a new one is made.
    """
    await recover(site, records, run)
    partners = await sharing(site, sites, records)
    now = run.clock.now()
    waiting = await records.plans.approved(site.name, now)
    if waiting is None:
        stored, _ = await propose(site, partners, records, run, now)
    else:
        stored = waiting
    if not stored.plan.actions:
        return CycleResult(stored)
    reason, by_mode = await _reason_to_wait(stored, site, records, now)
    if reason:
        return CycleResult(stored, held_back=reason, held_by_mode=by_mode)
    result = await apply_plan(stored, site, partners, records, run, hands())
    return CycleResult(await records.plans.load(stored.plan.plan_id, run.clock.now()), result)


async def _reason_to_wait(
    stored: StoredPlan, site: Site, records: Records, now: datetime
) -> tuple[str, bool]:
    """Say why the plan is not applied, and whether only the mode is why; empty when nothing is."""
    if site.policy.mode is Mode.OBSERVE:
        return "mode observe: nothing is released", True
    if freeze := await records.control.frozen(now):
        return f"frozen by {freeze.by}: {freeze.reason}", False
    if stored.status is PlanStatus.BLOCKED:
        limits = sorted({v.limit.value for v in stored.plan.violations})
        return f"the plan is blocked by {', '.join(limits)}", False
    if stored.status is not PlanStatus.APPROVED:
        return "mode approve: the plan waits for an approval", True
    return "", False
