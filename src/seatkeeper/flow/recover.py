"""Settle what an earlier run left open, from a fresh reading. It never releases anything.

A seat that is gone, or in quarantine, settles its release at once. One that is still held does so
only when the site cannot be carrying the DELETE out any more; until then it is `unknown`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from seatkeeper.core.model import Allocation, LicenseType
from seatkeeper.core.outcome import ActionOutcome, Outcome
from seatkeeper.core.readback import ReadBack, tell_later
from seatkeeper.core.record import Intent, StoredPlan
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.flow.together import together

MARGIN = timedelta(seconds=15)
"""A request leaves within seconds after its intent, and is over one time-out of the site later.

This much is added to the time-out for both, and for a site slower than it should be.
"""


async def recover(site: Site, records: Records, run: Run) -> list[ActionOutcome]:
    """Settle every intent that can be, and close plans nobody applies any more.

    Returns what is settled for good. The caller holds the lease of the site, so whoever wrote the
    intents is gone. Raises QrsError when the seats cannot be read, Interrupted on request:
    everything stays open then.
    """
    intents = await records.plans.unsettled(site.name)
    told: list[ActionOutcome] = []
    if intents:
        now = run.clock.now()
        seats = [(i.license_type, i.allocation_id) for i in intents]
        rows = await until_stopped(read_rows(site.reader, seats), run.stop)
        found = (_settle(i, rows, over=is_over(i.at, site, now)) for i in intents)
        told = [outcome for outcome in found if outcome is not None]
    now = run.clock.now()
    for plan_id, run_id in sorted({(i.plan_id, i.run_id) for i in intents}):
        ids = {i.allocation_id for i in intents if i.plan_id == plan_id}
        results = [o for o in told if o.allocation_id in ids]
        await records.plans.settle(plan_id, run_id, run.actor, results, now, later=True)
    for stored in await records.plans.interrupted(site.name, now):
        await _close(stored, records, run)
    return [o for o in told if o.outcome is not Outcome.UNKNOWN]


def is_over(intended_at: datetime, site: Site, now: datetime) -> bool:
    """Whether the site cannot be carrying out any more what was meant then.

    A clock set back proves nothing.
    """
    return now - intended_at >= site.timeout + MARGIN


def _settle(intent: Intent, rows: dict[str, Allocation], *, over: bool) -> ActionOutcome | None:
    row = rows.get(intent.allocation_id)
    told = tell_later(ReadBack(known=True, row=row), intent.outcome, is_over=over)
    if told is None:
        return None
    detail = told.detail
    if told.outcome is Outcome.QUARANTINED and row is not None and _was_used(row, intent):
        detail += (
            "; the user became active just before, so give the seat back: "
            f"`seatkeeper undo --plan {intent.plan_id}`"
        )
    return ActionOutcome(
        allocation_id=intent.allocation_id,
        user=intent.user,
        license_type=intent.license_type,
        outcome=told.outcome,
        detail=detail,
    )


def _was_used(row: Allocation, intent: Intent) -> bool:
    before = intent.seat_last_used
    return row.last_used is not None and (before is None or row.last_used > before)


async def _close(stored: StoredPlan, records: Records, run: Run) -> None:
    """A plan being applied by nobody is over: what it left undone returns in the next plan."""
    plan, run_id, now = stored.plan, stored.run_id or "", run.clock.now()
    known = {o.allocation_id for o in await records.plans.outcomes(plan.plan_id)}
    left = [
        ActionOutcome(
            allocation_id=action.allocation_id,
            user=action.user,
            license_type=action.license_type,
            outcome=Outcome.NOT_ATTEMPTED,
            detail="the process that applied the plan ended before its turn",
        )
        for action in plan.actions
        if action.allocation_id not in known
    ]
    await records.plans.settle(plan.plan_id, run_id, run.actor, left, now, later=True)
    await records.plans.finish(
        plan.plan_id,
        run_id,
        run.actor,
        now,
        complete=False,
        note="the process that applied it ended early",
    )


async def read_rows(
    reader: LicenseReader, wanted: Sequence[tuple[LicenseType, str]]
) -> dict[str, Allocation]:
    """Read seats afresh by id, of any type; what is gone is missing."""
    by_type = {t: [i for wanted_type, i in wanted if wanted_type is t] for t in LicenseType}
    lists = await together(*(reader.allocations_by_id(t, ids) for t, ids in by_type.items() if ids))
    return {row.id: row for rows in lists for row in rows}
