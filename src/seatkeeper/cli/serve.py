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
            engine = engine_of(session.store, session.records, opened, session.clock, loaded.path)
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


def job(ctx: typer.Context, *, config: options.Config = None) -> None:
    """Do one job for the daemon that started this process (the order comes on stdin)."""
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions
    from seatkeeper.engine.child import Order, obey, read_order
    from seatkeeper.engine.daemon import in_this_process
    from seatkeeper.flow.context import Run
    from seatkeeper.store import Held

    loaded = sessions.read_config(ctx, config, warn=False)
    order = read_order()

    async def work(order: Order, stop: asyncio.Event) -> str:
        async with sessions.open_session(loaded, order.owner) as session:
            opened = {o.site.name: o for o in session.opened}
            held = Held(
                order.site, order.kind, order.fence, order.owner, 0.0, interrupted=order.interrupted
            )
            async with session.store.leases.borrowing(held):
                run = Run(order.run_id, order.actor, session.clock, stop)
                return await in_this_process(session.records, opened)(held, order.kind, run)

    async def command(stop: asyncio.Event) -> Exit:
        render.write_line(await obey(order, work, stop))
        return Exit.DONE

    raise typer.Exit(carry_out(command, gently=True))
