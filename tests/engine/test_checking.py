"""The check of a running daemon: when it looks, what it keeps, and what whoever asked is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from command_line import CONFIG
from fakes import FakeClock
from seatkeeper.config import load
from seatkeeper.core.findings import Area, State
from seatkeeper.core.request import Request, RequestKind, RequestState
from seatkeeper.engine.checking import Checking
from seatkeeper.engine.placing import LARGE
from seatkeeper.errors import Interrupted
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.readers import open_sites
from served_site import ServedSite, serving
from stored import JANE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("site"), users=60) as site:
        yield site


@dataclass
class World:
    """A daemon's check of one simulated site, and its clock."""

    store: Store
    clock: FakeClock
    checking: Checking
    stop: asyncio.Event

    async def look(self, **later: float) -> None:
        """Look once, after so long."""
        self.clock.advance(**later)
        await self.checking.look(self.stop)

    async def asked(self) -> Request:
        """Ask for a check, as a person does."""
        return await self.store.requests.ask(RequestKind.CHECK, "prod", {}, JANE, self.clock.now())


@contextlib.asynccontextmanager
async def a_world(site: ServedSite, folder: Path, large: int = LARGE) -> AsyncIterator[World]:
    config, file = folder / "seatkeeper.yaml", folder / "store.db"
    config.write_text(CONFIG.format(url=site.url, folder=site.folder, store=file))
    loaded, clock = load(config, {}), FakeClock(datetime.now(UTC))
    store = open_store(f"sqlite:///{file}")
    try:
        async with open_sites(loaded.settings.sites, clock) as opened:
            sites = {one.site.name: one for one in opened}
            checking = Checking(store, loaded, sites, clock, structlog.get_logger(), large)
            yield World(store, clock, checking, asyncio.Event())
    finally:
        store.close()


async def test_whoever_asks_is_told_and_what_was_found_stays(
    site: ServedSite, tmp_path: Path
) -> None:
    async with a_world(site, tmp_path) as world:
        request = await world.asked()
        await world.look()
        answered, kept = await world.store.requests.get(request.id), await kept_of(world)

    assert (answered.state, sorted(kept)) == (RequestState.DONE, ["", "prod"])
    assert answered.result is not None
    assert answered.result["said"].endswith("failed")
    assert kept["prod"].by == kept[""].by == "Jane Doe"
    assert {Area.CONNECTION, Area.RIGHTS, Area.LICENSE} <= {f.area for f in kept["prod"].findings}
    assert {Area.STORE, Area.CHANNELS} <= {f.area for f in kept[""].findings}
    assert all(found.cure for found in kept["prod"].findings if found.state is not State.OK)


async def kept_of(world: World) -> Any:
    return await world.store.connections.all()


async def test_it_looks_by_itself_after_a_minute_and_once_a_day(
    site: ServedSite, tmp_path: Path
) -> None:
    times = []
    async with a_world(site, tmp_path) as world:
        for later in ({"seconds": 0}, {"minutes": 2}, {"hours": 23}, {"hours": 2}):
            await world.look(**later)
            found = (await kept_of(world)).get("prod")
            times.append(None if found is None else found.at)

    assert times[0] is None
    assert times[1] is not None
    assert times[2] == times[1]
    assert times[3] > times[2]


async def test_a_site_that_is_down_is_found_with_its_cure(site: ServedSite, tmp_path: Path) -> None:
    site.faults("status=403")
    try:
        async with a_world(site, tmp_path) as world:
            request = await world.asked()
            await world.look()
            answered, kept = await world.store.requests.get(request.id), await kept_of(world)
    finally:
        site.faults()

    assert answered.state is RequestState.DONE
    assert kept["prod"].worst is State.FAILED
    assert [bool(f.cure) for f in kept["prod"].findings if f.state is State.FAILED]


async def test_a_large_site_is_not_read_whole(site: ServedSite, tmp_path: Path) -> None:
    async with a_world(site, tmp_path, large=10) as world:
        await world.asked()
        await world.look()
        kept = await kept_of(world)

    assert Area.LICENSE not in {found.area for found in kept["prod"].findings}
    assert any("read whole by each monitoring" in found.text for found in kept["prod"].findings)


async def test_a_daemon_that_ends_meanwhile_says_so(site: ServedSite, tmp_path: Path) -> None:
    async with a_world(site, tmp_path) as world:
        request = await world.asked()
        world.stop.set()
        with pytest.raises(Interrupted):
            await world.look()
        answered = await world.store.requests.get(request.id)

    assert answered.state is RequestState.FAILED
    assert answered.result is not None
    assert "ask again" in answered.result["error"]


async def test_what_nobody_checked_within_a_day_is_not_done_later(
    site: ServedSite, tmp_path: Path
) -> None:
    async with a_world(site, tmp_path) as world:
        request = await world.asked()
        await world.look(hours=25)
        answered = await world.store.requests.get(request.id)

    assert answered.state is RequestState.FAILED
    assert answered.result is not None
    assert "ask again" in answered.result["error"]
