"""One request and its answer: identity, xrfkey, time limits, pace, errors in our own words.

A request leaves once. The HTTP library would silently repeat a GET or DELETE whose connection
broke; `_once` stops that. Redirects are not followed, cookies are not kept.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
from yarl import URL

from seatkeeper import __version__
from seatkeeper.errors import NeverSent, QrsError
from seatkeeper.qrs.answer import is_ailing, retry_after, skew_of
from seatkeeper.qrs.connection import Connection
from seatkeeper.qrs.explain import CONNECT_WITHIN, Dropped, explain
from seatkeeper.qrs.faults import CertificateTrouble
from seatkeeper.qrs.filters import encoded
from seatkeeper.qrs.pace import Pace, Turn
from seatkeeper.qrs.tls import tls_context, written_at

LONG_FACTOR = 5
"""A long list may take so many times the time-out, as long as bytes keep coming."""

SLOW_SHARE = 0.25
"""A small answer that takes this share of the time-out tells that the site suffers."""

KEEP_ALIVE = 15.0
"""Seconds an idle connection is kept; the longer, the likelier the server closed it meanwhile."""

LEAST_CONNECT = 0.1
"""Seconds for a connection even when the patience went into waiting for the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked; `filter_` is not yet percent-encoded, `long` is for lists of any length.

    `patience` are the seconds that turn and connection may take together until the request
    leaves, None for as long as it takes.
    """

    method: str
    path: str
    filter_: str = ""
    body: bytes | None = None
    long: bool = False
    patience: float | None = None


class Line:
    """The connections to one site and what they tell about it."""

    def __init__(
        self,
        connection: Connection,
        clock: Callable[[], datetime],
        make_xrfkey: Callable[[], str],
    ) -> None:
        """Prepare; nothing is opened before `open`."""
        self.connection = connection
        self.clock = clock
        self.pace = Pace(connection.concurrency)
        self.requests = 0
        self.skew: timedelta | None = None
        self._answered = False
        self._make_xrfkey = make_xrfkey
        self._sessions: tuple[aiohttp.ClientSession, ...] = ()
        self._loaded: tuple[float, ...] = ()
        self._closed = True

    def open(self) -> None:
        """Load the certificates; raises CertificateTrouble that names the file at fault."""
        self._closed = False  # also when they are missing yet: the next request tries again
        written = written_at(self.connection)
        try:
            context = tls_context(self.connection)
        except NeverSent as error:
            raise CertificateTrouble(str(error)) from error
        self._loaded = written
        self._sessions = self._make_sessions(context)

    async def refresh(self) -> None:
        """Load the certificates again when their files were written since.

        To be called while nothing is in flight. Raises CertificateTrouble when the new ones
        cannot be used; the old ones stay in use then.
        """
        if self._sessions and written_at(self.connection) == self._loaded:
            return
        old = self._sessions
        self.open()
        for session in old:
            await session.close()

    def _make_sessions(self, context: ssl.SSLContext) -> tuple[aiohttp.ClientSession, ...]:
        return tuple(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=context, limit=self.connection.concurrency, keepalive_timeout=KEEP_ALIVE
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(self._once,),
                headers={
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": f"seatkeeper/{__version__}",
                    "X-Qlik-User": self.connection.identity,
                },
            )
            for _ in ("readings", "writes")
        )

    async def close(self) -> None:
        """Close every connection."""
        self._closed = True
        for session in self._sessions:
            await session.close()
        self._sessions = ()

    @asynccontextmanager
    async def exchange(self, ask: Ask) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send once and give the answer, whose body is still to be read, whatever its status.

        Raises NoTurn when patience ends; NeverSent, NoAnswer or Garbled when no answer came, also
        from reading the body inside the context.
        """
        now = asyncio.get_running_loop().time
        asked = now()
        async with self.pace.turn(ask.patience) as turn:
            try:
                began = now()
                async with self._request(ask, waited=began - asked) as response:
                    took = now() - began
                    self._note(response, turn, slow=not ask.long and self._is_slow(took))
                    yield response
            except Dropped as error:
                self.pace.went_badly(turn)
                cause = error.__cause__
                raise self._explained(cause if isinstance(cause, Exception) else error) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                self.pace.went_badly(turn)
                raise self._explained(error) from error

    @asynccontextmanager
    async def _request(self, ask: Ask, *, waited: float) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._closed:
            raise RuntimeError("the client is used outside its context")
        if not self._sessions:
            self.open()
        xrfkey = self._make_xrfkey()
        headers = {"X-Qlik-Xrfkey": xrfkey}
        if ask.body is not None:
            headers["Content-Type"] = "application/json"
        query = f"filter={encoded(ask.filter_)}&" if ask.filter_ else ""
        url = URL(f"{self.connection.base}{ask.path}?{query}xrfkey={xrfkey}", encoded=True)
        async with self._sessions[ask.method != "GET"].request(
            ask.method,
            url,
            data=ask.body,
            headers=headers,
            allow_redirects=False,
            timeout=self._time_limits(ask, waited),
        ) as response:
            yield response

    def _time_limits(self, ask: Ask, waited: float) -> aiohttp.ClientTimeout:
        seconds = self.connection.timeout.total_seconds()
        connect = min(CONNECT_WITHIN, seconds)
        if ask.patience is not None:
            connect = min(connect, max(LEAST_CONNECT, ask.patience - waited))
        return aiohttp.ClientTimeout(
            total=seconds * (LONG_FACTOR if ask.long else 1), connect=connect, sock_read=seconds
        )

    def _is_slow(self, took: float) -> bool:
        return took > SLOW_SHARE * self.connection.timeout.total_seconds()

    def _note(self, response: aiohttp.ClientResponse, turn: Turn, *, slow: bool) -> None:
        """Learn from the head of an answer: the site's clock, and how it bears the load."""
        now = self.clock()
        self._answered = True
        if (skew := skew_of(response.headers, now)) is not None:
            self.skew = skew
        if is_ailing(response.status):
            self.pace.went_badly(turn, retry_after(response.headers, now))
        elif slow:
            self.pace.went_badly(turn)
        else:
            self.pace.went_well()

    def _explained(self, error: Exception) -> QrsError:
        return explain(error, self.connection, self.clock(), answered=self._answered)

    async def _once(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Keep the HTTP library from sending again; count what left."""
        try:
            response = await send(request)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise  # it never left
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            self.requests += 1
            raise Dropped from error
        except (aiohttp.ClientError, TimeoutError, asyncio.CancelledError):
            self.requests += 1
            raise
        self.requests += 1
        return response
