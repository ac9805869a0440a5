"""The server license for whoever listens to Butler: events put into the outbox, now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from seatkeeper.core.butler_event import entries_of, is_due
from seatkeeper.core.channel import ButlerSends
from seatkeeper.flow.ports import Observed
from seatkeeper.flow.telling_ports import Outbox


class Told(Protocol):
    """What is known of earlier tellings."""

    async def until(self, site: str, what: str) -> datetime | None:
        """Return the last reading of a site of which a target was told, None for none."""

    async def note(self, site: str, at: datetime, what: str) -> None:
        """Remember that a target was told of a reading."""


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
    told: Told

    @property
    def step(self) -> str:
        """What it does, in a word."""
        return "butler events"

    async def follow(self, observed: Observed) -> None:
        """Put the events of a cycle for those who want them now."""
        summary, now = observed.summary, observed.now
        for target in self.targets:
            if not target.wants(summary.site):
                continue
            before = await self.told.until(summary.site, target.name)
            if before is not None and before > now:
                before = None  # told by a clock that was ahead
            if is_due(now, before, target.every):
                entries = entries_of(summary, target.threshold_days, target.sends)
                await self.outbox.put(target.name, entries)
                await self.told.note(summary.site, now, target.name)
