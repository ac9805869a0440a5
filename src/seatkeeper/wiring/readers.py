"""What looks: sites opened for reading, and the store.

A site that cannot even be opened (a certificate file is missing) must not keep the others from
working: its reader raises that error at the first reading instead.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.errors import NeverSent, QrsError
from seatkeeper.flow.context import Records, Site
from seatkeeper.flow.ports import Clock
from seatkeeper.qrs.answer import Reply
from seatkeeper.qrs.body import Sink
from seatkeeper.qrs.client import Connection, QrsClient, Result
from seatkeeper.qrs.reader import SiteReader
from seatkeeper.settings import Settings, SiteSettings
from seatkeeper.store import Owner, Store, open_store


@dataclass(frozen=True, slots=True)
class OpenSite:
    """One site with its connection; `site` is what the flow sees of it."""

    site: Site
    client: QrsClient
    settings: SiteSettings


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
    settings: Sequence[SiteSettings], clock: Clock
) -> AsyncIterator[list[OpenSite]]:
    """Open these sites; connections are made at the first request."""
    async with AsyncExitStack() as stack:
        opened = []
        for one in settings:
            client = await _client(stack, connection_of(one), clock)
            site = Site(one.name, one.to_policy(), SiteReader(client))
            opened.append(OpenSite(site, client, one))
        yield opened


async def _client(stack: AsyncExitStack, connection: Connection, clock: Clock) -> QrsClient:
    client = QrsClient(connection, clock.now)
    try:
        return await stack.enter_async_context(client)
    except QrsError as error:
        return Unopened(connection, clock.now, error)


class Unopened(QrsClient):
    """A client of a site that could not be opened: every request says why."""

    def __init__(
        self, connection: Connection, clock: Callable[[], datetime], why: QrsError
    ) -> None:
        """Keep why."""
        super().__init__(connection, clock)
        self._why = str(why)

    async def read(
        self,
        path: str,  # noqa: ARG002 - nothing is asked
        make_sink: Callable[[], Sink[Result]],  # noqa: ARG002 - as above
        *,
        filter_: str = "",  # noqa: ARG002 - as above
        long: bool = False,  # noqa: ARG002 - as above
    ) -> Result:
        """Raise what kept the site from being opened."""
        raise NeverSent(self._why)

    async def write(self, method: str, path: str, body: bytes | None = None) -> Reply:  # noqa: ARG002 - nothing is sent
        """Raise what kept the site from being opened."""
        raise NeverSent(self._why)


def open_records(settings: Settings, owner: Owner | None = None) -> tuple[Store, Records]:
    """Open the store, bringing its schema up to date; raises StoreError.

    `owner`: work on the leases of that process, which started this one.
    """
    url = settings.store.url.get_secret_value()
    store = open_store(url, command="seatkeeper", owner=owner)
    return store, Records(store.plans, store.history, store.control)
