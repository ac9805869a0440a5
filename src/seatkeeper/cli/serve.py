"""`serve`: the daemon. It reads and plans on schedule, and releases as each site's mode allows."""

from __future__ import annotations

import asyncio

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out


def serve(ctx: typer.Context, *, config: options.Config = None) -> None:
    """Run the daemon: monitoring, scheduled plans, approved releases, health pages."""
    from seatkeeper import logs
    from seatkeeper.cli import session as sessions
    from seatkeeper.engine.daemon import engine_of, together_until
    from seatkeeper.web.app import make_app
    from seatkeeper.web.server import bind
    from seatkeeper.web.server import serve as serve_app

    loaded = sessions.read_config(ctx, config)
    listen = loaded.settings.console.listen
    listener = bind(listen)

    async def command(stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            log = logs.logger()
            opened = {o.site.name: o for o in session.opened}
            engine = engine_of(session.store, session.records, opened, session.clock, log)
            app = make_app(engine.state.beat, session.clock.now)
            log.info("daemon.started", listen=f"http://{listen}", sites=sorted(opened))
            await together_until(
                stop,
                asyncio.create_task(engine.work(stop), name="engine"),
                asyncio.create_task(serve_app(app, listener, stop), name="web"),
            )
            log.info("daemon.ended")
            return Exit.DONE

    raise typer.Exit(carry_out(command, gently=True))
