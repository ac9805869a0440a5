"""A plan that somebody asks for by its name: found, or as if it were not there."""

from __future__ import annotations

from seatkeeper.core.application import Pulse
from seatkeeper.core.record import StoredPlan
from seatkeeper.core.roles import Permission
from seatkeeper.errors import UsageError
from seatkeeper.web.desk import Desk
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.who import Visitor, require


async def found_plan(
    desk: Desk, visitor: Visitor, plan_id: str, permission: Permission = Permission.READ
) -> StoredPlan:
    """Return a plan of a site that the visitor reaches; raises NotFound, or NotAllowedHere."""
    try:
        stored = await desk.store.plans.load(plan_id, desk.now())
    except UsageError:
        raise no_such_plan() from None
    if stored.plan.site not in desk.names(visitor.identity):
        raise no_such_plan()
    require(visitor, permission, stored.plan.site)
    return stored


async def found_pulse(desk: Desk, visitor: Visitor, plan_id: str) -> Pulse:
    """Return how far a plan of a site that the visitor reaches has come; raises NotFound."""
    try:
        pulse = await desk.store.plans.pulse(plan_id, desk.now())
    except UsageError:
        raise no_such_plan() from None
    if pulse.site not in desk.names(visitor.identity):
        raise no_such_plan()
    return pulse


def no_such_plan() -> NotFound:
    """Say that a plan is not there, or out of reach."""
    return NotFound("there is no plan of that name, or your role does not reach its site")
