"""Commands on tokens, with which programs call the API: make, revoke, list."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.granting import RoleOption, Sites, grants_of
from seatkeeper.cli.running import carry_out
from seatkeeper.core.durations import parse_duration
from seatkeeper.errors import UsageError

app = typer.Typer(
    name="tokens",
    help="What programs may call the API with, for how long, and who answers for it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="What the token is for, as in nightly-report.")]


@app.command()
def make(
    ctx: typer.Context,
    *,
    name: Name,
    role: RoleOption,
    length: Annotated[
        str, typer.Option("--for", help="How long it works, as in 90d; at most 366d.")
    ],
    site: Sites = None,
    by: options.By = None,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make a token and print it on stdout, once: only its hash is kept."""
    from seatkeeper.cli import session as sessions

    lasts = _length(length)
    loaded = sessions.read_config(ctx, config)
    grants = grants_of(loaded, role, site)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.access_view import NewTokenView
        from seatkeeper.wiring.clock import SystemClock, this_actor

        with sessions.open_store_of(loaded) as store:
            now = SystemClock().now()
            secret = await store.tokens.make(name, grants, lasts, this_actor(by), now)
            made = await store.tokens.named(name)
        render.show(NewTokenView(made, secret, now), output)
        render.say("This token is shown once. Send it as `Authorization: Bearer …`.")
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _length(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--for {text}: {error}") from error


@app.command()
def revoke(
    ctx: typer.Context,
    *,
    name: Name,
    by: options.By = None,
    config: options.Config = None,
) -> None:
    """Revoke a token. The next request with it is refused."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.wiring.clock import SystemClock, this_actor

        with sessions.open_store_of(loaded) as store:
            await store.tokens.revoke(name, this_actor(by), SystemClock().now())
        render.say(f"token {name} revoked")
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command("list")
def list_tokens(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    output: options.ListingOption = options.Listing.TABLE,
) -> None:
    """List the tokens, those that have ended too, with their owners and last use."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli.access_view import write_tokens
        from seatkeeper.wiring.clock import SystemClock

        with sessions.open_store_of(loaded) as store:
            found = await store.tokens.all()
        write_tokens(found, SystemClock().now(), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))
