"""Events: what others want to know the moment it happens; no user of Qlik is named in one.

An event is known by its key: whoever is told twice knows it by that. A place says how far somebody
has been told: the number of a record of the ledger, and a time for what has no number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec


class EventKind(StrEnum):
    """What can happen."""

    PLAN_MADE = "plan.made"
    PLAN_APPROVED = "plan.approved"
    PLAN_REJECTED = "plan.rejected"
    PLAN_STARTED = "plan.started"
    PLAN_PROGRESS = "plan.progress"
    PLAN_APPLIED = "plan.applied"
    ALERT_FIRED = "alert.fired"
    ALERT_RESOLVED = "alert.resolved"
    REQUEST_DONE = "request.done"

    @property
    def words(self) -> str:
        """What happened, in a few words."""
        return _WORDS[self]


_WORDS = {
    EventKind.PLAN_MADE: "a plan was made, or a smaller one of it",
    EventKind.PLAN_APPROVED: "a plan was approved",
    EventKind.PLAN_REJECTED: "a plan was rejected",
    EventKind.PLAN_STARTED: "a plan begins to be applied",
    EventKind.PLAN_PROGRESS: "seats of a plan were released, or given back",
    EventKind.PLAN_APPLIED: "a plan was applied, whole or in part",
    EventKind.ALERT_FIRED: "an alert fires",
    EventKind.ALERT_RESOLVED: "an alert is over",
    EventKind.REQUEST_DONE: "what somebody asked of the engine is done, or failed",
}


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody was told: all records up to `seq`, and all else up to `at`."""

    seq: int
    at: datetime

    @property
    def text(self) -> str:
        """The place in one word."""
        return f"{self.seq}-{(self.at - _EPOCH) // _MICROSECOND}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read a place back; raises ValueError on anything else."""
        found = re.fullmatch(r"([0-9]{1,18})-([0-9]{1,17})", text)
        if found is None:
            raise ValueError("this is no place among events")
        return cls(int(found[1]), _EPOCH + int(found[2]) * _MICROSECOND)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `key` is the same whenever it is told."""

    key: str
    kind: EventKind
    at: datetime
    site: str
    data: Mapping[str, Any] = field(default_factory=dict)


def event_to_bytes(event: Event) -> bytes:
    """Return an event as it is told, as JSON: the same in a stream and to a webhook."""
    told = {
        "id": event.key,
        "type": event.kind.value,
        "timestamp": event.at,
        "site": event.site,
        "data": dict(event.data),
    }
    return msgspec.json.encode(told)


@dataclass(frozen=True, slots=True)
class News:
    """Events in their order, and the place after them; `more` waits behind it."""

    events: tuple[Event, ...]
    place: Place
    more: bool = False
