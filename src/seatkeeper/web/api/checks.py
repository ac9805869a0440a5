"""What `check` found of every connection: read, and asked for anew.

Nothing is checked here: a request is written down, and the daemon looks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from seatkeeper.core.findings import Area, Checked, State
from seatkeeper.core.roles import Permission
from seatkeeper.flow.ask import Asked, ask_check
from seatkeeper.web.api.once import Done, OnceOnly
from seatkeeper.web.api.requests import RequestLineOut, asked_for
from seatkeeper.web.api.shapes import CONFLICT, UNCHANGED, Shape
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.checked import checked_for
from seatkeeper.web.reach import READS, RUNS, site_named
from seatkeeper.web.who import desk_of, require

router = APIRouter(route_class=TaggedRoute, tags=["health"])


class FindingOut(Shape):
    """One thing that was looked at; a warning and a failure have their cure."""

    area: Area
    state: State
    text: str
    cure: str


class CheckedOut(Shape):
    """The findings of a site, or of what concerns every site (`site` empty), and their time."""

    site: str
    at: datetime
    by: str
    state: State
    findings: list[FindingOut]


class ChecksOut(Shape):
    """The newest findings, those of every site first."""

    items: list[CheckedOut]


class CheckIn(Shape):
    """Which site is to be checked, and with it what concerns every site."""

    site: Annotated[str, Field(max_length=200)]


@router.get("/checks", responses=UNCHANGED)
async def checks(request: Request, visitor: READS) -> ChecksOut:
    """Tell what the newest checks found; what concerns every site is for roles on every site."""
    found = await checked_for(desk_of(request), visitor)
    return ChecksOut(items=[_out(found[site]) for site in sorted(found)])


@router.post("/checks", status_code=202, responses=CONFLICT, response_model=RequestLineOut)
async def ask_for_check(
    request: Request, visitor: RUNS, wanted: CheckIn, once: OnceOnly
) -> Response:
    """Ask for a check now; `Location` leads to the request, which tells when it is done."""
    desk = desk_of(request)
    site = site_named(desk, visitor, wanted.site)
    require(visitor, Permission.RUN, site)

    async def work() -> Done:
        asked = Asked(desk.actor(visitor.identity), desk.now())
        return asked_for(await ask_check(site, desk.store.requests, asked))

    return await once.do(visitor, work)


def _out(checked: Checked) -> CheckedOut:
    return CheckedOut(
        site=checked.site,
        at=checked.at,
        by=checked.by,
        state=checked.worst,
        findings=[FindingOut.model_validate(one) for one in checked.findings],
    )
