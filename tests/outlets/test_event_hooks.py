"""Events to real receivers: signed as the page says, in order, over an outage, one refused."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from config_files import load_text, top
from fakes import FakeClock
from qrs_pki import Authority
from receivers import Heard, HttpReceiver, until
from seatkeeper.core.alert_message import message_from_bytes
from seatkeeper.core.outbox import OutboxEntry, OutboxState
from seatkeeper.engine.announcing import Announcing
from seatkeeper.engine.telling import keep_telling
from seatkeeper.flow.tell import Told, deliver
from seatkeeper.logs import logger
from seatkeeper.settings import Settings
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.alarms import alarm_of
from seatkeeper.wiring.clock import SystemClock
from seatkeeper.wiring.hooks import hook_sinks, hooks_of
from stored import ENGINE, JANE, NOW, a_plan, applied, later

SECRET = "correct-horse-battery-staple"
TARGET = "event:tickets"
LIFE = ["plan.made", "plan.approved", "plan.started", "plan.progress", "plan.applied"]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")

IsGenuine = Callable[[str, Mapping[str, str], bytes], bool]


@pytest.fixture(scope="module")
def is_genuine() -> IsGenuine:
    """What the page tells receivers to verify with."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - our own page
    found: IsGenuine = names["is_genuine"]
    return found


def settings_for(folder: Path, receiver: HttpReceiver, more: str = "") -> Settings:
    hook = f"{{name: tickets, url: '{receiver.url}', secret: {SECRET}{more}}}"
    return load_text(folder, top(f"console: {{webhooks: [{hook}]}}")).settings


@dataclass
class World:
    """A store, and a webhook of the configuration that was told of everything so far."""

    store: Store
    settings: Settings
    clock: FakeClock

    async def look(self) -> int:
        """Look for news."""
        [hook] = hooks_of(self.settings)
        now = self.clock.now()
        return await self.store.hooks.catch_up(hook, now - timedelta(days=30), now)

    async def tell(self) -> Told:
        """Send what waits."""
        self.clock.advance(hours=1)
        sinks = hook_sinks(self.settings.console.webhooks, self.clock)
        return await deliver(TARGET, sinks[TARGET], self.store.outbox, self.clock)


@pytest.fixture
def receiver() -> HttpReceiver:
    return HttpReceiver()


@pytest.fixture
async def world(tmp_path: Path, receiver: HttpReceiver) -> AsyncIterator[World]:
    store = open_store(f"sqlite:///{tmp_path}/store.db", command="test")
    one = World(store, settings_for(tmp_path, receiver), FakeClock(NOW))
    await one.look()
    yield one
    store.close()


def types(heard: list[Heard]) -> list[str]:
    return [json.loads(one.body)["type"] for one in heard]


async def test_a_plan_is_told_in_its_order_from_the_first_to_the_last(
    world: World, receiver: HttpReceiver
) -> None:
    await applied(world.store, a_plan(plan_id="p-1"))
    await world.look()
    async with receiver.up():
        told = await world.tell()

    bodies = [json.loads(one.body) for one in receiver.heard]
    assert told.delivered == len(LIFE)
    assert [body["type"] for body in bodies] == LIFE
    assert {body["site"] for body in bodies} == {"prod"}
    assert {body["data"]["plan_id"] for body in bodies} == {"p-1"}
    assert bodies[0].keys() == {"id", "type", "timestamp", "site", "data"}


async def test_what_arrives_is_genuine_as_the_page_verifies_it(
    world: World, receiver: HttpReceiver, is_genuine: IsGenuine
) -> None:
    await world.store.plans.record(a_plan(), ENGINE, "run")
    await world.look()
    sinks = hook_sinks(world.settings.console.webhooks, SystemClock())
    async with receiver.up():
        await deliver(TARGET, sinks[TARGET], world.store.outbox, SystemClock())

    [heard] = receiver.heard
    late = {**heard.headers, "webhook-timestamp": "1700000000"}
    assert is_genuine(SECRET, heard.headers, heard.body)
    assert not is_genuine("another secret of its own", heard.headers, heard.body)
    assert not is_genuine(SECRET, heard.headers, heard.body + b" ")
    assert not is_genuine(SECRET, late, heard.body)


