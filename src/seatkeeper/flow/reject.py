"""Reject a plan that waits: a person says why, and it can never be applied."""

from __future__ import annotations

from datetime import datetime

from seatkeeper.core.record import Actor, StoredPlan
from seatkeeper.errors import UsageError
from seatkeeper.flow.ports import Plans


async def reject(
    plan_id: str, plans: Plans, actor: Actor, reason: str, now: datetime
) -> StoredPlan:
    """Reject an open, blocked or approved plan; raises PlanStale when it is over already.

    A reason is needed: whoever looks at the next plan reads it. Raises UsageError without one.
    """
    if not reason.strip():
        raise UsageError("a plan is rejected with a reason; it is kept with the plan (--reason)")
    return await plans.reject(plan_id, actor, reason.strip(), now)
