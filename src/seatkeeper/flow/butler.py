"""The server license for whoever listens to Butler: events put into the outbox, now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from seatkeeper.core.butler_event import entries_of, is_due
from seatkeeper.core.channel import ButlerSends
from seatkeeper.flow.ports import Observed, Outbox


class Readings(Protocol):
    """What is known of earlier readings."""

    async def last_reading(self, site: str, now: datetime) -> datetime | None:
        """Return when the last monitoring cycle that succeeded began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ButlerTarget:
    """Who is told: its name in the outbox, what it wants, how often, and of which site alone."""

    name: str
    sends: ButlerSends
    threshold_days: int
    every: timedelta
    site: str | None = None

    def wants(self, site: str) -> bool:
        """Whether it wants to know of this site."""
        return self.site is None or self.site.casefold() == site.casefold()


@dataclass(frozen=True, slots=True)
class ButlerKeeper:
    """Puts the events of a reading into the outbox, where a period begins."""

    targets: Sequence[ButlerTarget]
    outbox: Outbox
    readings: Readings

    @property
    def step(self) -> str:
        """What it does, in a word."""
        return "butler events"

    async def follow(self, observed: Observed) -> None:
        """Put the events of a cycle for those who want them now."""
        summary = observed.summary
        before = await self.readings.last_reading(summary.site, observed.now)
        for target in self.targets:
            if target.wants(summary.site) and is_due(observed.now, before, target.every):
                entries = entries_of(summary, target.threshold_days, target.sends)
                await self.outbox.put(target.name, entries)
