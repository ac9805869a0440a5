"""Beyond this machine and without TLS of its own, the console answers its reverse proxy alone.

Whoever came past the proxy would send a password in clear, and could write its headers.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from seatkeeper.core.exposure import comes_from
from seatkeeper.web.shield import plain_or_problem

OPEN = frozenset({"/healthz", "/readyz"})
"""Asked by watchers on other machines; they name no site, no person and no error."""


class Gate:
    """Refuses every connection that does not come from a named proxy."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[str], public_url: str) -> None:
        self._app, self._trusted, self._public_url = app, tuple(trusted), public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a proxy and the open addresses through."""
        peer = (scope.get("client") or ("", 0))[0]
        if scope["type"] != "http" or scope["path"] in OPEN or comes_from(peer, self._trusted):
            await self._app(scope, receive, send)
            return
        says = f"This address answers its reverse proxy alone. Open {self._public_url}"
        kind, text = plain_or_problem(scope["path"], 403, says)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(text)).encode()),
        ]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": text})
