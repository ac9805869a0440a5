"""What those who tell say beside the summary, from the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.points import ReleasedSeat
from seatkeeper.store import Store


@dataclass(frozen=True, slots=True)
class News:
    """What the store knows of readings and releases so far."""

    store: Store

    async def told_until(self, site: str) -> datetime | None:
        """Return the last reading of which all points were put."""
        return await self.store.told.until(site)

    async def note_told(self, site: str, at: datetime) -> None:
        """Remember that the points of a reading were put."""
        await self.store.told.note(site, at)

    async def failed_cycles(self, site: str, now: datetime) -> int:
        """Count the monitoring cycles that failed since the last that succeeded."""
        state = (await self.store.cycles.states([site], now)).get((site, "monitor"))
        return 0 if state is None else state.failures

    async def failed_releases(self, site: str, since: datetime) -> int:
        """Count the releases begun since that were refused or have no clear end."""
        return await self.store.releases.failed(site, since)

    async def dropped(self) -> int:
        """Count what was ever dropped of the outbox."""
        return sum(loss.rows for loss in (await self.store.losses.all()).values())

    async def released(self, site: str, since: datetime) -> list[ReleasedSeat]:
        """Return the seats released since."""
        return await self.store.releases.since(site, since)

    async def key(self) -> bytes:
        """Return the secret under which people are hashed."""
        return await self.store.pseudonyms.key()
