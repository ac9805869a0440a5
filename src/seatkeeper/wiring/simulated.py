"""Opens simulated sites under their own clock, for the demo and for tests; nothing else may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from seatkeeper.settings import SiteSettings
from seatkeeper.wiring.clock import SimulatedClock, SystemClock
from seatkeeper.wiring.readers import OpenSite, open_sites


@asynccontextmanager
async def open_simulated(
    settings: Sequence[SiteSettings], attribute: str = ""
) -> AsyncIterator[tuple[list[OpenSite], SimulatedClock]]:
    """Open sites under their own clock; raises NotSimulated unless all of them are simulated."""
    async with open_sites(settings, SystemClock()) as asked:
        clock = SimulatedClock({one.settings.qrs.url: one.reader for one in asked})
        await clock.look()
        async with open_sites(settings, clock, attribute) as opened:
            yield opened, clock
