"""`/plans`: every plan, one plan with its evidence, and what people decide about it.

Nothing here releases a seat: approvals and requests are written down, and the engine acts.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper.core.four_eyes import why_not_by
from seatkeeper.core.outcome import GrantOutcome
from seatkeeper.core.plan import Limit
from seatkeeper.core.record import StoredPlan
from seatkeeper.core.request import WhatToUndo
from seatkeeper.core.roles import Permission
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.flow.approve import Approval, approve, leave_out
from seatkeeper.flow.ask import Asked, ask_run, ask_undo
from seatkeeper.flow.reject import reject
from seatkeeper.store import RequestKind
from seatkeeper.web.desk import Desk
from seatkeeper.web.forms import note_of, read_form
from seatkeeper.web.found import found_plan
from seatkeeper.web.frame import chosen_site, four_eyes, frame_of
from seatkeeper.web.names import names_on, naming, note_names_seen
from seatkeeper.web.reach import DECIDES, READS, RUNS, UNDOES
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.render import page
from seatkeeper.web.views.plan import PlanView, plan_view
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter()


SHOWN = 100


@router.get("/plans", response_class=HTMLResponse)
async def plans(request: Request, visitor: READS, site: str | None = None) -> Response:
    """List the plans of a site, or of all."""
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "plans", chosen_site(desk, visitor, site))
    about = frame.about
    found = [
        line
        for name in about
        for line in await desk.store.plans.lines(frame.now, site=name, limit=SHOWN)
    ]
    requests = [r for r in await desk.store.requests.recent(20) if r.site in about]
    values = {
        "frame": frame,
        "plans": sorted(found, key=lambda p: p.created_at, reverse=True)[:SHOWN],
        "requests": [r for r in requests if not r.state.is_over or r.state == "failed"][:5],
        "moving": any(not r.state.is_over for r in requests),
        "names": naming(request, visitor, about),
        "done": note_of(request),
    }
    return page(request, "plans.html", values)


@router.post("/plans")
async def ask_for_plan(request: Request, visitor: RUNS) -> Response:
    """Ask the engine for a plan now."""
    desk, form = desk_of(request), await read_form(request)
    site = chosen_site(desk, visitor, form["site"])
    if site is None:
        raise NotFound("name the site that the plan is for")
    require(visitor, Permission.RUN, site)
    asked = Asked(desk.actor(visitor.identity), desk.now())
    await ask_run(site, desk.store.requests, asked)
    return RedirectResponse(f"/plans?site={site}&done=asked", 303)


@router.get("/plans/{plan_id}", response_class=HTMLResponse)
async def plan(request: Request, plan_id: str, visitor: READS) -> Response:
    """Show one plan."""
    stored = await found_plan(desk_of(request), visitor, plan_id)
    return await _page(request, visitor, stored)


@router.post("/plans/{plan_id}/leave-out", response_class=HTMLResponse)
async def leave_seats_out(request: Request, plan_id: str, visitor: DECIDES) -> Response:
    """Make a smaller plan without the ticked seats."""
    desk, form = desk_of(request), await read_form(request, ticks="out")
    stored = await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    if not form.ticked:
        return await _page(request, visitor, stored, _Said("Tick the seats to leave out."))
    actor = desk.actor(visitor.identity)
    approval = Approval(actor, form["reason"].strip(), without=form.ticked)
    try:
        site = desk.sites[stored.plan.site]
        smaller = await leave_out(plan_id, site, desk.records, approval, desk.now())
    except (NotAllowed, PlanStale, UsageError) as error:
        return await _again(request, visitor, plan_id, _Said(str(error), form["reason"]))
    return RedirectResponse(f"/plans/{smaller.plan.plan_id}?done=smaller", 303)


@router.post("/plans/{plan_id}/approve", response_class=HTMLResponse)
async def approve_plan(request: Request, plan_id: str, visitor: DECIDES) -> Response:
    """Approve a plan, past the limits that the form names."""
    desk, form = desk_of(request), await read_form(request, ticks="pass")
    stored = await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    if form.ticked:
        require(visitor, Permission.OVERRIDE, stored.plan.site)
    try:
        passing = tuple(Limit(limit) for limit in form.ticked if limit in set(Limit))
        actor = desk.actor(visitor.identity)
        approval = Approval(actor, form["reason"].strip(), passing)
        await approve(plan_id, desk.sites[stored.plan.site], desk.records, approval, desk.now())
    except (NotAllowed, PlanStale, UsageError) as error:
        return await _again(request, visitor, plan_id, _Said(str(error), form["reason"]))
    return RedirectResponse(f"/plans/{plan_id}?done=approved", 303)


@router.post("/plans/{plan_id}/reject", response_class=HTMLResponse)
async def reject_plan(request: Request, plan_id: str, visitor: DECIDES) -> Response:
    """Reject a plan with a reason."""
    desk, form = desk_of(request), await read_form(request)
    await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    actor = desk.actor(visitor.identity)
    try:
        await reject(plan_id, desk.store.plans, actor, form["reason"], desk.now())
    except (PlanStale, UsageError) as error:
        return await _again(request, visitor, plan_id, _Said(str(error), form["reason"]))
    return RedirectResponse(f"/plans/{plan_id}?done=rejected", 303)


@router.post("/plans/{plan_id}/undo", response_class=HTMLResponse)
async def undo_plan(request: Request, plan_id: str, visitor: UNDOES) -> Response:
    """Ask the engine to give one seat of a plan back, or all of them."""
    desk, form = desk_of(request), await read_form(request)
    stored = await found_plan(desk, visitor, plan_id, Permission.UNDO)
    seat, reason = form["seat"], form["reason"].strip()
    if not seat and not reason:
        fault = _Said("Write why everything is given back: it is kept.")
        return await _again(request, visitor, plan_id, fault)
    what = WhatToUndo(plan=plan_id, seat=seat or None, reason=reason)
    asked = Asked(desk.actor(visitor.identity), desk.now())
    store, site = desk.store, stored.plan.site
    try:
        await ask_undo(what, store.plans, store.requests, asked, site)
    except UsageError as error:
        return await _again(request, visitor, plan_id, _Said(str(error), reason))
    return RedirectResponse(f"/plans/{plan_id}?done=undo", 303)


@dataclass(frozen=True, slots=True)
class _Said:
    """A fault above the page, and what was typed, which stays."""

    fault: str = ""
    reason: str = ""


_NOTHING = _Said()


async def _again(request: Request, visitor: Visitor, plan_id: str, said: _Said) -> Response:
    stored = await found_plan(desk_of(request), visitor, plan_id)
    return await _page(request, visitor, stored, said, status=409)


async def _page(
    request: Request,
    visitor: Visitor,
    stored: StoredPlan,
    said: _Said = _NOTHING,
    status: int = 200,
) -> Response:
    desk, site = desk_of(request), stored.plan.site
    frame = await frame_of(request, visitor, "plans", site)
    names = names_on(request, visitor, site)
    if names.clear:
        await note_names_seen(desk, visitor, site, f"read plan {stored.plan.plan_id}")
    view = await plan_view(desk, stored, frame.now)
    may_undo = frame.may("undo")
    mine = why_not_by(stored.plan, visitor.identity.name) if four_eyes(desk) else ""
    values = {
        "frame": frame,
        "view": view,
        "names": names,
        "undoable": _undoable(view) if may_undo else (),
        "moving": view.moves or await _is_asked_back(desk, stored),
        "passable": all(one.violation.limit.overridable for one in view.broken),
        "four_eyes_why": mine,
        "fault": said.fault,
        "typed_reason": said.reason,
        "done": note_of(request),
    }
    return page(request, "plan.html", values, status)


async def _is_asked_back(desk: Desk, stored: StoredPlan) -> bool:
    """Tell whether the engine has yet to give seats of this plan's site back."""
    asked = await desk.store.requests.open_of(stored.plan.site)
    return any(one.kind is RequestKind.UNDO for one in asked)


def _undoable(view: PlanView) -> tuple[str, ...]:
    """Return the seats that were released and that nobody gave back, or is giving back."""
    seats = (seat.progress for seats in view.seats.values() for seat in seats)
    return tuple(
        one.action.allocation_id
        for one in seats
        if one is not None and one.outcome is not None and one.outcome.took_effect
        if one.given_back is None or one.given_back.outcome in _TRY_AGAIN
    )


_TRY_AGAIN = frozenset(
    {GrantOutcome.NO_FREE_SEAT, GrantOutcome.REFUSED, GrantOutcome.NOT_ATTEMPTED}
)
"""After these a person may ask again."""
