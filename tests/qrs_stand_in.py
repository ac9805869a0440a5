"""A scripted HTTPS server for tests of the door to Qlik; it counts everything it is asked.

It knows no QRS: each test says, byte by byte where that matters, what the server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from qrs_pki import Pair, Pki


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs(urlsplit(self.target).query).items()}

    @property
    def filter(self) -> str:
        return self.query.get("filter", "")


Script = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class StandIn:
    """What the server was told to do, and what it saw."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _scripts: dict[str, list[Script]] = field(default_factory=lambda: defaultdict(list))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/qrs"

    def on(self, path: str, *scripts: Script) -> None:
        """Answer a path below /qrs with these in turn; the last one stays."""
        self._scripts[f"/qrs{path}"] = list(scripts)

    def count(self, method: str) -> int:
        return sum(1 for asked in self.asked if asked.method == method)

    def filters(self, path: str) -> list[str]:
        return [a.filter for a in self.asked if a.path == f"/qrs{path}"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                self.arrived.set()
                await self._answer(asked, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, ValueError):
            pass  # what is not HTTP is not answered
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            scripts = self._scripts.get(asked.path)
            if not scripts:
                await text(404, "no such path")(asked, writer)
            else:
                await (scripts.pop(0) if len(scripts) > 1 else scripts[0])(asked, writer)
        finally:
            self.in_flight -= 1


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


def server_context(pki: Pki, server: Pair | None = None, *, tls: str = "any") -> ssl.SSLContext:
    """Make a server's side of mutual TLS."""
    pair = server or pki.server
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    context.load_verify_locations(pki.site.root)
    context.verify_mode = ssl.CERT_REQUIRED
    if tls == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextlib.contextmanager
def says_why(pki: Pki, *, tls: str = "any") -> Iterator[str]:
    """Run a server that tells in a TLS alert why it refuses a certificate; asyncio's does not."""
    context = server_context(pki, tls=tls)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}/qrs"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@contextlib.asynccontextmanager
async def stand_in(
    pki: Pki, server: Pair | None = None, *, tls: str = "any"
) -> AsyncIterator[StandIn]:
    """Run a server that wants a client certificate of the site's authority.

    `tls` is "any", "1.2", or "none" for plain text.
    """
    site = StandIn()
    context = None if tls == "none" else server_context(pki, server, tls=tls)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await site._serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    site.port = listener.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def raw(data: bytes, *, then_close: bool = False, then_reset: bool = False) -> Script:
    """Send these bytes, then leave the connection open, close it or reset it."""

    async def script(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if then_reset:
            await asyncio.sleep(0.05)
            writer.transport.abort()
        if then_close or then_reset:
            writer.close()
            raise ConnectionResetError

    return script


def body(
    status: int, data: bytes, content_type: str = "application/json;charset=utf-8", **headers: str
) -> Script:
    """Answer with a body of known length."""
    everything = {
        "Date": format_datetime(datetime.now(UTC), usegmt=True),
        "Content-Type": content_type,
        "Content-Length": str(len(data)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return raw(head(status, everything) + data)


def jsons(value: Any, status: int = 200, **headers: str) -> Script:
    """Answer with JSON, compact as QRS writes it."""
    return body(status, json.dumps(value, separators=(",", ":")).encode(), **headers)


def text(status: int, words: str = "", **headers: str) -> Script:
    """Answer with plain text."""
    return body(status, words.encode(), "text/plain", **headers)


def nothing(status: int = 204) -> Script:
    """Answer without a body."""
    return raw(head(status, {}))


def drop() -> Script:
    """Take the request and close the connection without a word."""
    return raw(b"", then_close=True)


def hang(seconds: float = 30.0) -> Script:
    """Take the request and never answer."""

    async def script(_: Asked, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)

    return script


def late(seconds: float, script: Script) -> Script:
    """Wait, then answer."""

    async def delayed(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await script(asked, writer)

    return delayed


def trickle(data: bytes, pause: float) -> Script:
    """Send one byte at a time."""

    async def script(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, {"Content-Length": str(len(data))}))
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause)

    return script


def filtered(
    rows: Iterable[Mapping[str, Any]], keep: Callable[[str], Callable[[Any], bool]]
) -> Script:
    """Answer a list, narrowed by what `keep` makes of the filter."""
    everything = list(rows)

    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        wanted = keep(asked.filter)
        await jsons([row for row in everything if wanted(row)])(asked, writer)

    return script


@contextlib.asynccontextmanager
async def nobody_listens() -> AsyncIterator[str]:
    """Give the address of a port where nobody listens any more."""
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield f"https://localhost:{port}/qrs"


@contextlib.asynccontextmanager
async def never_shakes_hands() -> AsyncIterator[str]:
    """Give the address of a server that accepts connections and then says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"https://localhost:{listener.getsockname()[1]}/qrs"
