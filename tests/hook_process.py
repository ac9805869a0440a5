"""A process of its own that looks for news, or tells it, and stops at a step to be killed.

Run as `python hook_process.py MODE URL RECEIVER STEP`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

from alert_process import Stop, pause, watch
from lease_process import Process, say
from seatkeeper.core.event import EventKind
from seatkeeper.core.hook import EventText, Hook, event_text, target_of
from seatkeeper.flow.channels import ChannelSink
from seatkeeper.flow.tell import Told, deliver
from seatkeeper.outlets.posting import Receiver
from seatkeeper.outlets.webhook import EventHook
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.clock import SystemClock
from stored import NOW, later

HOOK = Hook(target_of("hook"), frozenset(EventKind), ("prod",))
SECRET = "correct-horse-battery-staple"
MINUTE_LATER = later(minutes=1)

LOOKING: dict[str, Stop | None] = {
    "nothing is written": Stop("INSERT INTO outbox ("),
    "the events are there, the place is the old one": Stop("UPDATE hook_place"),
    "both are there, nothing is committed": Stop("UPDATE hook_place", commit=True),
    "committed": None,
}
TELLING = ("taken, not sent", "sent, no answer", "answered, not written down")


class HookProcess(Process):
    """This file, running in a process of its own; it is gone at the end of the block."""

    def __init__(self, mode: str, url: str, receiver: str, step: str) -> None:
        super().__init__(mode, url, receiver, step, file=Path(__file__))

    async def comes(self) -> None:
        """Wait until it is at its step."""
        assert await asyncio.to_thread(self.heard) == "there", self.end()


async def look(store: Store) -> int:
    """Look for news, a minute later."""
    return await store.hooks.catch_up(HOOK, NOW - timedelta(days=1), MINUTE_LATER)


def sink_of(
    url: str, around: Callable[[Awaitable[str]], Awaitable[str]] | None = None
) -> ChannelSink[EventText]:
    """Return what sends to a receiver; `around` sees each sending."""
    there = Receiver(url=url, timeout=timedelta(seconds=30))
    hook = EventHook(there, SECRET, SystemClock().now)

    async def tell(event: EventText, key: str) -> str:
        sending = hook.tell(event, key)
        return await (sending if around is None else around(sending))

    return ChannelSink(event_text, tell, attrgetter("about"))


async def tell_all(store: Store, url: str) -> Told:
    """Tell the receiver everything that waits for it."""
    limit = timedelta(seconds=20)
    return await deliver(HOOK.target, sink_of(url), store.outbox, SystemClock(), limit=limit)


async def look_once(store: Store, _url: str, step: str) -> None:
    """Look, and stop at a step of the transaction."""
    watch(LOOKING[step])
    await look(store)
    pause()


async def tell_once(store: Store, url: str, step: str) -> None:
    """Tell what waits, and stop at a step of it."""

    async def stopping(sending: Awaitable[str]) -> str:
        if step == "taken, not sent":
            pause()
        if step == "sent, no answer":
            say("there")
        said = await sending
        if step == "answered, not written down":
            pause()
        return said

    await deliver(HOOK.target, sink_of(url, stopping), store.outbox, SystemClock())


MODES = {f.__name__: f for f in (look_once, tell_once)}

if __name__ == "__main__":
    _mode, _url, _receiver, _step = sys.argv[1:5]
    asyncio.run(MODES[_mode](open_store(_url, command=f"seatkeeper {_mode}"), _receiver, _step))
