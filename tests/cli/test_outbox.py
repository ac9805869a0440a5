"""`outbox show`, `retry` and `drop` on a store with something in it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from builders import NOW
from command_line import Command
from seatkeeper.core.outbox import OutboxEntry
from seatkeeper.core.retention import Retention
from seatkeeper.store import open_store


@pytest.fixture
def filled(config: Path) -> Path:
    """A store in which two wait for a target that is down, and one was refused."""

    async def fill() -> None:
        store = open_store(f"sqlite:///{config.parent}/store.db")
        outbox = store.outbox
        entries = [OutboxEntry("point", b"a secret of somebody", f"k{n}", NOW) for n in range(3)]
        await outbox.put("influx:main", entries)
        first, *rest = await outbox.take("influx:main", 9, NOW)
        await outbox.set_aside([first.id], "field type conflict", NOW)
        await outbox.later([row.id for row in rest], "no answer", NOW)
        await outbox.leave("influx:main")
        store.close()

    asyncio.run(fill())
    return config


def test_what_waits_and_what_was_refused_is_shown_without_its_content(
    seatkeeper: Command, filled: Path
) -> None:
    shown = seatkeeper("outbox", "show", "-c", filled)
    (told,) = seatkeeper("outbox", "show", "-c", filled, "-o", "json").json

    assert "2 wait, the first since 2026-11-02 03:00 UTC: no answer" in shown.out
    assert "1 were refused for good" in shown.out
    assert "point: field type conflict" in shown.out
    assert (told["waiting"], told["set_aside"], told["error"]) == (2, 1, "no answer")
    assert "secret" not in shown.out + str(told)


@pytest.mark.parametrize("words", [("retry", "main"), ("drop", "main", "--yes")])
def test_a_name_that_nobody_has_is_refused_with_those_there_are(
    seatkeeper: Command, filled: Path, words: tuple[str, ...]
) -> None:
    ran = seatkeeper("outbox", *words, "-c", filled)

    assert ran.code == 2
    assert "main is no target of the outbox; there is influx:main" in ran.err


def test_what_was_dropped_is_shown_and_checked(seatkeeper: Command, filled: Path) -> None:
    store = open_store(f"sqlite:///{filled.parent}/store.db")
    late = NOW + timedelta(days=31)
    asyncio.run(store.losses.keep_within(Retention(), late))
    store.close()
    shown = seatkeeper("outbox", "show", "-c", filled)
    (told,) = seatkeeper("outbox", "show", "-c", filled, "-o", "json").json

    assert "2 were dropped, the newest of 2026-11-02 03:00 UTC" in shown.out
    assert (told["waiting"], told["dropped"]) == (0, 2)
    assert told["dropped_until"].startswith("2026-11-02T03:00:00")
    assert "2 for influx:main were dropped" in seatkeeper("check", "-c", filled).out
    assert seatkeeper("outbox", "drop", "influx:main", "--yes", "-c", filled).code == 0
    assert seatkeeper("outbox", "show", "-c", filled, "-o", "json").json == []


def test_what_was_refused_can_be_tried_again_or_forgotten(
    seatkeeper: Command, filled: Path
) -> None:
    again = seatkeeper("outbox", "retry", "influx:main", "-c", filled)
    gone = seatkeeper("outbox", "drop", "influx:main", "--yes", "-c", filled)
    shown = seatkeeper("outbox", "show", "-c", filled)

    assert "1 for influx:main wait again" in again.err
    assert "3 for influx:main are forgotten" in gone.err
    assert "nothing waits" in shown.out
