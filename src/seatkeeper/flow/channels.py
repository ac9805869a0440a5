"""A channel as a target of the outbox: messages in their order, one after the other.

The first that does not arrive stops the rest, so nothing overtakes it. A message that failed often
while the one behind it arrives is the trouble itself: it is set aside, else it would keep every
later one from being told.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from seatkeeper.core.outbox import Delivery, OutboxRow
from seatkeeper.errors import MessageRefused, NotTold

OFTEN = 6
"""After so many tries in vain the message behind is tried."""

TURN = 15.0
"""Seconds after which no further message is begun; what is left comes with the next batch."""

Message = TypeVar("Message")


@dataclass(slots=True)
class _Done:
    """What became of rows so far."""

    delivered: list[int] = field(default_factory=list)
    poisoned: dict[int, str] = field(default_factory=dict)

    def delivery(self, error: NotTold | None) -> Delivery:
        """Return it as the outbox wants it."""
        if error is None:
            return Delivery(tuple(self.delivered), self.poisoned)
        return Delivery(tuple(self.delivered), self.poisoned, str(error), error.wait)


class ChannelSink(Generic[Message]):
    """Sends rows over one channel; `read` turns a body into what `tell` takes."""

    def __init__(
        self,
        read: Callable[[bytes], Message],
        tell: Callable[[Message, str], Awaitable[str]],
    ) -> None:
        self._read = read
        self._tell = tell

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:
        """Send rows until one does not arrive, and say what became of each."""
        end = time.monotonic() + TURN
        done = _Done()
        for row, behind in zip(rows, [*rows[1:], None], strict=True):
            error = await self._try(row, done)
            if error is None and time.monotonic() < end:
                continue
            if error is not None and row.tries >= OFTEN and behind is not None:
                error = await self._past(row, behind, done, error, end)
            return done.delivery(error)
        return done.delivery(None)

    async def _try(self, row: OutboxRow, done: _Done) -> NotTold | None:
        """Send one row; the error when it has to wait."""
        try:
            await self._one(row)
        except MessageRefused as error:
            done.poisoned[row.id] = str(error)
        except NotTold as error:
            return error
        else:
            done.delivered.append(row.id)
        return None

    async def _past(
        self, row: OutboxRow, behind: OutboxRow, done: _Done, error: NotTold, end: float
    ) -> NotTold | None:
        """Look whether the message itself is the trouble: the one behind arrives, it does not.

        Past the end of the turn that is left open, for a batch must not take too long.
        """
        if await self._try(behind, done) is not None or behind.id in done.poisoned:
            return error
        if time.monotonic() > end:
            return error
        if await self._try(row, done) is not None:
            done.poisoned[row.id] = f"{error}; the message behind it arrived"
        return None

    async def _one(self, row: OutboxRow) -> None:
        try:
            message = self._read(row.entry.body)
        except msgspec.DecodeError as error:
            raise MessageRefused("this is no message; another version wrote it") from error
        await self._tell(message, row.entry.key)
