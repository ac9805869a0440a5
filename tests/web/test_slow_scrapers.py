"""Clients of the page for Prometheus that dawdle, on real sockets: cut off, in nobody's way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from builders import NOW, a_summary
from seatkeeper.outlets.prometheus import Exposition
from seatkeeper.settings import Settings
from seatkeeper.store import open_store
from seatkeeper.web.metrics import make_metrics_app
from seatkeeper.web.server import bind, serve
from seatkeeper.wiring.exposing import Exposed

PATIENCE, PATIENT = 1.0, 60.0
"""Seconds of the server, and of a test."""
LARGE = Exposition(b"# a page that no buffer of a system holds\n" * 800_000, "text/plain")
SETTINGS = {
    "sites": [
        {
            "name": "prod",
            "qrs": {"url": "https://127.0.0.1:9/qrs"}
            | {f"{name}_file": "a.pem" for name in ("ca", "cert", "key")},
            "license_shared_with": [],
        }
    ]
}

Answer = Callable[[str], Awaitable[Exposition]]


@dataclass
class Page:
    """A page that is served."""

    port: int

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[socket.socket]:
        """Connect a client that takes in little by itself, and wait until the server has it."""
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self.port))
            await until(lambda: self.holds(client))
            yield client

    def holds(self, client: socket.socket) -> bool:
        """Whether the server has not let go of a connection."""
        own = client.getsockname()[1]
        return any(
            one.laddr.port == self.port and one.raddr and one.raddr.port == own
            for one in psutil.Process().net_connections("tcp")
        )

    async def cuts_off(self, client: socket.socket) -> None:
        """Wait until it has."""
        await until(lambda: not self.holds(client))

    async def scrape(self) -> bytes:
        """Return the answer to somebody who behaves."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request(close=True))
        async with asyncio.timeout(PATIENT):
            found = await reader.read()
        writer.close()
        return found


async def until(done: Callable[[], bool]) -> None:
    """Wait for something that the system tells nobody."""
    async with asyncio.timeout(PATIENT):
        while not done():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)


def request(*, close: bool) -> bytes:
    """Return a whole request for the page."""
    end = b"Connection: close\r\n" if close else b""
    return b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n"


@contextlib.asynccontextmanager
async def a_page(answer: Answer, patience: float) -> AsyncIterator[Page]:
    """Serve until the block ends."""
    stop = asyncio.Event()
    with bind("127.0.0.1:0", "metrics.prometheus.listen") as listener:
        task = asyncio.create_task(serve(make_metrics_app(answer), listener, stop, patience))
        try:
            yield Page(listener.getsockname()[1])
        finally:
            stop.set()
            await asyncio.wait_for(task, PATIENT)


async def trickle(client: socket.socket) -> None:
    """Send a request a byte at a time, for ever."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        await loop.sock_sendall(client, b"GET /metrics HTTP/1.1\r\nX-Slow: ")
        while True:
            await loop.sock_sendall(client, b"a")
            await asyncio.sleep(0.02)


async def large(_accept: str) -> Exposition:
    """Answer with more than the buffers of both ends hold."""
    return LARGE


async def read_all(client: socket.socket) -> int:
    """Count what still arrives."""
    loop, arrived = asyncio.get_running_loop(), 0
    with contextlib.suppress(ConnectionError):
        while some := await loop.sock_recv(client, 1 << 20):
            arrived += len(some)
    return arrived


async def test_who_sends_a_byte_at_a_time_is_cut_off() -> None:
    async with a_page(large, PATIENCE) as page, page.client() as client:
        sending = asyncio.create_task(trickle(client))
        await page.cuts_off(client)
        await sending  # it ends because the connection did


@pytest.mark.parametrize("close", [False, True], ids=["keeps the connection", "says close"])
async def test_who_never_reads_is_cut_off(*, close: bool) -> None:
    async with a_page(large, PATIENCE) as page, page.client() as client:
        await asyncio.get_running_loop().sock_sendall(client, request(close=close))

        await page.cuts_off(client)
        assert await read_all(client) < len(LARGE.body)


async def test_who_reads_nothing_of_many_requests_is_cut_off() -> None:
    async with a_page(large, PATIENCE) as page, page.client() as client:
        requests = request(close=False) * 20
        await asyncio.get_running_loop().sock_sendall(client, requests)

        await page.cuts_off(client)


async def test_a_scrape_is_answered_while_others_dawdle(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    await store.summaries.keep(a_summary())
    gathered = Exposed(store, Settings.model_validate(SETTINGS), lambda: NOW)

    async def answer(accept: str) -> Exposition:
        """Answer as the daemon does, those who never read with more than buffers hold."""
        return LARGE if accept == "large" else await gathered(accept)

    never = request(close=True).replace(b"Host: x", b"Host: x\r\nAccept: large")
    async with a_page(answer, PATIENT) as page, contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(page.client()) for _ in range(20)]
        deaf = [await stack.enter_async_context(page.client()) for _ in range(20)]
        sending = [asyncio.create_task(trickle(client)) for client in slow]
        for client in deaf:
            await asyncio.get_running_loop().sock_sendall(client, never)

        answers = [await page.scrape() for _ in range(3)]

        assert all(page.holds(client) for client in (*slow, *deaf))
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
    store.close()
    assert all(one.startswith(b"HTTP/1.1 200") for one in answers)
    assert all(b"qlik_license_seats{" in one for one in answers)
