"""Which seats Seatkeeper released and could give back. Looks only at what is recorded."""

from __future__ import annotations

from seatkeeper.core.record import Released
from seatkeeper.core.request import WhatToUndo
from seatkeeper.errors import UsageError
from seatkeeper.flow.ports import Plans


async def seats_to_give_back(
    plans: Plans, what: WhatToUndo, site: str | None = None
) -> dict[str, list[Released]]:
    """Return by site (or of this `site`) what was lost through us.

    A person who lost the same kind of seat of a site twice gets one back: the latest. Raises
    UsageError when there is nothing to give back.
    """
    seats = await plans.released(plan_id=what.plan, user=what.user)
    latest = {
        (seat.site, seat.user.casefold(), seat.license_type): seat
        for seat in sorted(seats, key=lambda s: s.at)
        if site in (None, seat.site) and what.seat in (None, seat.allocation_id)
    }
    by_site: dict[str, list[Released]] = {}
    for seat in latest.values():
        by_site.setdefault(seat.site, []).append(seat)
    if not by_site:
        raise nothing_to_give_back(what, f" on {site}" if site else "")
    return by_site


def nothing_to_give_back(what: WhatToUndo, where: str = "") -> UsageError:
    """Say that nothing of this was released by us."""
    return UsageError(
        f"Seatkeeper released no seat of {what.words}{where} that could be given back"
    )
