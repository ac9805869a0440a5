"""The API: what the console shows and does, as JSON, under `/api/v1`."""

from __future__ import annotations

from fastapi import APIRouter

from seatkeeper.web.api import (
    alerts,
    checks,
    description,
    events,
    health,
    ledger,
    money,
    plans,
    pools,
    requests,
    sites,
    users,
)
from seatkeeper.web.api.shapes import PROBLEMS

PREFIX = "/api/v1"

_PARTS = (
    sites,
    pools,
    users,
    plans,
    requests,
    alerts,
    ledger,
    money,
    health,
    checks,
    events,
    description,
)


def api_router() -> APIRouter:
    """Return every route of the API."""
    router = APIRouter(prefix=PREFIX, responses=PROBLEMS)
    for part in _PARTS:
        router.include_router(part.router)
    return router
