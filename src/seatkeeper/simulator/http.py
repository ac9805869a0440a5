"""QRS over HTTP: reads a request, checks xrfkey and identity, lets faults strike, sends the answer.

Dispatch is a few dictionary look-ups; the answer to a large list is streamed from its kept pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import TypeAlias
from urllib.parse import unquote_plus

from aiohttp import web

from seatkeeper.simulator.answers import TEXT_TYPE, Answer, Rejection, encode
from seatkeeper.simulator.disturbance import Disturbance
from seatkeeper.simulator.faults import Fault, FaultKind, Faults, duration_ms
from seatkeeper.simulator.identity import Rights, check_xrfkey, identify
from seatkeeper.simulator.moments import SECOND, http_date
from seatkeeper.simulator.requestlog import LoggedRequest, RequestLog
from seatkeeper.simulator.resources import Resources
from seatkeeper.simulator.verbs import Call

_LARGE = 512 * 1024
_CHUNK = 256 * 1024
_LOGIN_PAGE = b"<!DOCTYPE html><html><body><form action='/login'>Sign in</form></body></html>"
Door: TypeAlias = Callable[[str, list[str], bytes], Answer]
"""The control door: answers a method, path segments and a body."""
_Struck: TypeAlias = dict[FaultKind, Fault]


class QrsHandler:
    """Serves one site; `log` shows what came in."""

    def __init__(self, resources: Resources, faults: Faults, door: Door | None) -> None:
        self.log = RequestLog()
        self.stopping = asyncio.Event()
        """Set when the server ends: hanging requests end with it."""
        self._resources = resources
        self._site = resources.site
        self._door = door
        self._disturbance = Disturbance(faults)
        self._skew = 0
        self._no_date = False
        self._date = (0, "")
        self.set_faults(faults)

    def set_faults(self, faults: Faults) -> None:
        """Let other faults strike from now on; counts begin anew."""
        self._disturbance = Disturbance(faults)
        skew = faults.value_of(FaultKind.SKEW)
        self._skew = duration_ms(skew) if skew else 0
        self._no_date = faults.has(FaultKind.NO_DATE)
        self._date = (0, "")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one request."""
        raw_path, _, raw_query = request.raw_path.partition("?")
        path = raw_path.lower()
        if path.startswith("/sim/") and self._door is not None:
            return await self._control(request, path)
        entry = self.log.arrived(
            request.method,
            path,
            raw_query,
            request.headers.get("X-Qlik-User", ""),
            self._site.clock.now(),
        )
        body = await request.content.read()  # request.read() stops at one megabyte
        struck = self._disturbance.strike(request.method, path)
        if not struck:
            answer = self._answer(request, path, raw_query, body, struck)
            return await self._send(request, answer, entry)
        return await self._disturbed(request, path, raw_query, body, (struck, entry))

    async def _control(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        assert self._door is not None  # noqa: S101 - the caller looked
        try:
            answer = self._door(request.method, path.split("/")[2:], await request.content.read())
        except Rejection as rejection:
            answer = Answer(rejection.status, rejection.text.encode(), content_type=TEXT_TYPE)
        return await self._whole(request, answer)

    # Carrying out

    def _answer(
        self, request: web.BaseRequest, path: str, query: str, body: bytes, struck: _Struck
    ) -> Answer:
        try:
            call = self._read(request, path, query, body)
            if FaultKind.IGNORE_FILTER in struck:
                call.params.pop("filter", None)
            if FaultKind.IGNORE_DELETE in struck:
                return Answer(204, outcome="ignored")
            return self._resources.answer(call)
        except Rejection as rejection:
            return self._refusal(rejection)

    def _read(self, request: web.BaseRequest, path: str, query: str, body: bytes) -> Call:
        headers, switches = request.headers, self._site.switches
        if switches.url_limit and len(request.raw_path) > switches.url_limit:
            raise Rejection(414, "Request URL Too Long")
        params, whole = _parameters(query)
        strict = switches.xrfkey_length == "strict"
        check_xrfkey(params, headers.get("X-Qlik-Xrfkey"), strict=strict)
        if not whole:
            raise Rejection(400, "Missing parameter value(s)")
        segments = [segment for segment in path.split("/") if segment]
        if segments[:1] != ["qrs"]:
            raise Rejection(404, "Not Found")
        by, rights = identify(self._site, headers.get("X-Qlik-User"))
        return Call(
            request.method,
            segments[1:],
            params,
            body,
            by,
            sees=rights is not Rights.NONE,
            acts=rights is Rights.ALL,
        )

    def _refusal(self, rejection: Rejection) -> Answer:
        form, text = self._site.switches.error_bodies, rejection.text
        if form == "empty":
            return Answer(rejection.status, b"", content_type=TEXT_TYPE)
        if form == "json":
            return Answer(rejection.status, encode({"error": text}))
        if form == "html":
            page = f"<html><body><h1>{rejection.status}</h1></body></html>".encode()
            return Answer(rejection.status, page, content_type="text/html")
        return Answer(rejection.status, text.encode(), content_type=TEXT_TYPE)

    # Faults

    async def _disturbed(
        self,
        request: web.BaseRequest,
        path: str,
        query: str,
        body: bytes,
        noted: tuple[_Struck, LoggedRequest],
    ) -> web.StreamResponse:
        struck, entry = noted
        entry.outcome = ",".join(struck)
        if FaultKind.LATENCY in struck:
            await asyncio.sleep(struck[FaultKind.LATENCY].number / 1000)
        if _value(struck, FaultKind.HANG) == "before":
            return await self._hang(request)
        if _value(struck, FaultKind.DROP) == "before":
            return _dropped(request)
        if FaultKind.STATUS in struck:
            answer = self._refused(struck[FaultKind.STATUS].number)
        elif FaultKind.HTML in struck:
            answer = Answer(200, _LOGIN_PAGE, content_type="text/html; charset=utf-8")
        else:
            answer = self._answer(request, path, query, body, struck)
        if answer.outcome:
            entry.outcome += f" {answer.outcome}"
        if _value(struck, FaultKind.HANG) == "after":
            return await self._hang(request)
        lost = FaultKind.LOST in struck and answer.status < 400
        if lost or _value(struck, FaultKind.DROP) == "after":
            return _dropped(request)
        return await self._spoiled(request, answer, struck, entry)

    def _refused(self, status: int) -> Answer:
        texts = {429: "Too Many Requests", 403: "Forbidden", 404: "Not Found"}
        return self._refusal(Rejection(status, texts.get(status, "Internal Server Error")))

    async def _hang(self, request: web.BaseRequest) -> web.StreamResponse:
        while request.transport is not None and not request.transport.is_closing():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), timeout=0.05)
                break
        return _dropped(request)

    async def _spoiled(
        self, request: web.BaseRequest, answer: Answer, struck: _Struck, entry: LoggedRequest
    ) -> web.StreamResponse:
        if FaultKind.NOT_JSON in struck:
            answer = Answer(answer.status, b"{not json at all")
        if FaultKind.NO_LENGTH_CUT in struck:
            entry.status = answer.status
            return self._cut_silently(request, answer)
        if FaultKind.CUT in struck:
            entry.status = answer.status
            return await self._cut(request, answer)
        if FaultKind.SLOW in struck:
            entry.status = answer.status
            return await self._trickle(request, answer, struck[FaultKind.SLOW].number)
        return await self._send(request, answer, entry)

    async def _cut(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        content = b"".join(_pieces(answer))
        response = await self._start(request, answer, len(content))
        await response.write(content[: len(content) // 2])
        if request.transport is not None:
            request.transport.close()
        return response

    def _cut_silently(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        content = b"".join(_pieces(answer))
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
        head += f"Date: {self._date_text()}\r\nConnection: close\r\n\r\n"
        if request.transport is not None:
            request.transport.write(head.encode() + content[: len(content) // 2])
            request.transport.close()
        return web.Response()

    async def _trickle(
        self, request: web.BaseRequest, answer: Answer, bytes_a_second: int
    ) -> web.StreamResponse:
        content = b"".join(_pieces(answer))
        response = await self._start(request, answer, len(content))
        step = max(1, bytes_a_second // 20)
        for position in range(0, len(content), step):
            await response.write(content[position : position + step])
            await asyncio.sleep(step / bytes_a_second)
        await response.write_eof()
        return response

    # Sending

    async def _send(
        self, request: web.BaseRequest, answer: Answer, entry: LoggedRequest
    ) -> web.StreamResponse:
        entry.status = answer.status
        if answer.outcome and not entry.outcome:
            entry.outcome = answer.outcome
        return await self._whole(request, answer)

    async def _whole(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        size = _size(answer)
        if self._no_date:
            return self._without_date(request, answer)
        if size <= _LARGE:
            headers = {"Date": self._date_text()}
            if answer.status != 204:
                headers["Content-Type"] = answer.content_type
            if answer.status == 429:
                headers["Retry-After"] = "1"
            body = answer.body if answer.rows is None else b"".join(_pieces(answer))
            return web.Response(status=answer.status, body=body, headers=headers)
        response = await self._start(request, answer, size)
        for piece in _chunks(_pieces(answer)):
            await response.write(piece)
        await response.write_eof()
        return response

    async def _start(
        self, request: web.BaseRequest, answer: Answer, size: int
    ) -> web.StreamResponse:
        headers = {"Date": self._date_text(), "Content-Type": answer.content_type}
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = size
        await response.prepare(request)
        return response

    def _without_date(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        """Write the answer past the HTTP library, which never leaves the Date header out."""
        head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\n"
        head += f"Content-Length: {_size(answer)}\r\nConnection: close\r\n\r\n"
        if request.transport is not None:
            request.transport.write(head.encode() + b"".join(_pieces(answer)))
            request.transport.close()
        return web.Response()

    def _date_text(self) -> str:
        second = (self._site.clock.now() + self._skew) // SECOND
        if self._date[0] != second:
            self._date = (second, http_date(second * SECOND))
        return self._date[1]


def _parameters(query: str) -> tuple[dict[str, str], bool]:
    """Read a query string; also say whether every piece had a value."""
    params: dict[str, str] = {}
    whole = True
    for piece in query.split("&"):
        name, equals, value = piece.partition("=")
        if equals:
            params[name.lower()] = unquote_plus(value)
        elif piece:
            whole = False
    return params, whole


def _value(struck: _Struck, kind: FaultKind) -> str:
    fault = struck.get(kind)
    return "" if fault is None else fault.value


def _dropped(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection without an answer; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _size(answer: Answer) -> int:
    if answer.rows is None:
        return len(answer.body)
    return sum(map(len, answer.rows)) + max(0, len(answer.rows) - 1) + 2


def _pieces(answer: Answer) -> Iterator[bytes]:
    if answer.rows is None:
        yield answer.body
        return
    yield b"["
    for start in range(0, len(answer.rows), 256):
        if start:
            yield b","
        yield b",".join(answer.rows[start : start + 256])
    yield b"]"


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
