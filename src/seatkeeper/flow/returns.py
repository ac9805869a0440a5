"""Settle give-backs that an earlier run left open, from a fresh reading. It grants nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome, GrantResult
from seatkeeper.core.record import OpenReturn
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.flow.together import together

MARGIN = timedelta(seconds=15)
"""A request leaves within seconds after its intent, and is over one time-out of the site later.

This much is added to the time-out for both, and for a site slower than it should be.
"""

HELD = (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)


def is_over(intended_at: datetime, site: Site, now: datetime) -> bool:
    """Whether the site cannot be carrying out any more what was meant then.

    A clock set back proves nothing.
    """
    return now - intended_at >= site.timeout + MARGIN


async def settle_returns(site: Site, records: Records, run: Run) -> set[tuple[str, str]]:
    """Settle what can be; return (plan, seat) of everybody who holds the seat again.

    Somebody who holds no seat may still get it while the POST can be on its way: that stays open.
    """
    found = await records.plans.open_returns(site.name)
    returned = {_key(one) for one in found if one.outcome in HELD}
    left = [one for one in found if one.outcome not in HELD]
    if not left:
        return returned
    holders = await until_stopped(_holders(site.reader, left), run.stop)
    now = run.clock.now()
    for one in left:
        result = _told(one, holders, over=is_over(one.at, site, now))
        if result is not None:
            await records.plans.settle_grants(one.run_id, run.actor, site.name, [result], now)
            returned |= {_key(one)} if result.outcome is GrantOutcome.RESTORED else set()
    return returned


def _key(one: OpenReturn) -> tuple[str, str]:
    return one.seat.plan_id, one.seat.allocation_id


async def _holders(
    reader: LicenseReader, left: Sequence[OpenReturn]
) -> dict[tuple[LicenseType, str], str]:
    """Return who holds which kind of seat now, with its id."""
    users = {
        t: sorted({o.seat.user_id for o in left if o.seat.license_type is t}) for t in LicenseType
    }
    lists = await together(
        *(reader.allocations_of_users(t, ids) for t, ids in users.items() if ids)
    )
    return {
        (row.license_type, str(row.user_id)): row.id
        for rows in lists
        for row in rows
        if row.is_live
    }


def _told(
    one: OpenReturn, holders: dict[tuple[LicenseType, str], str], *, over: bool
) -> GrantResult | None:
    held = holders.get((one.seat.license_type, one.seat.user_id))
    if held is None and not over:
        return None
    outcome = GrantOutcome.REFUSED if held is None else GrantOutcome.RESTORED
    return GrantResult(
        allocation_id=one.seat.allocation_id,
        user=one.seat.user,
        license_type=one.seat.license_type,
        outcome=outcome,
        detail=f"settled by a fresh reading: the user holds {'a' if held else 'no'} seat",
        new_allocation_id=held,
    )
