"""Commands that act on a site: `apply`, `run`, `undo`. Each holds the site's lease meanwhile."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.asking import confirmed
from seatkeeper.cli.exits import Exit, exit_of_grants, exit_of_run
from seatkeeper.cli.running import carry_out, new_run
from seatkeeper.errors import UsageError


def apply(
    ctx: typer.Context,
    plan_id: Annotated[str, typer.Argument(help="The plan to apply.")],
    *,
    config: options.Config = None,
    yes: options.Yes = False,
    by: options.By = None,
    reason: options.Reason = "",
    override: options.Overrides = None,
    lasting: options.For = None,
    without: options.Without = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Apply a plan: release exactly its seats, or fewer. An open plan is approved by you first."""
    from seatkeeper.cli import render, run_view
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.applying import apply_one
    from seatkeeper.cli.approving import approval_of

    approval = approval_of(by, reason, override, lasting, without)
    loaded = sessions.read_config(ctx, config)
    confirmed(f"Release the seats of plan {plan_id}?", yes=yes)

    async def command(stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            run = new_run(session.clock, by, stop)
            result = await apply_one(session, plan_id, approval, run)
            render.show(run_view.RunView(result), output)
            return exit_of_run(result)

    raise typer.Exit(carry_out(command, gently=True))


def run(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    by: options.AskedBy = None,
    queue: options.Queue = False,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Run one full cycle: recover, read, plan, and release what the site's mode allows."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.each_site import each_site
    from seatkeeper.cli.telling import and_deliver, put_releases

    loaded = sessions.read_config(ctx, config)
    if queue:
        from seatkeeper.cli.queueing import queue_runs
        from seatkeeper.wiring.clock import this_actor

        raise typer.Exit(queue_runs(loaded, site, this_actor(by), output))

    async def command(stop: asyncio.Event) -> Exit:
        async def one(session: Any, opened: Any) -> tuple[Any, Exit]:
            from seatkeeper.cli.applying import cycle_one

            return await cycle_one(session, opened, new_run(session.clock, by, stop))

        async def all_of_them(session: Any) -> Exit:
            code = await each_site(session, site, output, one)
            await put_releases(session)
            return code

        async with sessions.open_session(loaded) as session:
            return await and_deliver(all_of_them(session), session, stop)

    raise typer.Exit(carry_out(command, gently=True))


def undo(
    ctx: typer.Context,
    *,
    plan_id: Annotated[str | None, typer.Option("--plan", help="Every seat of this plan.")] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", help="The seats released of DIR\\id; with --plan those of it."),
    ] = None,
    seat: Annotated[
        str | None, typer.Option("--seat", help="Only this seat of the plan, by its id.")
    ] = None,
    config: options.Config = None,
    site: options.Site = None,
    yes: options.Yes = False,
    by: options.By = None,
    reason: options.Reason = "",
    queue: options.Queue = False,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Give seats back that Seatkeeper released."""
    from seatkeeper.cli import render, run_view
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.applying import undo_these
    from seatkeeper.core.request import WhatToUndo

    if plan_id is None and (user is None or seat is not None):
        raise UsageError("say --plan ID (with --seat for one of its seats), or --user 'DIR\\id'")
    loaded = sessions.read_config(ctx, config)
    what = WhatToUndo(plan=plan_id, user=user, seat=seat, reason=reason)
    confirmed(f"Give back the seats of {what.words}?", yes=yes)
    if queue:
        from seatkeeper.cli.queueing import queue_undo
        from seatkeeper.wiring.clock import this_actor

        raise typer.Exit(queue_undo(loaded, what, site, this_actor(by), output))

    async def command(stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            run = new_run(session.clock, by, stop)
            results = await undo_these(session, run, what, site)
            render.show(run_view.GrantView(run.run_id, results), output)
            return Exit.INTERRUPTED if stop.is_set() else exit_of_grants(results)

    raise typer.Exit(carry_out(command, gently=True))
