"""Exports on a real socket: sent for as long as they are taken, and so many at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import Request, Response

from console_world import World, a_console
from seatkeeper.core.roles import Role
from seatkeeper.web.exports import exported
from seatkeeper.web.reach import READS
from seatkeeper.web.server import address_of, bind, serve
from seatkeeper.web.streams import Room

PATIENCE, LONG = 3.0, 60.0
"""Seconds of the server, and of a test."""

CHUNK = b"a row of an export that is not small\n" * 30_000


@contextlib.asynccontextmanager
async def a_server(tmp_path: Path) -> AsyncIterator[tuple[World, str]]:
    """Serve a console with an export that takes longer than the server is patient."""
    async with a_console(tmp_path) as world:

        async def slowly() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"row\n"
                await asyncio.sleep(PATIENCE / 2)
            yield b"the last row\n"

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield CHUNK
                await asyncio.sleep(0)  # as each look into the store does

        async def slow(request: Request, visitor: READS) -> Response:
            return exported(request, visitor, slowly(), "slow.csv", "text/csv")

        async def large(request: Request, visitor: READS) -> Response:
            return exported(request, visitor, endless(), "large.csv", "text/csv")

        world.app.add_api_route("/slow.csv", slow)
        world.app.add_api_route("/large.csv", large)
        listener, stop = bind("127.0.0.1:0"), asyncio.Event()
        task = asyncio.create_task(serve(world.app, listener, stop, PATIENCE))
        try:
            yield world, address_of(listener)
        finally:
            stop.set()
            await asyncio.wait_for(task, LONG)


async def reader(world: World, address: str) -> httpx.AsyncClient:
    program = await world.with_token(Role.VIEWER)
    headers = {"Authorization": program.headers["authorization"]}
    return httpx.AsyncClient(base_url=address, headers=headers, timeout=LONG)


async def test_an_export_that_takes_longer_than_the_server_waits_comes_whole(
    tmp_path: Path,
) -> None:
    async with a_server(tmp_path) as (world, address), await reader(world, address) as them:
        answer = await them.get("/slow.csv")

    assert answer.text == "row\n" * 4 + "the last row\n"


async def test_who_takes_nothing_of_an_export_is_cut_off(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (world, address), await reader(world, address) as them:
        exports: Room = world.app.state.exports
        async with them.stream("GET", "/large.csv") as answer:
            async with asyncio.timeout(LONG):
                while exports.is_busy:  # noqa: ASYNC110 - the server says no word of it
                    await asyncio.sleep(0.01)
            with pytest.raises(httpx.HTTPError):
                async for _ in answer.aiter_bytes():
                    pass


@pytest.mark.parametrize("path", ["/users.csv", "/ledger.csv", "/ledger.json"])
async def test_every_export_is_one_of_so_many_and_ends(tmp_path: Path, path: str) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.VIEWER) as browser:
        answers = [(await browser.get(path)).status_code for _ in range(8)]
        world.app.state.exports = Room(0, 0)

        assert answers == [200] * 8
        assert (await browser.get(path)).status_code == 429
