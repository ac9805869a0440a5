"""A process killed between an event and its delivery: none is lost, none waits twice."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator

import pytest

from hook_process import HOOK, LOOKING, TELLING, HookProcess, look, tell_all
from receivers import HttpReceiver, until
from seatkeeper.store import Store
from stored import NOW, a_plan, applied

LIFE = ["plan.made", "plan.approved", "plan.started", "plan.progress", "plan.applied"]


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with HttpReceiver().up() as one:
        yield one


async def killed(mode: str, url: str, receiver: HttpReceiver, step: str, heard: int = 0) -> None:
    """Let a process come to a step, and kill it there."""
    with HookProcess(mode, url, receiver.url, step) as process:
        await process.comes()
        await until(lambda: len(receiver.heard) >= heard)
        process.send(signal.SIGKILL)
        process.end()


@pytest.mark.parametrize("step", LOOKING)
async def test_killed_at_any_step_of_looking_each_event_is_told_once(
    store: Store, url: str, receiver: HttpReceiver, step: str
) -> None:
    await store.hooks.catch_up(HOOK, NOW, NOW)
    await applied(store, a_plan())

    await killed("look_once", url, receiver, step)
    left = await store.outbox.depth()
    await look(store)
    told = await tell_all(store, receiver.url)

    assert sum(left.values()) == (len(LIFE) if step == "committed" else 0)
    assert (told.delivered, told.error) == (len(LIFE), "")
    assert [json.loads(heard.body)["type"] for heard in receiver.heard] == LIFE


@pytest.mark.parametrize("step", TELLING)
async def test_killed_while_telling_each_event_arrives_and_again_only_as_itself(
    store: Store, url: str, receiver: HttpReceiver, step: str
) -> None:
    arrived = 0 if step == "taken, not sent" else 1
    await store.hooks.catch_up(HOOK, NOW, NOW)
    await applied(store, a_plan())
    await look(store)

    receiver.hang = step == "sent, no answer"
    await killed("tell_once", url, receiver, step, arrived)
    receiver.hang = False
    before = [heard.headers["webhook-id"] for heard in receiver.heard]
    told = await tell_all(store, receiver.url)

    after = receiver.heard[arrived:]
    assert len(before) == arrived
    assert (told.delivered, told.error) == (len(LIFE), "")
    assert [json.loads(heard.body)["type"] for heard in after] == LIFE
    assert before == [heard.headers["webhook-id"] for heard in after][:arrived]
