"""Webhooks of events: which events each wants, and how one waits for it in the outbox."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from seatkeeper.core.event import Event, EventKind, event_to_bytes
from seatkeeper.core.outbox import OutboxEntry

KIND = "event"
"""The kind of its rows in the outbox."""

_EVENT = "event:"


@dataclass(frozen=True, slots=True)
class Hook:
    """Who is told, by their name in the outbox, and of what; events of no site count with any."""

    target: str
    kinds: frozenset[EventKind]
    sites: tuple[str, ...]

    def wants(self, event: Event) -> bool:
        """Whether it is told of this kind of event."""
        return event.kind in self.kinds


def target_of(name: str) -> str:
    """Return the name of a webhook of events as a target of the outbox."""
    return _EVENT + name


def hook_of(target: str) -> str | None:
    """Return the webhook of events that a target of the outbox means; None for other targets."""
    return target.removeprefix(_EVENT) if target.startswith(_EVENT) else None


def entry_of(event: Event) -> OutboxEntry:
    """Return an event as it waits.

    Events of two stores may have one key, and one receiver: the row is named by site and time
    too, and so is what the receiver knows a repetition by.
    """
    key = f"{event.key} {event.site} {event.at.isoformat()}"
    return OutboxEntry(KIND, event_to_bytes(event), key, event.at)


@dataclass(frozen=True, slots=True)
class EventText:
    """An event as it is sent, byte for byte, and what it is about: what keeps its order."""

    body: bytes
    about: str


_NAMES = {"plan": ("plan_id",), "alert": ("rule", "subject"), "request": ("request_id",)}


class _About(msgspec.Struct):
    """What of an event tells what it is about."""

    type: str
    site: str
    data: dict[str, object]


def event_text(body: bytes) -> EventText:
    """Read a row of the outbox; raises msgspec.DecodeError when it is no event."""
    told = msgspec.json.decode(body, type=_About)
    thing = told.type.partition(".")[0]
    name = " ".join(str(told.data.get(key, "")) for key in _NAMES.get(thing, ()))
    return EventText(body, f"{thing} {told.site} {name}")
