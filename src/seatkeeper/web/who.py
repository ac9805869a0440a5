"""Who is asking: by session, token or proxy; what they may do; and that a form is our own."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request

from seatkeeper import logs
from seatkeeper.core.exposure import comes_from
from seatkeeper.core.roles import (
    Grant,
    Identity,
    Permission,
    SignIn,
    grants_of_groups,
)
from seatkeeper.settings.console import ConsoleSettings
from seatkeeper.web.desk import Desk
from seatkeeper.web.limiting import API, limiter_of, network_of
from seatkeeper.web.refusals import (
    NoRoleHere,
    NotAllowedHere,
    NotFound,
    NotOurForm,
    NotSignedIn,
    Refusal,
)
from seatkeeper.web.shield import LARGEST_BODY

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

LONGEST_NAME = 200
"""Characters of the name that a proxy tells."""

LONGEST_GROUPS = 16 * 1024
"""Characters of the groups that a proxy tells of one person."""

MOST_FIELDS = LARGEST_BODY // 24
"""Fields of one form: the id of a seat with the name of its box is longer than that."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in, and the word that every form of theirs carries.

    `ambient`: the browser sends along what signs them in, whoever wrote the form. `present`: a
    person asked, and not a page that looks again by itself.
    """

    identity: Identity
    csrf: str
    ambient: bool = True
    present: bool = True


def desk_of(request: Request) -> Desk:
    """Return the desk of the application."""
    desk: Desk = request.app.state.desk
    return desk


def cookie_name(desk: Desk) -> str:
    """Return the name of the session's cookie; the prefix makes browsers insist on HTTPS."""
    return "__Host-seatkeeper" if desk.secure else "seatkeeper"


async def find_visitor(request: Request, *, renew: bool = True) -> Visitor | None:
    """Return who is signed in; raises NotSignedIn for a token that is not good.

    Without `renew` a session does not live longer for it.
    """
    desk = desk_of(request)
    if (bearer := bearer_of(request)) is not None:
        token = await desk.store.tokens.find(bearer, desk.now())
        if token is None:
            limiter_of(request).pass_or_refuse(API, f"refused {network_of(client_of(request))}")
            raise NotSignedIn("the token is not known, was revoked, or has ended")
        return Visitor(token.identity, "", ambient=False)
    if secret := request.cookies.get(cookie_name(desk)):
        idle = desk.settings.console.session.idle
        sessions = desk.store.sessions
        session = await sessions.find(
            secret, idle, desk.now(), renew=renew and not looks_again(request)
        )
        if session is not None and (who := _as_of_now(session.identity, desk)) is not None:
            return Visitor(who, session.csrf, present=not looks_again(request))
    if (named := named_by_proxy(request, desk.settings.console)) is not None and named.grants:
        return Visitor(named, _word_for(request, named), present=not looks_again(request))
    return None


def looks_again(request: Request) -> bool:
    """Whether an open page looks again by itself: that keeps no session alive."""
    return request.method == "GET" and request.headers.get("x-looks-again") == "1"


def _why_nobody(request: Request) -> Refusal:
    """Say why nobody is signed in: a password would not help whom a proxy names."""
    named = named_by_proxy(request, desk_of(request).settings.console)
    return NotSignedIn("sign in to go on") if named is None else NoRoleHere(named.name)


def _as_of_now(identity: Identity, desk: Desk) -> Identity | None:
    """Take away what the configuration no longer grants to any group; None: nothing is left."""
    if identity.via is not SignIn.OIDC:
        return identity
    console = desk.settings.console
    still = {grant for _, grant in granted(console)} if console.oidc is not None else set()
    grants = tuple(grant for grant in identity.grants if grant in still)
    return replace(identity, grants=grants) if grants else None


async def signed_in(request: Request) -> Visitor:
    """Return who is signed in; raises NotSignedIn, or NotOurForm for a form from elsewhere."""
    visitor = await find_visitor(request)
    if visitor is None:
        raise _why_nobody(request)
    if not visitor.ambient or request.url.path.startswith("/api/"):
        who = visitor.identity
        limiter_of(request).pass_or_refuse(API, f"{who.via.value} {who.name}")
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
        """Let somebody pass who has it; raises NotAllowedHere, NotFound for a site out of reach."""
        site = request.path_params.get("site")
        if site is not None and not visitor.identity.may(Permission.READ, site):
            raise no_such_site()
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
    """Raise NotAllowedHere unless they may do it on that site, NotFound unless they see it."""
    if not visitor.identity.may(Permission.READ, site):
        raise no_such_site()
    if not visitor.identity.may(permission, site):
        raise NotAllowedHere(permission, site)


