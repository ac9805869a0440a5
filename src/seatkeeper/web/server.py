"""uvicorn inside our own loop: it neither owns signals nor outlives the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from seatkeeper.errors import UsageError


class _Server(uvicorn.Server):
    """A server that leaves signals to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bind(listen: str) -> socket.socket:
    """Take the address; raises UsageError when it is taken or reaches beyond this machine."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not _is_loopback(host):
        raise UsageError(
            f"console.listen {listen} reaches beyond this machine, and this version has no "
            "sign-in: use 127.0.0.1 and a reverse proxy that asks who is there"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port)))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"console.listen {listen} cannot be used ({error.strerror}); "
            "is another Seatkeeper running? Choose another port"
        ) from error
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def serve(app: FastAPI, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve the app on a bound socket until `stop` is set."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=3
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await stop.wait()
    finally:
        server.should_exit = True
        await serving
