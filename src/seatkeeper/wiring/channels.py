"""Channels from the settings: what tells over each, as itself and as a sink of the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from seatkeeper.core.alert_message import AlertMessage, message_from_bytes
from seatkeeper.core.butler_event import ButlerEvent, event_from_bytes
from seatkeeper.core.channel import ChannelKind, target_of
from seatkeeper.flow.butler import ButlerKeeper, ButlerTarget
from seatkeeper.flow.channels import ChannelSink
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.telling_ports import Channel, Sink
from seatkeeper.outlets.alertmanager import Alertmanager
from seatkeeper.outlets.butler_events import Broker, ButlerMqtt, ButlerWebhook, Topics
from seatkeeper.outlets.notify import Notifier
from seatkeeper.outlets.posting import Receiver
from seatkeeper.outlets.webhook import Webhook
from seatkeeper.settings import ChannelSettings, Settings
from seatkeeper.store import Store


def channel_for_alerts(settings: ChannelSettings, clock: Clock) -> Channel[AlertMessage]:
    """Return what tells alerts over a channel; raises ValueError where the kind takes none."""
    if settings.kind is ChannelKind.APPRISE:
        return Notifier(settings.address, settings.timeout)
    if settings.kind is ChannelKind.WEBHOOK:
        return Webhook(_receiver(settings), settings.signing_secret or "", clock.now)
    if settings.kind is ChannelKind.ALERTMANAGER:
        return Alertmanager(_receiver(settings), settings.hold, clock.now)
    raise ValueError(f"{settings.kind.value} takes no alerts")


def channel_for_butler(settings: ChannelSettings) -> Channel[ButlerEvent]:
    """Return what tells the server license as Butler does; raises ValueError for other kinds."""
    if settings.kind is ChannelKind.BUTLER_WEBHOOK:
        return ButlerWebhook(_receiver(settings), settings.method.value)
    if settings.kind is not ChannelKind.BUTLER_MQTT:
        raise ValueError(f"{settings.kind.value} is no channel of Butler's")
    broker = Broker(
        host=settings.host or "",
        port=settings.broker_port,
        timeout=settings.timeout,
        user=settings.user or "",
        password=settings.password_secret or "",
        tls=settings.tls,
        ca_file=settings.ca_file,
    )
    return ButlerMqtt(broker, Topics(settings.status_topic, settings.expire_topic))


def _receiver(settings: ChannelSettings) -> Receiver:
    return Receiver(
        url=settings.address,
        timeout=settings.timeout,
        ca_file=settings.ca_file,
        user=settings.user or "",
        password=settings.password_secret or "",
    )


def channel_sinks(channels: Iterable[ChannelSettings], clock: Clock) -> dict[str, Sink]:
    """Return what sends over each channel, by its name in the outbox; nothing is sent yet."""
    about, name = attrgetter("key"), attrgetter("event")
    sinks: dict[str, Sink] = {}
    for one in channels:
        if one.kind.takes_alerts:
            alerts = channel_for_alerts(one, clock)
            sinks[target_of(one.name)] = ChannelSink(message_from_bytes, alerts.tell, about)
        else:
            butler = channel_for_butler(one)
            sinks[target_of(one.name)] = ChannelSink(event_from_bytes, butler.tell, name)
    return sinks


def butler_keeper(settings: Settings, store: Store) -> ButlerKeeper | None:
    """Return what puts the server license into the outbox; None where nobody wants it."""
    targets = tuple(
        ButlerTarget(
            name=target_of(one.name),
            sends=one.sends,
            threshold_days=one.threshold_days,
            every=one.every,
            site=one.site,
        )
        for one in settings.alerts.channels
        if not one.kind.takes_alerts
    )
    return ButlerKeeper(targets, store.outbox, store.told) if targets else None
