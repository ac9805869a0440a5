from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qrs_pki import Pki, make_pki
from qrs_rows import MakeClient, MakeConnection
from qrs_stand_in import StandIn, stand_in
from seatkeeper.qrs.client import Connection, QrsClient, Retrying

QUICK = Retrying(tries=3, first_pause=0.01, longest_pause=0.02)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
async def site(pki: Pki) -> AsyncIterator[StandIn]:
    async with stand_in(pki) as server:
        yield server


@pytest.fixture
def a_connection(pki: Pki) -> MakeConnection:
    def make(url: str, **changes: Any) -> Connection:
        settings: dict[str, Any] = {
            "url": url,
            "ca_file": pki.site.root,
            "cert_file": pki.client.cert,
            "key_file": pki.client.key,
            "user": "INTERNAL\\sa_api",
            "timeout": timedelta(seconds=5),
            **changes,
        }
        return Connection(**settings)

    return make


@pytest.fixture
def a_client(a_connection: MakeConnection) -> MakeClient:
    def make(site: StandIn | str, *, retrying: Retrying = QUICK, **changes: Any) -> QrsClient:
        url = site if isinstance(site, str) else site.url
        return QrsClient(a_connection(url, **changes), lambda: datetime.now(UTC), retrying=retrying)

    return make


@pytest.fixture
async def client(site: StandIn, a_client: MakeClient) -> AsyncIterator[QrsClient]:
    async with a_client(site) as opened:
        yield opened
