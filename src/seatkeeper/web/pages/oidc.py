"""Signing in with a company account: to the provider of OpenID Connect, and back."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from seatkeeper import logs
from seatkeeper.core.roles import Identity, SignIn, grants_of_groups
from seatkeeper.errors import ProviderSilent, SignInError
from seatkeeper.outlets.openid import Journey, OpenIdProvider
from seatkeeper.settings.console import OidcSettings
from seatkeeper.web.limiting import TRAVEL, limiter_of, network_of
from seatkeeper.web.pages.signing_in import begin_session
from seatkeeper.web.refusals import NotFound
from seatkeeper.web.render import page
from seatkeeper.web.sealed import Purpose, Seal
from seatkeeper.web.who import address_of_console, client_of, desk_of, granted

router = APIRouter()

AWAY = timedelta(minutes=10)
"""So long somebody may take at the provider."""

LONGEST_NAME = 120


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What the browser keeps, sealed, while somebody is at the provider."""

    state: str
    nonce: str
    verifier: str
    to: str
    until: datetime


@router.get("/sign-in/oidc")
async def go(request: Request, to: str = "/") -> Response:
    """Send somebody to the provider."""
    limiter_of(request).pass_or_refuse(TRAVEL, network_of(client_of(request)))
    (provider, _), desk = _provider(request), desk_of(request)
    try:
        url, journey = await provider.begin(_back(request))
    except SignInError as error:
        return _refused(request, error)
    kept = _Kept(journey.state, journey.nonce, journey.verifier, to[:2000], desk.now() + AWAY)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        _cookie(request),
        _seal(request).close(msgspec.json.encode(kept).decode(), Purpose.OIDC),
        max_age=int(AWAY.total_seconds()),
        path="/",
        secure=desk.secure,
        httponly=True,
        samesite="lax",  # the way back begins on the provider's page
    )
    return answer


@router.get("/sign-in/oidc/back")
async def back(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
    """Begin a session for whom the provider vouches."""
    limiter_of(request).pass_or_refuse(TRAVEL, network_of(client_of(request)))
    provider, oidc = _provider(request)
    try:
        kept = _begun_here(request, state)
        if error or not code:
            raise SignInError("the provider did not sign you in; nothing was done")  # noqa: TRY301
        journey = Journey(kept.state, kept.nonce, kept.verifier)
        claims = await provider.finish(_back(request), journey, code)
        answer = await begin_session(request, _identity(request, oidc, claims), kept.to)
    except SignInError as fault:
        answer = _refused(request, fault)
    answer.delete_cookie(_cookie(request), path="/", secure=desk_of(request).secure, httponly=True)
    return answer


def _identity(request: Request, oidc: OidcSettings, claims: Mapping[str, Any]) -> Identity:
    console = desk_of(request).settings.console
    name = claims.get(oidc.name_claim)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise SignInError(
            f"the provider does not tell your name ({oidc.name_claim}); an administrator can set"
            " console.oidc.name_claim and scopes"
        )
    name = name.strip()
    if len(name) > LONGEST_NAME:
        raise SignInError(
            f"the provider tells a name of {len(name)} characters ({oidc.name_claim}), and"
            f" {LONGEST_NAME} is the most; an administrator can set console.oidc.name_claim"
        )
    grants = grants_of_groups(_groups(claims.get(oidc.groups_claim)), granted(console))
    if not grants:
        raise SignInError(
            f"you are signed in at the provider as {name}, but none of your"
            " groups has a role here; an administrator can give one in console.roles"
        )
    return Identity(name, SignIn.OIDC, grants)


def _groups(told: object) -> list[str]:
    if isinstance(told, str):
        return [told]
    return [group for group in told if isinstance(group, str)] if isinstance(told, list) else []


def _refused(request: Request, error: SignInError) -> Response:
    silent = isinstance(error, ProviderSilent)
    logs.logger().warning(
        "sign_in.oidc_refused", address=client_of(request), kind=type(error).__name__
    )
    values = {
        "status": 503 if silent else 403,
        "title": "Your company's sign-in does not answer" if silent else "You are not signed in",
        "detail": f"{error}." if silent else f"{str(error)[:1].upper()}{str(error)[1:]}.",
    }
    return page(request, "refused_sign_in.html", values, 503 if silent else 403)


def _provider(request: Request) -> tuple[OpenIdProvider, OidcSettings]:
    provider: OpenIdProvider | None = request.app.state.openid
    oidc = desk_of(request).settings.console.oidc
    if provider is None or oidc is None:
        raise NotFound("this console does not sign in with company accounts")
    return provider, oidc


def _begun_here(request: Request, state: str) -> _Kept:
    """Return what this browser kept of the way it began; raises SignInError for any other way."""
    text = _seal(request).open(request.cookies.get(_cookie(request), ""), Purpose.OIDC)
    try:
        kept = msgspec.json.decode(text, type=_Kept)
    except msgspec.DecodeError:
        kept = None
    if kept is None or not hmac.compare_digest(kept.state.encode(), state.encode()):
        raise SignInError("this way back belongs to no sign-in of this browser; begin it anew")
    if desk_of(request).now() >= kept.until:
        raise SignInError("it took longer than 10 minutes; begin the sign-in anew")
    return kept


def _back(request: Request) -> str:
    return f"{address_of_console(request)}/sign-in/oidc/back"


def _cookie(request: Request) -> str:
    return "__Host-seatkeeper-oidc" if desk_of(request).secure else "seatkeeper_oidc"


def _seal(request: Request) -> Seal:
    seal: Seal = request.app.state.seal
    return seal
