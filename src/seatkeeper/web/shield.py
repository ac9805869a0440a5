"""Around every answer: headers that browsers obey, and a bound on what a request may bring.

Plain ASGI, so that streams pass through and nothing is buffered.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from seatkeeper import logs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 256 * 1024
"""Bytes of a request; the largest form leaves seats out of a plan."""

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Nothing from elsewhere, nothing inline, no frame; script may refresh progress."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers send forms with `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every answer that does not say otherwise itself."""

HSTS = "max-age=31536000"
"""A year; sent where the console is reached by HTTPS."""


_TITLES = {
    403: "This address answers its proxy alone",
    413: "The request is too large",
    500: "Something went wrong",
}


def plain_or_problem(path: str, status: int, says: str) -> tuple[bytes, bytes]:
    """Return type and body of a refusal: problem+json for the API, a line of text elsewhere."""
    if not path.startswith("/api/"):
        return b"text/plain; charset=utf-8", f"{says}\n".encode()
    problem = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": says}
    return b"application/problem+json", json.dumps(problem).encode()


class Shield:
    """The outermost layer of the application."""

    def __init__(self, app: App, *, secure: bool, largest: int = LARGEST_BODY) -> None:
        self._app = app
        self._largest = largest
        headers = HEADERS | ({"Strict-Transport-Security": HSTS} if secure else {})
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body counted, its answer dressed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._is_announced_too_large(scope):
            await self._refuse(scope, send)
            return
        counted = _Counted(receive, self._largest)
        dressed = _Dressed(send, self._headers)
        try:
            await self._app(scope, counted, dressed)
        except _TooLargeError:
            if not dressed.started:
                await self._refuse(scope, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is dressed
            # The text of a fault of ours may hold anything; its kind and place are enough.
            fault = _innermost(error)
            kind, at = type(fault).__name__, _frames(fault)
            logs.logger().error("web.fault", kind=kind, path=scope["path"], at=at)
            if not dressed.started:
                says = "something went wrong; the log of the service tells"
                await self._answer(scope, send, 500, says)

    def _is_announced_too_large(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"content-length":
                return not value.isdigit() or int(value) > self._largest
        return False

    async def _refuse(self, scope: Scope, send: Send) -> None:
        await self._answer(scope, send, 413, _too_large(self._largest))

    async def _answer(self, scope: Scope, send: Send, status: int, says: str) -> None:
        kind, text = plain_or_problem(scope["path"], status, says)
        headers = [*self._headers, (b"content-type", kind)]
        headers += [(b"content-length", str(len(text)).encode()), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


MOST_FRAMES = 20
"""Places in the code, the innermost, that are logged of a fault."""


def _innermost(error: BaseException) -> BaseException:
    """Return the fault itself where a group of tasks has wrapped it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _frames(error: BaseException) -> list[str]:
    """Return where a fault came from, outermost first, without a word of what was at hand there."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return [f"{one.filename}:{one.lineno} {one.name}" for one in frames]


class _TooLargeError(HTTPException):
    """More came than a request may bring; whoever reads the body answers so, whatever they do."""

    def __init__(self, largest: int) -> None:
        super().__init__(413, _too_large(largest), {"Connection": "close"})


def _too_large(largest: int) -> str:
    return f"a request has at most {largest // 1024} KiB"


class _Counted:
    """A body that ends the request when it grows too large, whatever it had announced."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive, self._largest, self._left = receive, largest, largest

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLargeError(self._largest)
        return message


class _Dressed:
    """An answer with the headers of the house; what the application said itself stays."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send, self._headers = send, headers
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = list(message.get("headers", ()))
            named = {name.lower() for name, _ in own}
            message["headers"] = own + [(n, v) for n, v in self._headers if n not in named]
        await self._send(message)
