"""Pools in the console: what is left, the days ahead, and what old data are good for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from builders import NOW, PROFESSIONAL, a_pool, a_snapshot, a_summary, an_allocation, changed_pool
from console_world import World, a_console
from seatkeeper.core.model import Capacity, Pool
from seatkeeper.web.charts.pool import PoolParts
from stored import JANE, a_plan, some_actions

DAY = timedelta(days=1)
SEATS = 20


async def read_daily(
    world: World, days: int, *, falls: bool = False, begin: int = 0, last: datetime = NOW
) -> None:
    """Read the site on each of so many days until `last`; one leaves and one is hired between two.

    When it falls, nobody leaves. The days before `begin` are left out: they were read already.
    """
    people = [rf"EXAMPLE\p{n:03}" for n in range(SEATS + days)]
    for number in range(begin, days):
        at = last - (days - 1 - number) * DAY
        held = people[0 if falls else number : SEATS + number]
        pool = changed_pool(a_pool(allocated=len(held)), total=90, available=90 - len(held))
        seats = [an_allocation(person, created=at - 400 * DAY) for person in held]
        snapshot = a_snapshot(seats, pools=[pool], now=at)
        await world.store.history.observe(snapshot)
        await world.store.activity.observe(snapshot, at)
        await world.store.summaries.keep(a_summary(at=at, pools=(pool,)))


async def overview(world: World) -> httpx.Response:
    async with await world.signed_in() as browser:
        return await browser.get("/?site=prod")


async def test_one_hired_and_one_gone_a_day_is_a_pool_that_stands_still(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await read_daily(world, 40)
        page = (await overview(world)).text

    assert "The number of free seats stands still." in page
    assert "Runs dry" not in page


async def test_a_pool_that_falls_says_how_sure_its_day_is(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await read_daily(world, 30, falls=True)
        page = (await overview(world)).text

    assert "At 1.0 seats a day the pool is empty on" in page
    assert "(about 80\u00a0% sure: " in page


async def test_a_console_that_knows_one_reading_shows_the_next(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world:
        await read_daily(world, 30, falls=True)
        before = (await overview(world)).text
        world.now = NOW + DAY
        await read_daily(world, 31, falls=True, begin=30, last=NOW + DAY)
        after = (await overview(world)).text

    assert "41 today" in before
    assert "40 today" in after
    assert "41 today" not in after


async def test_old_data_are_dated_and_their_line_ends_where_they_end(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await read_daily(world, 30, falls=True)
        world.now = NOW + 10 * DAY
        page = (await overview(world)).text

    assert "Data of 2\u00a0November 2026" in page
    assert "Nothing was read since 2\u00a0November 2026: the line ends there" in page
    assert "41 on 2 November, the last day read." in page
    assert "41 today" not in page


@pytest.mark.parametrize(
    ("read", "now", "shown"),
    [
        (date(2026, 11, 2), date(2026, 11, 2), "Too early in November to tell"),
        (date(2026, 11, 16), date(2026, 11, 16), "Enough for November"),
        (date(2026, 11, 16), date(2026, 12, 1), ""),
    ],
)
async def test_minutes_are_those_of_this_month_and_foretold_from_its_fourth_day_on(
    tmp_path: Path, read: date, now: date, shown: str
) -> None:
    minutes = Capacity(
        enabled=True, allocated_minutes=10_000, used_minutes=900, unavailable_minutes=0
    )
    async with a_console(tmp_path) as world:
        await world.store.summaries.keep(
            a_summary(at=datetime.combine(read, time(6), UTC), capacity=minutes)
        )
        world.now = datetime.combine(now, time(7), UTC)
        page = (await overview(world)).text

    assert ("Analyzer Capacity" in page) is bool(shown)
    assert shown in page
    assert ("Expected at the end" in page) is (shown == "Enough for November")


def test_what_a_plan_releases_comes_out_of_the_excess_first() -> None:
    before = PoolParts("Professional", 50, 30, 25, 0, 0, excess=20)
    some, more = before.freed(12), before.freed(30)

    assert (some.excess, some.idle, some.available) == (8, 25, 0)
    assert (more.excess, more.idle, more.available) == (0, 15, 10)


def test_a_plan_frees_no_more_than_is_idle_now() -> None:
    after = PoolParts("Professional", 50, 40, 5, 0, 5, excess=0).freed(12)

    assert (after.idle, after.available) == (0, 10)


def full(excess: int) -> Pool:
    return changed_pool(
        a_pool(PROFESSIONAL, allocated=50 + excess), total=50, available=0, excess=excess
    )


async def test_a_plan_shows_what_it_frees_and_what_only_lessens_the_excess(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        plan = a_plan(*some_actions(3))
        await world.store.plans.record(plan, JANE, "run-1")
        seats = msgspec.structs.replace(a_summary().seats[0], in_use=30)
        await world.store.summaries.keep(a_summary(at=world.now, pools=(full(2),), seats=(seats,)))
        page = (await browser.get(f"/plans/{plan.plan_id}")).text

    assert "3, 2 from excess" in page
