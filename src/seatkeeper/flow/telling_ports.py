"""What telling somebody outside needs from the world, as Protocols: an outbox, alerts, targets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from seatkeeper.core.alert_facts import Queue, SiteFacts, Windows
from seatkeeper.core.alerts import Alert, AlertKey, Moved, Silence
from seatkeeper.core.hook import Hook
from seatkeeper.core.outbox import Delivery, OutboxEntry, OutboxRow, OutboxState
from seatkeeper.core.points import ReleasedSeat

Told_contra = TypeVar("Told_contra", contravariant=True)


class PointNews(Protocol):
    """What points say beside what a cycle observed."""

    async def told_until(self, site: str) -> datetime | None:
        """Return the last reading of which all points were put, None before the first."""

    async def note_told(self, site: str, at: datetime) -> None:
        """Remember that all points of a reading were put."""

    async def failed_cycles(self, site: str, now: datetime) -> int:
        """Count the monitoring cycles that failed since the last that succeeded."""

    async def failed_releases(self, site: str, since: datetime) -> int:
        """Count the releases begun since that were refused or have no clear end."""

    async def dropped(self) -> int:
        """Count what was ever dropped of the outbox, for all targets."""

    async def released(self, site: str, since: datetime) -> list[ReleasedSeat]:
        """Return the seats released since."""

    async def key(self) -> bytes:
        """Return the secret under which people are hashed."""


class Outbox(Protocol):
    """What was not told yet; rows of a target leave in the order they were put."""

    async def put(self, target: str, entries: Sequence[OutboxEntry]) -> None:
        """Add entries; one whose key waits already is left out, one set aside gives way."""

    async def take(self, target: str, limit: int, now: datetime) -> list[OutboxRow]:
        """Return the next rows; nothing while the first has to wait, or somebody else works."""

    async def leave(self, target: str) -> None:
        """Let another process work on the target."""

    async def done(self, ids: Sequence[int]) -> None:
        """Forget rows that arrived."""

    async def later(self, ids: Sequence[int], error: str, not_before: datetime) -> None:
        """Keep rows that did not arrive, say why, and when to try again."""

    async def set_aside(self, ids: Sequence[int], error: str, now: datetime) -> None:
        """Take rows out of the queue that the receiver refuses for good."""

    async def depth(self) -> dict[tuple[str, OutboxState], int]:
        """Count rows by target and state."""


class Alerts(Protocol):
    """The alerts as they stand, and what they are judged on."""

    async def facts(self, site: str, windows: Windows, now: datetime, *, trend: bool) -> SiteFacts:
        """Return what is known of a site; days of pools only for a `trend`."""

    async def queues(self) -> tuple[Queue, ...]:
        """Return what waits for each target, and what it refused."""

    async def gone_sites(self, sites: Collection[str], since: datetime) -> tuple[str, ...]:
        """Return other sites whose alerts are on though nothing was heard of them since then."""

    async def move(
        self,
        sites: Collection[str],
        now: datetime,
        judge: Callable[[Mapping[AlertKey, Alert], Sequence[Silence]], Moved],
    ) -> Moved:
        """Let `judge` move the alerts of these sites; its messages are kept with them, or none."""


class Hooks(Protocol):
    """How far each webhook of events was told."""

    async def catch_up(self, hook: Hook, since: datetime, now: datetime) -> int:
        """Put what a webhook was not told yet into the outbox; returns how much."""


class Channel(Protocol[Told_contra]):
    """Tells somebody outside one thing at a time."""

    async def tell(self, message: Told_contra, key: str) -> str:
        """Send it now and say what the other side answered; raises OutletError.

        `key` is the same when the message is sent again.
        """


class Sink(Protocol):
    """One target: a database of points, or a channel of messages."""

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:
        """Send rows, in order, and say what became of each.

        Never raises for what the receiver does with them. Sending a row twice must do no harm:
        a process may die after the receiver took it and before that was written.
        """
