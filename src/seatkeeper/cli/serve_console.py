"""The console beside the daemon: may it answer there, who can sign in, and the first link."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from seatkeeper.core.exposure import Exposure
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from seatkeeper.cli.session import Session
    from seatkeeper.core.health import Heartbeat

FIRST_LINK = timedelta(hours=24)
"""How long the link of a first start works, unless it is used before."""


async def open_console(
    session: Session,
    beat: Callable[[], Heartbeat],
    listener: socket.socket,
    stop: asyncio.Event,
) -> Coroutine[Any, Any, None]:
    """Return what serves the console until `stop`; raises UsageError where it may not answer.

    Where nobody could sign in yet, a link that works once is printed for the person at this
    machine.
    """
    from seatkeeper.web.app import make_app
    from seatkeeper.web.certificate import Certificate
    from seatkeeper.web.render import compile_templates
    from seatkeeper.web.server import address_of, serve

    console = session.settings.console
    if (refusal := (await _exposure(session)).refusal()) is not None:
        raise UsageError(refusal)
    certificate = Certificate(console.tls) if console.tls is not None else None
    desk = _desk(session, beat)
    address = console.public_url or address_of(listener, "https" if console.tls else "http")
    await _greet(session, address)
    app = make_app(desk, await session.store.pseudonyms.key())

    async def serving() -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(asyncio.to_thread(compile_templates), name="console: templates")
            both.create_task(serve(app, listener, stop, certificate=certificate), name="console")

    return serving()


async def _exposure(session: Session) -> Exposure:
    console = session.settings.console
    public = console.public_url or ""
    by_header = console.proxy is not None and console.proxy.user_header is not None
    others = console.oidc is not None or by_header
    return Exposure(
        listen=console.listen,
        tls=console.tls is not None,
        proxy=console.proxy is not None,
        sign_in=others or await session.store.accounts.count() > 0,
        https=console.tls is not None or public.startswith("https:"),
    )


def _desk(session: Session, beat: Callable[[], Heartbeat]) -> Any:
    from seatkeeper.web.desk import Desk

    console = session.settings.console
    public = console.public_url or ""
    return Desk(
        settings=session.settings,
        store=session.store,
        records=session.records,
        sites={o.site.name: o.site for o in session.opened},
        now=session.clock.now,
        beat=beat,
        secure=console.tls is not None or public.startswith("https:"),
    )


async def _greet(session: Session, address: str) -> None:
    from seatkeeper.cli import render
    from seatkeeper.core.roles import Grant, Role

    if (await _exposure(session)).sign_in:
        render.say(f"The console: {address}")
        return
    key = await session.store.sessions.make_link(
        [Grant(Role.ADMIN)], FIRST_LINK, session.clock.now()
    )
    render.say(
        "Nobody can sign in to the console yet. This link opens it once, within a day:\n"
        f"  {address}/welcome?key={key}"
    )
