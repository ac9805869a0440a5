"""`serve`: the daemon. It reads and plans on schedule, and releases as each site's mode allows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out

if TYPE_CHECKING:
    from seatkeeper.config import Loaded


def serve(ctx: typer.Context, *, config: options.Config = None) -> None:
    """Run the daemon: monitoring, scheduled plans, approved releases, health pages."""
    from seatkeeper.cli import session as sessions
    from seatkeeper.engine.placing import LARGE

    raise typer.Exit(run_daemon(sessions.read_config(ctx, config), LARGE))


def run_daemon(loaded: Loaded, large: int) -> Exit:
    """Run the daemon until it is asked to end; `large`: see `engine_of`."""
    from seatkeeper import logs
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.serve_console import open_console
    from seatkeeper.cli.serve_events import announcing_of
    from seatkeeper.cli.serve_metrics import metrics_listener, metrics_works
    from seatkeeper.engine.checking import Checking
    from seatkeeper.engine.daemon import engine_of, together_until
    from seatkeeper.engine.telling import keep_telling
    from seatkeeper.engine.watching import keep_watching
    from seatkeeper.web.server import address_of, bind
    from seatkeeper.wiring.alarms import alarm_of
    from seatkeeper.wiring.telling import open_sinks

    log = logs.logger()

    async def command(stop: asyncio.Event) -> Exit:
        async with sessions.open_session(loaded) as session:
            opened = {o.site.name: o for o in session.opened}
            engine = engine_of(
                session.store, session.records, opened, session.clock, loaded.path, large
            )
            checking = Checking(session.store, loaded, opened, session.clock, log, large)
            console = await open_console(session, engine.state.beat, listener, stop)
            log.info("daemon.started", listen=address_of(listener), sites=len(opened))
            async with open_sinks(loaded.settings, session.clock) as sinks:
                await together_until(
                    stop,
                    engine=engine.work(stop),
                    telling=keep_telling(sinks, session.store.outbox, session.clock, stop, log),
                    watching=keep_watching(
                        alarm_of(loaded.settings, session.store),
                        list(opened),
                        session.clock,
                        stop,
                        log,
                    ),
                    announcing=announcing_of(session, stop),
                    checking=checking.work(stop),
                    web=console,
                    **metrics_works(scraped, session, stop),
                )
            log.info("daemon.ended")
            return Exit.DONE

    with (
        bind(loaded.settings.console.listen) as listener,
        metrics_listener(loaded.settings) as scraped,
    ):
        return carry_out(command, gently=True)


def job(ctx: typer.Context, *, config: options.Config = None) -> None:
    """Do one job for the daemon that started this process (the order comes on stdin)."""
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions
    from seatkeeper.engine.child import Order, obey, read_order
    from seatkeeper.engine.daemon import carry_out_order
    from seatkeeper.engine.jobs import JobResult
    from seatkeeper.flow.context import Run

    loaded = sessions.read_config(ctx, config, warn=False)
    order = read_order()

    async def command(stop: asyncio.Event) -> Exit:
        async def work(order: Order) -> JobResult:
            async with sessions.open_session(loaded, order.owner) as session:
                opened = {o.site.name: o for o in session.opened}
                run = Run(
                    order.run_id,
                    order.actor,
                    session.clock,
                    stop,
                    asked_by=order.asked_by,
                    by_request=order.by_request,
                )
                return await carry_out_order(order, session.store, session.records, opened, run)

        render.write_line(await obey(order, work, stop))
        return Exit.DONE

    raise typer.Exit(carry_out(command, gently=True))
