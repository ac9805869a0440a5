"""What console and API work with: the store, the rules of each site, the clock; no hands.

Nothing reached from here can release a seat or grant one: approvals and requests are written down,
and the engine acts.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from seatkeeper.core.health import Heartbeat
from seatkeeper.core.lookback import MeterDay
from seatkeeper.core.model import LicenseType
from seatkeeper.core.record import Actor
from seatkeeper.core.roles import Identity, Permission
from seatkeeper.flow.context import Records, Site
from seatkeeper.settings import Settings
from seatkeeper.store import Store
from seatkeeper.web.looked import Looked
from seatkeeper.web.recalled import Recalled


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that pages may look at and write to.

    `secure`: the console is reached by HTTPS, so cookies may insist on it. `freed` recalls how
    many seats of each type a plan frees, `days` the days behind the newest reading of a site.
    """

    settings: Settings
    store: Store
    records: Records
    sites: Mapping[str, Site]
    now: Callable[[], datetime]
    beat: Callable[[], Heartbeat]
    secure: bool = False
    looked: Looked = field(default_factory=Looked)
    freed: Recalled[Mapping[LicenseType, int]] = field(default_factory=Recalled)
    days: Recalled[Sequence[MeterDay]] = field(default_factory=Recalled)
    account: str = field(default_factory=getpass.getuser)
    host: str = field(default_factory=socket.gethostname)

    def actor(self, who: Identity) -> Actor:
        """Name who acts: the person, with the account and host that the service runs as."""
        return Actor(who.name, self.account, self.host, person=who.person, via=who.via.value)

    def names(self, who: Identity) -> tuple[str, ...]:
        """Return the sites that somebody may see, in the order of the configuration."""
        return who.sites(Permission.READ, self.sites)
