"""What was asked of the engine, what became of it, and the runs that applied plans."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field

from seatkeeper.core.request import Request as Asking
from seatkeeper.core.request import RequestKind, RequestState, WhatToUndo
from seatkeeper.core.roles import Permission
from seatkeeper.errors import UsageError
from seatkeeper.flow.ask import Asked, ask_undo
from seatkeeper.store import RequestQuery, RunQuery
from seatkeeper.web.api import shapes
from seatkeeper.web.api.cursors import opened, sealed
from seatkeeper.web.api.once import Done, OnceOnly
from seatkeeper.web.api.shapes import CONFLICT, UNCHANGED, Cursor, Name, Number, OfSite, Page, Shape
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.names import Names, names_on, note_names_seen
from seatkeeper.web.reach import READS, UNDOES, site_named, sites_asked
from seatkeeper.web.refusals import NotFound, Refusal
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter(route_class=TaggedRoute, tags=["requests"])


class RequestLineOut(Shape):
    """A request in short."""

    id: int
    kind: RequestKind
    site: str
    state: RequestState
    asked_by: str
    asked_at: datetime


class RequestOut(RequestLineOut):
    """A request with what it is about and what became of it; `said` tells it in words."""

    plan_id: str | None
    seat: str | None
    user: str | None
    reason: str
    taken_at: datetime | None
    ended_at: datetime | None
    said: str
    made_plan: str | None
    run_id: str | None


class RunOut(Shape):
    """One run that applied a plan; `complete` null: it goes on."""

    run_id: str
    plan_id: str
    site: str
    by: str
    started_at: datetime
    ended_at: datetime | None
    complete: bool | None
    note: str


class UndoIn(Shape):
    r"""Which seats are given back: those of a plan, of a person (`DIR\id`), of both, or one.

    `seat` is named together with its plan. Without a plan the site is needed.
    """

    plan_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    user: Annotated[str | None, Field(min_length=1, max_length=20_000)] = None
    seat: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    site: Annotated[str | None, Field(max_length=200)] = None
    reason: Annotated[shapes.Reason, Field(min_length=1)]


class Unclear(Refusal):
    """What is to be given back cannot be told."""

    status = 422
    title = "It is not clear what is to be given back"


class _AfterRequest(msgspec.Struct, tag="requests", forbid_unknown_fields=True):
    """The last request of the page before."""

    id: int


class _AfterRun(msgspec.Struct, tag="runs", forbid_unknown_fields=True):
    """The last run of the page before."""

    at: datetime
    run_id: str


@router.get("/requests", responses=UNCHANGED)
async def requests(  # noqa: PLR0913, PLR0917 - each is a part of the address
    request: Request,
    visitor: READS,
    site: OfSite = None,
    kind: RequestKind | None = None,
    state: RequestState | None = None,
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> Page[RequestOut]:
    """List what was asked of the engine, the newest first."""
    desk, place = desk_of(request), opened(request, cursor, _AfterRequest)
    sites = sites_asked(desk, visitor, site)
    query = RequestQuery(sites, kind, state, None if place is None else place.id)
    found = await desk.store.requests.listed(query, limit + 1)
    after = sealed(request, _AfterRequest(found[limit - 1].id)) if len(found) > limit else None
    shown = [(one, names_on(request, visitor, one.site)) for one in found[:limit]]
    for name in sorted({one.site for one, names in shown if names.clear and _names_a_user(one)}):
        await note_names_seen(desk, visitor, name, "read requests through the API")
    items = [_out(one, names) for one, names in shown]
    return Page(items=items, next=after)


@router.get("/requests/{request_id}", responses=UNCHANGED)
async def one_request(request: Request, visitor: READS, request_id: Number) -> RequestOut:
    """Show one request: its state, and what became of it."""
    desk = desk_of(request)
    try:
        found = await desk.store.requests.get(request_id)
    except UsageError:
        raise _no_such_request() from None
    if found.site not in desk.names(visitor.identity):
        raise _no_such_request()
    names = names_on(request, visitor, found.site)
    if names.clear and _names_a_user(found):
        user = str(found.payload["user"])
        await note_names_seen(desk, visitor, found.site, "read a request through the API", user)
    return _out(found, names)


@router.post("/undo-requests", status_code=202, responses=CONFLICT, response_model=RequestLineOut)
async def ask_for_return(
    request: Request, visitor: UNDOES, wanted: UndoIn, once: OnceOnly
) -> Response:
    """Ask the engine to give seats back: of a plan, of a person, or one."""
    desk = desk_of(request)
    site = await _site_of(desk, visitor, wanted)
    require(visitor, Permission.UNDO, site)
    what = _what(wanted)

    async def work() -> Done:
        asked = Asked(desk.actor(visitor.identity), desk.now())
        found = await ask_undo(what, desk.store.plans, desk.store.requests, asked, site)
        return asked_for(found[0])

    return await once.do(visitor, work)


@router.get("/runs", responses=UNCHANGED)
async def runs(
    request: Request,
    visitor: READS,
    site: OfSite = None,
    plan_id: str | None = None,
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> Page[RunOut]:
    """List the runs that applied plans, the newest first."""
    desk, place = desk_of(request), opened(request, cursor, _AfterRun)
    before = None if place is None else (place.at, place.run_id)
    query = RunQuery(sites_asked(desk, visitor, site), plan_id, before)
    found = await desk.store.plans.runs(query, limit + 1)
    shown, after = found[:limit], None
    if len(found) > limit:
        after = sealed(request, _AfterRun(shown[-1].started_at, shown[-1].run_id))
    return Page(items=[RunOut.model_validate(run) for run in shown], next=after)


@router.get("/runs/{run_id}", responses=UNCHANGED)
async def run(request: Request, visitor: READS, run_id: Name) -> RunOut:
    """Show one run; how far it is comes from `/plans/{plan_id}/progress`."""
    desk = desk_of(request)
    found = await desk.store.plans.run(run_id)
    if found is None or found.site not in desk.names(visitor.identity):
        raise NotFound("there is no run of that name, or your role does not reach its site")
    return RunOut.model_validate(found)


def asked_for(request: Asking) -> Done:
    """Answer that something was asked for: it names no person."""
    where = {"Location": f"/api/v1/requests/{request.id}"}
    return Done(_line(request), 202, where)


async def _site_of(desk: Desk, visitor: Visitor, wanted: UndoIn) -> str:
    """Return the site that is meant; raises NotFound, or Unclear when nothing tells."""
    if wanted.plan_id is None:
        if wanted.site is None:
            raise Unclear("name the site, or the plan")
        return site_named(desk, visitor, wanted.site)
    gone = NotFound("there is no plan of that name, or your role does not reach its site")
    try:
        site = (await desk.store.plans.pulse(wanted.plan_id, desk.now())).site
    except UsageError:
        raise gone from None
    if site not in desk.names(visitor.identity):
        raise gone
    if wanted.site is not None and site_named(desk, visitor, wanted.site) != site:
        raise Unclear(f"plan {wanted.plan_id} is of site {site}; leave the site out")
    return site


def _what(wanted: UndoIn) -> WhatToUndo:
    if not wanted.reason.strip():
        raise Unclear("write why: it is kept")
    try:
        return WhatToUndo(
            plan=wanted.plan_id, user=wanted.user, seat=wanted.seat, reason=wanted.reason.strip()
        )
    except ValueError as error:
        raise Unclear(str(error)) from None


def _names_a_user(request: Asking) -> bool:
    return bool(request.payload.get("user"))


def _no_such_request() -> NotFound:
    return NotFound("there is no such request, or your role does not reach its site")


def _line(request: Asking) -> RequestLineOut:
    return RequestLineOut(
        id=request.id,
        kind=request.kind,
        site=request.site,
        state=request.state,
        asked_by=request.actor.by,
        asked_at=request.asked_at,
    )


def _out(request: Asking, names: Names) -> RequestOut:
    payload, result = request.payload, request.result or {}
    user = str(payload.get("user") or "")
    said = str(result.get("said") or result.get("error") or "")
    return RequestOut(
        **_line(request).model_dump(),
        plan_id=payload.get("plan"),
        seat=payload.get("seat"),
        user=names.text(user) if user else None,
        reason=names.about(str(payload.get("reason") or ""), user),
        taken_at=request.taken_at,
        ended_at=request.ended_at,
        said=names.about(said, user),
        made_plan=result.get("plan_id") or None,
        run_id=result.get("run_id"),
    )
