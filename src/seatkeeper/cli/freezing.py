"""Commands that stop every release, and allow it again: `freeze` and `thaw`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.errors import UsageError

Person = Annotated[str, typer.Option("--by", help="Who decides.")]
Why = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]


def freeze(
    ctx: typer.Context,
    *,
    by: Person,
    reason: Why,
    until: Annotated[
        str | None,
        typer.Option("--until", help="Ends by itself: after this day, or at an RFC 3339 time."),
    ] = None,
    config: options.Config = None,
) -> None:
    """Stop every release on every site before its next batch. Undo still works."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.wiring.clock import this_actor

    end = _moment(until) if until else None
    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            now = session.clock.now()
            if end is not None and end <= now:
                raise UsageError(f"--until {until} is over already")
            await session.store.control.freeze(this_actor(by), reason, now, end)
        ends = f"{end.astimezone(UTC):%F %H:%M} UTC or " if end is not None else ""
        typer.echo(f"frozen by {by}: nothing is released until {ends}`seatkeeper thaw`", err=True)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def thaw(ctx: typer.Context, *, by: Person, reason: Why, config: options.Config = None) -> None:
    """Allow releases again."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.wiring.clock import this_actor

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            await session.store.control.thaw(this_actor(by), reason, session.clock.now())
        typer.echo("thawed: releases go on as the sites' modes allow", err=True)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _moment(text: str) -> datetime:
    """Read when a freeze ends: a day is included, in this machine's time zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {text}: write a date or a time, as in 2026-12-24") from error
    if len(text.strip()) <= len("2026-12-24"):
        at += timedelta(days=1)
    return at.astimezone() if at.tzinfo is None else at
