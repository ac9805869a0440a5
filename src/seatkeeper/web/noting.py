"""Refusals as lines of the log, for whoever watches for attacks.

A line says what was refused, from where and to which route. It holds no secret, no name that
somebody typed, and no address with what stands in it, for that may be sealed or hostile.
"""

from __future__ import annotations

from fastapi import Request

from seatkeeper import logs
from seatkeeper.web.api import PREFIX
from seatkeeper.web.limiting import TOLD, limiter_of
from seatkeeper.web.refusals import (
    NotAllowedHere,
    NotOurForm,
    NotSignedIn,
    Refusal,
    TooOften,
)
from seatkeeper.web.who import bearer_of, client_of


def note_refusal(request: Request, error: Refusal) -> None:
    """Log a refusal that concerns security; one who asks too often is told once a minute."""
    address = client_of(request)
    if isinstance(error, NotAllowedHere):
        _note(request, "access.refused", permission=error.permission.value, site=error.site or "")
    elif isinstance(error, NotOurForm):
        _note(request, "form.refused")
    elif isinstance(error, NotSignedIn) and bearer_of(request) is not None:
        _note(request, "token.refused")
    elif isinstance(error, TooOften) and limiter_of(request).is_first(TOLD, f"told {address}"):
        _note(request, "limit.refused", seconds=error.seconds)


def _note(request: Request, event: str, **more: str | int) -> None:
    visitor = getattr(request.state, "visitor", None)
    via = "" if visitor is None else visitor.identity.via.value
    role = "" if visitor is None or visitor.identity.role is None else visitor.identity.role.value
    logs.logger().warning(
        event,
        address=client_of(request),
        method=request.method,
        route=_route(request),
        via=via,
        role=role,
        **more,
    )


def _route(request: Request) -> str:
    """Return the address as it is declared, with names of what stands in it."""
    path: str = getattr(request.scope.get("route"), "path", "")
    of_api = request.url.path.startswith(PREFIX) and not path.startswith(PREFIX)
    return PREFIX + path if of_api else path
