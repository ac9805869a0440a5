"""What looks: sites opened for reading, and the store.

A site that cannot even be opened (a certificate file is missing) must not keep the others from
working: its reader raises that error at the first reading instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from seatkeeper.errors import NotSimulated, QrsError
from seatkeeper.flow.context import Records, Site
from seatkeeper.flow.ports import Clock, Follower
from seatkeeper.qrs.client import Connection, QrsClient
from seatkeeper.qrs.reader import SiteReader
from seatkeeper.settings import Settings, SiteSettings
from seatkeeper.store import Owner, Store, open_store
from seatkeeper.wiring.alarms import alarm_of
from seatkeeper.wiring.channels import butler_keeper
from seatkeeper.wiring.clock import SimulatedClock
from seatkeeper.wiring.costing import cost_keeper
from seatkeeper.wiring.rostering import roster_keeper
from seatkeeper.wiring.telling import point_keeper
from seatkeeper.wiring.upkeep import DailyPruning, DailyVerifying, OutboxKeeper


@dataclass(frozen=True, slots=True)
class OpenSite:
    """One site with its connection; `site` is what the flow sees of it."""

    site: Site
    client: QrsClient
    settings: SiteSettings

    @property
    def reader(self) -> SiteReader:
        """What reads the site, with what the flow has no need of."""
        return SiteReader(self.client)


def connection_of(settings: SiteSettings) -> Connection:
    """Return how the site is reached."""
    qrs = settings.qrs
    return Connection(
        url=qrs.url,
        ca_file=qrs.ca_file,
        cert_file=qrs.cert_file,
        key_file=qrs.key_file,
        user=qrs.user,
        concurrency=qrs.concurrency,
        timeout=qrs.timeout,
        verify_host_name=qrs.verify_host_name,
        key_password=qrs.key_secret.get_secret_value() if qrs.key_secret else None,
    )


@asynccontextmanager
async def open_sites(
    settings: Sequence[SiteSettings],
    clock: Clock,
    attribute: str = "",
    *,
    four_eyes: bool = False,
) -> AsyncIterator[list[OpenSite]]:
    """Open these sites; connections are made at the first request.

    `attribute`: read users with this one of their attributes (`cost.attribute`). `four_eyes`: as
    `approval` says; it matters only where plans are approved.
    Raises NotSimulated for a clock of simulated sites and a site that is not one of them.
    """
    for one in settings:
        _refuse_false_clock(one.qrs.url, clock)
    async with AsyncExitStack() as stack:
        opened = []
        for one in settings:
            client = await _client(stack, connection_of(one), clock)
            reader, timeout = SiteReader(client, attribute), one.qrs.timeout
            site = Site(one.name, one.to_policy(), reader, timeout, four_eyes=four_eyes)
            opened.append(OpenSite(site, client, one))
        yield opened


def _refuse_false_clock(url: str, clock: Clock) -> None:
    """Let no site but the simulated ones of a clock be opened with it."""
    if isinstance(clock, SimulatedClock) and not clock.covers(url):
        raise NotSimulated(f"{url} is not handled under the clock of another, simulated site")


async def _client(stack: AsyncExitStack, connection: Connection, clock: Clock) -> QrsClient:
    client = QrsClient(connection, clock.now)
    try:
        return await stack.enter_async_context(client)
    except QrsError:
        # Each request tries again, and says why when it is no better.
        stack.push_async_exit(client)
        return client


def open_records(settings: Settings, owner: Owner | None = None) -> tuple[Store, Records]:
    """Open the store, bringing its schema up to date; raises StoreError.

    `owner`: work on the leases of that process, which started this one.
    """
    url = settings.store.url.get_secret_value()
    store = open_store(url, command="seatkeeper", owner=owner)
    return store, records_of(store, followers_of(settings, store))


def followers_of(settings: Settings, store: Store) -> tuple[Follower, ...]:
    """Return what follows every monitoring cycle, in this order."""
    retention = settings.retention.to_retention()
    keepers: tuple[Follower | None, ...] = (
        cost_keeper(settings, store),
        roster_keeper(settings, store),
        point_keeper(settings, store),
        butler_keeper(settings, store),
        OutboxKeeper(store, retention),
        alarm_of(settings, store),
        DailyPruning(store, retention),
        DailyVerifying(store),
    )
    return tuple(keeper for keeper in keepers if keeper is not None)


def records_of(store: Store, followers: tuple[Follower, ...] = ()) -> Records:
    """Return what the flow sees of a store."""
    return Records(
        plans=store.plans,
        history=store.history,
        control=store.control,
        summaries=store.summaries,
        cycles=store.cycles,
        activity=store.activity,
        followers=followers,
    )
