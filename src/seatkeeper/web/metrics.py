"""The page that Prometheus scrapes, on a listener of its own; nothing else is served there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import Response

from seatkeeper.errors import StoreError


class Answer(Protocol):
    """What is sent."""

    @property
    def body(self) -> bytes:
        """The numbers."""

    @property
    def content_type(self) -> str:
        """Their format."""


def make_metrics_app(answer: Callable[[str], Awaitable[Answer]]) -> FastAPI:
    """Make the application; `answer` is given the header Accept, in any form."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.api_route("/metrics", methods=["GET", "HEAD"])
    async def metrics(request: Request) -> Response:
        """Answer a scrape; while the store is away it fails, and Prometheus says so."""
        try:
            found = await answer(request.headers.get("accept", ""))
        except StoreError:
            return Response("the store cannot be read; see the log\n", 503)
        return Response(found.body, headers={"Content-Type": found.content_type})

    return app
