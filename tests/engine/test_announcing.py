"""The daemon's look for news: again and again, though the store was away for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from structlog.testing import capture_logs

from builders import NOW
from seatkeeper.core.event import EventKind
from seatkeeper.core.hook import Hook
from seatkeeper.engine.announcing import Announcing
from seatkeeper.errors import StoreError

HOOK = Hook("event:a", frozenset(EventKind), ("prod",))


class Still:
    """A clock that stands."""

    def now(self) -> datetime:
        """Return the moment of every example."""
        return NOW


@dataclass
class Away:
    """A store that is away for some looks, and asks to end after the next."""

    stop: asyncio.Event
    away: int = 2
    looked: list[tuple[str, datetime]] = field(default_factory=list)

    async def catch_up(self, hook: Hook, since: datetime, _now: datetime) -> int:
        """Fail at first."""
        self.away -= 1
        if self.away >= 0:
            raise StoreError("away")
        self.looked.append((hook.target, since))
        self.stop.set()
        return 0


async def test_a_store_that_is_away_is_said_once_and_looked_at_again() -> None:
    stop, log = asyncio.Event(), structlog.get_logger()
    store = Away(stop)
    announcing = Announcing([HOOK], store, timedelta(days=30), every=0.01)

    with capture_logs() as logged:
        await announcing.keep_on(Still(), stop, log)

    assert store.looked == [("event:a", NOW - timedelta(days=30))]
    assert [(line["event"], line["error"]) for line in logged] == [("events.failed", "away")]
