"""The pages of the daemon: in this version its health alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from seatkeeper import __version__
from seatkeeper.core.health import Heartbeat, judge_health


def make_app(beat: Callable[[], Heartbeat], now: Callable[[], datetime]) -> FastAPI:
    """Make the application; `beat` and `now` are asked at each request."""
    app = FastAPI(title="Seatkeeper", version=__version__, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        """Answer as long as the process lives."""
        return _answer(200, {"status": "alive", "version": __version__})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """Tell whether the daemon can do its work, and what is degraded."""
        health = judge_health(beat(), now())
        status = "ready" if health.ready else "not ready"
        body = {"status": status, "degraded": list(health.degraded)}
        return _answer(200 if health.ready else 503, body)

    return app


def _answer(status: int, body: dict[str, Any]) -> JSONResponse:
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
