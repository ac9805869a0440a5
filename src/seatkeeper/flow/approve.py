"""Approve a recorded plan: by a person, whole or without some seats, past limits that they name.

A plan without some seats is a plan of its own, which supersedes the other one once it is approved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.four_eyes import why_not_by
from seatkeeper.core.guard import shares_above
from seatkeeper.core.plan import Limit, Plan, PlanStatus, Violation
from seatkeeper.core.policy import MOST_OVERRIDE, Mode
from seatkeeper.core.record import Actor, Override, StoredPlan
from seatkeeper.core.smaller import Leaving, without
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.flow.context import Records, Site
from seatkeeper.flow.gate import refuse_if_over


@dataclass(frozen=True, slots=True)
class Approval:
    r"""Who approves, why, and which limits are passed: for this plan, or for `lasting`.

    `without` are seats to be left out, each named by its user (`DIR\id`) or its allocation id.
    """

    actor: Actor
    reason: str = ""
    passing: tuple[Limit, ...] = ()
    lasting: timedelta | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.passing and not self.reason.strip():
            raise UsageError(
                "a limit is passed with a reason (--reason): it is kept and shown in every plan"
            )
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

    A plan that this person has approved already stays as it is. Without some seats a smaller plan
    is made, approved in the same step, and returned. Raises PlanStale, NotAllowed or UsageError.
    """
    if approval.without:
        return await _approve_smaller(plan_id, site, records, approval, now)
    stored = await records.plans.load(plan_id, now)
    refuse_if_over(stored, site, now)
    if stored.status is PlanStatus.APPROVED:
        return _as_before(stored, approval)
    passing = await _overrides(stored, site, records, approval, now)
    return await records.plans.approve(plan_id, approval.actor, approval.reason, now, passing)


async def ready_to_apply(
    plan_id: str, site: Site, records: Records, approval: Approval, now: datetime
) -> StoredPlan:
    """Return a plan that may be applied: as it was approved, or approved now by who applies it.

    Raises PlanStale, NotAllowed or UsageError.
    """
    stored = await records.plans.load(plan_id, now)
    if stored.status is not PlanStatus.APPROVED or approval.passing:
        return await approve(plan_id, site, records, approval, now)
    refuse_if_over(stored, site, now)
    return stored


def _as_before(stored: StoredPlan, approval: Approval) -> StoredPlan:
    """Return an approved plan to whoever approved it just so; raises PlanStale for others.

    They would be told that the ledger holds what it does not hold: their name, or an override.
    """
    blocks = {violation.limit for violation in stored.plan.violations}
    if stored.approved_by == approval.actor.by and blocks.issuperset(approval.passing):
        return stored
    raise PlanStale(
        f"plan {stored.plan.plan_id} is approved by {stored.approved_by} since "
        f"{stored.approved_at:%F %T} UTC: nothing was changed, and nobody has to approve it again"
    )


async def leave_out(
    plan_id: str, site: Site, records: Records, approval: Approval, now: datetime
) -> StoredPlan:
    """Make the plan without some seats, and let it wait for an approval as the other one does.

    Of `approval` only counts who leaves out which seats, and why. Whichever of the two plans is
    approved supersedes the other. Raises PlanStale or UsageError.
    """
    smaller = await _smaller(plan_id, site, records, approval, now)
    return await records.plans.leave_out(smaller, approval.actor, approval.reason, now)


async def _approve_smaller(
    plan_id: str, site: Site, records: Records, approval: Approval, now: datetime
) -> StoredPlan:
    smaller = await _smaller(plan_id, site, records, approval, now)
    if site.four_eyes:
        raise NotAllowed(
            f"plan {plan_id} needs four eyes: whoever leaves seats out of it cannot approve the "
            "rest (approval.four_eyes in the configuration). Leave them out with `seatkeeper "
            "leave-out`; somebody else then approves the smaller plan."
        )
    prospect = StoredPlan(smaller, smaller.first_status)
    passing = await _overrides(prospect, site, records, approval, now)
    return await records.plans.leave_out(smaller, approval.actor, approval.reason, now, passing)


async def _smaller(
    plan_id: str, site: Site, records: Records, approval: Approval, now: datetime
) -> Plan:
    stored = await records.plans.load(plan_id, now)
    refuse_if_over(stored, site, now)
    if stored.status is PlanStatus.APPROVED:
        raise PlanStale(
            f"plan {plan_id} is approved by {stored.approved_by}: no seat can be left out of it "
            "any more; reject it and make a new plan"
        )
    leaving = Leaving(approval.without, approval.actor.answers, approval.reason)
    return without(stored, leaving, site.policy, now)


async def _overrides(
    stored: StoredPlan, site: Site, records: Records, approval: Approval, now: datetime
) -> list[Override]:
    """Return the overrides by which this person may approve the plan.

    Raises NotAllowed when they may not, or something still blocks it, UsageError for a slip.
    """
    if site.policy.mode is Mode.OBSERVE:
        raise NotAllowed(
            f"site {stored.plan.site} is in mode observe: nothing is approved or released. "
            "Set policy.mode to approve when you are ready."
        )
    if site.four_eyes and (why := why_not_by(stored.plan, approval.actor.answers)):
        raise NotAllowed(why)
    broken = _violations(stored, site)
    _refuse_pointless(stored, broken, approval)
    if left := await _still_blocking(stored, site, broken, records, approval, now):
        raise NotAllowed(_why_blocked(stored, left))
    return [_override(limit, stored, site, approval, now) for limit in approval.passing]


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
