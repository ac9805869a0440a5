"""Requests to one site: readings are tried again, a write is sent once and never again.

No other identity than the configured one is ever sent; how a single request goes is in `line`.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar

import aiohttp

from seatkeeper.errors import NeverSent, QrsError
from seatkeeper.qrs.answer import Reply, failure, is_framed, page_instead, start_of
from seatkeeper.qrs.body import Sink
from seatkeeper.qrs.connection import Connection
from seatkeeper.qrs.faults import NothingThere
from seatkeeper.qrs.filters import room_in
from seatkeeper.qrs.line import Ask, Line
from seatkeeper.qrs.pace import NoTurn
from seatkeeper.qrs.retrying import Retrying, may_pass
from seatkeeper.qrs.words import is_web_page

__all__ = ["Connection", "QrsClient", "Retrying", "fresh_xrfkey"]

TRY_FACTOR = 2
"""No further try begins when so many time-outs have passed since the first."""

WRITE_PATIENCE = 2.0
"""Seconds until a write has left, or it is not sent: it follows a second look (rule 20)."""

LARGEST_REPLY = 256 * 1024
"""Bytes of the answer to a write."""

Result = TypeVar("Result")

_LETTERS = string.ascii_letters + string.digits


def fresh_xrfkey() -> str:
    """Return 16 random letters and digits (QRS contract 1.2)."""
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


class QrsClient:
    """One site's Repository Service; use it as an async context manager."""

    def __init__(
        self,
        connection: Connection,
        clock: Callable[[], datetime],
        *,
        retrying: Retrying | None = None,
        rng: random.Random | None = None,
        make_xrfkey: Callable[[], str] = fresh_xrfkey,
    ) -> None:
        """Prepare a client; `clock` gives aware UTC. Nothing is sent before it is entered."""
        self.connection = connection
        self._line = Line(connection, clock, make_xrfkey)
        self._retrying = retrying or Retrying()
        self._rng = rng or random.SystemRandom()

    async def __aenter__(self) -> Self:
        """Load the certificates; raises NeverSent that names the file at fault."""
        self._line.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self._line.close()

    async def refresh(self) -> None:
        """Take up certificates that were renewed; to be called while nothing is in flight.

        Raises NeverSent when the new ones cannot be used.
        """
        await self._line.refresh()

    @property
    def requests(self) -> int:
        """Requests sent so far, further tries included."""
        return self._line.requests

    @property
    def skew(self) -> timedelta | None:
        """The site's clock minus ours, from the newest answer with a `Date` header."""
        return self._line.skew

    @property
    def in_flight_limit(self) -> int:
        """Requests that may be in flight now; below `concurrency` while the site suffers."""
        return self._line.pace.limit

    def room(self, path: str) -> int:
        """Return the bytes that an encoded filter may have below a path (see `filters`)."""
        return room_in(self.connection.base, path)

    async def read(
        self,
        path: str,
        make_sink: Callable[[], Sink[Result]],
        *,
        filter_: str = "",
        long: bool = False,
    ) -> Result:
        """Read one answer, a few times if need be, with a new sink for each try.

        `filter_` is not yet percent-encoded; `long` is for lists of any length. Raises QrsError:
        Refused for a 4xx, Garbled for what is not QRS, Unreachable for everything else.
        """
        ask = Ask(method="GET", path=path, filter_=filter_, long=long)
        loop = asyncio.get_running_loop()
        began = loop.time()
        last_begin = began + TRY_FACTOR * self.connection.timeout.total_seconds()
        pauses = self._retrying.pauses(self._rng)
        tries = 0
        while True:
            tries += 1
            try:
                return await self._read_once(ask, make_sink())
            except QrsError as error:
                pause = next(pauses, None)
                if pause is None or not may_pass(error) or loop.time() + pause > last_begin:
                    raise _after(error, tries, loop.time() - began) from error.__cause__
            await asyncio.sleep(pause)

    async def _read_once(self, ask: Ask, sink: Sink[Result]) -> Result:
        async with self._line.exchange(ask) as response:
            if response.status == 204:
                raise NothingThere(f"{ask.path}: an empty answer")
            if response.status != 200:
                raise await failure(response, ask.path, self._line.clock())
            return await _take_in(response, ask.path, sink)

    async def write(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send one request, once. Any status is an answer, a redirect or 404 too.

        Raises NeverSent when it certainly did not leave, NoAnswer or Garbled when nobody knows
        what became of it.
        """
        ask = Ask(method=method, path=path, body=body, patience=WRITE_PATIENCE)
        try:
            async with self._line.exchange(ask) as response:
                content = await start_of(response, LARGEST_REPLY)
        except NoTurn as error:
            raise NeverSent(
                f"{self.connection.place} suffers, so fewer requests are sent at once; the turn "
                f"of this one did not come within {WRITE_PATIENCE:g} s"
            ) from error
        if response.ok and is_web_page(response.content_type, content):
            raise page_instead(path)
        return Reply(response.status, content, response.content_type)


async def _take_in(response: aiohttp.ClientResponse, path: str, sink: Sink[Result]) -> Result:
    body = response.content
    data = await body.readany()
    if is_web_page(response.content_type, data):
        raise page_instead(path)
    while data:
        sink.feed(data)
        data = await body.readany()
    return sink.close(framed=is_framed(response.headers))


def _after(error: QrsError, tries: int, seconds: float) -> QrsError:
    """Say how often and how long it was tried."""
    if tries > 1:
        error.args = (f"{error} (tried {tries} times in {seconds:.0f} s)",)
    return error
