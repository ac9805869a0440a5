"""Plans: read with every seat and its evidence, ask for one, approve, make smaller, reject.

Nothing here releases a seat: decisions and requests are written down, and the engine acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field

from seatkeeper.core.application import ActionProgress, Stage
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Action, Limit, Plan, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import StoredPlan, line_of
from seatkeeper.core.roles import Permission
from seatkeeper.errors import UsageError
from seatkeeper.flow.approve import Approval, approve, leave_out
from seatkeeper.flow.ask import Asked, ask_run
from seatkeeper.flow.reject import reject
from seatkeeper.store import PlanQuery
from seatkeeper.web.api import shapes
from seatkeeper.web.api.cursors import opened, part, sealed
from seatkeeper.web.api.once import Done, OnceOnly
from seatkeeper.web.api.reach import DECIDES, READS, RUNS, site_named, sites_asked
from seatkeeper.web.api.requests import RequestLineOut, asked_for
from seatkeeper.web.api.shapes import CONFLICT, UNCHANGED, Cursor, Name, OfSite, Page, Shape
from seatkeeper.web.api.tagged import IfMatch, TaggedRoute, require_match, tag_of
from seatkeeper.web.desk import Desk
from seatkeeper.web.names import Names, names_on, note_names_seen
from seatkeeper.web.refusals import NotFound, Refusal
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter(route_class=TaggedRoute, tags=["plans"])


class PlanLineOut(Shape):
    """A plan in short: `violations` are the limits that it breaks."""

    plan_id: str
    site: str
    status: PlanStatus
    created_at: datetime
    expires_at: datetime
    actions: int
    deferred: int
    violations: list[Limit]
    approved_by: str | None
    run_id: str | None
    ended_at: datetime | None
    note: str
    asked_by: str
    made_from: str | None


class ViolationOut(Shape):
    """A limit that the plan breaks, by which numbers, and the way out."""

    limit: Limit
    message: str
    way_out: str
    value: float | None
    allowed: float | None
    license_type: LicenseType | None
    overridable: bool


class WarningOut(Shape):
    """Something to know that blocks nothing."""

    code: str
    message: str


class PassedOut(Shape):
    """A limit that a person has set aside, why, and until when."""

    limit: Limit
    by: str
    reason: str
    until: datetime


class CountOut(Shape):
    """Of one license type: rows read, live seats, and seats that may go."""

    license_type: LicenseType
    rows: int
    live: int
    eligible: int


class PlanOut(PlanLineOut):
    """One plan; its seats come from `/plans/{plan_id}/seats`."""

    digest: str
    mode: Mode
    policy_digest: str
    approved_at: datetime | None
    approve_reason: str
    kept: dict[str, int]
    counts: list[CountOut]
    users: int
    left_out: int
    breaks: list[ViolationOut]
    warnings: list[WarningOut]
    passed: list[PassedOut]
    redacted: bool


class SeatList(StrEnum):
    """The lists of a plan."""

    ACTIONS = "actions"
    DEFERRED = "deferred"
    LEFT_OUT = "left_out"


class ReturnOut(Shape):
    """The newest try to give a seat back."""

    by: str
    why: str
    at: datetime
    outcome: GrantOutcome | None
    detail: str


class PlannedSeatOut(Shape):
    r"""One seat of a plan with the facts it was decided on, and how far its release has come."""

    seat: str
    license_type: LicenseType
    user: str
    ref: str
    reason: str
    created: datetime | None
    last_used: datetime | None
    idle_days: int
    stage: Stage | None = None
    at: datetime | None = None
    outcome: Outcome | None = None
    detail: str = ""
    given_back: ReturnOut | None = None
    left_out_by: str | None = None
    left_out_why: str = ""


class ProgressOut(Shape):
    """How far a plan has come; `version` differs whenever anything about it does."""

    plan_id: str
    site: str
    status: PlanStatus
    total: int
    waiting: int
    intended: int
    done: int
    outcomes: dict[Outcome, int]
    returning: int
    given_back: dict[GrantOutcome, int]
    version: str
    is_moving: bool
    run_id: str | None
    started_at: datetime | None
    started_by: str
    ended_at: datetime | None
    note: str


class RunIn(Shape):
    """Of which site a plan is wanted."""

    site: Annotated[str, Field(max_length=200)]


Seats = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=500)]],
    Field(max_length=1000, description="Ids of seats (`seat`) of this plan."),
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
    shown = plan_out(stored, clear=names_on(request, visitor, stored.plan.site).clear)
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
    rows = [*await _rows(desk, stored, names, list)]
    if names.clear:
        await note_names_seen(desk, visitor, site, f"read plan {plan_id} through the API")
    shown, after = part(request, f"{plan_id} {list.value}", rows, cursor, limit)
    return Page(items=[*shown], next=after)


@router.get("/plans/{plan_id}/progress", responses=UNCHANGED)
async def progress(request: Request, visitor: READS, plan_id: Name) -> ProgressOut:
    """Tell how far a plan has come: cheap enough to ask every second."""
    desk = desk_of(request)
    try:
        pulse = await desk.store.plans.pulse(plan_id, desk.now())
    except UsageError:
        raise no_such_plan() from None
    if pulse.site not in desk.names(visitor.identity):
        raise no_such_plan()
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
        require_match(if_match, plan_out(await found_plan(desk, visitor, plan_id)))
        wish = Approval(
            actor=desk.actor(visitor.identity),
            reason=approval.reason.strip(),
            passing=tuple(dict.fromkeys(approval.override)),
            without=tuple(approval.without),
        )
        site = desk.sites[stored.plan.site]
        return _decided(await approve(plan_id, site, desk.records, wish, desk.now()))

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
        require_match(if_match, plan_out(await found_plan(desk, visitor, plan_id)))
        actor, site = desk.actor(visitor.identity), desk.sites[stored.plan.site]
        wish = Approval(actor, wanted.reason.strip(), without=tuple(wanted.without))
        return _decided(await leave_out(plan_id, site, desk.records, wish, desk.now()), 201)

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
        require_match(if_match, plan_out(await found_plan(desk, visitor, plan_id)))
        actor = desk.actor(visitor.identity)
        plans_ = desk.store.plans
        return _decided(await reject(plan_id, plans_, actor, wanted.reason, desk.now()))

    return await once.do(visitor, work)


async def found_plan(
    desk: Desk, visitor: Visitor, plan_id: str, permission: Permission = Permission.READ
) -> StoredPlan:
    """Return a plan of a site that the visitor reaches; raises NotFound, or NotAllowedHere."""
    try:
        stored = await desk.store.plans.load(plan_id, desk.now())
    except UsageError:
        raise no_such_plan() from None
    if stored.plan.site not in desk.names(visitor.identity):
        raise no_such_plan()
    require(visitor, permission, stored.plan.site)
    return stored


def no_such_plan() -> NotFound:
    """Say that a plan is not there, or out of reach."""
    return NotFound("there is no plan of that name, or your role does not reach its site")


def plan_out(stored: StoredPlan, *, clear: bool = True) -> PlanOut:
    """Return a plan as the API shows it; who may not see names reads no sentence with one."""
    plan, line = stored.plan, PlanLineOut.model_validate(line_of(stored))
    return PlanOut(
        **line.model_dump(),
        digest=stored.recorded_digest,
        mode=plan.mode,
        policy_digest=plan.policy_digest,
        approved_at=stored.approved_at,
        approve_reason=stored.approve_reason,
        kept=plan.kept,
        counts=[CountOut.model_validate(count) for count in plan.counts],
        users=plan.users,
        left_out=len(plan.left_out),
        breaks=[*_breaks(plan, clear=clear)],
        warnings=[
            WarningOut(code=w.code, message=w.message if clear or w.code not in _NAMING else HIDDEN)
            for w in plan.warnings
        ],
        passed=[
            PassedOut(limit=o.limit, by=o.by, reason=o.reason, until=o.until)
            for o in plan.overridden
        ],
        redacted=stored.redacted,
    )


HIDDEN = "what this says may name a person, which your role does not see"

_NAMING = frozenset(
    {Limit.BLIND_EXEMPTION.value, "exemption_expired", "exemption_expires_soon", "unclear"}
)
"""What says which exemption or seat is meant, and so whose."""


def _breaks(plan: Plan, *, clear: bool) -> Iterator[ViolationOut]:
    for violation in plan.violations:
        shown = msgspec.structs.asdict(violation)
        if not clear and violation.limit in _NAMING:
            shown |= {"message": HIDDEN, "way_out": HIDDEN}
        yield ViolationOut(**shown, overridable=violation.limit.overridable)


def _decided(stored: StoredPlan, status: int = 200) -> Done:
    """Answer with the plan in short, and the ETag that it has now."""
    where = f"/api/v1/plans/{stored.plan.plan_id}"
    headers = {"Location": where, "ETag": tag_of(plan_out(stored))}
    return Done(PlanLineOut.model_validate(line_of(stored)), status, headers)


def _require_reason(reason: str, cure: str) -> None:
    if not reason.strip():
        raise ReasonMissing(cure)


async def _rows(
    desk: Desk, stored: StoredPlan, names: Names, which: SeatList
) -> Iterable[PlannedSeatOut]:
    if which is SeatList.DEFERRED:
        return [_row(action, names) for action in stored.plan.deferred]
    if which is SeatList.LEFT_OUT:
        return [
            _row(one.action, names).model_copy(
                update={"left_out_by": one.by, "left_out_why": one.reason, "at": one.at}
            )
            for one in stored.plan.left_out
        ]
    application = await desk.store.plans.application(stored.plan.plan_id, desk.now())
    return [_moving(one, names) for one in application.actions]


def _row(action: Action, names: Names) -> PlannedSeatOut:
    return PlannedSeatOut(
        seat=action.allocation_id,
        license_type=action.license_type,
        user=names.text(action.user),
        ref=names.seal.close(action.user),
        reason=action.reason,
        created=action.created,
        last_used=action.last_used,
        idle_days=action.idle_days,
    )


def _moving(one: ActionProgress, names: Names) -> PlannedSeatOut:
    back = None if one.given_back is None else ReturnOut.model_validate(one.given_back)
    told = {
        "stage": one.stage,
        "at": one.at,
        "outcome": one.outcome,
        "detail": one.detail,
        "given_back": back,
    }
    return _row(one.action, names).model_copy(update=told)
