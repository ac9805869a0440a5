"""Signing in and out: by password, and by the link that a first start prints."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from seatkeeper import logs
from seatkeeper.core.roles import Identity, SignIn
from seatkeeper.errors import UsageError
from seatkeeper.web.desk import Desk
from seatkeeper.web.limiting import SIGN_IN, SIGN_IN_ALL, limiter_of, network_of
from seatkeeper.web.refusals import NotOurForm, TooOften
from seatkeeper.web.render import page
from seatkeeper.web.who import (
    SignedIn,
    client_of,
    cookie_name,
    desk_of,
    find_visitor,
    require_same_origin,
)

router = APIRouter()

WRONG = "The name or the password is not right."
"""One sentence for both, so that nobody learns which names exist."""

LINK_AGAIN = timedelta(minutes=15)
"""How long a link lasts that takes the place of one whose password was no good."""


def _begin_cookie(desk: Desk) -> str:
    """Name the cookie with the word of the sign-in form, for no session is there to hold it."""
    return "__Host-seatkeeper-begin" if desk.secure else "seatkeeper_begin"


@router.get("/sign-in", response_class=HTMLResponse)
async def sign_in_page(request: Request, to: str = "/") -> Response:
    """Show the form, or go on where somebody is signed in."""
    if await find_visitor(request) is not None:
        return RedirectResponse(_inside(to), 303)
    return _form(request, to=to)


@router.post("/sign-in", response_class=HTMLResponse)
async def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    word: Annotated[str, Form(max_length=100)] = "",
    to: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Begin a session for a name and its password."""
    _require_begun_here(request, word)
    network = _may_try(request)
    desk = desk_of(request)
    tried = await desk.store.accounts.sign_in(name, password, desk.now(), network)
    if tried.is_busy:
        raise TooOften(5)
    if tried.identity is None:
        logs.logger().warning("sign_in.refused", address=client_of(request))
        fault = waits(tried.locked_until, desk.now()) if tried.locked_until else WRONG
        return _form(request, to=to, name=name, fault=fault, status=401)
    return await begin_session(request, tried.identity, to)


@router.get("/welcome", response_class=HTMLResponse)
async def welcome_page(request: Request, key: str = "") -> Response:
    """Ask who opens the link; it is not used up by looking at it."""
    desk = desk_of(request)
    works = await desk.store.sessions.link_works(key, desk.now())
    return _welcome(request, key, works=works, status=200 if works else 403)


