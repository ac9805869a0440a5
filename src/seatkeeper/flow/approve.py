"""Approve a recorded plan: by a person, past the limits that the person names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.guard import shares_above
from seatkeeper.core.plan import Limit, PlanStatus, Violation
from seatkeeper.core.policy import MOST_OVERRIDE, Mode
from seatkeeper.core.record import Actor, Override, StoredPlan
from seatkeeper.errors import NotAllowed, UsageError
from seatkeeper.flow.context import Records, Site
from seatkeeper.flow.gate import refuse_if_over


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approves, why, and which limits are passed: for this plan, or for `lasting`."""

    actor: Actor
    reason: str = ""
    passing: tuple[Limit, ...] = ()
    lasting: timedelta | None = None

    def __post_init__(self) -> None:
        if self.passing and not self.reason.strip():
            raise UsageError("--override needs --reason: it is kept and shown in every plan")
        if self.lasting is not None and not timedelta(0) < self.lasting <= MOST_OVERRIDE:
            raise UsageError(f"--for is above 0 and at most {MOST_OVERRIDE.days}d")
        if self.lasting is not None and not self.passing:
            raise UsageError("--for goes with --override")
        for limit in self.passing:
            if not limit.overridable:
                raise UsageError(f"{limit.value} cannot be overridden; change the configuration")


async def approve(
    plan_id: str, site: Site, records: Records, approval: Approval, now: datetime
) -> StoredPlan:
    """Approve an open plan, or a blocked one whose every violation is passed.

    An approved plan stays as it is. Raises PlanStale, NotAllowed or UsageError.
    """
    stored = await records.plans.load(plan_id, now)
    refuse_if_over(stored, site, now)
    if stored.status is PlanStatus.APPROVED:
        return stored
    if site.policy.mode is Mode.OBSERVE:
        raise NotAllowed(
            f"site {stored.plan.site} is in mode observe: nothing is approved or released. "
            "Set policy.mode to approve when you are ready."
        )
    broken = _violations(stored, site)
    _refuse_pointless(stored, broken, approval)
    if left := await _still_blocking(stored, site, broken, records, approval, now):
        raise NotAllowed(_why_blocked(stored, left))
    for limit in approval.passing:
        override = _override(limit, stored, site, approval, now)
        await records.control.override(override, approval.actor)
    return await records.plans.approve(
        plan_id, approval.actor, approval.reason, now, overridden=bool(stored.plan.violations)
    )


def _violations(stored: StoredPlan, site: Site) -> list[Violation]:
    """What the plan breaks: as it was found, and by the `max_share` of today."""
    plan = stored.plan
    found = list(plan.violations)
    if all(v.limit is not Limit.MAX_SHARE for v in found):
        found += shares_above(plan.counts, site.policy.limits.max_share)
    return found


def _refuse_pointless(stored: StoredPlan, broken: Sequence[Violation], approval: Approval) -> None:
    """An override of a limit that the plan keeps is a slip, unless it is to last."""
    limits = {v.limit for v in broken}
    for limit in approval.passing:
        if limit not in limits and approval.lasting is None:
            raise UsageError(
                f"plan {stored.plan.plan_id} does not break {limit.value}; "
                f"it breaks {', '.join(sorted(v.value for v in limits)) or 'nothing'}"
            )


def _override(
    limit: Limit, stored: StoredPlan, site: Site, approval: Approval, now: datetime
) -> Override:
    plan, lasting = stored.plan, approval.lasting
    return Override(
        site=plan.site,
        limit=limit,
        by=approval.actor.by,
        reason=approval.reason,
        at=now,
        until=plan.expires_at if lasting is None else now + lasting,
        policy_digest=site.policy.digest,
        plan_id=plan.plan_id if lasting is None else None,
    )


async def _still_blocking(
    stored: StoredPlan,
    site: Site,
    broken: Sequence[Violation],
    records: Records,
    approval: Approval,
    now: datetime,
) -> list[Violation]:
    standing = await records.control.overrides(
        site.name, site.policy.digest, now, stored.plan.plan_id
    )
    passed = {o.limit for o in standing} | set(approval.passing)
    return [v for v in broken if v.limit not in passed]


def _why_blocked(stored: StoredPlan, left: Sequence[Violation]) -> str:
    lines = [f"{v.limit.value}: {v.message}\n  {v.way_out}" for v in left]
    return f"plan {stored.plan.plan_id} is blocked\n" + "\n".join(lines)
