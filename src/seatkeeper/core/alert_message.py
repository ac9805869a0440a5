"""What is told of an alert, whole: it is kept as JSON until every channel has it.

A channel needs nothing else, neither the rule nor the store, so what was true when the alert
changed is what people read, hours of outage later too.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad it is; the order is from harmless to bad."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class MessageState(StrEnum):
    """What a message says of its alert."""

    FIRING = "firing"
    RESOLVED = "resolved"
    TEST = "test"
    """Sent by a person to see whether the channel works; no alert stands behind it."""


class AlertMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of one alert; times are aware UTC.

    `key` names the alert and is the same in every message of it. `at` is the moment of the
    message, `since` the one since which the alert holds. `text` says what, where, since when, the
    numbers and what to do; `values` are the numbers for programs. `again`: nothing is new, this is
    for a channel that forgets what it is not told again.
    """

    key: str
    rule: str
    site: str
    severity: Severity
    state: MessageState
    title: str
    text: str
    since: datetime
    at: datetime
    values: dict[str, float | str] = {}
    runbook: str = ""
    again: bool = False


_DECODER = msgspec.json.Decoder(AlertMessage)


def message_to_bytes(message: AlertMessage) -> bytes:
    """Return the message as JSON."""
    return msgspec.json.encode(message)


def message_from_bytes(body: bytes) -> AlertMessage:
    """Read a message back; raises msgspec.ValidationError on anything else."""
    return _DECODER.decode(body)
