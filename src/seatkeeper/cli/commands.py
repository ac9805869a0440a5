"""Every command by its name, in the order in which a newcomer meets them."""

from __future__ import annotations

import typer

from seatkeeper.cli import (
    accounts,
    act,
    alerts,
    check,
    config,
    cost,
    demo,
    explain,
    freezing,
    grafana,
    history,
    init,
    ledger,
    looking,
    monitor,
    outbox,
    plan,
    prune,
    serve,
    sim,
    status,
    tokens,
    users,
)


def register(app: typer.Typer) -> None:
    """Add every command to the app."""
    app.command()(demo.demo)
    app.command()(init.init)
    app.command()(check.check)
    app.command()(status.status)
    app.command()(monitor.monitor)
    app.command()(users.users)
    app.command()(history.history)
    app.command()(cost.cost)
    app.command()(plan.plan)
    app.command()(explain.explain)
    app.command()(plan.approve)
    app.command("leave-out")(plan.leave_out)
    app.command()(plan.reject)
    app.command()(act.apply)
    app.command()(act.run)
    app.command()(looking.compare)
    app.command()(looking.progress)
    app.command()(act.undo)
    app.command()(freezing.freeze)
    app.command()(freezing.thaw)
    app.command()(prune.prune)
    app.command()(serve.serve)
    app.command(hidden=True)(serve.job)
    app.command()(sim.sim)
    app.add_typer(accounts.app)
    app.add_typer(tokens.app)
    app.add_typer(alerts.app)
    app.add_typer(ledger.app)
    app.add_typer(config.app)
    app.add_typer(grafana.app)
    app.add_typer(outbox.app)
