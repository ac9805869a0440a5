"""Settle what an earlier run left open, from a fresh reading. It never releases anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from seatkeeper.core.model import Allocation, LicenseType
from seatkeeper.core.outcome import ActionOutcome
from seatkeeper.core.readback import ReadBack, tell_later
from seatkeeper.core.record import Intent
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.together import together

SETTLE_AFTER = timedelta(seconds=5)
"""A DELETE on the wire when its process died may still be carried out; wait that long."""


async def recover(site: Site, records: Records, run: Run) -> list[ActionOutcome]:
    """Give every intent without a final outcome one, and close plans nobody applies any more.

    The caller holds the lease of the site, so whoever wrote the intents is gone.
    """
    intents = await records.plans.unsettled(site.name)
    settled: list[ActionOutcome] = []
    if intents:
        await _let_the_wire_run_dry(intents, run)
        rows = await read_rows(site.reader, [(i.license_type, i.allocation_id) for i in intents])
        settled = [o for intent in intents if (o := _settle(intent, rows)) is not None]
    now = run.clock.now()
    for plan_id, run_id in sorted({(i.plan_id, i.run_id) for i in intents}):
        ids = {i.allocation_id for i in intents if i.plan_id == plan_id}
        results = [o for o in settled if o.allocation_id in ids]
        await records.plans.settle(plan_id, run_id, run.actor, results, now, later=True)
    await _close(site, records, run)
    return settled


async def _let_the_wire_run_dry(intents: Sequence[Intent], run: Run) -> None:
    newest = max(i.at for i in intents)
    wait = (newest + SETTLE_AFTER - run.clock.now()).total_seconds()
    if 0 < wait <= SETTLE_AFTER.total_seconds():
        await asyncio.sleep(wait)


def _settle(intent: Intent, rows: dict[str, Allocation]) -> ActionOutcome | None:
    told = tell_later(ReadBack(known=True, row=rows.get(intent.allocation_id)), intent.outcome)
    if told is None:
        return None
    return ActionOutcome(
        allocation_id=intent.allocation_id,
        user=intent.user,
        license_type=intent.license_type,
        outcome=told.outcome,
        detail=told.detail,
    )


async def _close(site: Site, records: Records, run: Run) -> None:
    """A plan being applied by nobody is over: what it left undone returns in the next plan."""
    now = run.clock.now()
    for stored in await records.plans.interrupted(site.name, now):
        await records.plans.finish(
            stored.plan.plan_id,
            stored.run_id or "",
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
