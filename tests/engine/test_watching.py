"""The daemon's watch between readings."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from structlog.testing import capture_logs

from builders import NOW
from fake_alerts import FakeAlerts
from seatkeeper.core.alert_facts import CycleFacts, SiteFacts
from seatkeeper.core.alert_rules import default_rules
from seatkeeper.core.alerts import Moved
from seatkeeper.engine.watching import keep_watching
from seatkeeper.errors import StoreError
from seatkeeper.flow.alarm import Alarm, AlertChannel


class Still:
    """A clock that stands."""

    def now(self) -> object:
        """Return the moment of every example."""
        return NOW


@dataclass
class Away(FakeAlerts):
    """A store that is away for some looks."""

    looks: int = 0
    away: int = 2
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def queues(self) -> tuple[()]:
        """Fail at first."""
        self.looks += 1
        if self.looks <= self.away:
            raise StoreError("away")
        return ()

    async def move(self, sites: Any, now: datetime, judge: Any) -> Moved:
        """Say that something was judged."""
        moved = await super().move(sites, now, judge)
        self.seen.set()
        return moved


async def test_a_site_that_is_down_is_told_though_the_store_was_away_for_a_while() -> None:
    since = NOW - timedelta(hours=4)
    alerts = Away(of_store=SiteFacts(cycles=CycleFacts(since, 5, since, "no answer")))
    alarm = Alarm(rules=default_rules(), channels=(AlertChannel("mail"),), alerts=alerts)
    stop = asyncio.Event()

    with capture_logs() as logged:
        log = structlog.get_logger()
        watching = asyncio.create_task(
            keep_watching(alarm, ["prod"], Still(), stop, log, every=0.01)  # type: ignore[arg-type]
        )
        async with asyncio.timeout(20):
            await alerts.seen.wait()
            stop.set()
            await watching

    assert {rule for _, rule, _ in alerts.heard()} == {"stale_data", "site_unreachable"}
    assert [line["event"] for line in logged] == ["alerts.failed"]


async def test_it_ends_at_once_when_asked_to() -> None:
    stop = asyncio.Event()
    stop.set()
    alarm = Alarm(rules=(), channels=(), alerts=FakeAlerts())
    async with asyncio.timeout(20):
        await keep_watching(alarm, [], Still(), stop, structlog.get_logger())  # type: ignore[arg-type]
