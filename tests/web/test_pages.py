"""The health pages over a real server, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console_world import World, a_console
from seatkeeper.core.health import Heartbeat, JobHealth
from seatkeeper.web.patience import PATIENCE
from seatkeeper.web.server import MOST_CONNECTIONS, address_of, bind, serve

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


@dataclass
class Page:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Server:
    """A running server and what it says of itself."""

    listener: socket.socket
    world: World
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        return await asyncio.open_connection(*self.listener.getsockname()[:2])

    async def get(self, path: str, method: str = "GET") -> Page:
        """Ask for a page."""
        reader, writer = await self.connect()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return read_page(answer)


def read_page(answer: bytes) -> Page:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Page(int(first.split()[1]), headers, body)


def well(**changes: Any) -> Heartbeat:
    return Heartbeat(**{"started": NOW, "last_look": NOW, **changes})


@contextlib.asynccontextmanager
async def a_server(
    beat: Heartbeat | None = None, patience: float = PATIENCE
) -> AsyncIterator[Server]:
    """Serve until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_console(Path(folder)) as world:
            world.beat = beat or well()
            server = Server(bind("127.0.0.1:0"), world)
            task = asyncio.create_task(serve(world.app, server.listener, server.stop, patience))
            try:
                yield server
            finally:
                server.stop.set()
                await asyncio.wait_for(task, 10)


async def test_a_living_process_says_so() -> None:
    async with a_server() as server:
        page = await server.get("/healthz")

    assert page.status == 200
    assert page.json["status"] == "alive"


async def test_a_daemon_that_works_is_ready() -> None:
    async with a_server() as server:
        page = await server.get("/readyz")

    assert (page.status, page.json) == (200, {"status": "ready", "degraded": []})


async def test_without_its_store_it_is_alive_and_not_ready() -> None:
    async with a_server(well(store_error="the store db:5432/seats cannot be used")) as server:
        ready, alive = await server.get("/readyz"), await server.get("/healthz")

    assert (ready.status, alive.status) == (503, 200)
    assert ready.json["status"] == "not ready"
    assert ready.json["degraded"] == ["the store cannot be used"]


async def test_a_stalled_loop_is_not_ready_until_it_looks_again() -> None:
    async with a_server(well(last_look=NOW - timedelta(minutes=1))) as server:
        stalled = await server.get("/readyz")
        server.world.beat = well()
        again = await server.get("/readyz")

    assert (stalled.status, again.status) == (503, 200)


async def test_what_anybody_may_read_names_no_site_no_person_and_no_error() -> None:
    failed = "https://sense.example.com:4242 gives no answer"
    jobs = {
        ("prod", kind): JobHealth("prod", kind, failed=failed, in_a_row=1)
        for kind in ("monitor", "release")
    }
    async with a_server(well(jobs=jobs, frozen_by="Jane Doe")) as server:
        page = await server.get("/readyz")

    assert page.json["degraded"] == ["2 jobs fail", "releases are frozen"]


async def test_a_site_that_is_down_is_counted_and_keeps_it_ready() -> None:
    job = JobHealth("prod", "monitor", failed="no answer", in_a_row=1)
    async with a_server(well(jobs={("prod", "monitor"): job})) as server:
        page = await server.get("/readyz")

    assert page.status == 200
    assert page.json["degraded"] == ["1 job fails"]


async def test_a_probe_that_asks_for_the_head_alone_is_answered() -> None:
    async with a_server(well(store_error="away")) as server:
        page = await server.get("/readyz", "HEAD")

    assert (page.status, page.body) == (503, b"")


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/docs", "GET", 404), ("/openapi.json", "GET", 404)]
    + [("/healthz", method, 405) for method in ("POST", "PUT", "DELETE")],
)
async def test_nothing_else_is_there(path: str, method: str, status: int) -> None:
    async with a_server() as server:
        page = await server.get(path, method)

    assert page.status == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere"])
async def test_no_answer_is_kept_framed_or_guessed(path: str) -> None:
    async with a_server() as server:
        headers = (await server.get(path)).headers

    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "deny"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


async def cut_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """Return after how many seconds the server ends the connection."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            await reader.read()
    writer.close()
    return time.monotonic() - began


async def test_a_client_that_says_nothing_is_cut_off() -> None:
    async with a_server(patience=0.5) as server:
        seconds = await cut_off(*await server.connect())

    assert 0.2 < seconds < 5


async def test_a_client_that_trickles_is_cut_off() -> None:
    async with a_server(patience=0.5) as server:
        reader, writer = await server.connect()

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        seconds = await cut_off(reader, writer)
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)

    assert seconds < 5


async def test_a_client_that_trickles_its_second_request_is_cut_off() -> None:
    async with a_server(patience=0.5) as server:
        reader, writer = await server.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        first = await reader.readuntil(b"}")
        writer.write(b"GET /hea")
        seconds = await cut_off(reader, writer)

    assert first.startswith(b"HTTP/1.1 200")
    assert seconds < 3


async def test_a_head_without_end_is_refused() -> None:
    async with a_server() as server:
        reader, writer = await server.connect()
        writer.write(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 200_000)
        async with asyncio.timeout(10):
            answer = await reader.read(12)
        writer.close()

    assert answer == b"HTTP/1.1 400"


async def test_too_many_connections_are_turned_away_and_the_rest_is_served() -> None:
    async with a_server() as server:
        idle = [await server.connect() for _ in range(MOST_CONNECTIONS)]
        turned_away = await server.get("/healthz")
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.2)
        served = await server.get("/healthz")

    assert (turned_away.status, served.status) == (503, 200)


async def test_an_open_connection_does_not_hold_up_the_end() -> None:
    began = time.monotonic()
    async with a_server() as server:
        _, writer = await server.connect()
        server.stop.set()
    writer.close()

    assert time.monotonic() - began < 5


def test_the_address_is_told_as_a_url() -> None:
    with bind("127.0.0.1:0") as listener:
        assert address_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
