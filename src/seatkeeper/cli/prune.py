"""Command `prune`: forget history that is older than the configuration keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.retention import Pruned

if TYPE_CHECKING:
    from rich.console import RenderableType


def prune(
    ctx: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be forgotten.")
    ] = False,
    config: options.Config = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Forget history that is too old (`retention`). Ledger, plans and what is open always stay.

    Alerts that are over and messages that were refused go after 90 days. The first monitoring
    cycle of a day does all of it.
    """
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions
    from seatkeeper.wiring.clock import SystemClock

    loaded = sessions.read_config(ctx, config)
    retention, now = loaded.settings.retention.to_retention(), SystemClock().now()

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            if dry_run:
                pruned = await store.pruning.count(retention, now)
            else:
                pruned = await store.pruning.prune(retention, now)
        render.show(PrunedView(pruned, dry_run=dry_run), output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


@dataclass(frozen=True, slots=True)
class PrunedView:
    """What was forgotten, or would be."""

    pruned: Pruned
    dry_run: bool

    def data(self) -> dict[str, Any]:
        """Return rows by kind."""
        return {"dry_run": self.dry_run, "rows": self.pruned.rows, "left": self.pruned.left}

    def drawing(self) -> Sequence[RenderableType]:
        """Return one line a kind."""
        return list(self._lines())

    def _lines(self) -> Iterator[RenderableType]:
        from seatkeeper.cli.render import line

        verb = "would go" if self.dry_run else "gone"
        for kind, rows in self.pruned.rows.items():
            yield line(f"{kind:<14}{rows:>10,}  {verb}")
        if self.pruned.left:
            yield line("there is more than one turn takes; run it again")
