"""Ask the daemon for something: what `run` and `undo` do with `--queue`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.exits import Exit
from seatkeeper.cli.options import Output
from seatkeeper.cli.render import line, show
from seatkeeper.cli.running import carry_out
from seatkeeper.cli.session import open_store_of, settings_of
from seatkeeper.config import Loaded
from seatkeeper.core.record import Actor
from seatkeeper.core.request import Request, WhatToUndo
from seatkeeper.flow.ask import Asked, ask_run, ask_undo
from seatkeeper.store import Store
from seatkeeper.wiring.clock import SystemClock

if TYPE_CHECKING:
    from rich.console import RenderableType


Asking = Callable[[Store, datetime], Awaitable[list[Request]]]


@dataclass(frozen=True, slots=True)
class QueuedView:
    """Requests that have just been made."""

    requests: Sequence[Request]

    def data(self) -> Any:
        """Return one object a request."""
        return {"requests": [request_data(request) for request in self.requests]}

    def drawing(self) -> Sequence[RenderableType]:
        """Return one line a request, and what happens next."""
        asked = [line(f"request {r.id}: {r.kind} on site {r.site}") for r in self.requests]
        return [
            *asked,
            line("If a daemon runs, it takes it within 5 seconds; see `seatkeeper status`."),
            line("It lapses after a day."),
        ]


def request_data(request: Request) -> dict[str, Any]:
    """Return a request as JSON, with what became of it."""
    return {
        "id": request.id,
        "kind": request.kind,
        "site": request.site,
        "state": request.state,
        "by": request.actor.by,
        "asked_at": request.asked_at,
        "ended_at": request.ended_at,
        "result": request.result,
    }


def request_words(request: Request) -> str:
    """Return a request in one line, with what became of it."""
    result = request.result or {}
    said = result.get("said") or result.get("error") or ""
    return f"{request.id} {request.kind} by {request.actor.by}: {request.state}" + (
        f", {said}" if said else ""
    )


def queue_runs(loaded: Loaded, site: str | None, actor: Actor, output: Output) -> Exit:
    """Ask for one release cycle of the site, or of every site."""
    sites = [one.name for one in settings_of(loaded, site)]

    async def ask(store: Store, now: datetime) -> list[Request]:
        return [await ask_run(name, store.requests, Asked(actor, now)) for name in sites]

    return _queue(loaded, ask, output)


def queue_undo(
    loaded: Loaded, what: WhatToUndo, site: str | None, actor: Actor, output: Output
) -> Exit:
    """Ask for seats back, by one request a site."""
    only = settings_of(loaded, site)[0].name if site is not None else None

    async def ask(store: Store, now: datetime) -> list[Request]:
        return await ask_undo(what, store.plans, store.requests, Asked(actor, now), only)

    return _queue(loaded, ask, output)


def _queue(loaded: Loaded, ask: Asking, output: Output) -> Exit:
    async def command(_stop: asyncio.Event) -> Exit:
        with open_store_of(loaded) as store:
            show(QueuedView(await ask(store, SystemClock().now())), output)
        return Exit.DONE

    return carry_out(command)
