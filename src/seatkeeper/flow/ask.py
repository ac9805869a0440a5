"""Ask the engine for something in the name of a person: a run now, or seats given back.

Nothing is done here: the engine takes a request within seconds, and the ledger names who asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from seatkeeper.core.record import Actor, Released
from seatkeeper.core.request import Request, RequestKind, WhatToUndo
from seatkeeper.flow.ports import Plans, Requests
from seatkeeper.flow.returnable import seats_to_give_back


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and when."""

    by: Actor
    at: datetime


async def ask_run(site: str, requests: Requests, asked: Asked) -> Request:
    """Ask for one release cycle of a site now; the plan that comes of it names who asked.

    While one is queued for the site already, that one is returned. It approves nothing.
    """
    return await requests.ask(RequestKind.RUN, site, {}, asked.by, asked.at)


async def ask_check(site: str, requests: Requests, asked: Asked) -> Request:
    """Ask for a check of a site's connections now, and of what concerns every site.

    While one is queued for the site already, that one is returned.
    """
    return await requests.ask(RequestKind.CHECK, site, {}, asked.by, asked.at)


async def ask_undo(
    what: WhatToUndo, plans: Plans, requests: Requests, asked: Asked, site: str | None = None
) -> list[Request]:
    """Ask for seats back, by one request a site.

    Raises UsageError when there is nothing to give back.
    """
    by_site = await seats_to_give_back(plans, what, site)
    return [
        await requests.ask(RequestKind.UNDO, name, _payload(what, seats), asked.by, asked.at)
        for name, seats in by_site.items()
    ]


def _payload(what: WhatToUndo, seats: Sequence[Released]) -> dict[str, Any]:
    """Return what the engine is told; of one seat also whose it was, for the ledger."""
    user = seats[0].user if what.seat is not None else what.user
    told = {"plan": what.plan, "user": user, "seat": what.seat, "reason": what.reason or None}
    return {key: value for key, value in told.items() if value is not None}
