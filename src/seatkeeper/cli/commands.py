"""Every command by its name, in the order in which a newcomer meets them."""

from __future__ import annotations

import typer

from seatkeeper.cli import act, check, freezing, plan


def register(app: typer.Typer) -> None:
    """Add every command to the app."""
    app.command()(check.check)
    app.command()(plan.plan)
    app.command()(plan.approve)
    app.command()(plan.reject)
    app.command()(act.apply)
    app.command()(act.run)
    app.command()(act.undo)
    app.command()(freezing.freeze)
    app.command()(freezing.thaw)
