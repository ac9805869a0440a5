"""The daemon's look for news: what happened goes into the outbox of each webhook that wants it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from structlog.typing import FilteringBoundLogger

from seatkeeper.core.hook import Hook
from seatkeeper.errors import StoreError
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.telling_ports import Hooks

EVERY = 1.0
"""Seconds between two looks; looking writes nothing."""


@dataclass(frozen=True, slots=True)
class Announcing:
    """Who is told of events, and how; what is older than `keep` is not told any more."""

    hooks: Sequence[Hook]
    store: Hooks
    keep: timedelta
    every: float = EVERY

    async def keep_on(self, clock: Clock, stop: asyncio.Event, log: FilteringBoundLogger) -> None:
        """Look for news again and again until asked to stop; a store that fails is told once."""
        failing = ""
        while self.hooks and not stop.is_set():
            error = await self._look(clock)
            if error and error != failing:
                log.error("events.failed", error=error)
            failing = error
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.every)
        await stop.wait()

    async def _look(self, clock: Clock) -> str:
        """Look once for each; why it could not be done, empty when it could."""
        now = clock.now()
        try:
            for hook in self.hooks:
                await self.store.catch_up(hook, now - self.keep, now)
        except StoreError as error:
            return str(error)
        return ""
