"""Connections that say nothing, or say it too slowly, are cut off.

uvicorn bounds the pause between two requests, not the time that a client takes to send one.

One exception: an answer that says that it is a stream goes on as long as its client takes what is
sent. A stream sends something more often than the clock runs out, ends itself after a while, and
only so many are open at once; that bounds what a client can hold that takes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10.0
"""Seconds from connecting, or from the end of the last answer, to a whole request and answer."""


_STREAM = "stream"


def announce_stream(scope: MutableMapping[str, Any]) -> asyncio.Event:
    """Say that the answer to this request is a stream; what is returned is set when it must end."""
    stopped = asyncio.Event()
    scope.setdefault("state", {})[_STREAM] = stopped
    return stopped


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

    def shutdown(self) -> None:
        """Let a stream end by itself when the server does."""
        if (stopped := self._stream()) is not None:
            stopped.set()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop it."""
        self._is_lost = True
        self._stop_the_clock()
        super().connection_lost(exc)

    def _start_the_clock(self) -> None:
        self._stop_the_clock()
        # Also while it is closing: a client that does not read would keep it open for ever.
        if not self._is_lost:
            self._deadline = self.loop.call_later(self.patience, self._run_out)

    def _run_out(self) -> None:
        if self._stream() is not None and self.transport.get_write_buffer_size() == 0:
            self._start_the_clock()
        else:
            self.transport.abort()

    def _stream(self) -> asyncio.Event | None:
        """Return the word that ends the stream being sent, None for any other answer."""
        cycle = self.cycle
        if cycle is None or not cycle.response_started or cycle.response_complete:
            return None
        stopped: asyncio.Event | None = cycle.scope["state"].get(_STREAM)
        return stopped

    def _stop_the_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
