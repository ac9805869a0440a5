"""A process killed while it judges or tells: every alert is told as often as due, and none lost."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import AsyncIterator

import pytest

from alert_process import (
    CHANNELS,
    COMMITTED,
    ENOUGH,
    FEW,
    HOOK,
    JUDGING,
    TELLING,
    AlertProcess,
    at,
    is_bad,
    judge,
    tell_all,
)
from receivers import HttpReceiver, until
from seatkeeper.core.alert_message import AlertMessage, MessageState, message_from_bytes
from seatkeeper.core.alerts import AlertState
from seatkeeper.core.channel import target_of
from seatkeeper.store import Store

STORY = (FEW, 0, ENOUGH)
"""Few seats are free, then none, then many: an alert that fires, gets worse, and is over."""

KILLS = 4


async def waiting(store: Store) -> dict[str, list[tuple[str, AlertMessage]]]:
    """What waits for each channel, in order: the key of the row and the message."""
    found = {}
    for channel in CHANNELS:
        rows = await store.outbox.take(target_of(channel), 1000, at(0))
        await store.outbox.leave(target_of(channel))
        found[channel] = [(row.entry.key, message_from_bytes(row.entry.body)) for row in rows]
    return found


async def killed_while_judging(store: Store, url: str, free: int, minute: int, step: str) -> None:
    before = await store.alerts.all(), await waiting(store)
    with AlertProcess("judge_once", url, f"{free},{minute}", step) as process:
        await process.comes()
        process.send(signal.SIGKILL)
        process.end()
    after = await store.alerts.all(), await waiting(store)
    if step == COMMITTED:
        assert all(a != b for a, b in zip(after, before, strict=True))
    else:
        assert after == before, "of a transaction that was broken off nothing is left"


@pytest.mark.parametrize("step", JUDGING)
async def test_killed_at_any_step_of_judging_each_transition_is_told_once(
    store: Store, url: str, dialect: str, step: str
) -> None:
    # Each step meets one transition on each database, the next step the next.
    killed = ([*JUDGING].index(step) + (dialect == "sqlite")) % len(STORY)
    for number, free in enumerate(STORY):
        if number == killed:
            await killed_while_judging(store, url, free, 10 * number, step)
        await judge(store, free, 10 * number + 1)
        await judge(store, free, 10 * number + 2)

    rows = await waiting(store)
    assert [m.title.partition(":")[0] for _, m in rows["hook"]] == [
        "Warning",
        "Now critical",
        "Resolved",
    ]
    assert len({key for key, _ in rows["hook"]}) == len(STORY)
    assert rows["pager"] == rows["hook"]
    (alert,) = await store.alerts.all()
    assert (alert.state, alert.told) == (AlertState.RESOLVED, MessageState.RESOLVED)


async def test_killed_at_random_again_and_again_no_transition_is_doubled_or_forgotten(
    store: Store, url: str
) -> None:
    chance = random.Random(11)  # noqa: S311 - moments, not security
    for _ in range(KILLS):
        with AlertProcess("judge_on", url, "-", "-") as process:
            await process.comes()
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            process.send(signal.SIGKILL)
            process.end()

    (alert,) = await store.alerts.all()
    minutes = range(1, (alert.seen - at(0)).seconds // 60 + 1)
    due = [at(m) for m in minutes if is_bad(m) != is_bad(m - 1)]
    rows = await waiting(store)
    assert len(due) >= 2 * KILLS
    assert [m.at for _, m in rows["hook"]] == due
    assert {m.state for _, m in rows["hook"][::2]} == {MessageState.FIRING}
    assert {m.state for _, m in rows["hook"][1::2]} == {MessageState.RESOLVED}
    assert rows["pager"] == rows["hook"]


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with HttpReceiver().up() as one:
        yield one


ARRIVED = {
    "taken, not sent": 0,
    "sent, no answer": 1,
    "answered, not written down": 1,
    "written down, the place is held": 3,
}
"""How many messages the receiver has when the process is killed."""


@pytest.mark.parametrize("step", TELLING)
async def test_killed_at_any_step_of_telling_each_message_arrives_and_again_only_as_itself(
    store: Store, url: str, receiver: HttpReceiver, step: str
) -> None:
    for number, free in enumerate(STORY):
        await judge(store, free, number)
    receiver.hang = step == "sent, no answer"
    with AlertProcess("tell_once", url, receiver.url, step) as process:
        await process.comes()
        await until(lambda: len(receiver.heard) >= ARRIVED[step])
        process.send(signal.SIGKILL)
        process.end()
    receiver.hang = False
    before = [heard.headers["webhook-id"] for heard in receiver.heard]
    assert len(before) == ARRIVED[step]

    told = await tell_all(store, receiver.url)

    forgotten = 3 if step == "written down, the place is held" else 0
    assert (told.delivered, told.error) == (3 - forgotten, "")
    after = receiver.heard[len(before) :]
    every = before if forgotten else [heard.headers["webhook-id"] for heard in after]
    assert every[: len(before)] == before, "what is sent again has the id it had"
    states = {h.headers["webhook-id"]: json.loads(h.body)["data"]["state"] for h in receiver.heard}
    assert [states[one] for one in every] == ["firing", "firing", "resolved"]
    assert (HOOK, "waiting") not in await store.outbox.depth()
