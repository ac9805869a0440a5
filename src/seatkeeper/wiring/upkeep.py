"""What is done once a day after a monitoring cycle: forget what is too old, verify the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.retention import Retention
from seatkeeper.errors import LedgerBroken
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


DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DailyVerifying:
    """Follows every monitoring cycle; the first of a day verifies the whole ledger.

    The cycle of a large site runs in a process of its own, and so do the seconds that this takes
    there. Two cycles at the same moment may both do it; that harms nobody.
    """

    store: Store
    step: str = "verifying the ledger"

    async def follow(self, observed: Observed) -> None:
        """Verify unless somebody did within a day; raises LedgerBroken while it is not whole."""
        last = (await self.store.ledger.state()).check
        # A check ahead of us is left by a clock that was wrong.
        if last is None or not timedelta(0) <= observed.now - last.at < DAY:
            await self.store.ledger.check("the schedule", observed.now)
        elif not last.is_whole:
            raise LedgerBroken(last.error, seq=last.bad_seq or 0)
