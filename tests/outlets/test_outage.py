"""From the outbox of a real store to a real influxd: through an outage, and through SIGKILL."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from builders import NOW, a_summary
from fakes import FakeClock
from influx import Influx, an_influx
from lease_process import Process
from seatkeeper.core.outbox import OutboxState
from seatkeeper.core.points import nanoseconds, points_of
from seatkeeper.flow.tell import LONGEST_WAIT, deliver
from seatkeeper.outlets.influxdb import InfluxSink, version_1
from seatkeeper.outlets.lines import encoder
from seatkeeper.store import Store, open_store

TARGET = "influx:main"
CYCLES = 24


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/seatkeeper.db"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def own_influx() -> Iterator[Influx]:
    """An influxd without any database, which a test may stop."""
    with an_influx() as server:
        yield server


async def put_cycle(store: Store, at: datetime, users: int) -> int:
    """Put the points of one monitoring cycle, known by its number of users."""
    summary = a_summary(at=at)
    summary = a_summary(at=at, reading=type(summary.reading)(seconds=1, requests=9, users=users))
    entries = encoder({})(points_of(summary))
    await store.outbox.put(TARGET, entries)
    return len(entries)


async def test_an_outage_of_hours_loses_nothing_and_keeps_order_and_times(
    store: Store, own_influx: Influx
) -> None:
    own_influx.stop()
    clock, put = FakeClock(NOW), 0
    async with InfluxSink(version_1(own_influx.url, "butler")) as sink:
        for number in range(CYCLES):
            put += await put_cycle(store, NOW + timedelta(minutes=15 * number), number)
            told = await deliver(TARGET, sink, store.outbox, clock)
            # Its next try may not be due yet; then there is nothing to say.
            assert told.delivered == 0
            assert told.error == "" or "gives no answer" in told.error
            clock.advance(minutes=15)
        own_influx.start()  # without the database: it is created late
        clock.advance(seconds=LONGEST_WAIT.total_seconds())
        told = await deliver(TARGET, sink, store.outbox, clock, batch=37)

    assert (told.delivered, told.error) == (put, "")
    assert await store.outbox.depth() == {}
    rows = own_influx.rows('SELECT "users" FROM qlik_license_health')
    assert [(row["time"], row["users"]) for row in rows] == [
        (nanoseconds(NOW + timedelta(minutes=15 * n)), n) for n in range(CYCLES)
    ]
    (pools,) = own_influx.rows("SELECT count(total) FROM qlik_sense_license")
    assert pools["count"] == 2 * CYCLES


async def test_a_process_killed_between_sending_and_writing_that_down_loses_nothing(
    store: Store, url: str, influx: Influx
) -> None:
    for number in range(4):
        await put_cycle(store, NOW + timedelta(minutes=15 * number), number)
    depth = (await store.outbox.depth())[TARGET, OutboxState.WAITING]
    with Process("send_and_wait", url, TARGET, influx.url) as process:
        assert process.heard() == f"sent {depth}"
        process.send(signal.SIGKILL)
        process.end()
    assert len(influx.rows('SELECT "users" FROM qlik_license_health')) == 4
    assert (await store.outbox.depth())[TARGET, OutboxState.WAITING] == depth

    async with InfluxSink(version_1(influx.url, "butler")) as sink:
        told = await deliver(TARGET, sink, store.outbox, FakeClock(NOW))

    assert told.delivered == depth
    assert await store.outbox.depth() == {}
    rows = influx.rows('SELECT "users" FROM qlik_license_health')
    assert [row["users"] for row in rows] == [0, 1, 2, 3]


async def test_a_poisoned_point_is_set_aside_and_all_behind_it_arrives(
    store: Store, influx: Influx
) -> None:
    influx.write(f"qlik_license_health,site=prod users=1i {nanoseconds(NOW) - 1}")
    put = await put_cycle(store, NOW, 7)
    async with InfluxSink(version_1(influx.url, "butler")) as sink:
        told = await deliver(TARGET, sink, store.outbox, FakeClock(NOW))

    assert (told.delivered, told.set_aside) == (put - 1, 1)
    (refused,) = await store.outbox.refused()
    assert "field type conflict" in refused.error
    assert b"users=7" in refused.row.entry.body


async def test_two_processes_at_once_send_no_point_twice(
    store: Store, url: str, influx: Influx
) -> None:
    put = [await put_cycle(store, NOW + timedelta(minutes=n), n) for n in range(4)]
    other = open_store(url)
    try:
        async with InfluxSink(version_1(influx.url, "butler")) as sink:
            told = await asyncio.gather(
                *(
                    deliver(TARGET, sink, one.outbox, FakeClock(NOW), batch=3)
                    for one in (store, other)
                )
            )
    finally:
        other.close()

    assert await store.outbox.depth() == {}
    assert sum(one.delivered for one in told) == sum(put)
