"""Telling of events beside the daemon, to the webhooks that the configuration names."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from seatkeeper import logs

if TYPE_CHECKING:
    from seatkeeper.cli.session import Session


def announcing_of(session: Session, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
    """Return what looks for news until `stop`."""
    from seatkeeper.engine.announcing import Announcing
    from seatkeeper.wiring.hooks import hooks_of

    settings = session.settings
    announcing = Announcing(hooks_of(settings), session.store.hooks, settings.retention.outbox)
    return announcing.keep_on(session.clock, stop, logs.logger())
