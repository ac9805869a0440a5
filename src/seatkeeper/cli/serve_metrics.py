"""The page for Prometheus beside the daemon's own, where the configuration asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from seatkeeper import logs

if TYPE_CHECKING:
    from seatkeeper.cli.session import Session
    from seatkeeper.settings import Settings


@contextlib.contextmanager
def metrics_listener(settings: Settings) -> Iterator[socket.socket | None]:
    """Take the address of `metrics.prometheus`, None where nobody wants it; raises UsageError."""
    from seatkeeper.web.server import bind

    wanted = settings.metrics.prometheus
    if wanted is None:
        yield None
        return
    with bind(wanted.listen, "metrics.prometheus.listen") as listener:
        yield listener


def metrics_works(
    listener: socket.socket | None, session: Session, stop: asyncio.Event
) -> dict[str, Coroutine[Any, Any, None]]:
    """Return what serves the page until `stop`; nothing without a listener."""
    if listener is None:
        return {}
    from seatkeeper.web.metrics import make_metrics_app
    from seatkeeper.web.server import address_of, serve
    from seatkeeper.wiring.exposing import Exposed

    logs.logger().info("metrics.started", listen=f"{address_of(listener)}/metrics")
    app = make_metrics_app(Exposed(session.store, session.settings, session.clock.now))
    return {"metrics": serve(app, listener, stop)}
