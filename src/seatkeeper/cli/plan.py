"""Commands that look and decide: `plan`, `approve`, `leave-out`, `reject`. None touches a seat."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out

if TYPE_CHECKING:
    from seatkeeper.flow.approve import Approval


def plan(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    by: options.AskedBy = None,
    output: options.OutputOption = options.Output.TABLE,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 4 when seats may go.")
    ] = False,
) -> None:
    """Read the site, decide which seats nobody uses, and record the plan. Releases nothing."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.each_site import each_site

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            return await each_site(session, site, output, _PlanOne(by, detailed_exitcode))

    raise typer.Exit(carry_out(command))


class _PlanOne:
    """Makes the plan of one site."""

    def __init__(self, by: str | None, detailed: bool) -> None:
        self._by = by
        self._detailed = detailed

    async def __call__(self, session: Any, opened: Any) -> tuple[Any, Exit]:
        from seatkeeper.cli import plan_view
        from seatkeeper.cli.running import new_run
        from seatkeeper.flow.propose import propose, sharing

        run = new_run(session.clock, self._by)
        partners = await sharing(opened.site, session.sites, session.records)
        stored = await propose(opened.site, partners, session.records, run, session.clock.now())
        changes = self._detailed and bool(stored.plan.actions)
        return plan_view.PlanView(stored), Exit.CHANGES if changes else Exit.DONE


def approve(
    ctx: typer.Context,
    plan_id: Annotated[str, typer.Argument(help="The plan to approve.")],
    *,
    config: options.Config = None,
    by: options.By = None,
    reason: options.Reason = "",
    override: options.Overrides = None,
    lasting: options.For = None,
    without: options.Without = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Approve a plan; a running engine applies it within seconds, else `apply` does."""
    from seatkeeper.cli.approving import approval_of
    from seatkeeper.flow.approve import approve as approve_plan

    approval = approval_of(by, reason, override, lasting, without)
    raise typer.Exit(_decide(ctx, config, plan_id, output, approve_plan, approval))


def leave_out(
    ctx: typer.Context,
    plan_id: Annotated[str, typer.Argument(help="The plan to make smaller.")],
    seats: Annotated[
        list[str], typer.Argument(help="Whose seats stay: DIR\\id, or the id of one seat.")
    ],
    *,
    config: options.Config = None,
    by: options.By = None,
    reason: options.Reason = "",
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make a smaller plan, without these seats; it waits for an approval of its own."""
    from seatkeeper.cli.approving import approval_of
    from seatkeeper.flow.approve import leave_out as leave_out_of

    approval = approval_of(by, reason, None, None, seats)
    raise typer.Exit(_decide(ctx, config, plan_id, output, leave_out_of, approval))


Decision = Callable[..., Awaitable[Any]]


def _decide(
    ctx: typer.Context,
    config: Path | None,
    plan_id: str,
    output: options.Output,
    decision: Decision,
    approval: Approval,
) -> Exit:
    """Open everything, let a person's decision about a plan be done, and show what came of it."""
    from seatkeeper.cli import plan_view, render
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            now = session.clock.now()
            found = await session.records.plans.load(plan_id, now)
            site = session.one(found.plan.site).site
            stored = await decision(plan_id, site, session.records, approval, now)
            render.show(plan_view.PlanView(stored), output)
            return Exit.DONE

    return carry_out(command)


def reject(
    ctx: typer.Context,
    plan_id: Annotated[str, typer.Argument(help="The plan to reject.")],
    *,
    config: options.Config = None,
    by: options.By = None,
    reason: options.Reason = "",
) -> None:
    """Reject a plan: it can never be applied."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.flow.reject import reject as reject_plan
    from seatkeeper.wiring.clock import this_actor

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            plans, now = session.records.plans, session.clock.now()
            await reject_plan(plan_id, plans, this_actor(by), reason, now)
            typer.echo(f"plan {plan_id} is rejected", err=True)
            return Exit.DONE

    raise typer.Exit(carry_out(command))
