"""A process of its own that judges a site or delivers what is to be told, and stops at a step.

Run as `python alert_process.py MODE URL WHAT STEP`; it says on stdout when it has come to the
step, and is then killed. The steps are found from outside, in the statements that the database
gets: the product has no hook for them.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from builders import NOW, a_policy, a_snapshot, a_summary, changed_pool, facts_of
from lease_process import Process, say
from seatkeeper.core.alert_message import AlertMessage, message_from_bytes
from seatkeeper.core.alert_pools import LowAvailability
from seatkeeper.core.alert_rule import Rule
from seatkeeper.core.channel import target_of
from seatkeeper.flow.alarm import Alarm, AlertChannel
from seatkeeper.flow.channels import ChannelSink
from seatkeeper.flow.ports import Observed
from seatkeeper.flow.tell import Told, deliver
from seatkeeper.outlets.posting import Receiver
from seatkeeper.outlets.webhook import Webhook
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.clock import SystemClock

CHANNELS = ("hook", "pager")
HOOK = target_of("hook")
RULES = (Rule.of(LowAvailability()),)
ENOUGH, FEW = 100, 3


@dataclass
class Stop:
    """Before the statement of that number that begins so, or before what it is in is committed."""

    begins: str
    number: int = 1
    commit: bool = False

    def on_statement(self, _conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """Count, and stop when it is time."""
        if statement.startswith(self.begins):
            self.number -= 1
            if self.number == 0 and not self.commit:
                pause()

    def on_commit(self, _conn: Any) -> None:
        """Stop before the commit when the statement was there."""
        if self.commit and self.number <= 0:
            pause()


MESSAGE = "INSERT INTO outbox ("
JUDGING: dict[str, Stop | None] = {
    "judged, nothing written": Stop("DELETE FROM alert_state"),
    "the alert as it was is gone": Stop("INSERT INTO alert_state"),
    "the alert is written, no message": Stop(MESSAGE),
    "one channel has its message": Stop(MESSAGE, 2),
    "both have, nothing is committed": Stop(MESSAGE, 2, commit=True),
    "committed": None,
}
COMMITTED = "committed"
TELLING: dict[str, Stop | None] = {
    "taken, not sent": None,
    "sent, no answer": None,
    "answered, not written down": None,
    "written down, the place is held": Stop("UPDATE outbox_lane", 2),
}


def pause() -> None:
    """Say that the step is reached, and wait for the end."""
    say("there")
    sys.stdin.readline()


def watch(stop: Stop | None) -> None:
    """Let the database's statements be seen by this stop."""
    if stop is not None:
        sa.event.listen(sa.Engine, "before_cursor_execute", stop.on_statement)
        sa.event.listen(sa.Engine, "commit", stop.on_commit)


class AlertProcess(Process):
    """This file, running in a process of its own; it is gone at the end of the block."""

    def __init__(self, mode: str, url: str, what: str, step: str) -> None:
        super().__init__(mode, url, what, step, file=Path(__file__))

    async def comes(self) -> None:
        """Wait until it is at its step."""
        assert await asyncio.to_thread(self.heard) == "there", self.end()


def at(minute: int) -> datetime:
    """Return the moment of a minute of the story."""
    return NOW + timedelta(minutes=minute)


async def judge(store: Store, free: int, minute: int) -> None:
    """Judge the site once, with so many free analyzer seats of 200."""
    professional, analyzer = a_summary().pools
    pool = changed_pool(analyzer, total=200, available=free, allocated=200 - free)
    snapshot = a_snapshot()
    summary = a_summary(pools=(professional, pool))
    alarm = Alarm(RULES, tuple(AlertChannel(c) for c in CHANNELS), store.alerts)
    facts = facts_of(snapshot, a_policy())
    await alarm.follow(Observed(snapshot, facts, summary, at(minute)))


def webhook(url: str) -> Webhook:
    """Return the channel that tells a receiver."""
    clock = SystemClock()
    return Webhook(Receiver(url=url, timeout=timedelta(seconds=30)), "s" * 16, clock.now)


async def tell_all(store: Store, url: str) -> Told:
    """Tell the receiver everything that waits for it."""
    sink = ChannelSink(message_from_bytes, webhook(url).tell, attrgetter("key"))
    return await deliver(HOOK, sink, store.outbox, SystemClock(), limit=timedelta(seconds=20))


async def judge_once(store: Store, what: str, step: str) -> None:
    """Judge, and stop at a step of the transaction."""
    free, minute = map(int, what.split(","))
    watch(JUDGING[step])
    await judge(store, free, minute)
    pause()


def is_bad(minute: int) -> bool:
    """Whether seats are short in this minute: two minutes are, two are not."""
    return minute % 4 in (1, 2)


async def judge_on(store: Store, _what: str, _step: str) -> None:
    """Judge minute after minute, from the last that was seen; for ever."""
    seen = [alert.seen for alert in await store.alerts.all()]
    first = (max(seen) - NOW) // timedelta(minutes=1) + 1 if seen else 1
    for minute in itertools.count(first):
        await judge(store, FEW if is_bad(minute) else ENOUGH, minute)
        if minute == first + 5:
            say("there")  # two transitions at least, however slow the machine is


async def tell_once(store: Store, url: str, step: str) -> None:
    """Tell what waits, and stop at a step of it."""
    channel = webhook(url)

    async def tell(message: AlertMessage, key: str) -> str:
        if step == "taken, not sent":
            pause()
        if step == "sent, no answer":
            say("there")
        said = await channel.tell(message, key)
        if step == "answered, not written down":
            pause()
        return said

    watch(TELLING[step])
    sink = ChannelSink(message_from_bytes, tell, attrgetter("key"))
    await deliver(HOOK, sink, store.outbox, SystemClock())


MODES = {f.__name__: f for f in (judge_once, judge_on, tell_once)}

if __name__ == "__main__":
    _mode, _url, _what, _step = sys.argv[1:5]
    asyncio.run(MODES[_mode](open_store(_url, command=f"seatkeeper {_mode}"), _what, _step))
