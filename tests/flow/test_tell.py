"""Delivering what waits: in order, patiently, and never at the cost of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from fake_outbox import FakeOutbox, FakeSink
from fakes import START, FakeClock
from seatkeeper.core.outbox import Delivery, OutboxEntry, OutboxRow, OutboxState
from seatkeeper.errors import StoreError
from seatkeeper.flow.tell import LONGEST_WAIT, Told, backoff, deliver

DOWN = Delivery(error="no answer from 127.0.0.1:8086")
LIMIT = timedelta(seconds=15)


async def filled(outbox: FakeOutbox, number: int) -> FakeOutbox:
    entries = [OutboxEntry("point", b"%d" % n, f"k{n}", START) for n in range(number)]
    await outbox.put("main", entries)
    return outbox


async def test_everything_arrives_in_order_in_batches() -> None:
    outbox, sink = await filled(FakeOutbox(), 7), FakeSink()

    told = await deliver("main", sink, outbox, FakeClock(), batch=3)

    assert told == Told("main", delivered=7)
    assert sink.arrived == [b"%d" % n for n in range(7)]
    assert sink.sizes == [3, 3, 1]
    assert outbox.rows == {}


async def test_a_target_that_is_down_is_left_alone_for_longer_and_longer() -> None:
    outbox, sink, clock = await filled(FakeOutbox(), 3), FakeSink(lambda _: DOWN), FakeClock()
    tries = []
    for _ in range(3600):
        before = len(sink.sizes)
        told = await deliver("main", sink, outbox, clock)
        if len(sink.sizes) > before:
            tries.append(clock.now())
            assert told.error == DOWN.error
        clock.advance(seconds=1)

    waits = [(b - a).total_seconds() for a, b in pairwise(tries)]
    assert 10 <= len(tries) <= 30
    assert max(waits) <= LONGEST_WAIT.total_seconds() + 1
    assert waits[0] < 4 < waits[-1]
    assert len(outbox.rows) == 3


async def test_within_its_time_a_failed_target_is_tried_again() -> None:
    answers = iter([DOWN, DOWN])
    sink = FakeSink(lambda rows: next(answers, Delivery.of_all(rows)))
    outbox = await filled(FakeOutbox(), 2)

    assert await deliver("main", sink, outbox, FakeClock(), limit=LIMIT) == Told("main", 2)


async def test_a_command_tries_at_once_what_failed_a_moment_ago() -> None:
    outbox, clock = await filled(FakeOutbox(), 2), FakeClock()
    await deliver("main", FakeSink(lambda _: DOWN), outbox, clock)

    assert (await deliver("main", FakeSink(), outbox, clock)).delivered == 0
    assert (await deliver("main", FakeSink(), outbox, clock, limit=LIMIT)).delivered == 2


async def test_a_target_that_stays_down_costs_a_run_its_limit_at_most() -> None:
    clock = FakeClock()
    outbox = await filled(FakeOutbox(), 2)

    told = await deliver("main", FakeSink(lambda _: DOWN), outbox, clock, limit=LIMIT)

    assert clock.now() - START <= LIMIT
    assert told == Told("main", error=DOWN.error)
    assert len(outbox.rows) == 2


class Silent:
    """Takes a batch and never answers."""

    async def send(self, rows: Sequence[OutboxRow]) -> Delivery:  # noqa: ARG002 - the port's
        await asyncio.sleep(3600)
        raise AssertionError


async def test_a_target_that_never_answers_is_given_up_and_its_rows_stay() -> None:
    clock = FakeClock()
    outbox = await filled(FakeOutbox(), 2)

    told = await deliver("main", Silent(), outbox, clock, limit=LIMIT)

    assert clock.now() - START <= LIMIT
    assert told.error == "there was no time to send everything"
    assert len(outbox.rows) == 2
    assert "no answer within 50 s" in (await deliver("main", Silent(), outbox, clock)).error


async def test_poisoned_rows_are_set_aside_with_their_reason_and_the_rest_arrives() -> None:
    def answer(rows: Sequence[OutboxRow]) -> Delivery:
        bad = {r.id: "field type conflict" for r in rows if r.entry.body in (b"1", b"3")}
        return Delivery(tuple(r.id for r in rows if r.id not in bad), bad)

    outbox, sink = await filled(FakeOutbox(), 5), FakeSink(answer)

    assert await deliver("main", sink, outbox, FakeClock()) == Told("main", 3, 2)
    assert sink.arrived == [b"0", b"2", b"4"]
    assert {k.error for k in outbox.rows.values()} == {"field type conflict"}
    assert await outbox.depth() == {("main", OutboxState.SET_ASIDE): 2}


async def test_what_a_sink_did_not_reach_goes_out_with_the_next_batch() -> None:
    outbox, sink = await filled(FakeOutbox(), 5), FakeSink(lambda r: Delivery.of_all(r[:2]))

    assert await deliver("main", sink, outbox, FakeClock()) == Told("main", 5)
    assert sink.sizes == [5, 3, 1]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: 1 / 0, "sending failed: ZeroDivisionError"),
        (lambda _: Delivery(), "the target took nothing and said nothing"),
    ],
)
async def test_a_sink_that_errs_does_not_break_a_run(answer: object, said: str) -> None:
    outbox = await filled(FakeOutbox(), 1)

    told = await deliver("main", FakeSink(answer), outbox, FakeClock())  # type: ignore[arg-type]

    assert told.error == said
    assert len(outbox.rows) == 1


async def test_a_store_that_fails_does_not_break_a_run() -> None:
    class Broken(FakeOutbox):
        async def take(self, *_: object) -> list[OutboxRow]:
            raise StoreError("the disk is full")

    assert (await deliver("main", FakeSink(), Broken(), FakeClock())).error == "the disk is full"


def test_a_receiver_that_asks_for_more_time_gets_it_up_to_an_hour() -> None:
    assert backoff(0, timedelta(minutes=10)) == timedelta(minutes=10)
    assert backoff(0, timedelta(days=9)) == timedelta(hours=1)
