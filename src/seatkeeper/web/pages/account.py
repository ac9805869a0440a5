"""One's own account: what one may do, another password, and where one is signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper import logs
from seatkeeper.core.roles import SignIn
from seatkeeper.errors import UsageError
from seatkeeper.web.desk import Desk
from seatkeeper.web.forms import Form, note_of, read_form
from seatkeeper.web.frame import chosen_site, frame_of
from seatkeeper.web.limiting import SIGN_IN, limiter_of, network_of
from seatkeeper.web.pages.signing_in import begin_session, waits
from seatkeeper.web.reach import READS
from seatkeeper.web.refusals import TooOften
from seatkeeper.web.render import page
from seatkeeper.web.who import Visitor, client_of, cookie_name, desk_of

router = APIRouter()

_OLD, _NEW, _AGAIN = "old", "new", "again"


@router.get("/account", response_class=HTMLResponse)
async def account_page(request: Request, visitor: READS, site: str | None = None) -> Response:
    """Show who one is here."""
    return await _page(request, visitor, Form(), site=site)


@router.post("/account/password", response_class=HTMLResponse)
async def change_password(request: Request, visitor: READS) -> Response:
    """Change one's own password; every session ends, and a new one begins here."""
    desk, form = desk_of(request), await read_form(request)
    if visitor.identity.via is not SignIn.ACCOUNT:
        return RedirectResponse("/account", 303)
    limiter_of(request).pass_or_refuse(SIGN_IN, client_of(request))
    await _check_old(request, desk, visitor, form)
    if form.is_good:
        await _change(desk, visitor, form)
    if not form.is_good:
        return await _page(request, visitor, form, status=422)
    return await begin_session(request, visitor.identity, "/account?done=password")


@router.post("/account/sessions/end", response_class=HTMLResponse)
async def end_sessions(request: Request, visitor: READS) -> Response:
    """End one other session of one's own, or all others."""
    desk, form = desk_of(request), await read_form(request)
    ended = await desk.store.sessions.end_others(
        visitor.identity,
        _secret(request, desk),
        desk.actor(visitor.identity),
        desk.now(),
        form["session"],
    )
    return RedirectResponse(f"/account?done={'ended' if ended else 'none'}", 303)


async def _check_old(request: Request, desk: Desk, visitor: Visitor, form: Form) -> None:
    """Ask for the old password; a wrong one counts as one at the sign-in does."""
    now = desk.now()
    tried = await desk.store.accounts.sign_in(
        visitor.identity.name, form[_OLD], now, network_of(client_of(request))
    )
    if tried.is_busy:
        raise TooOften(5)
    if tried.identity is None:
        logs.logger().warning("password.refused", address=client_of(request))
        wrong = "This is not your present password."
        form.faults[_OLD] = waits(tried.locked_until, now) if tried.locked_until else wrong


async def _change(desk: Desk, visitor: Visitor, form: Form) -> None:
    if form[_NEW] != form[_AGAIN]:
        form.faults[_AGAIN] = "The two are not the same."
        return
    if form[_NEW] == form[_OLD]:
        form.faults[_NEW] = "This is the password you have."
        return
    actor = desk.actor(visitor.identity)
    try:
        await desk.store.accounts.change(
            visitor.identity.name, actor, desk.now(), password=form[_NEW]
        )
    except UsageError as error:
        form.faults[_NEW] = str(error)


async def _page(
    request: Request, visitor: Visitor, form: Form, status: int = 200, site: str | None = None
) -> Response:
    desk = desk_of(request)
    idle = desk.settings.console.session.idle
    who = visitor.identity
    sessions = await desk.store.sessions.own(who, _secret(request, desk), idle, desk.now())
    values = {
        "frame": await frame_of(request, visitor, "account", chosen_site(desk, visitor, site)),
        "who": who,
        "local": who.via is SignIn.ACCOUNT,
        "sessions": sessions,
        "form": form,
        "done": note_of(request),
    }
    return page(request, "account.html", values, status)


def _secret(request: Request, desk: Desk) -> str:
    return request.cookies.get(cookie_name(desk), "")
