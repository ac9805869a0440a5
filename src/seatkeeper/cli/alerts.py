"""Commands on alerts: `alerts test` tries a channel."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out

app = typer.Typer(
    name="alerts",
    help="What is wrong now, and whether those who shall know it can be told.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("test")
def send_test(
    ctx: typer.Context,
    *,
    channel: Annotated[str, typer.Argument(help="The channel of alerts.channels to try.")],
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Send a test over a channel now, and say what the other side answered.

    The test goes past the queue. Exit 1 with the reason and a cure when it did not arrive.
    """
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.channel_test import channel_named, try_channel

        chosen = channel_named(loaded.settings, channel)
        with sessions.open_store_of(loaded) as store:
            tried = await try_channel(chosen, loaded.settings, store)
        render.show(tried, output)
        return Exit.DONE if tried.told else Exit.FAILED

    raise typer.Exit(carry_out(command))
