"""A channel as a target of the outbox: messages in their order, one after the other.

The first that does not arrive stops the rest, so nothing overtakes it. A message that failed often
while one about something else arrives is the trouble itself: it is set aside, else it would keep
every later one from being told. Messages about the same thing never change places.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import msgspec

from seatkeeper.core.outbox import Delivery, OutboxRow
from seatkeeper.errors import MessageRefused, NotTold

OFTEN = 6
"""After so many tries in vain a message about something else is tried."""

TURN = 15.0
"""Seconds after which no further message is begun; what is left comes with the next batch."""

Message = TypeVar("Message")


@dataclass(slots=True)
class _Done:
    """What became of rows so far."""

    delivered: list[int] = field(default_factory=list)
    poisoned: dict[int, str] = field(default_factory=dict)

    def delivery(self) -> Delivery:
        """Return it as the outbox wants it, with nothing in trouble."""
        return Delivery(tuple(self.delivered), self.poisoned)

    def stopped(self, row: OutboxRow, error: NotTold) -> Delivery:
        """Return it as the outbox wants it: this row stopped the rest."""
        return replace(self.delivery(), error=str(error), wait=error.wait, failed=row.id)


class ChannelSink(Generic[Message]):
    """Sends rows over one channel; `read` turns a body into what `tell` takes.

    `about` names what a message is about: those of one name keep their order, whatever happens.
    """

    def __init__(
        self,
        read: Callable[[bytes], Message],
        tell: Callable[[Message, str], Awaitable[str]],
        about: Callable[[Message], str],
    ) -> None:
        self._read = read
        self._tell = tell
        self._about = about

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:
        """Send rows until one does not arrive, and say what became of each."""
        end = time.monotonic() + TURN
        done = _Done()
        for number, row in enumerate(rows):
            error = await self._try(row, done)
            if error is not None:
                if row.tries >= OFTEN and not error.busy:
                    error = await self._past(rows[number:], done, error, end)
                return done.delivery() if error is None else done.stopped(row, error)
            if time.monotonic() > end:
                break
        return done.delivery()

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
        self, rows: Sequence[OutboxRow], done: _Done, error: NotTold, end: float
    ) -> NotTold | None:
        """Look whether the first message is the trouble itself: another arrives, it does not.

        Past the end of the turn that is left open, for a batch must not take too long.
        """
        row, other = rows[0], self._other(rows)
        if other is None or await self._try(other, done) is not None or other.id in done.poisoned:
            return error
        if time.monotonic() > end:
            return error
        again = await self._try(row, done)
        if again is not None and again.busy:
            return again
        if again is not None:
            done.poisoned[row.id] = f"{again}; a message behind it arrived"
        return None

    def _other(self, rows: Sequence[OutboxRow]) -> OutboxRow | None:
        """Return the first row that is about something else than the first of these."""
        about = self._name(rows[0])
        return next((row for row in rows[1:] if self._name(row) != about), None)

    def _name(self, row: OutboxRow) -> str | None:
        try:
            return self._about(self._read(row.entry.body))
        except msgspec.DecodeError:
            return None

    async def _one(self, row: OutboxRow) -> None:
        try:
            message = self._read(row.entry.body)
        except msgspec.DecodeError as error:
            raise MessageRefused("this is no message; another version wrote it") from error
        await self._tell(message, row.entry.key)
