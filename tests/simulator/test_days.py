from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from direct_site import DirectSite
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.summary import Summary
from seatkeeper.errors import Interrupted
from seatkeeper.flow.monitor import Monitored
from seatkeeper.simulator.rows import SeatType
from simulated_days import UNTIL, simulated_days


async def test_months_of_history_are_made_in_seconds(tmp_path: Path) -> None:
    seen: list[Summary] = []

    async def each(now: datetime, done: Monitored) -> None:
        assert done.summary is not None
        assert done.troubles == ()
        assert done.summary.at == now
        seen.append(done.summary)

    async with simulated_days(
        f"sqlite:///{tmp_path}/history.db", days=90, users=120, each=each
    ) as lived:
        newest = await lived.records.summaries.newest("sim")

        assert lived.now == UNTIL
        assert lived.past.cycles == len(seen) == 90
        assert newest == seen[-1]
        released = [o for run in lived.past.runs for o in run.outcomes]
        assert {o.outcome for o in released} <= {Outcome.RELEASED, Outcome.QUARANTINED}
        assert len(released) > 12
        assert len({seen[n].pool(LicenseType.ANALYZER) for n in range(90)}) > 20


async def test_equal_days_are_made_twice(tmp_path: Path) -> None:
    async def summaries(file: str) -> list[object]:
        made: list[object] = []

        async def each(_now: datetime, done: Monitored) -> None:
            assert done.summary is not None
            made.append((done.summary.pools, done.summary.seats, done.summary.capacity))

        async with simulated_days(
            f"sqlite:///{tmp_path}/{file}", days=20, users=60, each=each, clean_every=None
        ):
            return made

    assert await summaries("one.db") == await summaries("two.db")


async def test_a_past_ends_on_request(tmp_path: Path) -> None:
    stop, cycles = asyncio.Event(), []

    async def each(now: datetime, _done: Monitored) -> None:
        cycles.append(now)
        if len(cycles) == 3:
            stop.set()

    with pytest.raises(Interrupted):
        async with simulated_days(
            f"sqlite:///{tmp_path}/h.db", days=20, users=40, each=each, stop=stop
        ):
            pytest.fail("lived to the end")
    assert len(cycles) == 3


@pytest.mark.parametrize("total", [5, 40])
async def test_incidents_can_be_planted(tmp_path: Path, total: int) -> None:
    def shrink(site: DirectSite, moment: datetime) -> None:
        if moment == UNTIL:
            site.site.set_total(SeatType.ANALYZER, total)

    async with simulated_days(
        f"sqlite:///{tmp_path}/h.db", days=2, users=60, before_day=shrink, license_days=30
    ) as lived:
        newest = await lived.records.summaries.newest("sim")

    assert newest is not None
    pool = newest.pool(LicenseType.ANALYZER)
    assert pool is not None
    assert pool.total == total
    assert (pool.excess > 0) is (total == 5)
    assert newest.license.days_left == 28
    assert newest.at == UNTIL - timedelta(0)


async def test_minutes_are_used_through_the_month_and_begin_anew(tmp_path: Path) -> None:
    used: dict[str, list[int]] = {}

    async def each(now: datetime, done: Monitored) -> None:
        assert done.summary is not None
        capacity = done.summary.capacity
        assert capacity is not None
        assert capacity.used_minutes <= capacity.allocated_minutes + 24
        used.setdefault(f"{now:%Y-%m}", []).append(capacity.used_minutes)

    async with simulated_days(
        f"sqlite:///{tmp_path}/h.db", days=80, users=150, each=each, clean_every=None
    ):
        pass

    for month in ("2026-09", "2026-10"):
        assert used[month] == sorted(used[month])
        assert used[month][-1] > 3 * used[month][5] > 0
    assert used["2026-10"][0] < used["2026-09"][-1] / 5
