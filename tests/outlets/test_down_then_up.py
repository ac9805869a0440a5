"""A channel that was down gets everything once it is up: once, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from builders import NOW
from config_files import load_text, top
from fakes import FakeClock
from messages import a_message, an_entry
from receivers import HttpReceiver, MailServer, until
from seatkeeper.core.alert_message import message_from_bytes
from seatkeeper.core.channel import target_of
from seatkeeper.core.outbox import OutboxState
from seatkeeper.engine.telling import keep_telling
from seatkeeper.flow.channels import OFTEN, ChannelSink
from seatkeeper.flow.tell import Told, deliver
from seatkeeper.flow.telling_ports import Outbox, Sink
from seatkeeper.logs import logger
from seatkeeper.outlets.notify import Notifier
from seatkeeper.outlets.posting import Receiver
from seatkeeper.outlets.webhook import Webhook
from seatkeeper.store import open_store
from seatkeeper.wiring.alarms import alarm_of
from seatkeeper.wiring.channels import channel_sinks
from seatkeeper.wiring.clock import SystemClock

TARGET = "alert:hook"
SECRET = "correct-horse-battery-staple"
LONG = timedelta(seconds=20)
KEY = attrgetter("key")


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    """Five messages that wait."""
    store = open_store(f"sqlite:///{tmp_path}/store.db", command="test")
    await store.outbox.put(TARGET, [an_entry(a_message(n)) for n in range(1, 6)])
    yield store.outbox
    store.close()


async def go(outbox: Outbox, sink: Sink, clock: FakeClock) -> Told:
    clock.advance(hours=1)
    return await deliver(TARGET, sink, outbox, clock)


async def test_a_webhook_that_was_down_hears_all_once_and_in_order(outbox: Outbox) -> None:
    receiver, clock = HttpReceiver(), FakeClock(NOW)
    there = Receiver(url=receiver.url, timeout=LONG)
    sink = ChannelSink(message_from_bytes, Webhook(there, "s" * 16, clock.now).tell, KEY)

    first = await go(outbox, sink, clock)
    async with receiver.up():
        receiver.answers = [web.Response(), web.Response(status=500), web.Response(status=400)]
        second = await go(outbox, sink, clock)
        third = await go(outbox, sink, clock)

    assert "cannot be reached" in first.error
    assert (second.delivered, third.delivered, third.set_aside) == (1, 3, 1)
    titles = [msgspec.json.decode(h.body)["data"]["title"].split(":")[0] for h in receiver.heard]
    assert titles == ["Nr 1", "Nr 2", "Nr 2", "Nr 3", "Nr 4", "Nr 5"]
    assert receiver.heard[1].headers["webhook-id"] == receiver.heard[2].headers["webhook-id"]
    assert await outbox.depth() == {(TARGET, OutboxState.SET_ASIDE): 1}


async def test_after_an_outage_a_receiver_that_asks_for_patience_gets_everything(
    outbox: Outbox,
) -> None:
    receiver, clock = HttpReceiver(), FakeClock(NOW)
    there = Receiver(url=receiver.url, timeout=LONG)
    sink = ChannelSink(message_from_bytes, Webhook(there, "s" * 16, clock.now).tell, KEY)
    for _ in range(OFTEN + 1):
        await go(outbox, sink, clock)

    async with receiver.up():
        slower = web.Response(status=429, headers={"Retry-After": "30"})
        receiver.answers = [web.Response(), slower]
        begun = await go(outbox, sink, clock)
        rest = await go(outbox, sink, clock)

    assert (begun.delivered, rest.delivered, rest.set_aside) == (1, 4, 0)
    titles = [msgspec.json.decode(h.body)["data"]["title"].split(":")[0] for h in receiver.heard]
    assert titles == ["Nr 1", "Nr 2", "Nr 2", "Nr 3", "Nr 4", "Nr 5"]


async def test_after_an_outage_only_what_was_itself_sent_in_vain_counts_as_such(
    outbox: Outbox,
) -> None:
    receiver, clock = HttpReceiver(), FakeClock(NOW)
    there = Receiver(url=receiver.url, timeout=LONG)
    sink = ChannelSink(message_from_bytes, Webhook(there, "s" * 16, clock.now).tell, KEY)
    for _ in range(OFTEN + 1):
        await go(outbox, sink, clock)

    clock.advance(hours=1)
    rows = await outbox.take(TARGET, 10, clock.now())

    assert [row.tries for row in rows] == [OFTEN + 1, 0, 0, 0, 0]


async def test_a_mailbox_that_was_down_gets_all_once_and_in_order(outbox: Outbox) -> None:
    server, clock = MailServer(), FakeClock(NOW)
    url = f"mailto://127.0.0.1:{server.port}?from=a@example.com&to=b@example.com"
    sink = ChannelSink(message_from_bytes, Notifier(url, LONG).tell, KEY)

    first = await go(outbox, sink, clock)
    async with server.up():
        server.refuses = True
        second = await go(outbox, sink, clock)
        server.refuses = False
        third = await go(outbox, sink, clock)

    assert "did not take it" in first.error
    assert "did not take it" in second.error
    assert third == Told(TARGET, delivered=5)
    assert [subject.split(":")[0] for subject in server.subjects] == [
        f"Nr {n}" for n in range(1, 6)
    ]


async def test_a_channel_that_hangs_delays_no_other(tmp_path: Path) -> None:
    hanging, fine, stop = HttpReceiver(hang=True), HttpReceiver(), asyncio.Event()
    store, clock = open_store(f"sqlite:///{tmp_path}/two.db", command="test"), SystemClock()
    text = top(
        "alerts:\n  channels:\n"
        f"    - {{name: stuck, kind: webhook, url: '{hanging.url}', secret: {SECRET}}}\n"
        f"    - {{name: fine, kind: webhook, url: '{fine.url}', secret: {SECRET}}}"
    )
    channels = load_text(tmp_path, text).settings.alerts.channels
    async with hanging.up(), fine.up():
        for name in ("stuck", "fine"):
            await store.outbox.put(target_of(name), [an_entry(a_message(n)) for n in range(1, 4)])
        telling = asyncio.create_task(
            keep_telling(channel_sinks(channels, clock), store.outbox, clock, stop, logger())
        )
        await until(lambda: len(fine.heard) == 3 and hanging.heard)
        stop.set()
        await telling
        depth = await store.outbox.depth()
    store.close()

    assert len(hanging.heard) == 1
    assert depth == {("alert:stuck", OutboxState.WAITING): 3}


async def test_a_channel_that_fails_is_an_alert_on_the_others(tmp_path: Path) -> None:
    store, now = open_store(f"sqlite:///{tmp_path}/two.db", command="test"), SystemClock().now()
    text = top(
        "alerts:\n  channels:\n"
        "    - {name: stuck, kind: apprise, url: 'json://127.0.0.1:1'}\n"
        "    - {name: other, kind: apprise, url: 'json://127.0.0.1:2'}"
    )
    settings = load_text(tmp_path, text).settings
    late = a_message(at=now - timedelta(minutes=20))
    await store.outbox.put(target_of("stuck"), [an_entry(late)])

    await alarm_of(settings, store).watch([], now)

    told = await store.outbox.take(target_of("other"), 10, now)
    depth = await store.outbox.depth()
    store.close()
    [message] = [message_from_bytes(row.entry.body) for row in told]
    assert message.rule == "channel_failing"
    assert "1 message waits for stuck" in message.text
    assert depth[target_of("stuck"), OutboxState.WAITING] == 1
