"""The description of the API as OpenAPI, for those who are signed in."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts

from seatkeeper import __version__
from seatkeeper.core.roles import Permission
from seatkeeper.web.who import needs

router = APIRouter()


@router.get(
    "/openapi.json", include_in_schema=False, dependencies=[Depends(needs(Permission.READ))]
)
async def openapi(request: Request) -> Response:
    """Describe the API."""
    state = request.app.state
    if not hasattr(state, "description"):
        state.description = msgspec.json.encode(describe(request.app.routes))
    return Response(state.description, media_type="application/json")


def describe(routes: Any) -> dict[str, Any]:
    """Return the description of every route below `/api/v1`."""
    found = get_openapi(
        title="Seatkeeper",
        version=__version__,
        openapi_version="3.1.0",
        summary="The seats of Qlik Sense sites: who holds them, what may go, what was done.",
        routes=[one for one in iter_route_contexts(routes) if _is_ours(one)],
    )
    found.setdefault("components", {})["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "`seatkeeper tokens make`"}
    }
    found["security"] = [{"token": []}]
    return found


def _is_ours(route: Any) -> bool:
    return str(getattr(route, "path", "")).startswith("/api/v1/")
