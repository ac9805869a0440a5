"""What `check` finds beside the sites: of the store, and of everybody who is told something."""

from __future__ import annotations

from datetime import datetime

from seatkeeper.config import Loaded
from seatkeeper.core.findings import Finding
from seatkeeper.store import Store
from seatkeeper.wiring import checks
from seatkeeper.wiring.check_channels import channel_findings, hook_findings
from seatkeeper.wiring.check_targets import outbox_findings, target_findings


async def store_side_findings(store: Store, loaded: Loaded, now: datetime) -> list[Finding]:
    """Return what the store tells of itself, and of what waits for receivers."""
    return [
        *await checks.store_findings(store, now),
        *await outbox_findings(store, loaded.settings, now),
    ]


async def outward_findings(loaded: Loaded) -> list[Finding]:
    """Look at everybody who is told something; nothing is sent."""
    return [
        *await target_findings(loaded.settings),
        *await channel_findings(loaded.settings),
        *await hook_findings(loaded.settings),
    ]
