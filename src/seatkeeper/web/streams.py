"""Answers that go on for as long as somebody takes them: events, and exports.

Each holds a connection and reads the store, so only so many are open at once.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterable, Iterator, Mapping
from dataclasses import dataclass, field

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from seatkeeper.core.roles import Identity
from seatkeeper.web.refusals import TooOften


@dataclass(slots=True)
class Room:
    """How many of one sort are open at once: of all, and of one person or token."""

    most: int
    most_of_one: int
    _open: Counter[str] = field(default_factory=Counter, kw_only=True)

    @property
    def is_busy(self) -> bool:
        """Whether any is open."""
        return self._open.total() > 0

    @contextlib.contextmanager
    def one_more(self, identity: Identity) -> Iterator[None]:
        """Count one while it lasts; raises TooManyStreams."""
        who = f"{identity.via.value} {identity.name}"
        if self._open.total() >= self.most or self._open[who] >= self.most_of_one:
            raise TooManyStreams
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            self._open += Counter()  # forgets who has none left


class TooManyStreams(TooOften):
    """More of them than the console keeps open."""

    title = "Too many streams are open"

    def __init__(self) -> None:
        super().__init__(30)
        self.detail = "close one, or wait 30 seconds and try again"


class HeldResponse(StreamingResponse):
    """An answer that keeps its place in the room until it is over, however it ends."""

    def __init__(
        self,
        content: AsyncIterable[str | bytes],
        held: contextlib.ExitStack,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._held:
            await super().__call__(scope, receive, send)
