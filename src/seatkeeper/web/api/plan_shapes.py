"""Plans as the API shows them: a line, the whole, its seats, how far it has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from seatkeeper.core.application import ActionProgress, Stage
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Action, LeftOut, Limit, Plan, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import StoredPlan, line_of
from seatkeeper.web.api.shapes import Shape
from seatkeeper.web.desk import Desk
from seatkeeper.web.names import Names


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


def plan_out(stored: StoredPlan, names: Names) -> PlanOut:
    """Return a plan as the API shows it to one visitor."""
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
        breaks=[*_breaks(plan, names)],
        warnings=[
            WarningOut(code=w.code, message=names.sentence(w.code, w.message))
            for w in plan.warnings
        ],
        passed=[
            PassedOut(limit=o.limit, by=o.by, reason=o.reason, until=o.until)
            for o in plan.overridden
        ],
        redacted=stored.redacted,
    )


def _breaks(plan: Plan, names: Names) -> Iterator[ViolationOut]:
    for violation in plan.violations:
        code, shown = violation.limit.value, msgspec.structs.asdict(violation)
        shown |= {key: names.sentence(code, shown[key]) for key in ("message", "way_out")}
        yield ViolationOut(**shown, overridable=violation.limit.overridable)


def seats_of(plan: Plan, which: SeatList) -> Sequence[Action | LeftOut]:
    """Return one list of a plan, as it was planned."""
    if which is SeatList.DEFERRED:
        return plan.deferred
    return plan.left_out if which is SeatList.LEFT_OUT else plan.actions


async def seats_out(
    desk: Desk, plan: Plan, names: Names, which: SeatList, seats: Sequence[Action | LeftOut]
) -> list[PlannedSeatOut]:
    """Return a part of one list of a plan; releases with how far they have come."""
    left_out = [_left_out(one, names) for one in seats if isinstance(one, LeftOut)]
    actions = [one for one in seats if isinstance(one, Action)]
    if which is not SeatList.ACTIONS:
        return left_out + [_row(action, names) for action in actions]
    moving = await desk.store.plans.progress_of(plan.plan_id, actions)
    return [_moving(one, names) for one in moving]


def _left_out(one: LeftOut, names: Names) -> PlannedSeatOut:
    told = {"left_out_by": one.by, "left_out_why": one.reason, "at": one.at}
    return _row(one.action, names).model_copy(update=told)


def _row(action: Action, names: Names) -> PlannedSeatOut:
    return PlannedSeatOut(
        seat=action.allocation_id,
        license_type=action.license_type,
        user=names.text(action.user),
        ref=names.ref(action.user),
        reason=action.reason,
        created=action.created,
        last_used=action.last_used,
        idle_days=action.idle_days,
    )


def _moving(one: ActionProgress, names: Names) -> PlannedSeatOut:
    user, back = one.action.user, None
    if (given := one.given_back) is not None:
        hidden = {"why": names.about(given.why, user), "detail": names.about(given.detail, user)}
        back = ReturnOut.model_validate(given).model_copy(update=hidden)
    told = {
        "stage": one.stage,
        "at": one.at,
        "outcome": one.outcome,
        "detail": names.about(one.detail, user),
        "given_back": back,
    }
    return _row(one.action, names).model_copy(update=told)
