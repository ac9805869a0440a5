"""What the acting commands do once everything is open: take the lease, then let the flow work."""

from __future__ import annotations

from seatkeeper.cli import run_view
from seatkeeper.cli.exits import Exit, exit_of_run
from seatkeeper.cli.session import Session
from seatkeeper.core.outcome import GrantResult, RunResult
from seatkeeper.core.policy import Mode
from seatkeeper.flow.apply import apply_plan
from seatkeeper.flow.approve import Approval, approve
from seatkeeper.flow.context import Run
from seatkeeper.flow.cycle import CycleResult, release_cycle
from seatkeeper.flow.propose import sharing
from seatkeeper.flow.recover import recover
from seatkeeper.flow.undo import seats_to_give_back, undo
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
        stored = await approve(plan_id, opened.site.policy, records, approval, now)
        partners = await sharing(opened.site, session.sites, records)
        hands = hands_of(opened, records, run, held)
        return await apply_plan(stored, opened.site, partners, records, run, hands)


async def cycle_one(
    session: Session, opened: OpenSite, run: Run
) -> tuple[run_view.CycleView, Exit]:
    """Run one whole cycle of a site under its lease."""
    records, site = session.records, opened.site
    async with session.store.leases.holding(site.name, "release", session.clock.now()) as held:
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
    session: Session,
    run: Run,
    plan_id: str | None,
    user: str | None,
    site: str | None,
    why: str,
) -> list[GrantResult]:
    """Give back what a plan, or a person, lost through us, site by site."""
    only = session.one(site).site.name if site is not None else None
    by_site = await seats_to_give_back(session.records.plans, plan_id=plan_id, user=user, site=only)
    results: list[GrantResult] = []
    for name, seats in by_site.items():
        opened = session.one(name)
        async with session.store.leases.holding(name, "undo", session.clock.now()) as held:
            granting = granting_of(opened, held, why or "undo")
            results += await undo(seats, opened.site, session.records, run, granting)
    return results
