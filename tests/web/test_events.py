"""Events through the API, over a real server and a real socket, read as a browser would."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from api_world import alert, an_alert
from console_world import World, a_console
from seatkeeper.core.event import EventKind
from seatkeeper.core.roles import Role
from seatkeeper.web.api.events import Streams
from seatkeeper.web.server import address_of, bind, serve
from stored import JANE, a_plan, applied, some_actions

QUICK = 0.02
"""Seconds between two looks, and between heartbeats, so that tests need not wait."""

LONG = 60
"""Seconds after which a test gives up; a machine that is busy may need many."""

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@dataclass
class Reader:
    """What an EventSource makes of a stream: events, and where it goes on."""

    response: httpx.Response
    last_id: str = ""
    beats: int = 0
    lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = self.response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """Return the next event; raises StopAsyncIteration when the stream is over."""
        while True:
            kind = data = ""
            async for line in self.lines:
                name, _, value = line.partition(": ")
                if line == "":
                    break
                self.last_id = value if name == "id" else self.last_id
                kind = value if name == "event" else kind
                data = value if name == "data" else data
                self.beats += name == ""
            else:
                raise StopAsyncIteration
            if data:
                told: dict[str, Any] = json.loads(data)
                assert told["type"] == kind
                return told

    async def some(self, number: int) -> list[dict[str, Any]]:
        """Return so many events."""
        async with asyncio.timeout(LONG):
            return [await self.next() for _ in range(number)]

    async def is_over(self) -> bool:
        """Whether the stream ends, with nothing more in it."""
        try:
            async with asyncio.timeout(LONG):
                await self.next()
        except (StopAsyncIteration, httpx.RemoteProtocolError):
            return True
        return False

    async def beat(self) -> None:
        """Wait for a heartbeat after now."""
        known = self.beats
        async with asyncio.timeout(LONG):
            async for line in self.lines:
                name, _, value = line.partition(": ")
                self.last_id = value if name == "id" else self.last_id
                self.beats += name == ""
                if self.beats > known and line == "":
                    return


@dataclass
class Served:
    """A console on a socket, and who reads its events."""

    world: World
    address: str
    stop: asyncio.Event

    @contextlib.asynccontextmanager
    async def reader(
        self, role: Role = Role.VIEWER, *sites: str, last_id: str | None = None
    ) -> AsyncIterator[Reader]:
        """Open a stream with a token of its own."""
        program = await self.world.with_token(role, *sites)
        headers = {"Authorization": program.headers["authorization"]}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        async with (
            httpx.AsyncClient(base_url=self.address, headers=headers, timeout=LONG) as them,
            them.stream("GET", "/api/v1/events") as response,
        ):
            assert response.status_code == 200
            reader = Reader(response)
            if last_id is None:
                await reader.beat()
            yield reader


@contextlib.asynccontextmanager
async def a_server(patience: float = 10, **streams: Any) -> AsyncIterator[Served]:
    """Serve a console until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_console(Path(folder)) as world:
            world.app.state.streams = Streams(**{"look": QUICK, "beat": QUICK, **streams})
            listener, stop = bind("127.0.0.1:0"), asyncio.Event()
            task = asyncio.create_task(serve(world.app, listener, stop, patience))
            try:
                yield Served(world, address_of(listener), stop)
            finally:
                stop.set()
                await asyncio.wait_for(task, LONG)


async def test_what_happens_is_told_as_it_happens() -> None:
    async with a_server() as served, served.reader() as reader:
        plan = a_plan(*some_actions(2))
        await served.world.store.plans.record(plan, JANE, "run-1")
        (made,) = await reader.some(1)
        await served.world.store.plans.approve(plan.plan_id, JANE, "fine", served.world.now)
        (approved,) = await reader.some(1)
        await alert(served.world, an_alert(fired_at=served.world.now))
        (fired,) = await reader.some(1)

        assert reader.response.headers["content-type"].startswith("text/event-stream")
        assert reader.response.headers["cache-control"] == "no-store"
        assert (made["type"], made["data"]["plan_id"]) == ("plan.made", plan.plan_id)
        assert (approved["type"], approved["data"]["by"]) == ("plan.approved", "Jane Doe")
        assert (fired["type"], fired["site"]) == ("alert.fired", "prod")


async def test_who_listens_from_now_on_is_not_told_the_past() -> None:
    async with a_server() as served:
        await alert(served.world, an_alert(fired_at=served.world.now))
        await served.world.store.plans.record(a_plan(plan_id="old"), JANE, "run-1")
        async with served.reader() as reader:
            await served.world.store.plans.record(a_plan(plan_id="new"), JANE, "run-1")
            (event,) = await reader.some(1)

    assert event["data"]["plan_id"] == "new"


