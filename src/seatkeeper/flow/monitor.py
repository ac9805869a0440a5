"""One monitoring cycle: read the site whole and remember what the limits will compare with."""

from __future__ import annotations

from seatkeeper.core.model import Snapshot
from seatkeeper.flow.collect import collect
from seatkeeper.flow.context import Records, Run, Site


async def monitor(site: Site, records: Records, run: Run) -> Snapshot:
    """Read a site and record the reading; raises QrsError or IncompleteRead."""
    snapshot = await collect(site.name, site.reader, run.clock.now())
    await records.history.observe(snapshot)
    return snapshot
