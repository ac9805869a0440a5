"""Commands on what was not told yet: `outbox show`, `retry` and `drop`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.outbox import Loss, OutboxState, SetAside, Waiting
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from seatkeeper.settings import Settings
    from seatkeeper.store import Store

app = typer.Typer(name="outbox", help="What was not told yet.", no_args_is_help=True)

Target = Annotated[str, typer.Argument(help="The target, as `outbox show` names it.")]

SHOWN = 20
"""Rows that were set aside, newest first, that `show` tells the reason of."""


@app.command()
def show(
    ctx: typer.Context,
    *,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Show what waits for each target, since when and why, and what was refused for good."""
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            render.show(await _view(store), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def retry(ctx: typer.Context, target: Target, *, config: options.Config = None) -> None:
    """Put what a target refused for good back into its queue, once its cause is mended."""
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions

    loaded = sessions.read_config(ctx, config)

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            await _refuse_unknown(store, loaded.settings, target)
            number = await store.outbox.retry(target)
        render.say(f"{number} for {target} wait again; the daemon, monitor and run deliver them")
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@app.command()
def drop(
    ctx: typer.Context,
    target: Target,
    *,
    config: options.Config = None,
    yes: options.Yes = False,
) -> None:
    """Forget everything that waits for a target, and what it refused."""
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.asking import confirmed

    loaded = sessions.read_config(ctx, config)
    confirmed(f"Forget all that waits for {target}? Nobody can take that back.", yes=yes)

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            await _refuse_unknown(store, loaded.settings, target)
            number = await store.outbox.drop(target)
        render.say(f"{number} for {target} are forgotten")
        return Exit.DONE

    raise typer.Exit(carry_out(command))


async def _refuse_unknown(store: Store, settings: Settings, target: str) -> None:
    """Refuse a name under which nothing is told and nothing is kept: it is misspelled."""
    from seatkeeper.wiring.telling import targets_of

    kept = {name for name, _ in await store.outbox.depth()} | {*await store.losses.all()}
    known = {*targets_of(settings), *kept}
    if target not in known:
        there = f"there is {', '.join(sorted(known))}" if known else "nobody is told anything"
        raise UsageError(f"{target} is no target of the outbox; {there}")


async def _view(store: Store) -> OutboxView:
    depth = await store.outbox.depth()
    refused = {target: n for (target, state), n in depth.items() if state is OutboxState.SET_ASIDE}
    newest, lost = await store.outbox.refused(SHOWN), await store.losses.all()
    return OutboxView(await store.outbox.waiting(), refused, newest, lost)


@dataclass(frozen=True, slots=True)
class OutboxView:
    """What waits, how much was set aside for whom, the newest of it, and what was dropped."""

    waiting: Sequence[Waiting]
    refused: dict[str, int]
    newest: Sequence[SetAside]
    lost: Mapping[str, Loss]

    def data(self) -> Any:
        """Return the JSON contract of `outbox show`."""
        waiting = {one.target: one for one in self.waiting}
        return [
            {
                "target": target,
                "waiting": waiting[target].rows if target in waiting else 0,
                "oldest": waiting[target].oldest if target in waiting else None,
                "error": waiting[target].error if target in waiting else "",
                "set_aside": self.refused.get(target, 0),
                "dropped": self.lost[target].rows if target in self.lost else 0,
                "dropped_until": self.lost[target].newest if target in self.lost else None,
                "refused": [
                    {"kind": r.row.entry.kind, "at": r.row.entry.at, "error": r.error}
                    for r in self.newest
                    if r.row.target == target
                ],
            }
            for target in sorted({*waiting, *self.refused, *self.lost})
        ]

    def drawing(self) -> Sequence[RenderableType]:
        """Return a line for each target, and the reasons of what was refused."""
        from seatkeeper.cli.render import line, lines, moment

        drawn: list[RenderableType] = []
        for one in self.data():
            drawn.append(line(one["target"], style="bold"))
            since = f", the first since {moment(one['oldest'])} UTC" if one["waiting"] else ""
            why = f": {one['error']}" if one["error"] else ""
            drawn.append(line(f"  {one['waiting']} wait{since}{why}"))
            if one["dropped"]:
                until = (
                    f"{one['dropped']} were dropped, the newest of {moment(one['dropped_until'])}"
                )
                drawn.append(line(f"  {until} UTC; see retention.outbox", style="bold red"))
            if one["set_aside"]:
                drawn.append(line(f"  {one['set_aside']} were refused for good", style="yellow"))
            drawn += [
                lines(f"    {moment(r['at'])} {r['kind']}: {r['error']}") for r in one["refused"]
            ]
        return drawn or [line("nothing waits, and nothing was refused")]
