"""The alerts of the store in memory, with facts as a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from seatkeeper.core.alert_facts import Queue, SiteFacts, Windows
from seatkeeper.core.alert_message import AlertMessage, MessageState, message_from_bytes
from seatkeeper.core.alerts import Alert, AlertKey, Moved, Silence


@dataclass
class FakeAlerts:
    """Alerts in memory, and facts as the test wants them."""

    known: dict[AlertKey, Alert] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    told: list[tuple[str, AlertMessage]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    of_store: SiteFacts = field(default_factory=SiteFacts)
    waiting: tuple[Queue, ...] = ()

    async def facts(
        self,
        site: str,  # noqa: ARG002 - the same for all
        windows: Windows,  # noqa: ARG002 - as above
        now: datetime,  # noqa: ARG002 - as above
        *,
        trend: bool,  # noqa: ARG002 - as above
    ) -> SiteFacts:
        """Return what the test wants."""
        return self.of_store

    async def queues(self) -> tuple[Queue, ...]:
        """Return what the test wants."""
        return self.waiting

    async def gone_sites(self, sites: Collection[str], since: datetime) -> tuple[str, ...]:
        """Return other sites of which nothing was judged since."""
        others = {key.site for key in self.known} - {*sites, ""}
        heard = {key.site for key, alert in self.known.items() if alert.seen >= since}
        firing = MessageState.FIRING
        on = {k.site for k, alert in self.known.items() if alert.is_on or alert.told is firing}
        return tuple(sorted(others & on - heard))

    async def move(
        self,
        sites: Collection[str],
        now: datetime,  # noqa: ARG002 - silences say when they hold
        judge: Callable[[Mapping[AlertKey, Alert], Sequence[Silence]], Moved],
    ) -> Moved:
        """Move alerts, and remember what is told."""
        moved = judge({k: a for k, a in self.known.items() if k.site in sites}, self.silences)
        self.known |= {a.key: a for a in moved.advance.kept}
        for key in moved.advance.forgotten:
            del self.known[key]
        self.told += [(target, message_from_bytes(e.body)) for target, e in moved.entries]
        self.keys += [e.key for _, e in moved.entries]
        return moved

    def heard(self) -> list[tuple[str, str, str]]:
        """What was told since last asked: channel, rule, state."""
        told, self.told = self.told, []
        return [(target, m.rule, m.state.value) for target, m in told]