@router.post("/welcome", response_class=HTMLResponse)
async def welcome(
    request: Request,
    key: Annotated[str, Form(max_length=200)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    word: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Use the link up: begin a session, and keep an account where a password was chosen."""
    _require_begun_here(request, word)
    _may_try(request)
    desk = desk_of(request)
    name = name.strip()
    if not name or not name.isprintable() or len(name) > 120:
        fault = "Write your name: the ledger holds it beside everything you decide."
        return _welcome(request, key, name=name, fault=fault, status=422)
    if not await desk.store.sessions.link_works(key, desk.now()):
        logs.logger().warning("link.refused", address=client_of(request))
        return _welcome(request, key, works=False, status=403)
    if await desk.store.accounts.has(name):
        fault = "An account has this name: sign in with its password, or write another name."
        return _welcome(request, key, name=name, fault=fault, status=422)
    return await _open_link(request, desk, key, name, password)


async def _open_link(request: Request, desk: Desk, key: str, name: str, password: str) -> Response:
    actor = desk.actor(Identity(name, SignIn.LINK, ()))
    grants = await desk.store.sessions.use_link(key, actor, desk.now())
    if grants is None:
        return _welcome(request, key, works=False, status=403)
    identity = Identity(name, SignIn.LINK, grants)
    if password:
        try:
            await desk.store.accounts.add(name, password, grants, desk.actor(identity), desk.now())
        except UsageError as error:
            # The link is used up: another takes its place, so that the person can go on.
            again = await desk.store.sessions.make_link(grants, LINK_AGAIN, desk.now())
            return _welcome(request, again, name=name, fault=str(error), status=422)
        identity = Identity(name, SignIn.ACCOUNT, grants)
    return await begin_session(request, identity, "/")


@router.post("/sign-out")
async def sign_out(request: Request, visitor: SignedIn) -> Response:
    """End the session."""
    desk = desk_of(request)
    if secret := request.cookies.get(cookie_name(desk)):
        await desk.store.sessions.end(secret)
    answer = RedirectResponse("/sign-in", 303, headers={"Clear-Site-Data": '"cache"'})
    answer.delete_cookie(cookie_name(desk), path="/", secure=desk.secure, httponly=True)
    logs.logger().info("sign_in.ended", via=visitor.identity.via)
    return answer


@router.post("/theme")
async def theme(request: Request, theme: Annotated[str, Form(max_length=10)] = "") -> Response:
    """Remember whether pages are light or dark; that is no secret and needs no session."""
    require_same_origin(request)
    answer = RedirectResponse(_page_before(request), 303)
    if theme in ("light", "dark"):
        secure = desk_of(request).secure
        answer.set_cookie(
            "theme", theme, max_age=31536000, samesite="lax", httponly=True, secure=secure
        )
    else:
        answer.delete_cookie("theme")
    return answer


async def begin_session(request: Request, identity: Identity, to: str) -> Response:
    """Begin a session (an earlier one of this browser ends) and go where somebody wanted to go."""
    desk = desk_of(request)
    if earlier := request.cookies.get(cookie_name(desk)):
        await desk.store.sessions.end(earlier)
    longest = desk.settings.console.session.longest
    address = client_of(request)
    secret = await desk.store.sessions.begin(identity, longest, desk.now(), address)
    answer = RedirectResponse(_inside(to), 303)
    answer.set_cookie(
        cookie_name(desk), secret, path="/", secure=desk.secure, httponly=True, samesite="lax"
    )
    answer.delete_cookie(_begin_cookie(desk), path="/", secure=desk.secure, httponly=True)
    logs.logger().info("sign_in.begun", via=identity.via)
    return answer


def _may_try(request: Request) -> str:
    """Count a try to sign in, and return whose network it comes from; raises TooOften."""
    network, limiter = network_of(client_of(request)), limiter_of(request)
    limiter.pass_or_refuse(SIGN_IN, network)
    limiter.pass_or_refuse(SIGN_IN_ALL, "everybody")
    return network


def _form(
    request: Request, *, to: str, name: str = "", fault: str = "", status: int = 200
) -> Response:
    desk = desk_of(request)
    values = {
        "to": _inside(to),
        "name": name,
        "fault": fault,
        "oidc": desk.settings.console.oidc is not None,
    }
    return _with_word(request, "sign_in.html", values, status)


def _welcome(
    request: Request,
    key: str,
    *,
    works: bool = True,
    name: str = "",
    fault: str = "",
    status: int = 200,
) -> Response:
    values = {"key": key, "works": works, "name": name, "fault": fault}
    return _with_word(request, "welcome.html", values, status)


def _with_word(request: Request, template: str, values: dict[str, object], status: int) -> Response:
    desk = desk_of(request)
    cookie = _begin_cookie(desk)
    word = request.cookies.get(cookie) or secrets.token_urlsafe(24)
    answer = page(request, template, {**values, "word": word}, status)
    answer.set_cookie(
        cookie, word, httponly=True, samesite="strict", secure=desk.secure, max_age=3600
    )
    return answer


def _require_begun_here(request: Request, word: str) -> None:
    require_same_origin(request)
    kept = request.cookies.get(_begin_cookie(desk_of(request)), "")
    if not kept or not hmac.compare_digest(kept.encode(), word.encode()):
        raise NotOurForm


def waits(until: datetime, now: datetime) -> str:
    """Say how long a name waits before its next try."""
    minutes = max(1, round((until - now).total_seconds() / 60))
    unit = "minute" if minutes == 1 else "minutes"
    return f"Too many wrong passwords: this name waits for {minutes} {unit} before the next try."


def _page_before(request: Request) -> str:
    try:
        back = urlsplit(request.headers.get("referer", "/"))
    except ValueError:  # such as half an IPv6 address
        return "/"
    return _inside(back.path + (f"?{back.query}" if back.query else ""))


def _inside(to: str) -> str:
    """Return a path of this console: an address of elsewhere would lead people astray."""
    try:
        parts = urlsplit(to)
    except ValueError:  # such as half an IPv6 address
        return "/"
    good = to.startswith("/") and not to.startswith("//") and "\\" not in to
    return to if good and not parts.scheme and not parts.netloc else "/"
