"""Command `monitor`: one monitoring cycle, now. It changes nothing at the site."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out

if TYPE_CHECKING:
    from seatkeeper.cli.session import Session
    from seatkeeper.flow.context import Run
    from seatkeeper.wiring.readers import OpenSite


def monitor(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Read each site once, keep its numbers, and tell them. Releases nothing."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.each_site import each_site
    from seatkeeper.cli.running import new_run
    from seatkeeper.cli.telling import and_deliver

    loaded = sessions.read_config(ctx, config)

    async def command(stop: asyncio.Event) -> Exit:
        async def one(session: Any, opened: Any) -> tuple[Any, Exit]:
            return await _monitor_one(session, opened, new_run(session.clock, None, stop))

        async with sessions.open_session(loaded) as session:
            return await and_deliver(each_site(session, site, output, one), session, stop)

    raise typer.Exit(carry_out(command, gently=True))


async def _monitor_one(session: Session, opened: OpenSite, run: Run) -> tuple[Any, Exit]:
    """Run one monitoring cycle of a site under its lease, and say what failed after the reading."""
    from seatkeeper.cli import render
    from seatkeeper.cli.summary_view import SummaryView
    from seatkeeper.flow.monitor import monitor as monitor_site
    from seatkeeper.flow.recover import recover
    from seatkeeper.flow.sampling import sampled

    site, records, now = opened.site, session.records, session.clock.now()
    async with (
        session.store.leases.holding(site.name, "monitor", now),
        sampled("monitor", site, records, run) as cycle,
    ):
        await recover(site, records, run)
        done = await monitor_site(site, records, run)
        cycle.troubles = done.troubles
    troubles = tuple(trouble.words for trouble in done.troubles)
    for words in troubles:
        render.say(f"error: site {site.name}: {words}")
    if done.summary is None:
        return render.Failed(site.name, "; ".join(troubles)), Exit.FAILED
    view = SummaryView(done.summary, opened.settings.zone, troubles)
    return view, Exit.PARTLY if troubles else Exit.DONE
