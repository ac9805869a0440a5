"""Command `status`: where each site stands, and what is left on the way to automatic release."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out

if TYPE_CHECKING:
    from seatkeeper.cli.session import Session
    from seatkeeper.core.progress import Step
    from seatkeeper.wiring.readers import OpenSite


SHOWN = 3
"""So many of the newest requests to the daemon are shown for a site."""


def status(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Show pools, the newest plan, who holds the site, the next runs and the steps to automatic.

    A site that does not answer is said to be so, with what is known of it; that is no failure.
    """
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.each_site import each_site

    loaded = sessions.read_config(ctx, config)
    sessions.settings_of(loaded, site)

    async def one(session: Any, opened: Any) -> tuple[Any, Exit]:
        return await _status_of(session, opened), Exit.DONE

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            return await each_site(session, site, output, one)

    raise typer.Exit(carry_out(command))


async def _status_of(session: Session, opened: OpenSite) -> Any:
    from seatkeeper.cli.status_view import Holding, SiteStatus
    from seatkeeper.core.summary import aged
    from seatkeeper.errors import QrsError
    from seatkeeper.wiring.checks import known_of, runs_of
    from seatkeeper.wiring.costing import Costs, bill

    store, name, now = session.store, opened.site.name, session.clock.now()
    known = await known_of(store)
    last = await store.history.last_reading(name)
    pools, pools_at, error = (last.pools, last.at, "") if last else ((), None, "")
    try:
        overview = await opened.site.reader.overview()
        pools, pools_at = tuple(p for p in overview.pools if p.enabled), now
    except QrsError as down:
        error = str(down)
    newest = await store.plans.lines(now, site=name, limit=1)
    summary = await store.summaries.newest(name)
    holder = known.holders.get(name)
    runs = runs_of(opened.settings, known, now)
    return SiteStatus(
        site=name,
        mode=opened.site.policy.mode,
        zone=opened.settings.zone,
        pools=pools,
        pools_at=pools_at,
        last_reading=last.at if last else None,
        newest_plan=newest[0] if newest else None,
        freeze=await store.control.frozen(now),
        holder=Holding(holder.kind, holder.since, holder.words) if holder else None,
        next_runs=runs,
        steps=await _steps(session, opened),
        error=error,
        requests=tuple(r for r in await store.requests.recent() if r.site == name)[:SHOWN],
        summary=aged(summary, now) if summary else None,
        bill=await bill(store, session.settings, name, now),
        spend=await Costs(store, session.settings).spend(),
        last_runs={kind: known.last_runs.get((name, kind)) for kind in runs},
    )


async def _steps(session: Session, opened: OpenSite) -> tuple[Step, ...]:
    from seatkeeper.core.progress import Reached, steps_to_auto
    from seatkeeper.core.record import Kind, LedgerRecord
    from seatkeeper.store import LedgerQuery

    store, policy, name = session.store, opened.site.policy, opened.site.name
    now = session.clock.now()

    async def first(kind: Kind, *, by_mode: bool = True) -> Any:
        async for page in store.ledger.pages(LedgerQuery(site=name, kind=kind)):
            for record in page:
                if by_mode or not _by_mode(record):
                    return record.at
        return None

    def _by_mode(record: LedgerRecord) -> bool:
        return record.why.startswith("mode ")

    baseline = await store.history.baseline(name, policy.digest, now)
    reached = Reached(
        mode=policy.mode,
        agreement_by=policy.agreement.by if policy.agreement else None,
        shared=policy.shared.kind,
        now=now,
        first_read=baseline.first_seen,
        first_plan=await first(Kind.PLAN_PROPOSED),
        approved=await first(Kind.PLAN_APPROVED, by_mode=False),
        applied=await first(Kind.APPLY_FINISHED),
    )
    return steps_to_auto(reached)
