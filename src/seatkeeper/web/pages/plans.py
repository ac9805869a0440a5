"""`/plans`: every plan, one plan with its evidence, and what people decide about it.

Nothing here releases a seat: approvals and requests are written down, and the engine acts.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper.core.four_eyes import why_not_by
from seatkeeper.core.model import LicenseType
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.record import StoredPlan
from seatkeeper.core.request import WhatToUndo
from seatkeeper.core.roles import Permission
from seatkeeper.core.smaller import least_idle
from seatkeeper.errors import NotAllowed, PlanStale, UsageError
from seatkeeper.flow.approve import Approval, approve, leave_out
from seatkeeper.flow.ask import Asked, ask_run, ask_undo
from seatkeeper.flow.reject import reject
from seatkeeper.store import RequestKind
from seatkeeper.web.desk import Desk
from seatkeeper.web.forms import note_of, read_form
from seatkeeper.web.found import found_plan, found_pulse
from seatkeeper.web.frame import chosen_site, four_eyes, frame_of, zone_of
from seatkeeper.web.names import names_on, naming, note_names_seen
from seatkeeper.web.reach import DECIDES, READS, RUNS, UNDOES
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.render import page
from seatkeeper.web.said import Said, Sayings
from seatkeeper.web.views.plan import PlanView, is_moving, plan_view
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
    recent = await desk.store.requests.recent(20)
    requests = [r for r in recent if r.site in about and r.kind is not RequestKind.CHECK]
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
    return RedirectResponse(f"/plans?{urlencode({'site': site, 'done': 'asked'})}", 303)


@router.get("/plans/{plan_id}", response_class=HTMLResponse)
async def plan(
    request: Request, plan_id: str, visitor: READS, seats: str = "", said: str = ""
) -> Response:
    """Show one plan; `seats` is the number of the first seat, `said` what a form led to."""
    stored = await found_plan(desk_of(request), visitor, plan_id)
    first = int(seats) if seats.isdecimal() and len(seats) < 8 else 1
    return await _page(request, visitor, stored, first, said)


@router.get("/plans/{plan_id}/progress", response_class=HTMLResponse)
async def progress(request: Request, plan_id: str, visitor: READS) -> Response:
    """Show how far a plan has come, and nothing else: a page that moves asks for it."""
    desk = desk_of(request)
    pulse = await found_pulse(desk, visitor, plan_id)
    values = {
        "pulse": pulse,
        "part": is_moving(pulse),
        "freeze": await desk.store.control.frozen(desk.now()),
        "zone": zone_of(desk.settings.site(pulse.site)),
    }
    return page(request, "plan_progress.html", values)


@router.post("/plans/{plan_id}/leave-out")
async def leave_seats_out(request: Request, plan_id: str, visitor: DECIDES) -> Response:
    """Make a smaller plan without the ticked seats, or without the least idle of a type."""
    desk, form = desk_of(request), await read_form(request, ticks="out")
    stored = await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    name, number = ("least", form["least"].strip()) if "least" in form.typed else ("out", "")
    typed = Said(form=name, reason=form["reason"], number=number, ticked=frozenset(form.ticked))
    out = _least(stored, number, form["type"]) if name == "least" else form.ticked
    if not out:
        fault = "Write how many seats to leave out." if name == "least" else _NO_TICK
        return _back(request, visitor, plan_id, replace(typed, fault=fault))
    approval = Approval(desk.actor(visitor.identity), form["reason"].strip(), without=out)
    try:
        site = desk.sites[stored.plan.site]
        smaller = await leave_out(plan_id, site, desk.records, approval, desk.now())
    except (NotAllowed, PlanStale, UsageError) as error:
        return _back(request, visitor, plan_id, replace(typed, fault=str(error)))
    return _back(request, visitor, smaller.plan.plan_id, Said(done="smaller"))


_NO_TICK = "Tick the seats to leave out."


def _least(stored: StoredPlan, number: str, kind: str) -> tuple[str, ...]:
    """Return the ids of the least idle seats of a type; none when that makes no sense."""
    if not number.isdecimal() or len(number) > 7 or kind not in set(LicenseType):
        return ()
    found = least_idle(stored.plan, LicenseType(kind), int(number))
    return tuple(action.allocation_id for action in found)


@router.post("/plans/{plan_id}/approve")
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
        typed = Said(fault=str(error), form="approve", reason=form["reason"])
        return _back(request, visitor, plan_id, typed)
    return _back(request, visitor, plan_id, Said(done="approved"))


@router.post("/plans/{plan_id}/reject")
async def reject_plan(request: Request, plan_id: str, visitor: DECIDES) -> Response:
    """Reject a plan with a reason."""
    desk, form = desk_of(request), await read_form(request)
    await found_plan(desk, visitor, plan_id, Permission.DECIDE)
    actor = desk.actor(visitor.identity)
    try:
        await reject(plan_id, desk.store.plans, actor, form["reason"], desk.now())
    except (PlanStale, UsageError) as error:
        typed = Said(fault=str(error), form="reject", reason=form["reason"])
        return _back(request, visitor, plan_id, typed)
    return _back(request, visitor, plan_id, Said(done="rejected"))


@router.post("/plans/{plan_id}/undo")
async def undo_plan(request: Request, plan_id: str, visitor: UNDOES) -> Response:
    """Ask the engine to give one seat of a plan back, or all of them."""
    desk, form = desk_of(request), await read_form(request)
    stored = await found_plan(desk, visitor, plan_id, Permission.UNDO)
    seat, reason = form["seat"], form["reason"].strip()
    if not seat and not reason:
        fault = Said(fault="Write why everything is given back: it is kept.", form="undo")
        return _back(request, visitor, plan_id, fault)
    what = WhatToUndo(plan=plan_id, seat=seat or None, reason=reason)
    asked = Asked(desk.actor(visitor.identity), desk.now())
    store, site = desk.store, stored.plan.site
    try:
        await ask_undo(what, store.plans, store.requests, asked, site)
    except UsageError as error:
        fault = Said(fault=str(error), form="undo", reason=reason)
        return _back(request, visitor, plan_id, fault)
    return _back(request, visitor, plan_id, Said(done="undo"))


def _back(request: Request, visitor: Visitor, plan_id: str, said: Said) -> Response:
    """Lead to the plan, which says what came of the form."""
    sayings: Sayings = request.app.state.sayings
    word = sayings.keep(said, visitor.identity, desk_of(request).now())
    return RedirectResponse(f"/plans/{quote(plan_id, safe='')}?said={word}", 303)


async def _page(
    request: Request, visitor: Visitor, stored: StoredPlan, first: int, word: str
) -> Response:
    desk, site = desk_of(request), stored.plan.site
    frame = await frame_of(request, visitor, "plans", site)
    names = names_on(request, visitor, site)
    if names.clear:
        await note_names_seen(desk, visitor, site, f"read plan {stored.plan.plan_id}")
    view = await plan_view(desk, stored, frame.now, first)
    sayings: Sayings = request.app.state.sayings
    said = sayings.find(word, visitor.identity, frame.now)
    moving = view.moves or await _is_asked_back(desk, stored)
    mine = why_not_by(stored.plan, visitor.identity.person) if four_eyes(desk) else ""
    values = {
        "frame": frame,
        "view": view,
        "names": names,
        "undoable": frozenset(view.undoable) if frame.may("undo") else frozenset(),
        "moving": moving,
        "bare": 2 if view.moves else 10,
        "passable": all(one.violation.limit.overridable for one in view.broken),
        "four_eyes_why": mine,
        "said": said,
        "done": said.done if _fits(said.done, view, moving=moving) else "",
    }
    return page(request, "plan.html", values)


def _fits(done: str, view: PlanView, *, moving: bool) -> bool:
    """Whether what a form did is still what the page is about."""
    status = view.stored.status
    return {
        "approved": status in (PlanStatus.APPROVED, PlanStatus.APPLYING),
        "rejected": status is PlanStatus.REJECTED,
        "smaller": view.waits,
        "undo": moving,
    }.get(done, False)


async def _is_asked_back(desk: Desk, stored: StoredPlan) -> bool:
    """Tell whether the engine has yet to give seats of this plan back."""
    asked = await desk.store.requests.open_of(stored.plan.site)
    plan_id = stored.plan.plan_id
    return any(r.kind is RequestKind.UNDO and r.payload.get("plan") == plan_id for r in asked)
