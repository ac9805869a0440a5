"""Who is told, from the settings: points, alerts, events, and what sends to each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from seatkeeper.core.channel import target_of as channel_target
from seatkeeper.core.hook import target_of as hook_target
from seatkeeper.flow.points import PointKeeper, PointTarget
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.telling_ports import Sink
from seatkeeper.outlets.influxdb import InfluxSink, Place, version_1, version_2, version_3
from seatkeeper.outlets.lines import encoder
from seatkeeper.settings import Settings
from seatkeeper.settings.influxdb import InfluxSettings, InfluxVersion
from seatkeeper.store import Store
from seatkeeper.wiring.channels import channel_sinks
from seatkeeper.wiring.costing import Costs
from seatkeeper.wiring.hooks import hook_sinks
from seatkeeper.wiring.news import News


def target_of(settings: InfluxSettings) -> str:
    """Return the name of a target of points in the outbox."""
    return f"influx:{settings.name}"


def targets_of(settings: Settings) -> list[str]:
    """Return the name in the outbox of all that the settings tell."""
    channels = [channel_target(one.name) for one in settings.alerts.channels]
    hooks = [hook_target(one.name) for one in settings.console.webhooks]
    return channels + [target_of(one) for one in settings.metrics.influxdb] + hooks


def place_of(settings: InfluxSettings) -> Place:
    """Return where points of a target go."""
    token, database = settings.token_secret, settings.database or ""
    if settings.version is InfluxVersion.ONE:
        login = (settings.user, settings.password_secret or "") if settings.user else None
        place = version_1(settings.url, database, login, token)
    elif settings.version is InfluxVersion.TWO:
        place = version_2(settings.url, settings.org or "", settings.bucket or "", token)
    else:
        place = version_3(settings.url, database, token)
    return replace(place, ca_file=settings.ca_file, timeout=settings.timeout)


@asynccontextmanager
async def open_sinks(settings: Settings, clock: Clock) -> AsyncIterator[dict[str, Sink]]:
    """Open what sends to each target, by its name in the outbox; nothing is sent yet."""
    async with AsyncExitStack() as stack:
        sinks = channel_sinks(settings.alerts.channels, clock)
        sinks |= hook_sinks(settings.console.webhooks, clock)
        for one in settings.metrics.influxdb:
            sink = InfluxSink(place_of(one))
            sinks[target_of(one)] = await stack.enter_async_context(sink)
        yield sinks


def point_keeper(settings: Settings, store: Store) -> PointKeeper | None:
    """Return what puts points into the outbox; None where nobody wants any."""
    if not settings.metrics.influxdb:
        return None
    targets = [
        PointTarget(
            name=target_of(one),
            encode=encoder(one.tags),
            user_tag=one.butler_compatible_user_tag,
            users=one.users,
        )
        for one in settings.metrics.influxdb
    ]
    costs = Costs(store, settings)
    return PointKeeper(targets, store.outbox, News(store), costs.of_site, costs.budget)
