"""What the acting commands do once everything is open: take the lease, then let the flow work."""

from __future__ import annotations

from seatkeeper.cli import run_view
from seatkeeper.cli.exits import Exit, exit_of_run
from seatkeeper.cli.session import Session
from seatkeeper.core.outcome import GrantResult, RunResult
from seatkeeper.core.policy import Mode
from seatkeeper.core.request import WhatToUndo
from seatkeeper.errors import UsageError
from seatkeeper.flow.apply import apply_plan
from seatkeeper.flow.approve import Approval, ready_to_apply
from seatkeeper.flow.context import Run
from seatkeeper.flow.cycle import CycleResult, release_cycle
from seatkeeper.flow.gate import refuse_if_held_back
from seatkeeper.flow.propose import sharing
from seatkeeper.flow.recover import recover
from seatkeeper.flow.returnable import nothing_to_give_back, seats_to_give_back
from seatkeeper.flow.sampling import sampled
from seatkeeper.flow.undo import undo
from seatkeeper.wiring.hands import granting_of, hands_of
from seatkeeper.wiring.readers import OpenSite


async def apply_one(session: Session, plan_id: str, approval: Approval, run: Run) -> RunResult:
    """Apply one plan under the lease of its site; approve it first when it waits for that."""
    records = session.records
    found = await records.plans.load(plan_id, session.clock.now())
    opened = session.one(found.plan.site)
    async with session.store.leases.holding(opened.site.name, "apply", session.clock.now()) as held:
        await recover(opened.site, records, run)
        now = session.clock.now()
        await refuse_if_held_back(opened.site, records, now)
        stored = await ready_to_apply(plan_id, opened.site, records, approval, now)
        partners = await sharing(opened.site, session.sites, records)
        hands = hands_of(opened, records, run, held)
        return await apply_plan(stored, opened.site, partners, records, run, hands)


async def cycle_one(
    session: Session, opened: OpenSite, run: Run
) -> tuple[run_view.CycleView, Exit]:
    """Run one whole cycle of a site under its lease."""
    records, site = session.records, opened.site
    async with (
        session.store.leases.holding(site.name, "release", session.clock.now()) as held,
        sampled("release", site, records, run),
    ):
        result = await release_cycle(
            site, session.sites, records, run, lambda: hands_of(opened, records, run, held)
        )
    return run_view.CycleView(run.run_id, result), _exit_of_cycle(result, site.policy.mode)


def _exit_of_cycle(result: CycleResult, mode: Mode) -> Exit:
    if result.result is not None:
        return exit_of_run(result.result)
    if not result.held_back or mode is Mode.OBSERVE:
        return Exit.DONE
    return Exit.DONE if result.held_by_mode else Exit.BLOCKED


async def undo_these(
    session: Session, run: Run, what: WhatToUndo, site: str | None
) -> list[GrantResult]:
    """Give back what a plan, or a person, lost through us, site by site.

    What an earlier run left open is settled first: it may be just what is to be given back.
    """
    records, results = session.records, []
    sought: set[str] = set()
    for opened in await _sites_of(session, what, site):
        name = opened.site.name
        async with session.store.leases.holding(name, "undo", session.clock.now()) as held:
            await recover(opened.site, records, run)
            sought.add(name)
            try:
                by_site = await seats_to_give_back(records.plans, what, name)
            except UsageError:
                continue  # what was left open turned out to be somebody else's
            granting = granting_of(opened, held, what.reason or "undo")
            results += await undo(by_site[name], opened.site, records, run, granting)
    if not results:
        where = f" on {', '.join(sorted(sought))}" if sought else ""
        raise nothing_to_give_back(what, where)
    return results


async def _sites_of(session: Session, what: WhatToUndo, site: str | None) -> list[OpenSite]:
    """Return the sites where something may be given back: released, or left open by a crash."""
    if what.plan is not None:
        found = await session.records.plans.load(what.plan, session.clock.now())
        return [session.one(found.plan.site)]
    plans = session.records.plans
    names = {seat.site for seat in await plans.released(user=what.user)}
    return [
        opened
        for opened in session.chosen(site)
        if opened.site.name in names or await plans.unsettled(opened.site.name)
    ]
