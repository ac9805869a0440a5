"""Connections that say nothing, or say it too slowly, are cut off.

uvicorn bounds the pause between two requests, not the time that a client takes to send one.

One exception: an answer that says that it is a stream (events, an export) goes on as long as its
client takes some of what is sent each time the clock runs out, up to a bound of its own. Only so
many are open at once; that bounds what a client can hold that takes next to nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10.0
"""Seconds from connecting, or from the end of the last answer, to a whole request and answer."""


LONGEST_STREAM = 600.0
"""Seconds after which a stream is cut off, however well it is read."""

_STREAM = "stream"


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stream: what is set when it must end, and when it is cut off, by the clock of the loop."""

    stopped: asyncio.Event
    until: float


def announce_stream(
    scope: MutableMapping[str, Any], longest: float = LONGEST_STREAM
) -> asyncio.Event:
    """Say that the answer to this request is a stream; what is returned is set when it must end."""
    stream = _Stream(asyncio.Event(), asyncio.get_running_loop().time() + longest)
    scope.setdefault("state", {})[_STREAM] = stream
    return stream.stopped


class _CountedTransport:
    """A transport that counts what is written to it; everything else is that of the real one."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.written = 0

    def write(self, data: bytes) -> None:
        """Write, and count."""
        self.written += len(data)
        self._transport.write(data)

    @property
    def taken(self) -> int:
        """How much of it the client's side has taken."""
        return self.written - self._transport.get_write_buffer_size()

    def __getattr__(self, name: str) -> Any:
        """Give what the real one has."""
        return getattr(self._transport, name)


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 with a limit on how long one request and its answer may take."""

    patience = PATIENCE
    _counted: _CountedTransport

    def __init__(self, *args: Any, **options: Any) -> None:
        """Begin without a deadline: there is no connection yet."""
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._is_lost = False
        self._taken = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        self._counted = _CountedTransport(transport)
        super().connection_made(self._counted)  # type: ignore[arg-type]
        self._start_the_clock()

    def on_response_complete(self) -> None:
        """Start it anew for the next request."""
        super().on_response_complete()
        self._start_the_clock()

    def shutdown(self) -> None:
        """Let a stream end by itself when the server does."""
        if (stream := self._stream()) is not None:
            stream.stopped.set()
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
        stream, taken_before = self._stream(), self._taken
        self._taken = self._counted.taken
        is_read = self._taken > taken_before or self.transport.get_write_buffer_size() == 0
        if stream is not None and is_read and self.loop.time() < stream.until:
            self._start_the_clock()
        else:
            self.transport.abort()

    def _stream(self) -> _Stream | None:
        """Return the stream being sent, None for any other answer."""
        cycle = self.cycle
        if cycle is None or not cycle.response_started or cycle.response_complete:
            return None
        stream: _Stream | None = cycle.scope["state"].get(_STREAM)
        return stream

    def _stop_the_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
