"""What `check` found, as one visitor may see it."""

from __future__ import annotations

from dataclasses import replace

from seatkeeper.core.findings import Area, Checked, Finding
from seatkeeper.core.roles import Permission
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import sees_names
from seatkeeper.web.names import HIDDEN
from seatkeeper.web.reach import reaches
from seatkeeper.web.who import Visitor

ELSEWHERE = "what this says names other sites, which your role does not reach"


async def checked_for(desk: Desk, visitor: Visitor) -> dict[str, Checked]:
    """Return the kept findings by site; those of every site are for roles on every site."""
    kept = await desk.store.connections.all()
    return {
        site: replace(one, findings=tuple(_shown(desk, visitor, site, f) for f in one.findings))
        for site, one in kept.items()
        if reaches(desk, visitor, site)
    }


def _shown(desk: Desk, visitor: Visitor, site: str, found: Finding) -> Finding:
    """Hide what names people, or other sites, from whoever may not see them."""
    instead = ""
    if found.area is Area.EXEMPTIONS and not sees_names(desk, visitor, site):
        instead = HIDDEN
    elif found.area is Area.SHARING and not visitor.identity.may(Permission.READ):
        instead = ELSEWHERE
    if not instead:
        return found
    cure = "ask somebody who sees it" if found.cure else ""
    return replace(found, text=instead, cure=cure)
