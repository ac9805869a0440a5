"""The pages of the daemon: in this version its health alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from seatkeeper import __version__
from seatkeeper.core.health import Heartbeat, judge_health

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""Sent with every answer of the app: nothing is kept, framed, guessed or passed on."""

_LOOKING = ["GET", "HEAD"]


def make_app(beat: Callable[[], Heartbeat], now: Callable[[], datetime]) -> FastAPI:
    """Make the application; `beat` and `now` are asked at each request."""
    app = FastAPI(
        title="Seatkeeper", version=__version__, docs_url=None, redoc_url=None, openapi_url=None
    )

    @app.api_route("/healthz", methods=_LOOKING)
    async def healthz() -> JSONResponse:
        """Answer as long as the process lives."""
        return _answer(200, {"status": "alive", "version": __version__})

    @app.api_route("/readyz", methods=_LOOKING)
    async def readyz() -> JSONResponse:
        """Tell whether the daemon can do its work, and what is degraded."""
        health = judge_health(beat(), now())
        status = "ready" if health.ready else "not ready"
        body = {"status": status, "degraded": list(health.degraded)}
        return _answer(200 if health.ready else 503, body)

    return app


def _answer(status: int, body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body, status)
