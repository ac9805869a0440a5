"""What waits to be told: entries, the rows they become, and what became of sending them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class OutboxState(StrEnum):
    """The life of a row; one that was delivered is gone."""

    WAITING = "waiting"
    SET_ASIDE = "set_aside"
    """The receiver refuses it for good: a person has to look at it."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One thing to tell one target.

    `body` is what will be sent, byte for byte. `key` names it: put twice while it waits, it waits
    once, and a receiver may use it to know a repetition. `at` is when it was true.
    """

    kind: str
    body: bytes
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An entry in its place in the queue of a target; `tries` failed so far."""

    id: int
    target: str
    entry: OutboxEntry
    tries: int = 0


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that was set aside, with what the receiver said of it."""

    row: OutboxRow
    error: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What was dropped of a queue that waited too long, or was too long.

    `newest`: of when the newest of it was; `dropped_at`: when something was dropped last.
    """

    rows: int
    newest: datetime
    dropped_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one target: how much, since when, and why it was not delivered yet.

    `not_before`: when the first of it is tried again; None: it was not tried in vain so far.
    """

    target: str
    rows: int
    oldest: datetime
    error: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of sending rows: ids delivered, and ids poisoned with what was said of them.

    A row in neither is tried again: later when there is an `error` (the whole target is in
    trouble, for at least `wait`), at once when there is none. `failed` is the one row that was
    sent in vain where rows go one by one; None: all that are left were.
    """

    delivered: tuple[int, ...] = ()
    poisoned: Mapping[int, str] = field(default_factory=dict)
    error: str = ""
    wait: timedelta = timedelta(0)
    failed: int | None = None

    @classmethod
    def of_all(cls, rows: Iterable[OutboxRow]) -> Delivery:
        """Say that everything arrived."""
        return cls(delivered=tuple(row.id for row in rows))

    def in_vain(self, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
        """Return the rows that were sent, or may have been, and have to be sent again."""
        over = {*self.delivered, *self.poisoned}
        return [r for r in rows if r.id not in over and self.failed in (None, r.id)]
