"""`/alerts`: what fires, what is over, and who asked not to be told."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.alert_text import runbook_of
from seatkeeper.core.alerts import MOST_SILENCE, Alert, AlertState, Silence
from seatkeeper.core.roles import Permission
from seatkeeper.web.desk import Desk
from seatkeeper.web.forms import Form, note_of, read_form
from seatkeeper.web.frame import Frame, chosen_site, frame_of
from seatkeeper.web.reach import READS, SILENCES
from seatkeeper.web.refusals import NotAllowedHere
from seatkeeper.web.render import page
from seatkeeper.web.who import Visitor, desk_of, require

router = APIRouter()

SHOWN = 50
"""So many alerts that are over are shown."""


@router.get("/alerts", response_class=HTMLResponse)
async def alerts(
    request: Request,
    visitor: READS,
    site: str | None = None,
) -> Response:
    """Show alerts and silences of a site, or of all."""
    chosen = chosen_site(desk_of(request), visitor, site)
    return await _page(request, visitor, chosen, Form())


@router.post("/alerts/silences", response_class=HTMLResponse)
async def silence(request: Request, visitor: SILENCES) -> Response:
    """Silence a rule, a severity or everything, on one site or all, for a while."""
    desk, form = desk_of(request), await read_form(request)
    names = desk.names(visitor.identity)
    site = form.choice("about", names, empty=True) or None
    if site is not None and form.is_good:
        site = next(name for name in names if name == site)
    if not visitor.identity.may(Permission.SILENCE, site):
        raise NotAllowedHere(Permission.SILENCE, site)
    rule = form.choice("rule", tuple(ABOUT), empty=True) or None
    severity = form.choice("severity", tuple(Severity), empty=True) or None
    length = form.length("length", MOST_SILENCE)
    reason = form.reason(wanted="Write why: it stands in the ledger beside your name.")
    if not form.is_good:
        return await _page(request, visitor, site, form, status=422)
    now = desk.now()
    wish = Silence(
        by=visitor.identity.name,
        reason=reason,
        at=now,
        until=now + length,
        rule=rule,
        site=site,
        severity=Severity(severity) if severity else None,
    )
    await desk.store.alerts.silence(wish, desk.actor(visitor.identity))
    return _back(site, "silenced")


@router.post("/alerts/silences/{silence_id}/end", response_class=HTMLResponse)
async def end_silence(
    request: Request,
    silence_id: int,
    visitor: SILENCES,
) -> Response:
    """Lift a silence."""
    desk, form = desk_of(request), await read_form(request)
    now = desk.now()
    held = next((s for s in await desk.store.alerts.silences(now) if s.id == silence_id), None)
    if held is not None and held.site is not None:
        require(visitor, Permission.SILENCE, held.site)
    elif held is not None and not visitor.identity.may(Permission.SILENCE):
        raise NotAllowedHere(Permission.SILENCE, None)
    actor = desk.actor(visitor.identity)
    ended = await desk.store.alerts.unsilence(silence_id, actor, form["reason"], now)
    return _back(ended.site, "lifted")


def _back(site: str | None, done: str) -> Response:
    return RedirectResponse("/alerts?" + urlencode({"site": site or "all", "done": done}), 303)


async def _page(
    request: Request, visitor: Visitor, site: str | None, form: Form, status: int = 200
) -> Response:
    desk = desk_of(request)
    frame = await frame_of(request, visitor, "alerts", site)
    found = [a for a in frame.alerts if a.key.site in frame.alert_sites]
    silences = [s for s in await desk.store.alerts.silences(frame.now) if _concerns(s, frame)]
    values = {
        "frame": frame,
        "firing": sorted((a for a in found if a.state is AlertState.FIRING), key=_worst_first),
        "pending": [a for a in found if a.state is AlertState.PENDING],
        "over": _newest(found)[:SHOWN],
        "silences": silences,
        "about": ABOUT,
        "runbook": lambda rule: _runbook(desk, rule),
        "silenced": lambda alert: next((s for s in silences if s.hides(alert, frame.now)), None),
        "form": form,
        "done": note_of(request),
    }
    return page(request, "alerts.html", values, status)


def _runbook(desk: Desk, rule: str) -> tuple[str, bool]:
    """Return where the page of a rule lies, and whether a browser can open it."""
    where = runbook_of(rule, desk.settings.alerts.runbooks)
    return where, where.startswith(("https://", "http://"))


def _concerns(silence: Silence, frame: Frame) -> bool:
    if silence.site is None:
        return True
    about = frame.about
    return silence.site.casefold() in {site.casefold() for site in about}


def _worst_first(alert: Alert) -> tuple[int, datetime]:
    return -list(Severity).index(alert.severity), alert.since


def _newest(alerts: list[Alert]) -> list[Alert]:
    over = [a for a in alerts if a.state is AlertState.RESOLVED and a.resolved_at is not None]
    return sorted(over, key=lambda a: a.resolved_at or a.since, reverse=True)
