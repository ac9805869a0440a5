"""Forgetting what is too old, once a day after a monitoring cycle, or when a person asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.retention import Retention
from seatkeeper.flow.ports import Observed
from seatkeeper.logs import logger
from seatkeeper.store import Store


@dataclass(frozen=True, slots=True)
class DailyPruning:
    """Follows every monitoring cycle; the first of a day prunes the store."""

    store: Store
    retention: Retention
    step: str = "pruning"

    async def follow(self, observed: Observed) -> None:
        """Prune unless it was done within a day."""
        pruned = await self.store.pruning.prune_daily(self.retention, observed.now)
        if pruned is None:
            return
        if pruned.total:
            logger().info("store.pruned", rows=pruned.total, left=pruned.left)


@dataclass(frozen=True, slots=True)
class OutboxKeeper:
    """Follows every monitoring cycle, after its points and before its alerts."""

    store: Store
    retention: Retention
    step: str = "outbox"

    async def follow(self, observed: Observed) -> None:
        """Keep what waits within its bound."""
        await keep_outbox(self.store, self.retention, observed.now)


async def keep_outbox(store: Store, retention: Retention, now: datetime) -> None:
    """Drop what waited too long, or is too much, and say so."""
    for target, rows in (await store.losses.keep_within(retention, now)).items():
        logger().error("outbox.dropped", target=target, rows=rows)