def no_such_site() -> NotFound:
    """Say that a site is not there, or out of reach: which of the two is nobody's business."""
    return NotFound("there is no site of that name, or your role does not reach it")


async def require_our_form(request: Request, word: str) -> None:
    """Raise NotOurForm unless the request comes from a page of ours and carries the word."""
    require_same_origin(request)
    sent = request.headers.get("x-csrf-token", "")
    if not sent and _is_form(request):
        # The first to read a form says how large it may be; the body has a cap of its own.
        value = (await request.form(max_fields=MOST_FIELDS)).get("csrf", "")
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
    if origin not in (_address_asked(request), address_of_console(request)):
        raise NotOurForm(expected=address_of_console(request))


def address_of_console(request: Request) -> str:
    """Return the address at which people open the console, without a slash at its end."""
    return desk_of(request).settings.console.public_url or _address_asked(request)


def _address_asked(request: Request) -> str:
    scheme = "https" if desk_of(request).secure else "http"
    return f"{scheme}://{request.headers.get('host', '')}"


def named_by_proxy(request: Request, console: ConsoleSettings) -> Identity | None:
    """Return whom a trusted proxy names in its header; the headers of others mean nothing.

    They may have no role at all: no grants. A name that is too long is none.
    """
    proxy = console.proxy
    if proxy is None or proxy.user_header is None or not from_proxy(request, console):
        return None
    name = _text(request, proxy.user_header)
    if not name:
        return None
    if len(name) > LONGEST_NAME:
        logs.logger().warning("proxy.name_refused", characters=len(name), most=LONGEST_NAME)
        return None
    groups = _groups(request, proxy.groups_header) if proxy.groups_header else []
    return Identity(name, SignIn.PROXY, grants_of_groups(groups, granted(console)))


def _groups(request: Request, header: str) -> list[str]:
    """Return the groups that a proxy tells: all of them, or none where there are too many.

    A list that is cut would end in the middle of a name, which may be that of another group.
    """
    told = _text(request, header)
    if len(told) > LONGEST_GROUPS:
        logs.logger().warning("proxy.groups_refused", characters=len(told), most=LONGEST_GROUPS)
        return []
    return [group.strip() for group in told.split(",") if group.strip()]


def from_proxy(request: Request, console: ConsoleSettings) -> bool:
    """Whether the connection itself comes from a proxy that the configuration names."""
    if console.proxy is None or request.client is None:
        return False
    return comes_from(request.client.host, console.proxy.trusted)


def client_of(request: Request) -> str:
    """Return the address of whoever asks; a trusted proxy's word counts, nobody else's does."""
    console = desk_of(request).settings.console
    if from_proxy(request, console):
        # What the proxy itself saw stands last; what stands before it anybody may have written.
        told = ",".join(request.headers.getlist("x-forwarded-for"))
        named = told.rpartition(",")[2].strip()
        if named:
            return named[:64]
    return request.client.host if request.client is not None else "unknown"


def granted(console: ConsoleSettings) -> list[tuple[str, Grant]]:
    """Return what the groups of the configuration may do."""
    return [(rule.group, rule.grant()) for rule in console.roles]


def _text(request: Request, header: str) -> str:
    """Return a header as text, whole: proxies send UTF-8, and HTTP hands it over as Latin-1.

    A header that comes twice is none: one of the two may be the visitor's own.
    """
    told = request.headers.getlist(header)
    raw = (told[0] if len(told) == 1 else "").encode("latin-1", "replace")
    text = raw.decode("utf-8", "replace").strip()
    return text if text.isprintable() else ""


def _word_for(request: Request, identity: Identity) -> str:
    key: bytes = request.app.state.key
    return hmac.new(key, identity.name.encode("utf-8"), "sha256").hexdigest()


def bearer_of(request: Request) -> str | None:
    """Return the token of a program, None where nothing but `Basic` of a proxy is sent along."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.casefold() == "bearer" else None


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    return kind == "application/x-www-form-urlencoded"
