"""Settle what an earlier run left open, from a fresh reading. It never releases anything.

A seat that is gone, or in quarantine, settles its release at once. One that is still held does so
only when the site cannot be carrying the DELETE out any more; until then it is `unknown`.
"""

from __future__ import annotations

from collections.abc import Sequence

from seatkeeper.core.model import Allocation, LicenseType
from seatkeeper.core.outcome import ActionOutcome, Outcome
from seatkeeper.core.readback import MAY_STILL_GO, ReadBack, tell_later
from seatkeeper.core.record import Intent, StoredPlan
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.returns import is_over, settle_returns
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.flow.together import together


async def recover(site: Site, records: Records, run: Run) -> list[ActionOutcome]:
    """Settle every intent that can be, and close plans nobody applies any more.

    Returns what is settled for good. The caller holds the lease of the site, so whoever wrote the
    intents is gone. Raises QrsError when the seats cannot be read, Interrupted on request:
    everything stays open then.
    """
    returned = await settle_returns(site, records, run)
    intents = await records.plans.unsettled(site.name)
    told: list[ActionOutcome] = []
    if intents:
        now = run.clock.now()
        seats = [(i.license_type, i.allocation_id) for i in intents]
        rows = await until_stopped(read_rows(site.reader, seats), run.stop)
        found = (
            _given_back(i)
            if (i.plan_id, i.allocation_id) in returned
            else _settle(i, rows, over=is_over(i.at, site, now))
            for i in intents
        )
        told = [outcome for outcome in found if outcome is not None]
    now = run.clock.now()
    for plan_id, run_id in sorted({(i.plan_id, i.run_id) for i in intents}):
        ids = {i.allocation_id for i in intents if i.plan_id == plan_id}
        results = [o for o in told if o.allocation_id in ids]
        await records.plans.settle(plan_id, run_id, run.actor, results, now, later=True)
    for stored in await records.plans.interrupted(site.name, now):
        await _close(stored, records, run)
    return [o for o in told if o.outcome is not Outcome.UNKNOWN]


def _settle(intent: Intent, rows: dict[str, Allocation], *, over: bool) -> ActionOutcome | None:
    row = rows.get(intent.allocation_id)
    # What only a recovery called unknown never had an answer that was unknown.
    earlier = None if intent.detail == MAY_STILL_GO.detail else intent.outcome
    told = tell_later(ReadBack(known=True, row=row), earlier, is_over=over)
    if told is None:
        return None
    detail = told.detail
    if told.outcome is Outcome.QUARANTINED and row is not None and _was_used(row, intent):
        detail += (
            "; the user became active just before, so give the seat back: "
            f"`seatkeeper undo --plan {intent.plan_id}`"
        )
    return _outcome(intent, told.outcome, detail)


def _given_back(intent: Intent) -> ActionOutcome:
    """The user was active and holds the seat again (design rule 22)."""
    return _outcome(intent, Outcome.CHANGED, "given back; settled by a fresh reading")


def _outcome(intent: Intent, outcome: Outcome, detail: str) -> ActionOutcome:
    return ActionOutcome(
        allocation_id=intent.allocation_id,
        user=intent.user,
        license_type=intent.license_type,
        outcome=outcome,
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
