"""Approve a recorded plan: by a person, past the limits that the person names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import MOST_OVERRIDE, Mode, Policy
from seatkeeper.core.record import Actor, Override, StoredPlan
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.flow.context import Records


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
    plan_id: str, policy: Policy, records: Records, approval: Approval, now: datetime
) -> StoredPlan:
    """Approve an open plan, or a blocked one whose every violation is passed.

    An approved plan stays as it is. Raises PlanStale, NotAllowed or UsageError.
    """
    stored = await records.plans.load(plan_id, now)
    if stored.status is PlanStatus.APPROVED:
        return stored
    if stored.status.is_over:
        raise PlanStale(f"plan {plan_id} is {stored.status.value}: {stored.status.words}")
    if policy.mode is Mode.OBSERVE:
        raise NotAllowed(
            f"site {stored.plan.site} is in mode observe: nothing is approved or released. "
            "Set policy.mode to approve when you are ready."
        )
    _refuse_pointless(stored, approval)
    if left := await _still_blocking(stored, records, approval, now):
        raise NotAllowed(_why_blocked(stored, left))
    for limit in approval.passing:
        await records.control.override(_override(limit, stored, approval, now), approval.actor)
    return await records.plans.approve(
        plan_id, approval.actor, approval.reason, now, overridden=bool(stored.plan.violations)
    )


def _refuse_pointless(stored: StoredPlan, approval: Approval) -> None:
    """An override of a limit that the plan keeps is a slip, unless it is to last."""
    broken = {v.limit for v in stored.plan.violations}
    for limit in approval.passing:
        if limit not in broken and approval.lasting is None:
            raise UsageError(
                f"plan {stored.plan.plan_id} does not break {limit.value}; "
                f"it breaks {', '.join(sorted(v.value for v in broken)) or 'nothing'}"
            )


def _override(limit: Limit, stored: StoredPlan, approval: Approval, now: datetime) -> Override:
    plan, lasting = stored.plan, approval.lasting
    return Override(
        site=plan.site,
        limit=limit,
        by=approval.actor.by,
        reason=approval.reason,
        at=now,
        until=plan.expires_at if lasting is None else now + lasting,
        policy_digest=plan.policy_digest,
        plan_id=plan.plan_id if lasting is None else None,
    )


async def _still_blocking(
    stored: StoredPlan, records: Records, approval: Approval, now: datetime
) -> list[Limit]:
    plan = stored.plan
    standing = await records.control.overrides(plan.site, plan.policy_digest, now, plan.plan_id)
    passed = {o.limit for o in standing} | set(approval.passing)
    return sorted({v.limit for v in plan.violations if v.limit not in passed})


def _why_blocked(stored: StoredPlan, left: Sequence[Limit]) -> str:
    lines = [
        f"{v.limit.value}: {v.message}\n  {v.way_out}"
        for v in stored.plan.violations
        if v.limit in left
    ]
    return f"plan {stored.plan.plan_id} is blocked\n" + "\n".join(lines)
