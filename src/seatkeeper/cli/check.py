"""Command `check`: is everything in order? Reads, and releases nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out

if TYPE_CHECKING:
    from seatkeeper.cli.findings import SiteChecked
    from seatkeeper.config import Loaded


def check(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Check configuration, certificates, connection, rights, clock, license, store, targets.

    Channels are only looked at: `alerts test CHANNEL` sends something.

    Every failure and warning comes with its cure. Exit 0 when nothing failed, else 1.
    """
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config, warn=False)
    wanted = sessions.settings_of(loaded, site)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.findings import GeneralChecked

        checked = await _check(loaded, [one.name for one in wanted])
        views: list[render.View] = [*checked]
        if output is options.Output.TABLE:
            views.insert(0, GeneralChecked("every site", checked[0].general))
        render.show_all(views, output, single=site is not None)
        return Exit.FAILED if any(one.has_failed for one in checked) else Exit.DONE

    raise typer.Exit(carry_out(command))


async def _check(loaded: Loaded, names: list[str]) -> list[SiteChecked]:
    from seatkeeper.cli.findings import SiteChecked
    from seatkeeper.cli.running import progress_on_stderr
    from seatkeeper.errors import StoreError
    from seatkeeper.wiring import checks
    from seatkeeper.wiring.checking import outward_findings, store_side_findings
    from seatkeeper.wiring.clock import SystemClock
    from seatkeeper.wiring.readers import open_records, open_sites

    clock, progress = SystemClock(), progress_on_stderr()
    general, known = list(checks.configuration_findings(loaded)), checks.NOTHING_KNOWN
    try:
        store, _ = open_records(loaded.settings)
        try:
            general += await store_side_findings(store, loaded, clock.now())
            known = await checks.known_of(store)
        finally:
            store.close()
    except StoreError as error:
        general.append(checks.store_failed(loaded.settings.store.shown, error))
    general += await outward_findings(loaded)
    checked = []
    sites = [one for one in loaded.settings.sites if one.name in names]
    async with open_sites(sites, clock) as opened:
        for number, one in enumerate(opened):
            progress("checking sites", number, len(opened))
            found = await checks.check_site(one, loaded, general, known, clock.now())
            checked.append(SiteChecked.of(found))
        progress("checking sites", len(opened), len(opened))
    return checked
