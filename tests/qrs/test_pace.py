"""The bound on requests in flight: halved once for a burst of trouble, grown back slowly."""

from __future__ import annotations

import asyncio

import pytest

from seatkeeper.qrs.pace import GROW_AFTER, LONGEST_PAUSE, NoTurn, Pace, Turn


async def test_a_burst_of_failures_halves_once() -> None:
    pace = Pace(16)
    turns = [Turn(0)] * 16

    for turn in turns:
        pace.went_badly(turn)

    assert pace.limit == 8


async def test_failures_under_the_new_bound_halve_again_down_to_one() -> None:
    pace = Pace(8)

    for _ in range(10):
        async with pace.turn() as turn:
            pace.went_badly(turn)

    assert pace.limit == 1


async def test_it_grows_one_by_one_and_never_above_the_most() -> None:
    pace = Pace(4)
    pace.went_badly(Turn(0))
    assert pace.limit == 2

    for _ in range(GROW_AFTER - 1):
        pace.went_well()
    assert pace.limit == 2
    pace.went_well()
    assert pace.limit == 3

    for _ in range(10 * GROW_AFTER):
        pace.went_well()
    assert pace.limit == 4


async def test_a_failure_starts_the_counting_of_good_answers_anew() -> None:
    pace = Pace(8)
    pace.went_badly(Turn(0))
    for _ in range(GROW_AFTER - 1):
        pace.went_well()
    pace.went_badly(Turn(0))
    pace.went_well()

    assert pace.limit == 4


async def test_turns_are_given_in_the_order_of_asking() -> None:
    pace = Pace(1)
    order: list[int] = []

    async def work(number: int) -> None:
        async with pace.turn():
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(n) for n in range(20)))

    assert order == list(range(20))


async def test_never_more_at_once_than_the_bound_while_it_changes() -> None:
    pace = Pace(5)
    busy = most = 0

    async def work(number: int) -> None:
        nonlocal busy, most
        async with pace.turn() as turn:
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.001)
            busy -= 1
            pace.went_badly(turn) if number % 7 == 0 else pace.went_well()

    await asyncio.gather(*(work(n) for n in range(200)))

    assert most == 5
    assert busy == 0


async def test_cancelled_waiters_lose_no_turn() -> None:
    pace = Pace(2)

    async def work() -> None:
        async with pace.turn():
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(work()) for _ in range(100)]
    for number, task in enumerate(tasks):
        await asyncio.sleep(0.0005)
        if number % 3:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    async with asyncio.timeout(1), pace.turn(), pace.turn():
        pass


async def test_patience_ends_without_a_turn_and_without_harm() -> None:
    pace = Pace(1)

    async with pace.turn():
        with pytest.raises(NoTurn):
            async with pace.turn(0.01):
                pass

    async with asyncio.timeout(1), pace.turn(0.01):
        pass


async def test_a_pause_is_kept_and_cut_to_the_longest() -> None:
    now = 1000.0
    pace = Pace(4, lambda: now)
    pace.went_badly(Turn(0), pause=10_000)

    with pytest.raises(NoTurn):
        async with pace.turn(0.01):
            pass

    now += LONGEST_PAUSE
    async with asyncio.timeout(1), pace.turn():
        pass
