"""Plans: read with every seat and its evidence, ask for one, approve, make smaller, reject.

Nothing here releases a seat: decisions and requests are written down, and the engine acts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field

from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.record import StoredPlan, line_of
from seatkeeper.core.roles import Permission
from seatkeeper.flow.approve import Approval, approve, leave_out
from seatkeeper.flow.ask import Asked, ask_run
from seatkeeper.flow.reject import reject
from seatkeeper.store import PlanQuery
from seatkeeper.web.api import shapes
from seatkeeper.web.api.cursors import opened, part, sealed
from seatkeeper.web.api.once import Done, OnceOnly
from seatkeeper.web.api.plan_shapes import (
    PlanLineOut,
    PlannedSeatOut,
    PlanOut,
    ProgressOut,
    SeatList,
    plan_out,
    seats_of,
    seats_out,
)
from seatkeeper.web.api.requests import RequestLineOut, asked_for
from seatkeeper.web.api.shapes import CONFLICT, UNCHANGED, Cursor, Name, OfSite, Page, Shape
from seatkeeper.web.api.tagged import IfMatch, TaggedRoute, require_match, tag_of
from seatkeeper.web.found import found_plan, found_pulse
from seatkeeper.web.names import names_on, note_names_seen
from seatkeeper.web.reach import DECIDES, READS, RUNS, site_named, sites_asked
from seatkeeper.web.refusals import Refusal
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter(route_class=TaggedRoute, tags=["plans"])


class RunIn(Shape):
    """Of which site a plan is wanted."""

    site: Annotated[str, Field(max_length=200)]


MOST_SEATS = 6000
"""Seats left out at once; the ids of more do not fit into one request."""

Seats = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=500)]],
    Field(max_length=MOST_SEATS, description="Ids of seats (`seat`) of this plan."),
]


class ApproveIn(Shape):
    """An approval; `override` names limits that are passed, for which a reason is needed."""

    reason: shapes.Reason = ""
    override: Annotated[list[Limit], Field(max_length=20, default_factory=list)]
    without: Annotated[Seats, Field(default_factory=list)]


class LeaveOutIn(Shape):
    """Which seats a smaller plan shall not have, and why."""

    without: Annotated[Seats, Field(min_length=1)]
    reason: shapes.Reason = ""


class RejectIn(Shape):
    """Why a plan is rejected."""

    reason: Annotated[shapes.Reason, Field(min_length=1)]


class ReasonMissing(Refusal):
    """Something that is kept with a reason came without one."""

    status = 422
    title = "A reason is missing"


class _After(msgspec.Struct, tag="plans", forbid_unknown_fields=True):
    """The last plan of the page before."""

    at: datetime
    plan_id: str


@router.get("/plans", responses=UNCHANGED)
async def plans(
    request: Request,
    visitor: READS,
    site: OfSite = None,
    status: PlanStatus | None = None,
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> Page[PlanLineOut]:
    """List plans, the newest first."""
    desk, place = desk_of(request), opened(request, cursor, _After)
    query = PlanQuery(
        sites_asked(desk, visitor, site),
        status,
        None if place is None else (place.at, place.plan_id),
    )
    found = await desk.store.plans.listed(query, desk.now(), limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    after = sealed(request, _After(shown[-1].created_at, shown[-1].plan_id)) if more else None
    return Page(items=[PlanLineOut.model_validate(line) for line in shown], next=after)


@router.post("/plans", status_code=202, responses=CONFLICT, response_model=RequestLineOut)
async def ask_for_plan(request: Request, visitor: RUNS, wanted: RunIn, once: OnceOnly) -> Response:
    """Ask the engine for a plan now: it reads the site anew. Nothing is released by asking."""
    desk = desk_of(request)
    site = site_named(desk, visitor, wanted.site)
    require(visitor, Permission.RUN, site)

    async def work() -> Done:
        asked = Asked(desk.actor(visitor.identity), desk.now())
        return asked_for(await ask_run(site, desk.store.requests, asked))

    return await once.do(visitor, work)


@router.get("/plans/{plan_id}", responses=UNCHANGED, response_model=PlanOut)
async def plan(request: Request, visitor: READS, plan_id: Name) -> Response:
    """Show one plan; its ETag goes into `If-Match` of a decision."""
    stored = await found_plan(desk_of(request), visitor, plan_id)
    names = names_on(request, visitor, stored.plan.site)
    if names.tells_of_somebody(stored.plan):
        said = f"read what plan {plan_id} says of people through the API"
        await note_names_seen(desk_of(request), visitor, stored.plan.site, said)
    shown = plan_out(stored, names)
    return Response(shown.model_dump_json(), media_type="application/json")


@router.get("/plans/{plan_id}/seats", responses=UNCHANGED)
async def seats(
    request: Request,
    visitor: READS,
    plan_id: Name,
    list: SeatList = SeatList.ACTIONS,  # noqa: A002 - the word of the address
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> Page[PlannedSeatOut]:
    """List the seats of a plan: those to release with their progress, deferred, or left out."""
    desk = desk_of(request)
    stored = await found_plan(desk, visitor, plan_id)
    site = stored.plan.site
    names = names_on(request, visitor, site)
    listed = seats_of(stored.plan, list)
    part_of, after = part(request, f"{plan_id} {list.value}", listed, cursor, limit)
    shown = await seats_out(desk, stored.plan, names, list, part_of)
    if names.clear:
        await note_names_seen(desk, visitor, site, f"read plan {plan_id} through the API")
    return Page(items=shown, next=after)


@router.get("/plans/{plan_id}/progress", responses=UNCHANGED)
async def progress(request: Request, visitor: READS, plan_id: Name) -> ProgressOut:
    """Tell how far a plan has come: cheap enough to ask every second."""
    desk = desk_of(request)
    pulse = await found_pulse(desk, visitor, plan_id)
    return ProgressOut.model_validate(pulse)


@router.post("/plans/{plan_id}/approve", responses=CONFLICT, response_model=PlanLineOut)
async def approve_plan(
    request: Request,
    visitor: DECIDES,
    plan_id: Name,
    approval: ApproveIn,
    once: OnceOnly,
    if_match: IfMatch = None,
) -> Response:
    """Approve a plan, whole or without some seats, past the limits that are named.

    Without some seats it is a smaller plan with its own id that is approved: `Location` leads
    to it.
    """
    desk = desk_of(request)
    stored = await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    if approval.override:
        require(visitor, Permission.OVERRIDE, stored.plan.site)
        _require_reason(approval.reason, "write why the limit is passed: it is kept, and shown")

    async def work() -> Done:
        await _require_match(request, visitor, plan_id, if_match)
        wish = Approval(
            actor=desk.actor(visitor.identity),
            reason=approval.reason.strip(),
            passing=tuple(dict.fromkeys(approval.override)),
            without=tuple(approval.without),
        )
        site = desk.sites[stored.plan.site]
        done = await approve(plan_id, site, desk.records, wish, desk.now())
        return _decided(request, visitor, done)

    return await once.do(visitor, work)


@router.post(
    "/plans/{plan_id}/leave-out", status_code=201, responses=CONFLICT, response_model=PlanLineOut
)
async def leave_seats_out(
    request: Request,
    visitor: DECIDES,
    plan_id: Name,
    wanted: LeaveOutIn,
    once: OnceOnly,
    if_match: IfMatch = None,
) -> Response:
    """Make a smaller plan without some seats, which waits as the other one does."""
    desk = desk_of(request)
    stored = await found_plan(desk, visitor, plan_id, Permission.DECIDE)

    async def work() -> Done:
        await _require_match(request, visitor, plan_id, if_match)
        actor, site = desk.actor(visitor.identity), desk.sites[stored.plan.site]
        wish = Approval(actor, wanted.reason.strip(), without=tuple(wanted.without))
        done = await leave_out(plan_id, site, desk.records, wish, desk.now())
        return _decided(request, visitor, done, 201)

    return await once.do(visitor, work)


@router.post("/plans/{plan_id}/reject", responses=CONFLICT, response_model=PlanLineOut)
async def reject_plan(
    request: Request,
    visitor: DECIDES,
    plan_id: Name,
    wanted: RejectIn,
    once: OnceOnly,
    if_match: IfMatch = None,
) -> Response:
    """Reject a plan that waits: nothing of it is ever released."""
    desk = desk_of(request)
    await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    _require_reason(wanted.reason, "write why: whoever looks at the next plan reads it")

    async def work() -> Done:
        await _require_match(request, visitor, plan_id, if_match)
        actor = desk.actor(visitor.identity)
        done = await reject(plan_id, desk.store.plans, actor, wanted.reason, desk.now())
        return _decided(request, visitor, done)

    return await once.do(visitor, work)


async def _require_match(
    request: Request, visitor: Visitor, plan_id: str, if_match: str | None
) -> None:
    stored = await found_plan(desk_of(request), visitor, plan_id)
    require_match(if_match, plan_out(stored, names_on(request, visitor, stored.plan.site)))


def _decided(request: Request, visitor: Visitor, stored: StoredPlan, status: int = 200) -> Done:
    """Answer with the plan in short, and the ETag that it has now."""
    where = f"/api/v1/plans/{stored.plan.plan_id}"
    shown = plan_out(stored, names_on(request, visitor, stored.plan.site))
    headers = {"Location": where, "ETag": tag_of(shown)}
    return Done(PlanLineOut.model_validate(line_of(stored)), status, headers)


def _require_reason(reason: str, cure: str) -> None:
    if not reason.strip():
        raise ReasonMissing(cure)
