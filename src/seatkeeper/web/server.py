"""uvicorn inside our own loop: it neither owns signals nor outlives the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from seatkeeper.errors import UsageError
from seatkeeper.web.certificate import Certificate
from seatkeeper.web.patience import PATIENCE, ImpatientProtocol

MOST_CONNECTIONS = 100
"""A request on a further connection is answered with 503."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the daemon, and waits for its end without ticking."""

    def __init__(
        self, config: uvicorn.Config, stop: asyncio.Event, certificate: Certificate | None
    ) -> None:
        super().__init__(config)
        self._stop, self._certificate = stop, certificate

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Wait to be stopped; the usual one wakes up ten times a second."""
        await self.on_tick(0)  # sets the headers of every answer
        if self._certificate is not None and self.config.ssl is not None:
            await self._certificate.keep(self.config.ssl, self._stop)
        await self._stop.wait()


def bind(listen: str, key: str = "console.listen") -> socket.socket:
    """Take the address that `key` gives; raises UsageError when it cannot be had."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        _take(listener, host, int(port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"{key} {listen} cannot be used ({error.strerror}); "
            "is another Seatkeeper running? Choose another port"
        ) from error
    return listener


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return where a bound socket answers, as a URL."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _take(listener: socket.socket, host: str, port: int) -> None:
    if os.name == "posix":
        # Not on Windows, where it would let two processes share the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    # Two that have bound alike learn only here which of them has the port.
    listener.listen(128)


async def serve(
    app: FastAPI,
    listener: socket.socket,
    stop: asyncio.Event,
    patience: float = PATIENCE,
    certificate: Certificate | None = None,
) -> None:
    """Serve the app on a bound socket until `stop` is set; clients are cut off after `patience`."""
    config = uvicorn.Config(
        app,
        http=type("Protocol", (ImpatientProtocol,), {"patience": patience}),
        ws="none",
        lifespan="off",
        log_config=None,  # what uvicorn has to say goes the way of every other log
        log_level="error",
        access_log=False,
        proxy_headers=False,  # whose headers are believed is the console's own decision
        server_header=False,
        date_header=False,  # it would stand still: nothing ticks
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
        **(certificate.options if certificate is not None else {}),
    )
    await _Server(config, stop, certificate).serve(sockets=[listener])
