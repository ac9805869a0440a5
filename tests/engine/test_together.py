"""The engine and the web side begin and end together."""

from __future__ import annotations

import asyncio

import pytest

from seatkeeper.engine.daemon import together_until
from seatkeeper.errors import StoreError


async def test_the_wish_to_end_ends_both() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)

    await asyncio.wait_for(together_until(stop, engine=until(stop), web=until(stop)), 5)


async def test_one_that_fails_lets_the_other_end_before_its_error_is_raised() -> None:
    stop = asyncio.Event()
    drained = asyncio.Event()

    async def fail() -> None:
        raise StoreError("away")

    async def drain() -> None:
        await stop.wait()
        await asyncio.sleep(0.05)
        drained.set()

    with pytest.raises(StoreError, match="away"):
        await together_until(stop, engine=drain(), web=fail())

    assert drained.is_set()


async def test_being_cut_off_cuts_off_both() -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(together_until(stop, engine=asyncio.sleep(60), web=until(stop)))
    await asyncio.sleep(0.02)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert [t.get_name() for t in asyncio.all_tasks() if t.get_name() in ("engine", "web")] == []


async def until(stop: asyncio.Event) -> None:
    await stop.wait()
