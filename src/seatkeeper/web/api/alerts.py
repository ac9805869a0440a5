"""Alerts as they stand, and silences: who asked not to be told of what, and until when."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.alert_text import runbook_of
from seatkeeper.core.alerts import MOST_SILENCE, Alert, AlertState, Silence
from seatkeeper.core.roles import Permission
from seatkeeper.web.api import shapes
from seatkeeper.web.api.cursors import part
from seatkeeper.web.api.once import Done, OnceOnly
from seatkeeper.web.api.shapes import CONFLICT, UNCHANGED, Cursor, Number, OfSite, Page, Shape
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.reach import READS, SILENCES, reaches, site_named, sites_asked
from seatkeeper.web.refusals import NotAllowedHere, NotFound, Refusal
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter(route_class=TaggedRoute, tags=["alerts"])

RULES = frozenset(ABOUT)


class AlertOut(Shape):
    """One alert; `site` is empty for one about Seatkeeper itself, `silence` hides it now."""

    id: str
    rule: str
    title: str
    site: str
    subject: str
    severity: Severity
    state: AlertState
    says: str
    values: dict[str, float | str]
    since: datetime
    seen: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    runbook: str
    silence: int | None


class SilenceOut(Shape):
    """One silence; a null part of `rule`, `site` and `severity` means every one."""

    id: int
    by: str
    reason: str
    at: datetime
    until: datetime
    rule: str | None
    site: str | None
    severity: Severity | None
    ended_by: str


class SilenceIn(Shape):
    """What nobody shall be told of, for how long, and why."""

    minutes: Annotated[int, Field(ge=1, le=MOST_SILENCE // timedelta(minutes=1))]
    reason: Annotated[shapes.Reason, Field(min_length=1)]
    rule: Annotated[str, Field(json_schema_extra={"enum": sorted(RULES)})] | None = None
    site: Annotated[str | None, Field(max_length=200)] = None
    severity: Severity | None = None


class LiftIn(Shape):
    """Why a silence is lifted."""

    reason: shapes.Reason = ""


class SilenceUnclear(Refusal):
    """A silence that nobody can mean."""

    status = 422
    title = "It is not clear what is to be silenced"


@router.get("/alerts", responses=UNCHANGED)
async def alerts(  # noqa: PLR0913, PLR0917 - each is a part of the address
    request: Request,
    visitor: READS,
    site: OfSite = None,
    state: AlertState | None = None,
    rule: Annotated[str | None, Query(max_length=100)] = None,
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> Page[AlertOut]:
    """List alerts by site and rule; those that are over are kept for 90 days.

    Those of no site are for roles on every site.
    """
    desk = desk_of(request)
    about = {*sites_asked(desk, visitor, site)}
    if site is None and reaches(desk, visitor, ""):
        about.add("")
    found = [
        alert
        for alert in await desk.store.alerts.all()
        if alert.key.site in about
        and state in (None, alert.state)
        and rule in (None, alert.key.rule)
    ]
    shown, after = part(request, f"alerts {site} {state} {rule}", found, cursor, limit)
    silences = await desk.store.alerts.silences(desk.now())
    return Page(items=[_alert(desk, one, silences) for one in shown], next=after)


@router.get("/silences", responses=UNCHANGED)
async def silences(
    request: Request,
    visitor: READS,
    site: OfSite = None,
    cursor: Cursor = "",
    limit: shapes.Limit = 50,
) -> Page[SilenceOut]:
    """List the silences that hold, those of every site among them."""
    desk = desk_of(request)
    about = {name.casefold() for name in sites_asked(desk, visitor, site)}
    held = await desk.store.alerts.silences(desk.now())
    found = [one for one in held if one.site is None or one.site.casefold() in about]
    shown, after = part(request, f"silences {site}", found, cursor, limit)
    return Page(items=[SilenceOut.model_validate(one) for one in shown], next=after)


@router.post("/silences", status_code=201, responses=CONFLICT, response_model=SilenceOut)
async def silence(
    request: Request, visitor: SILENCES, wanted: SilenceIn, once: OnceOnly
) -> Response:
    """Silence a rule, a severity, a site or everything for a while."""
    desk = desk_of(request)
    site = _site_to_silence(desk, visitor, wanted.site)
    if wanted.rule is not None and wanted.rule not in RULES:
        raise SilenceUnclear(f"there is no such rule; there are {', '.join(sorted(RULES))}")
    if not wanted.reason.strip():
        raise SilenceUnclear("write why: it stands in the ledger beside your name")

    async def work() -> Done:
        now = desk.now()
        wish = Silence(
            by=visitor.identity.name,
            reason=" ".join(wanted.reason.split()),
            at=now,
            until=now + timedelta(minutes=wanted.minutes),
            rule=wanted.rule,
            site=site,
            severity=wanted.severity,
        )
        kept = await desk.store.alerts.silence(wish, desk.actor(visitor.identity))
        return Done(SilenceOut.model_validate(kept), 201)

    return await once.do(visitor, work)


@router.post("/silences/{silence_id}/lift", responses=CONFLICT, response_model=SilenceOut)
async def lift(
    request: Request, visitor: SILENCES, silence_id: Number, wanted: LiftIn, once: OnceOnly
) -> Response:
    """Lift a silence now."""
    desk = desk_of(request)

    async def work() -> Done:
        await _require_lift(desk, visitor, silence_id)
        actor = desk.actor(visitor.identity)
        ended = await desk.store.alerts.unsilence(silence_id, actor, wanted.reason, desk.now())
        return Done(SilenceOut.model_validate(ended))

    return await once.do(visitor, work)


def _site_to_silence(desk: Desk, visitor: Visitor, site: str | None) -> str | None:
    """Return the site as it is configured; raises NotFound, or NotAllowedHere."""
    if site is None:
        if not visitor.identity.may(Permission.SILENCE):
            raise NotAllowedHere(Permission.SILENCE, None)
        return None
    name = site_named(desk, visitor, site)
    require(visitor, Permission.SILENCE, name)
    return name


async def _require_lift(desk: Desk, visitor: Visitor, silence_id: int) -> None:
    gone = NotFound("no silence of this number holds, or your role does not reach its site")
    held = await desk.store.alerts.silences(desk.now())
    found = next((one for one in held if one.id == silence_id), None)
    if found is None:
        raise gone
    if found.site is None:
        if not visitor.identity.may(Permission.SILENCE):
            raise NotAllowedHere(Permission.SILENCE, None)
        return
    if not visitor.identity.may(Permission.READ, found.site):
        raise gone
    require(visitor, Permission.SILENCE, found.site)


def _alert(desk: Desk, alert: Alert, silences: list[Silence]) -> AlertOut:
    about, now = ABOUT.get(alert.key.rule), desk.now()
    hiding = next((one.id for one in silences if one.hides(alert, now)), None)
    return AlertOut(
        id=hashlib.sha256(alert.key.text.encode()).hexdigest()[:16],
        rule=alert.key.rule,
        title=about.title if about else alert.key.rule,
        site=alert.key.site,
        subject=alert.key.subject,
        severity=alert.severity,
        state=alert.state,
        says=alert.says,
        values=dict(alert.values),
        since=alert.since,
        seen=alert.seen,
        fired_at=alert.fired_at,
        resolved_at=alert.resolved_at,
        runbook=runbook_of(alert.key.rule, desk.settings.alerts.runbooks),
        silence=hiding if alert.is_on else None,
    )
