"""Alertmanager, by version 2 of its API: an alert is active until its end, and must be told again.

The labels are the alert's identity there: rule, site, severity and key. So with each message the
alert ends at every other severity: it may have been told at one, before it got worse or better.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from seatkeeper.core.alert_message import AlertMessage, MessageState, Severity
from seatkeeper.outlets.posting import Call, Receiver, send

PATH = "/api/v2/alerts"
TEST_HOLD = timedelta(minutes=2)
"""How long a test stays active."""


class Alertmanager:
    """Tells one Alertmanager; `hold` is how long an alert stays active untold."""

    def __init__(self, receiver: Receiver, hold: timedelta, now: Callable[[], datetime]) -> None:
        self._receiver = receiver
        self._hold = hold
        self._now = now

    async def tell(self, message: AlertMessage, _key: str) -> str:
        """Send the state of one alert and say what came back; raises OutletError."""
        body = msgspec.json.encode(alerts_of(message, self._now(), self._hold))
        call = Call(body=body, headers={"Content-Type": "application/json"}, path=PATH)
        return await send(self._receiver, call)


def alerts_of(message: AlertMessage, now: datetime, hold: timedelta) -> list[dict[str, Any]]:
    """Return the alert as it is, and that it is over at any other severity."""
    if message.state is MessageState.TEST:
        return [_alert(message, now, hold)]
    ended = replace(message, state=MessageState.RESOLVED)
    others = [replace(ended, severity=one) for one in Severity if one is not message.severity]
    return [_alert(one, now, hold) for one in (message, *others)]


def _alert(message: AlertMessage, now: datetime, hold: timedelta) -> dict[str, Any]:
    """Return the alert as Alertmanager wants it; labels without a value do not exist there."""
    labels = {
        "alertname": message.rule,
        "site": message.site,
        "severity": message.severity.value,
        "key": message.key,
        "sender": "seatkeeper",
    }
    annotations = {
        "summary": message.title,
        "description": message.text,
        "runbook_url": message.runbook,
        **{name: str(value) for name, value in message.values.items()},
    }
    alert: dict[str, Any] = {
        "startsAt": message.since,
        "endsAt": _end(message, now, hold),
        "labels": {name: text for name, text in labels.items() if text},
        "annotations": {name: text for name, text in annotations.items() if text},
    }
    if message.runbook.startswith(("https://", "http://")):
        alert["generatorURL"] = message.runbook
    return alert


def _end(message: AlertMessage, now: datetime, hold: timedelta) -> datetime:
    """Return until when the alert is active: counted from now, however long it had to wait."""
    if message.state is MessageState.RESOLVED:
        return max(message.at, message.since)
    return max(now, message.since) + (TEST_HOLD if message.state is MessageState.TEST else hold)
