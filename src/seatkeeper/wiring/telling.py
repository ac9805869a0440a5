"""Who is told, from the settings: targets of points, and what sends to each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from seatkeeper.core.points import ReleasedSeat
from seatkeeper.flow.points import PointKeeper, PointTarget
from seatkeeper.flow.ports import Sink
from seatkeeper.outlets.influxdb import InfluxSink, Place, version_1, version_2, version_3
from seatkeeper.outlets.lines import encoder
from seatkeeper.settings import Settings
from seatkeeper.settings.influxdb import InfluxSettings, InfluxVersion
from seatkeeper.store import Store


def target_of(settings: InfluxSettings) -> str:
    """Return the name of a target of points in the outbox."""
    return f"influx:{settings.name}"


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
async def open_sinks(settings: Settings) -> AsyncIterator[dict[str, Sink]]:
    """Open what sends to each target, by its name in the outbox; nothing is sent yet."""
    async with AsyncExitStack() as stack:
        sinks: dict[str, Sink] = {}
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
    return PointKeeper(targets, store.outbox, News(store))


@dataclass(frozen=True, slots=True)
class News:
    """What points say beside the summary, from the store."""

    store: Store

    async def last_reading(self, site: str) -> datetime | None:
        """Return when the last monitoring cycle that succeeded began."""
        state = (await self.store.cycles.states([site])).get((site, "monitor"))
        return None if state is None else state.last_success

    async def failed_cycles(self, site: str) -> int:
        """Count the monitoring cycles that failed since then."""
        state = (await self.store.cycles.states([site])).get((site, "monitor"))
        return 0 if state is None else state.failures

    async def released(self, site: str, since: datetime) -> list[ReleasedSeat]:
        """Return the seats released since."""
        return await self.store.releases.since(site, since)

    async def key(self) -> bytes:
        """Return the secret under which people are hashed."""
        return await self.store.pseudonyms.key()
