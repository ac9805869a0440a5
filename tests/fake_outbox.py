"""The outbox in memory, by the rules of the real one, and a receiver that does as told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from seatkeeper.core.outbox import Delivery, OutboxEntry, OutboxRow, OutboxState


@dataclass
class Kept:
    """A row and what is known of it."""

    row: OutboxRow
    state: OutboxState = OutboxState.WAITING
    error: str = ""
    not_before: datetime | None = None


class FakeOutbox:
    """What was not told yet."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rows: dict[int, Kept] = {}
        self._ids = itertools.count(1)

    async def put(self, target: str, entries: Sequence[OutboxEntry]) -> None:
        """Add entries at the end."""
        wanted = {entry.key for entry in entries}
        for kept in list(self.rows.values()):
            its = kept.row.target == target and kept.row.entry.key in wanted
            if its and kept.state is OutboxState.SET_ASIDE:
                del self.rows[kept.row.id]
        known = {(k.row.target, k.row.entry.key) for k in self.rows.values()}
        for entry in entries:
            if (target, entry.key) not in known:
                known.add((target, entry.key))
                row = OutboxRow(next(self._ids), target, entry)
                self.rows[row.id] = Kept(row)

    async def take(self, target: str, limit: int, now: datetime) -> list[OutboxRow]:
        """Return the next rows that are due."""
        waiting = [
            k
            for k in self.rows.values()
            if k.row.target == target and k.state is OutboxState.WAITING
        ]
        due = itertools.takewhile(lambda k: k.not_before is None or k.not_before <= now, waiting)
        return [k.row for k in itertools.islice(due, limit)]

    async def leave(self, target: str) -> None:
        """Let somebody else work on the target."""

    async def done(self, ids: Sequence[int]) -> None:
        """Forget rows."""
        for row_id in ids:
            self.rows.pop(row_id, None)

    async def later(self, ids: Sequence[int], error: str, not_before: datetime) -> None:
        """Keep rows for later."""
        for kept in self._of(ids):
            kept.row = replace(kept.row, tries=kept.row.tries + 1)
            kept.error, kept.not_before = error, not_before

    async def set_aside(self, ids: Sequence[int], error: str, now: datetime) -> None:
        """Take rows out of the queue."""
        for kept in self._of(ids):
            kept.state, kept.error, kept.not_before = OutboxState.SET_ASIDE, error, now

    async def depth(self) -> dict[tuple[str, OutboxState], int]:
        """Count rows."""
        counts: dict[tuple[str, OutboxState], int] = {}
        for kept in self.rows.values():
            place = (kept.row.target, kept.state)
            counts[place] = counts.get(place, 0) + 1
        return counts

    def _of(self, ids: Iterable[int]) -> list[Kept]:
        return [self.rows[row_id] for row_id in ids]


@dataclass
class FakeSink:
    """A receiver: `answer` says what becomes of rows; what arrived is remembered in order."""

    answer: Callable[[Sequence[OutboxRow]], Delivery] = Delivery.of_all
    arrived: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:
        """Take rows."""
        self.sizes.append(len(rows))
        delivery = self.answer(rows)
        self.arrived += [r.entry.body for r in rows if r.id in set(delivery.delivered)]
        return delivery
