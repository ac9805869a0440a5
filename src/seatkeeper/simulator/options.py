"""All settings of one simulated site, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from seatkeeper.simulator.faults import Faults
from seatkeeper.simulator.moments import FASTEST
from seatkeeper.simulator.switches import Switches

_COUNTS = (
    "professional",
    "analyzer",
    "capacity_minutes",
    "allocations",
    "tokens",
    "live_every",
    "speed",
)


@dataclass(frozen=True)
class SimOptions:
    """How large the site is, how it behaves, and where it lives.

    A state directory that holds a site already wins over users, seed, totals and `now`: the site
    goes on as it was. Switches, faults and the network settings always count as given here.
    """

    state_dir: Path
    users: int = 1000
    seed: int = 1
    port: int = 0
    """0 takes a free one."""
    host: str = "127.0.0.1"
    professional: int | None = None
    """Professional seats the license grants; by default derived from `users`."""
    analyzer: int | None = None
    capacity_minutes: int | None = None
    tokens: int = 0
    """Tokens of an old license; without them there are no user seats and login passes."""
    allocations: int | None = None
    """Rows of professional and analyzer seats in all; by default what the organisation needs."""
    now: datetime | None = None
    """Start of simulated time; by default the machine's clock."""
    speed: float = 1
    """Seconds of the site for each second of the machine, until its clock has caught up; 0: it
    stands until it is moved."""
    license_days: int = 400
    """So many days after its founding the site's license ends."""
    switches: Switches = field(default_factory=Switches)
    faults: Faults = field(default_factory=Faults)
    site_name: str = "Simulated site"
    control: bool = False
    """Whether the control door /sim/… is open."""
    live_every: float = 0
    """Seconds after which people log in, join and leave as time has passed; 0 lets them rest."""

    def __post_init__(self) -> None:
        if self.users < 1:
            msg = f"users: a site needs at least one user, not {self.users}"
            raise ValueError(msg)
        if self.now is not None and self.now.tzinfo is None:
            msg = "now: a moment with a time zone is needed"
            raise ValueError(msg)
        for name in _COUNTS:
            if (getattr(self, name) or 0) < 0:
                msg = f"{name}: must not be negative"
                raise ValueError(msg)
        if self.speed > FASTEST:
            msg = f"speed: at most {FASTEST:,}, not {self.speed:g}"
            raise ValueError(msg)
        if self.license_days < 1:
            msg = f"license_days: at least 1, not {self.license_days}"
            raise ValueError(msg)
        if self.allocations is not None and self.allocations > 2 * self.users:
            msg = f"allocations: {self.users} users hold at most {2 * self.users} seats"
            raise ValueError(msg)
