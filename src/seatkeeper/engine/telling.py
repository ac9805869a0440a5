"""The daemon's delivery of the outbox: a task a target, which tells when it fails and is back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from structlog.typing import FilteringBoundLogger

from seatkeeper.errors import Interrupted
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.flow.tell import Told, deliver
from seatkeeper.flow.telling_ports import Outbox, Sink

POLL = 2.0
"""Seconds between two looks for what waits; looking writes nothing."""

LAST_WORDS = 2.0
"""Seconds a batch on its way gets when the daemon ends; what is not confirmed is sent again."""


async def keep_telling(
    sinks: Mapping[str, Sink],
    outbox: Outbox,
    clock: Clock,
    stop: asyncio.Event,
    log: FilteringBoundLogger,
) -> None:
    """Deliver to every target until asked to stop; a target that fails delays no other."""

    async def tell_one(target: str, sink: Sink) -> None:
        def go() -> Coroutine[Any, Any, Told]:
            return deliver(target, sink, outbox, clock)

        await _keep_at_it(go, stop, log.bind(target=target))

    async with asyncio.TaskGroup() as group:
        for target, sink in sinks.items():
            group.create_task(tell_one(target, sink), name=f"tell:{target}")
    await stop.wait()


async def _keep_at_it(
    go: Callable[[], Coroutine[Any, Any, Told]], stop: asyncio.Event, log: FilteringBoundLogger
) -> None:
    failing = ""
    while not stop.is_set():
        with contextlib.suppress(Interrupted):
            told = await until_stopped(go(), stop, LAST_WORDS)
            failing = _say(told, failing, log)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL)


def _say(told: Told, failing: str, log: FilteringBoundLogger) -> str:
    """Log what changed; returns why the target fails now, empty when it does not."""
    if told.set_aside:
        log.error("outbox.set_aside", rows=told.set_aside)
    if told.error and told.error != failing:
        log.warning("outbox.waits", error=told.error)
    if failing and told.delivered and not told.error:
        log.info("outbox.delivered", rows=told.delivered)
        return ""
    return told.error or failing
