"""How many requests may be in flight: fewer when the site suffers, slowly more when it recovers.

Additive increase, multiplicative decrease, as TCP does it. Never above the configured bound.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

GROW_AFTER = 10
"""Good answers in a row before one more request may be in flight."""

LONGEST_PAUSE = 30.0
"""Seconds that a site can ask us to stay away; a longer wish is cut to this."""


class NoTurn(Exception):
    """The patience was over before it was our turn: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to have one request in flight; `era` tells under which bound it was given."""

    era: int


class Pace:
    """The bound on requests in flight of one site."""

    def __init__(self, most: int, now: Callable[[], float] | None = None) -> None:
        """Start at the most that is allowed; `now` is a monotonic clock in seconds."""
        self._most = most
        self._limit = most
        self._busy = 0
        self._good = 0
        self._era = 0
        self._quiet_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._now = now or (lambda: asyncio.get_running_loop().time())

    @property
    def limit(self) -> int:
        """Requests that may be in flight now."""
        return self._limit

    @asynccontextmanager
    async def turn(self, patience: float | None = None) -> AsyncIterator[Turn]:
        """Wait for a turn, first come first served, and for a pause the site asked for.

        Raises NoTurn when both together take longer than `patience` seconds.
        """
        async with _patiently(patience):
            await self._take()
        try:
            yield Turn(self._era)
        finally:
            self._leave()

    async def _take(self) -> None:
        await self._enter()
        ready = False
        try:
            await self._keep_quiet()
            ready = True
        finally:
            if not ready:
                self._leave()

    def _leave(self) -> None:
        self._busy -= 1
        self._wake()

    async def _enter(self) -> None:
        if self._waiting or self._busy >= self._limit:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    # The turn was given to us just as we were cancelled: pass it on.
                    self._leave()
                raise
            return
        self._busy += 1

    async def _keep_quiet(self) -> None:
        rest = self._quiet_until - self._now()
        if rest > 0:
            await asyncio.sleep(rest)
            await self._keep_quiet()  # the site may have asked for more meanwhile

    def _wake(self) -> None:
        while self._waiting and self._busy < self._limit:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self._busy += 1
                waiter.set_result(None)

    def went_well(self) -> None:
        """Note a good answer."""
        self._good += 1
        if self._good >= GROW_AFTER and self._limit < self._most:
            self._good = 0
            self._limit += 1
            self._wake()

    def went_badly(self, turn: Turn, pause: float = 0.0) -> None:
        """Note that the site suffers: halve the bound, once for all that were in flight then.

        `pause` are the seconds the site asked us to stay away (`Retry-After`).
        """
        self._good = 0
        self._quiet_until = max(self._quiet_until, self._now() + min(pause, LONGEST_PAUSE))
        if turn.era == self._era:
            self._limit = max(1, self._limit // 2)
            self._era += 1


@asynccontextmanager
async def _patiently(seconds: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise NoTurn from error
