"""Messages of alerts for tests: one names only what it is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from builders import NOW
from seatkeeper.core.alert_message import (
    AlertMessage,
    MessageState,
    Severity,
    message_to_bytes,
)
from seatkeeper.core.outbox import OutboxEntry


def a_message(number: int = 1, **changes: Any) -> AlertMessage:
    """Return a message of the alert of that number; it fires since an hour ago."""
    told: dict[str, Any] = {
        "key": f"low_availability prod {number}",
        "rule": "low_availability",
        "site": "prod",
        "severity": Severity.WARNING,
        "state": MessageState.FIRING,
        "title": f"Nr {number}: 3 of 100 analyzer seats are left on prod",
        "text": "Since 02:00 UTC 3 of 100 analyzer seats are available, fewer than 5.",
        "since": NOW - timedelta(hours=1),
        "at": NOW,
        "values": {"available": 3.0, "total": 100.0},
        "runbook": "https://example.com/runbook#low_availability",
    }
    return AlertMessage(**{**told, **changes})


def an_entry(message: AlertMessage) -> OutboxEntry:
    """Return the message as it is put into the outbox."""
    key = f"{message.key} {message.state.value} {message.at.isoformat()}"
    return OutboxEntry("alert", message_to_bytes(message), key, message.at)
