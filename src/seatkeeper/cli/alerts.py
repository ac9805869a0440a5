"""Commands on alerts: `alerts list`, `silence`, `unsilence`; `alerts test` tries a channel."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.durations import parse_duration
from seatkeeper.errors import UsageError

app = typer.Typer(
    name="alerts",
    help="What is wrong now, and whether those who shall know it can be told.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_alerts(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    site: options.Site = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is pending, and what was over lately.")
    ] = False,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Show what is wrong now, and the silences that hold."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)
    name = sessions.settings_of(loaded, site)[0].name if site else None

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.alerts_view import AlertList
        from seatkeeper.core.alerts import AlertState
        from seatkeeper.wiring.clock import SystemClock

        with sessions.open_store_of(loaded) as store:
            now = SystemClock().now()
            alerts = tuple(
                alert
                for alert in await store.alerts.all()
                if (everything or alert.state is AlertState.FIRING)
                and name in (None, alert.key.site)
            )
            silences = tuple(await store.alerts.silences(now))
        render.show(AlertList(alerts, silences, now, loaded.settings.alerts.runbooks), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def silence(
    ctx: typer.Context,
    *,
    by: Annotated[str, typer.Option("--by", help="Who answers for it.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Why nobody is to be told; kept in the ledger.")
    ],
    length: Annotated[str, typer.Option("--for", help="How long, as in 2h; at most 90d.")],
    rule: Annotated[str | None, typer.Option("--rule", help="Only alerts of this rule.")] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only alerts of this site.")] = None,
    severity: Annotated[
        Severity | None, typer.Option("--severity", help="Only alerts as bad as this.")
    ] = None,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Tell nobody for a while; alerts keep their state, and what still holds is told then."""
    from seatkeeper.cli import session as sessions

    lasts = _length(length)
    if rule is not None and rule not in ABOUT:
        raise UsageError(_no_rule(rule))
    loaded = sessions.read_config(ctx, config)
    name = sessions.settings_of(loaded, site)[0].name if site else None

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.alerts_view import SilenceView
        from seatkeeper.core.alerts import Silence
        from seatkeeper.wiring.clock import SystemClock, this_actor

        now = SystemClock().now()
        try:
            wish = Silence(by, reason, now, now + lasts, rule=rule, site=name, severity=severity)
        except ValueError as error:
            raise UsageError(str(error)) from error
        with sessions.open_store_of(loaded) as store:
            kept = await store.alerts.silence(wish, this_actor(by))
        render.show(SilenceView(kept), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def unsilence(
    ctx: typer.Context,
    *,
    silence_id: Annotated[int, typer.Argument(metavar="ID", help="As `alerts list` shows it.")],
    by: options.By = None,
    reason: options.Reason = "",
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """End a silence; what still holds is told at the next look."""
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        from seatkeeper.cli import render
        from seatkeeper.cli.alerts_view import SilenceView
        from seatkeeper.wiring.clock import SystemClock, this_actor

        with sessions.open_store_of(loaded) as store:
            now = SystemClock().now()
            ended = await store.alerts.unsilence(silence_id, this_actor(by), reason, now)
        render.show(SilenceView(ended), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _length(text: str) -> timedelta:
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--for {text}: {error}") from error
    if length <= timedelta(0):
        raise UsageError(f"--for {text}: a silence has to last for some time, as in 2h")
    return length


def _no_rule(name: str) -> str:
    near = get_close_matches(name, ABOUT, n=1)
    cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(ABOUT)}"
    return f"there is no rule {name!r}; {cure}"


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
