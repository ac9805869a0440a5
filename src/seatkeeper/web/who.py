"""Who is asking: by session, token or proxy; what they may do; and that a form is our own."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from seatkeeper.core.roles import (
    Grant,
    Identity,
    Permission,
    SignIn,
    grants_of_groups,
)
from seatkeeper.settings.console import ConsoleSettings
from seatkeeper.web.desk import Desk
from seatkeeper.web.refusals import NotAllowedHere, NotOurForm, NotSignedIn

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, and the word that every form of theirs carries.

    `ambient`: the browser sends along what signs them in, whoever wrote the form.
    """

    identity: Identity
    csrf: str
    ambient: bool = True


def desk_of(request: Request) -> Desk:
    """Return the desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


def cookie_name(desk: Desk) -> str:
    """Return the name of the session's cookie; the prefix makes browsers insist on HTTPS."""
    return "__Host-seatkeeper" if desk.secure else "seatkeeper"


async def find_visitor(request: Request) -> Visitor | None:
    """Return who is signed in; raises NotSignedIn for a token that is not good."""
    desk = desk_of(request)
    if (bearer := _bearer(request)) is not None:
        token = await desk.store.tokens.find(bearer, desk.now())
        if token is None:
            raise NotSignedIn("the token is not known, was revoked, or has ended")
        return Visitor(token.identity, "", ambient=False)
    if secret := request.cookies.get(cookie_name(desk)):
        idle = desk.settings.console.session.idle
        session = await desk.store.sessions.find(secret, idle, desk.now())
        if session is not None:
            return Visitor(session.identity, session.csrf)
    if (named := named_by_proxy(request, desk.settings.console)) is not None:
        return Visitor(named, _word_for(request, named))
    return None


async def signed_in(request: Request) -> Visitor:
    """Return who is signed in; raises NotSignedIn, or NotOurForm for a form from elsewhere."""
    visitor = await find_visitor(request)
    if visitor is None:
        raise NotSignedIn("sign in to go on")
    if request.method not in SAFE and visitor.ambient:
        await require_our_form(request, visitor.csrf)
    request.state.visitor = visitor
    return visitor


SignedIn = Annotated[Visitor, Depends(signed_in)]


class Needs:
    """A route's need of one permission, on the site that its address names or on any at all."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, visitor: SignedIn) -> Visitor:
        """Let somebody pass who has it; raises NotAllowedHere."""
        site = request.path_params.get("site")
        if site is not None and not visitor.identity.may(Permission.READ, site):
            raise NotAllowedHere(self.permission, None)  # not even that the site exists
        able = visitor.identity.may_somewhere(self.permission)
        if site is not None:
            able = visitor.identity.may(self.permission, site)
        if not able:
            raise NotAllowedHere(self.permission, site)
        return visitor


def needs(permission: Permission) -> Needs:
    """Make the dependency of a route that needs a permission."""
    return Needs(permission)


def require(visitor: Visitor, permission: Permission, site: str) -> None:
    """Raise NotAllowedHere unless they may do it on that site."""
    if not visitor.identity.may(permission, site):
        known = visitor.identity.may(Permission.READ, site)
        raise NotAllowedHere(permission, site if known else None)


async def require_our_form(request: Request, word: str) -> None:
    """Raise NotOurForm unless the request comes from a page of ours and carries the word."""
    require_same_origin(request)
    sent = request.headers.get("x-csrf-token", "")
    if not sent and _is_form(request):
        value = (await request.form()).get("csrf", "")
        sent = value if isinstance(value, str) else ""
    if not word or not hmac.compare_digest(sent.encode(), word.encode()):
        raise NotOurForm


def require_same_origin(request: Request) -> None:
    """Raise NotOurForm when the browser says that another site's page sent this."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotOurForm
    origin = request.headers.get("origin")
    if origin is None:
        return
    desk = desk_of(request)
    public = desk.settings.console.public_url
    scheme = "https" if desk.secure else "http"
    ours = {f"{scheme}://{request.headers.get('host', '')}"} | ({public} if public else set())
    if origin not in ours:
        raise NotOurForm


def named_by_proxy(request: Request, console: ConsoleSettings) -> Identity | None:
    """Return whom a trusted proxy names in its header; the headers of others mean nothing."""
    proxy = console.proxy
    if proxy is None or proxy.user_header is None or not from_proxy(request, console):
        return None
    name = _text(request, proxy.user_header)
    if not name:
        return None
    groups = _text(request, proxy.groups_header) if proxy.groups_header else ""
    members = [group.strip() for group in groups.split(",") if group.strip()]
    grants = grants_of_groups(members, granted(console))
    return Identity(name, SignIn.PROXY, grants) if grants else None


def from_proxy(request: Request, console: ConsoleSettings) -> bool:
    """Whether the connection itself comes from a proxy that the configuration names."""
    if console.proxy is None or request.client is None:
        return False
    try:
        peer = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(net) for net in console.proxy.trusted)


def client_of(request: Request) -> str:
    """Return the address of whoever asks; a trusted proxy's word counts, nobody else's does."""
    console = desk_of(request).settings.console
    if from_proxy(request, console):
        named = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if named:
            return named[:64]
    return request.client.host if request.client is not None else "unknown"


def granted(console: ConsoleSettings) -> list[tuple[str, Grant]]:
    """Return what the groups of the configuration may do."""
    return [(rule.group, rule.grant()) for rule in console.roles]


def _text(request: Request, header: str) -> str:
    """Return a header as text: proxies send UTF-8, and HTTP hands it over as Latin-1."""
    raw = request.headers.get(header, "").encode("latin-1", "replace")
    text = raw.decode("utf-8", "replace").strip()
    return text[:200] if text.isprintable() else ""


def _word_for(request: Request, identity: Identity) -> str:
    key: bytes = request.app.state.key
    return hmac.new(key, identity.name.encode("utf-8"), "sha256").hexdigest()


def _bearer(request: Request) -> str | None:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.casefold() == "bearer" else None


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    return kind == "application/x-www-form-urlencoded"
