"""The kinds of channel over which alerts are told, and how a channel is called in the outbox."""

from __future__ import annotations

from enum import StrEnum

_ALERT = "alert:"


class ChannelKind(StrEnum):
    """Over what a channel tells."""

    APPRISE = "apprise"
    WEBHOOK = "webhook"
    ALERTMANAGER = "alertmanager"
    BUTLER_MQTT = "butler_mqtt"
    BUTLER_WEBHOOK = "butler_webhook"

    @property
    def takes_alerts(self) -> bool:
        """Whether alerts go there; Butler's know the server license alone."""
        return self not in (ChannelKind.BUTLER_MQTT, ChannelKind.BUTLER_WEBHOOK)

    @property
    def forgets(self) -> bool:
        """Whether an alert that goes on must be told again, else it counts as over."""
        return self is ChannelKind.ALERTMANAGER


class ButlerSends(StrEnum):
    """Which of Butler's two messages on the server license are sent."""

    ALL = "all"
    STATUS = "status"
    ALERTS = "alerts"

    @property
    def status(self) -> bool:
        """Whether the state of the license is told again and again."""
        return self is not ButlerSends.ALERTS

    @property
    def alerts(self) -> bool:
        """Whether it is told that the license ends soon, or has ended."""
        return self is not ButlerSends.STATUS


def target_of(channel: str) -> str:
    """Return the name of a channel as a target of the outbox."""
    return _ALERT + channel


def channel_of(target: str) -> str | None:
    """Return the channel that a target of the outbox means; None for other targets."""
    return target.removeprefix(_ALERT) if target.startswith(_ALERT) else None
