"""Wait for something, but not for long once the run is asked to end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from seatkeeper.errors import Interrupted

Done = TypeVar("Done")


async def until_stopped(
    work: Coroutine[Any, Any, Done], stop: asyncio.Event, grace: float = 0.0
) -> Done:
    """Await `work`; once `stop` is set only for `grace` seconds more, then it is cancelled.

    Raises Interrupted when it was cut off, else whatever `work` raises.
    """
    task = asyncio.ensure_future(work)
    asked = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, asked), return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and grace > 0:
            await asyncio.wait((task,), timeout=grace)
        if not task.done():
            raise Interrupted("ended on request")
        return task.result()
    finally:
        asked.cancel()
        task.cancel()
        await asyncio.gather(task, asked, return_exceptions=True)