async def test_after_an_outage_a_receiver_gets_everything_once_and_in_order(
    world: World, receiver: HttpReceiver
) -> None:
    for number in range(3):
        await world.store.plans.record(a_plan(plan_id=f"p-{number}"), ENGINE, "run")
        await world.look()
    first = await world.tell()
    async with receiver.up():
        receiver.answers = [web.Response(), web.Response(status=503)]
        second = await world.tell()
        await world.store.plans.reject("p-0", JANE, "no", later(hours=2))
        await world.look()
        third = await world.tell()

    ids = [one.headers["webhook-id"] for one in receiver.heard]
    plans = [json.loads(one.body)["data"]["plan_id"] for one in receiver.heard]
    assert "cannot be reached" in first.error
    assert (second.delivered, third.delivered) == (1, 3)
    assert plans == ["p-0", "p-1", "p-1", "p-2", "p-0"]
    assert ids[1] == ids[2]
    assert len(set(ids)) == 4


async def test_one_event_that_is_refused_for_good_keeps_no_other_back(
    world: World, receiver: HttpReceiver
) -> None:
    await applied(world.store, a_plan())
    await world.look()
    async with receiver.up():
        receiver.answers = [web.Response(), web.Response(status=422, text="I know no approvals")]
        told = await world.tell()

    [refused] = await world.store.outbox.refused()
    assert types(receiver.heard) == LIFE
    assert (told.delivered, told.set_aside, told.error) == (4, 1, "")
    assert "422: I know no approvals" in refused.error
    assert await world.store.outbox.depth() == {(TARGET, OutboxState.SET_ASIDE): 1}


async def test_a_receiver_with_a_certificate_of_the_company_is_told(
    tmp_path: Path, world: World
) -> None:
    authority = Authority(tmp_path, "internal")
    pair = authority.issue("hook", hosts=("127.0.0.1",))
    tls = await asyncio.to_thread(ssl.SSLContext, ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.cert, pair.key)
    await world.store.plans.record(a_plan(), ENGINE, "run")
    await world.look()
    async with HttpReceiver(tls=tls).up() as receiver:
        world.settings = settings_for(tmp_path, receiver)
        stranger = await world.tell()
        world.settings = settings_for(tmp_path, receiver, f", ca_file: '{authority.root}'")
        known = await world.tell()

    assert "its certificate is not trusted; give the ca_file" in stranger.error
    assert known.delivered == 1


async def test_the_daemon_looks_and_tells_until_it_is_asked_to_end(
    world: World, receiver: HttpReceiver
) -> None:
    stop, clock, store = asyncio.Event(), SystemClock(), world.store
    announcing = Announcing(hooks_of(world.settings), store.hooks, timedelta(days=3650), 0.05)
    sinks = hook_sinks(world.settings.console.webhooks, clock)
    async with receiver.up(), asyncio.TaskGroup() as group:
        group.create_task(announcing.keep_on(clock, stop, logger()))
        group.create_task(keep_telling(sinks, store.outbox, clock, stop, logger()))
        await store.plans.record(a_plan(), ENGINE, "run")
        await until(lambda: receiver.heard)
        stop.set()

    assert types(receiver.heard) == ["plan.made"]


async def test_a_webhook_that_takes_nothing_is_an_alert_on_the_channels(
    tmp_path: Path, receiver: HttpReceiver
) -> None:
    store, now = open_store(f"sqlite:///{tmp_path}/two.db", command="test"), SystemClock().now()
    hook = f"{{name: tickets, url: '{receiver.url}', secret: {SECRET}}}"
    text = f"console: {{webhooks: [{hook}]}}\n"
    text += "alerts: {channels: [{name: tickets, kind: apprise, url: 'json://127.0.0.1:1'}]}"
    settings = load_text(tmp_path, top(text)).settings
    late = OutboxEntry("event", b"{}", "k", now - timedelta(minutes=20))
    await store.outbox.put(TARGET, [late])

    await alarm_of(settings, store).watch([], now)

    [row] = await store.outbox.take("alert:tickets", 10, now)
    store.close()
    message = message_from_bytes(row.entry.body)
    assert message.rule == "channel_failing"
    assert "1 event waits for event:tickets" in message.text
