"""The application: health pages for everybody, console and API for those who are signed in."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from seatkeeper import __version__, logs
from seatkeeper.core.exposure import is_loopback
from seatkeeper.core.health import judge_health
from seatkeeper.errors import (
    LedgerBroken,
    NotAllowed,
    PlanAltered,
    PlanStale,
    SeatkeeperError,
    StoreError,
    UsageError,
)
from seatkeeper.web.api import api_router
from seatkeeper.web.api.events import Streams
from seatkeeper.web.desk import Desk
from seatkeeper.web.exports import MOST, MOST_OF_ONE
from seatkeeper.web.gate import Gate
from seatkeeper.web.limiting import Limiter
from seatkeeper.web.noting import note_refusal
from seatkeeper.web.pages import routers
from seatkeeper.web.refusals import NotSignedIn, Refusal, TooOften
from seatkeeper.web.render import HERE, page
from seatkeeper.web.said import Sayings
from seatkeeper.web.sealed import Seal
from seatkeeper.web.shield import Shield
from seatkeeper.web.streams import Room
from seatkeeper.web.views.written import configuration
from seatkeeper.web.who import bearer_of
from seatkeeper.wiring.signing_in import provider_of

_LOOKING = ["GET", "HEAD"]

_MOST, _LONGEST = 5, 200
"""So many faults of a request are told, and so many characters of the name of a field."""


_TITLES = {
    404: "There is nothing here",
    405: "This address cannot do that",
    413: "The request is too large",
}

_BARE = frozenset({"Not Found", "Method Not Allowed"})
"""What the framework says by itself; the title says it better."""


def make_app(desk: Desk, seal_key: bytes) -> FastAPI:
    """Make the application; `seal_key` is a secret of the store that lives as long as it."""
    app = FastAPI(
        title="Seatkeeper", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.desk = desk
    app.state.key = secrets.token_bytes(32)
    app.state.seal = Seal(seal_key)
    app.state.names_key = seal_key
    app.state.limiter = Limiter()
    app.state.sayings = Sayings()
    app.state.written = cache(lambda: configuration(desk.settings))
    app.state.streams = Streams()
    app.state.exports = Room(MOST, MOST_OF_ONE)
    app.state.openid = provider_of(desk.settings.console, desk.now)
    _add_health(app, desk)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for router in routers():
        app.include_router(router)
    app.include_router(api_router())
    _add_refusals(app)
    _add_gate(app, desk)
    app.add_middleware(Shield, secure=desk.secure)
    return app


def _add_gate(app: FastAPI, desk: Desk) -> None:
    console = desk.settings.console
    if console.proxy is None or console.tls is not None or is_loopback(console.host):
        return
    app.add_middleware(
        Gate, trusted=console.proxy.trusted, public_url=console.public_url or "the proxy's address"
    )


def _add_health(app: FastAPI, desk: Desk) -> None:
    @app.api_route("/healthz", methods=_LOOKING)
    async def healthz() -> JSONResponse:
        """Answer as long as the process lives."""
        return JSONResponse({"status": "alive", "version": __version__})

    @app.api_route("/readyz", methods=_LOOKING)
    async def readyz() -> JSONResponse:
        """Tell whether the daemon can do its work, and in few words what is degraded.

        Nobody is signed in here: no name and no error, which `/api/v1/health` tells.
        """
        health = judge_health(desk.beat(), desk.now())
        status = "ready" if health.ready else "not ready"
        body = {"status": status, "degraded": list(health.openly)}
        return JSONResponse(body, 200 if health.ready else 503)


def _add_refusals(app: FastAPI) -> None:
    async def refused(request: Request, error: Any) -> Response:
        return _refused(request, error)

    async def http(request: Request, error: Any) -> Response:
        code, detail = error.status_code, "" if error.detail in _BARE else error.detail
        return _said(request, code, _title(code), detail, error.headers)

    async def malformed(request: Request, error: Any) -> Response:
        return _said(request, 422, "The request cannot be understood", _wrong(error.errors()))

    async def known(request: Request, error: Any) -> Response:
        return _known(request, error)

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(SeatkeeperError, known)


def _wrong(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what cannot be understood, and where; names of fields may be anybody's."""
    found = (f"{'.'.join(map(str, e['loc']))[:_LONGEST]}: {e['msg']}" for e in errors[:_MOST])
    return "; ".join(found).encode("utf-8", "replace").decode("utf-8")


def _refused(request: Request, error: Refusal) -> Response:
    note_refusal(request, error)
    if isinstance(error, NotSignedIn) and not _is_program(request):
        if request.method not in _LOOKING:
            return RedirectResponse("/sign-in", 303)
        query = f"?{request.url.query}" if request.url.query else ""
        to = request.url.path + query
        # A path alone: the host and scheme that a request names are not to be repeated.
        return RedirectResponse(f"/sign-in?{urlencode({'to': to})}", 303)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooOften) else {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = "Bearer"
    return _said(request, error.status, error.title, error.detail, headers)


def _known(request: Request, error: SeatkeeperError) -> Response:
    """Say what an error of ours means: each class is a decision."""
    if isinstance(error, StoreError):
        logs.logger().error("web.store", error=str(error))
        return _said(request, 503, "The store cannot be used", "See /readyz, and the log.")
    if isinstance(error, NotAllowed | PlanStale):
        return _said(request, 409, "This is not possible now", str(error))
    if isinstance(error, UsageError):
        return _said(request, 422, "This cannot be done", str(error))
    if isinstance(error, LedgerBroken | PlanAltered):
        return _said(request, 500, "The store was changed from outside", str(error))
    logs.logger().error("web.error", kind=type(error).__name__)
    return _said(request, 500, "Something went wrong", "The log of the service tells more.")


def _said(request: Request, status: int, title: str, detail: str, headers: Any = None) -> Response:
    """Answer a program with problem+json (RFC 9457), a person with a page."""
    if _is_program(request):
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        answer: Response = JSONResponse(body, status, media_type="application/problem+json")
    else:
        values = {"status": status, "title": title, "detail": detail}
        answer = page(request, "refused.html", values, status)
    answer.headers.update(headers or {})
    return answer


def _is_program(request: Request) -> bool:
    if request.url.path.startswith(("/api/", "/healthz", "/readyz")):
        return True
    return bearer_of(request) is not None


def _title(status: int) -> str:
    return _TITLES.get(status, "This cannot be done")