async def test_who_was_cut_off_goes_on_where_it_was() -> None:
    async with a_server() as served:
        async with served.reader() as reader:
            await served.world.store.plans.record(a_plan(plan_id="first"), JANE, "run-1")
            await reader.some(1)
            place = reader.last_id
        await served.world.store.plans.record(a_plan(plan_id="meanwhile"), JANE, "run-1")
        async with served.reader(last_id=place) as again:
            await served.world.store.plans.record(a_plan(plan_id="last"), JANE, "run-1")
            told = await again.some(2)

    assert [event["data"]["plan_id"] for event in told] == ["meanwhile", "last"]


async def test_a_site_out_of_reach_is_not_told_of() -> None:
    async with a_server() as served, served.reader(Role.ADMIN, "test") as reader:
        await applied(served.world.store, a_plan(*some_actions(2)))
        await served.world.store.plans.record(a_plan(site="test"), JANE, "run-1")
        (event,) = await reader.some(1)

    assert event["site"] == "test"


async def test_a_stream_that_is_read_outlives_the_patience_of_the_server() -> None:
    patience = 3.0  # enough to read a request on a busy machine
    async with a_server(patience) as served, served.reader() as reader:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while loop.time() - begin < 1.5 * patience:
            await reader.beat()
        await served.world.store.plans.record(a_plan(), JANE, "run-1")

        assert [e["type"] for e in await reader.some(1)] == ["plan.made"]


async def test_an_answer_that_is_no_stream_is_cut_off_as_ever() -> None:
    async with a_server(0.2) as served:
        host, _, port = served.address.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n")  # and never ends
        async with asyncio.timeout(LONG):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_a_stream_ends_after_a_while_so_that_its_reader_signs_in_again() -> None:
    async with a_server(longest=0.1) as served, served.reader() as reader:
        assert await reader.is_over()


async def test_a_stream_ends_when_its_token_is_revoked() -> None:
    async with a_server() as served, served.reader() as reader:
        await served.world.store.tokens.revoke("script-viewer-0", JANE, served.world.now)

        assert await reader.is_over()


async def test_a_stream_ends_with_the_server_and_keeps_it_from_nothing() -> None:
    async with a_server() as served, served.reader() as reader:
        served.stop.set()

        assert await reader.is_over()


async def test_so_many_streams_are_open_at_once_and_who_goes_makes_room() -> None:
    async with a_server(most_of_one=2) as served:
        program = await served.world.with_token(Role.VIEWER)
        headers = {"Authorization": program.headers["authorization"]}
        async with httpx.AsyncClient(base_url=served.address, headers=headers) as them:

            async def opened() -> int:
                async with them.stream("GET", "/api/v1/events") as answer:
                    return answer.status_code

            async with (
                them.stream("GET", "/api/v1/events"),
                them.stream("GET", "/api/v1/events"),
            ):
                refused = await opened()
            async with asyncio.timeout(LONG):
                while (code := await opened()) == 429:  # noqa: ASYNC110 - the server notices
                    await asyncio.sleep(QUICK)

    assert (refused, code) == (429, 200)


@pytest.mark.parametrize("place", ["nonsense", "1", "9" * 40 + "-1", "1-999999999999999999"])
async def test_a_place_that_no_stream_gave_is_refused(tmp_path: Path, place: str) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        world.app.state.streams = Streams(longest=0)
        headers = {"Last-Event-ID": place}
        codes = {(await them.get("/api/v1/events", headers=headers)).status_code for _ in range(9)}

    # More often than streams may be open: what is refused leaves none behind.
    assert codes == {422}


@pytest.mark.parametrize("kind", EventKind)
def test_every_event_stands_in_the_documentation(kind: EventKind) -> None:
    assert f"| `{kind.value}` | {kind.words}" in PAGE


async def test_a_token_that_is_revoked_hears_no_more_even_while_something_happens() -> None:
    async with a_server() as served, served.reader() as reader:
        store, world = served.world.store, served.world
        (token,) = await store.tokens.all()
        await store.tokens.revoke(token.name, JANE, world.now)

        async def happening() -> None:
            while True:
                await store.plans.record(a_plan(*some_actions(1)), JANE, "run-1")

        busy = asyncio.create_task(happening())
        try:
            async with asyncio.timeout(LONG):
                while not await reader.is_over():
                    pass
        finally:
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)
