"""What Prometheus is told beside the summaries, all of it from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from seatkeeper.core.summary import Summary


class Counted(NamedTuple):
    """What a counter counts; `reason` is empty where an action was never begun."""

    site: str
    license_type: str
    outcome: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Scrape:
    """Everything that one answer holds; no person is in it.

    `successes` says by site and job when it last succeeded, `outbox` by target and state how much
    is there, `dropped` by target how much had to go, `alerts` by site, severity and state,
    `costs` by site, license type and kind; `budget` is for all sites.
    """

    summaries: Mapping[str, Summary] = field(default_factory=dict)
    releases: Mapping[Counted, int] = field(default_factory=dict)
    regrets: Mapping[Counted, int] = field(default_factory=dict)
    successes: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    outbox: Mapping[tuple[str, str], int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    alerts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    costs: Mapping[tuple[str, str, str], Decimal] = field(default_factory=dict)
    budget: Decimal | None = None
