"""Whether anything may be released on a site at this moment, and if not, why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from seatkeeper.core.guard import shares_above
from seatkeeper.core.plan import Limit, Plan, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import NotAllowed, PlanStale
from seatkeeper.flow.context import Records, Site


async def refuse_if_not_allowed(
    stored: StoredPlan, site: Site, partners: Sequence[Site], records: Records, now: datetime
) -> None:
    """Raise PlanStale when the plan is over, NotAllowed when it may not be applied now.

    The policy may have changed since the plan was made: every seat is judged again by the one of
    today, and what was decided on the whole is looked at here.
    """
    plan = stored.plan
    refuse_if_over(stored, site, now)
    refuse_if_shared_anew(plan, partners)
    if stored.status is not PlanStatus.APPROVED:
        raise NotAllowed(f"plan {plan.plan_id} is {stored.status.value}: {stored.status.words}")
    if site.policy.mode is Mode.OBSERVE:
        raise NotAllowed(f"site {site.name} is in mode observe: nothing is released")
    await refuse_if_share_is_too_large(plan, site, records, now)
    if reason := await held_back(site, records, now):
        raise NotAllowed(reason)


def refuse_if_over(stored: StoredPlan, site: Site, now: datetime) -> None:
    """Raise PlanStale when the plan has had its time."""
    plan = stored.plan
    if plan.site != site.name:
        raise ValueError(f"plan {plan.plan_id} is of {plan.site}, not of {site.name}")
    if stored.status.is_over:
        raise PlanStale(f"plan {plan.plan_id} is {stored.status.value}: {stored.status.words}")
    if now >= plan.expires_at:
        raise PlanStale(f"plan {plan.plan_id} expired at {plan.expires_at:%F %H:%M} UTC")


def refuse_if_shared_anew(plan: Plan, partners: Sequence[Site]) -> None:
    """Raise PlanStale when a site shares the license now whose activity the plan does not know."""
    new = sorted(p.name for p in partners if p.name not in plan.shared_with)
    if new:
        raise PlanStale(
            f"plan {plan.plan_id} does not know who was active on {', '.join(new)}, which shares "
            "the license by now; make a new plan"
        )


async def refuse_if_share_is_too_large(
    plan: Plan, site: Site, records: Records, now: datetime
) -> None:
    """Raise NotAllowed when the plan breaks the `max_share` of today, and nobody passed it."""
    broken = list(shares_above(plan.counts, site.policy.limits.max_share))
    if not broken:
        return
    passed = await records.control.overrides(site.name, site.policy.digest, now, plan.plan_id)
    if not any(override.limit is Limit.MAX_SHARE for override in passed):
        raise NotAllowed(f"plan {plan.plan_id} is blocked\n{broken[0].message}")


async def refuse_if_held_back(site: Site, records: Records, now: datetime) -> None:
    """Raise NotAllowed when nothing may be released now, so that nobody approves in vain."""
    if reason := await held_back(site, records, now):
        raise NotAllowed(reason)
    baseline = await records.history.baseline(site.name, site.policy.digest, now)
    room(site, baseline.released_last_day)


async def held_back(site: Site, records: Records, now: datetime) -> str:
    """Say why nothing may be released at this moment, empty when nothing speaks against it."""
    if freeze := await records.control.frozen(now):
        return f"frozen by {freeze.by} since {freeze.at:%F %H:%M} UTC: {freeze.reason}"
    if pause := site.policy.pause_at(now):
        return f"releases pause until {pause.end:%F %H:%M} UTC: {pause.reason}"
    return ""


def room(site: Site, released_last_day: int) -> int:
    """Return how many seats may go now; raises NotAllowed when it is none.

    `released_last_day` counts the releases of the last 24 hours, whoever started them.
    """
    limits = site.policy.limits
    left = min(limits.max_per_run, limits.max_per_day - released_last_day)
    if left > 0:
        return left
    raise NotAllowed(
        f"nothing more may be released on {site.name} for now: {released_last_day} seats in the "
        f"last 24 hours (max_per_day {limits.max_per_day}, max_per_run {limits.max_per_run})"
    )


async def clocks_differ(plan: Plan, site: Site, records: Records, now: datetime) -> str:
    """Say by how much the site's clock is wrong, empty when it is near enough or overridden."""
    skew, allowed = site.reader.skew, site.policy.limits.clock_skew
    if skew is None or abs(skew) <= allowed:
        return ""
    passed = await records.control.overrides(site.name, site.policy.digest, now, plan.plan_id)
    if any(override.limit is Limit.CLOCK_SKEW for override in passed):
        return ""
    return (
        f"the site's clock differs from ours by {abs(skew).total_seconds():.0f} s, more than "
        f"clock_skew {allowed.total_seconds():.0f} s"
    )
