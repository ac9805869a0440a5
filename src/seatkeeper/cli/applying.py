"""What the acting commands do once everything is open: take the lease, then let the flow work."""

from __future__ import annotations

from collections.abc import Sequence

from seatkeeper.cli import run_view
from seatkeeper.cli.exits import Exit, exit_of_run
from seatkeeper.cli.session import Session
from seatkeeper.core.outcome import GrantResult, RunResult
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import Released
from seatkeeper.errors import UsageError
from seatkeeper.flow.apply import apply_plan
from seatkeeper.flow.approve import Approval, approve
from seatkeeper.flow.context import Run
from seatkeeper.flow.cycle import CycleResult, release_cycle
from seatkeeper.flow.propose import sharing
from seatkeeper.flow.recover import recover
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
    seats = await session.records.plans.released(plan_id=plan_id, user=user)
    if not seats:
        raise UsageError(
            f"Seatkeeper released no seat of {plan_id or user} that could be given back"
        )
    by_site: dict[str, list[Released]] = {}
    for seat in seats:
        plan = (await session.records.plans.load(seat.plan_id, session.clock.now())).plan
        if site is None or site == plan.site:
            by_site.setdefault(plan.site, []).append(seat)
    results: list[GrantResult] = []
    for name, of_site in by_site.items():
        opened = session.one(name)
        async with session.store.leases.holding(name, "undo", session.clock.now()) as held:
            granting = granting_of(opened, held, why or "undo")
            results += await undo(_latest(of_site), opened.site, session.records, run, granting)
    return results


def _latest(seats: Sequence[Released]) -> list[Released]:
    """A person who lost the same kind of seat twice gets one back: the latest."""
    latest: dict[tuple[str, str], Released] = {}
    for seat in sorted(seats, key=lambda s: s.at):
        latest[(seat.user.casefold(), seat.license_type.value)] = seat
    return list(latest.values())
