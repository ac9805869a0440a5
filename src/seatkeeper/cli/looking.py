"""Commands that look at recorded plans: `compare` and `progress`. None opens a site."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from seatkeeper.store import Store


def compare(
    ctx: typer.Context,
    plan_id: Annotated[str, typer.Argument(help="The plan to look at.")],
    *,
    other: Annotated[
        str | None,
        typer.Option("--with", help="The older plan; default: the one before on the same site."),
    ] = None,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Compare a plan with the one before: which seats are new in it, and which are gone."""
    from seatkeeper.cli.difference_view import DifferenceView
    from seatkeeper.core.plan_difference import difference

    async def look(store: Store, now: datetime) -> Any:
        new = (await store.plans.load(plan_id, now)).plan
        if other is not None:
            old = (await store.plans.load(other, now)).plan
        else:
            before = await store.plans.previous(plan_id, now)
            if before is None:
                raise UsageError(f"plan {plan_id} is the first of {new.site}: there is none before")
            old = before.plan
        if new.site != old.site:
            raise UsageError(f"plan {plan_id} is of {new.site}, and {other} of {old.site}")
        return DifferenceView(difference(new, old))

    raise typer.Exit(_look(ctx, config, output, look))


def progress(
    ctx: typer.Context,
    plan_id: Annotated[str, typer.Argument(help="The plan to follow.")],
    *,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Show how far a plan has come: each seat with its outcome, and what was given back."""
    from seatkeeper.cli.progress_view import ProgressView

    async def look(store: Store, now: datetime) -> Any:
        return ProgressView(await store.plans.application(plan_id, now))

    raise typer.Exit(_look(ctx, config, output, look))


Look = Callable[["Store", datetime], Awaitable[Any]]


def _look(ctx: typer.Context, config: Path | None, output: options.Output, look: Look) -> Exit:
    from seatkeeper.cli import render
    from seatkeeper.cli.session import open_store_of, read_config
    from seatkeeper.wiring.clock import SystemClock

    loaded = read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            render.show(await look(store, SystemClock().now()), output)
        return Exit.DONE

    return carry_out(command)
