"""Whom Butler tells of the server license, as channels that tell it in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from seatkeeper.butler.reading import Block, Note
from seatkeeper.core.durations import format_duration
from seatkeeper.core.schedule import Schedule
from seatkeeper.settings.channels import ChannelSettings

_MONITOR = "serverLicenseMonitor"
_EVERY = timedelta(hours=24)


def alerts_of(butler: Block, note: Note) -> dict[str, Any]:
    """Return whom Butler tells as `alerts`; empty if nobody.

    What makes no sound channel is named instead.
    """
    monitor = butler.below("qlikSenseLicense", _MONITOR)
    if monitor.flag("enable") is not True:
        return {}
    channels = [
        {**channel, **_common(monitor)}
        for channel in (*_mqtt(butler, monitor), *_webhooks(butler, monitor, note))
    ]
    sound = [channel for channel in channels if _is_sound(channel, note)]
    if sound:
        names = ", ".join(channel["name"] for channel in sound)
        note(
            f"The server license is told as Butler does, over {names} (alerts.channels). Alerts go"
            " to none of them: describe a channel of another kind for those."
        )
    return {"channels": sound} if sound else {}


def _mqtt(butler: Block, monitor: Block) -> Iterator[dict[str, Any]]:
    mqtt, wanted = butler.below("mqttConfig"), monitor.below("destination", "mqtt")
    if mqtt.flag("enable") is not True or wanted.flag("enable") is not True:
        return
    channel = {
        "name": "butler-mqtt",
        "kind": "butler_mqtt",
        "host": mqtt.text("brokerHost"),
        "port": mqtt.text("brokerPort"),
        "status_topic": mqtt.text("qlikSenseServerLicenseTopic"),
        "expire_topic": mqtt.text("qlikSenseServerLicenseExpireTopic"),
    }
    yield {key: value for key, value in channel.items() if value}


def _webhooks(butler: Block, monitor: Block, note: Note) -> Iterator[dict[str, Any]]:
    hooks, wanted = butler.below("webhookNotification"), monitor.below("destination", "webhook")
    if hooks.flag("enable") is not True or wanted.flag("enable") is not True:
        return
    for sends, theirs, flag in (
        ("status", "qlikSenseServerLicenseMonitor", "sendRecurring"),
        ("alerts", "qlikSenseServerLicenseExpiryAlert", "sendAlert"),
    ):
        if wanted.below(flag).flag("enable") is not True:
            continue
        for number, hook in enumerate(hooks.below(theirs).blocks("webhooks"), 1):
            yield _webhook(hook, f"butler-{sends}-{number}", sends, note)


def _webhook(hook: Block, name: str, sends: str, note: Note) -> dict[str, Any]:
    certificate = hook.below("cert")
    channel = {
        "name": name,
        "kind": "butler_webhook",
        "url": hook.text("webhookURL"),
        "method": hook.text("httpMethod").lower(),
        "sends": sends,
    }
    if certificate.flag("enable") is True:
        channel["ca_file"] = certificate.text("certCA")
        if certificate.flag("rejectUnauthorized") is False:
            note(f"{name}: Butler accepted any certificate there; Seatkeeper verifies it.")
    return {key: value for key, value in channel.items() if value}


def _common(monitor: Block) -> dict[str, str]:
    """Return how often, and how many days ahead the end is an alert."""
    found = {"threshold_days": monitor.below("alert").text("thresholdDays")}
    try:
        every = Schedule.parse(monitor.text("frequency")).every
    except ValueError:
        every = None
    found["every"] = format_duration(every or _EVERY)
    return {key: value for key, value in found.items() if value}


def _is_sound(channel: dict[str, Any], note: Note) -> bool:
    try:
        ChannelSettings.model_validate(channel)
    except ValidationError:
        note(f"Not carried over: {channel['name']}, for no sound channel can be made of it.")
        return False
    return True
