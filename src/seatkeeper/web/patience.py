"""Connections that say nothing, or say it too slowly, are cut off.

uvicorn bounds the pause between two requests, not the time that a client takes to send one.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10.0
"""Seconds from connecting, or from the end of the last answer, to a whole request and answer."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 with a limit on how long one request and its answer may take."""

    patience = PATIENCE

    def __init__(self, *args: Any, **options: Any) -> None:
        """Begin without a deadline: there is no connection yet."""
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._start_the_clock()

    def on_response_complete(self) -> None:
        """Start it anew for the next request."""
        super().on_response_complete()
        self._start_the_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        self._is_lost = True
        self._stop_the_clock()
        super().connection_lost(exc)

    def _start_the_clock(self) -> None:
        self._stop_the_clock()
        # Also while it is closing: a client that does not read would keep it open for ever.
        if not self._is_lost:
            self._deadline = self.loop.call_later(self.patience, self.transport.abort)

    def _stop_the_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
