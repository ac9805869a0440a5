"""A year of activity of a large site in a store: its size, its queries, the time of a cycle."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.lookback import UserQuery
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, LicenseType, Overview, Snapshot, User, Witness
from seatkeeper.store import Store, open_store
from seatkeeper.store.past import month_of
from seatkeeper.store.watch_tables import ACTIVE_DAY, ACTIVITY_MONTH, HOLDER

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
TYPE = {True: MeasuredType.PROFESSIONAL, False: MeasuredType.ANALYZER}


def a_snapshot(users: int, now: datetime, used: Callable[[int], datetime | None]) -> Snapshot:
    """Return a reading in which everybody holds a seat; a fifth are professional."""
    people = {
        f"{n:08x}-0000-4000-8000-000000000000": User(
            id=f"{n:08x}-0000-4000-8000-000000000000",
            directory="EXAMPLE",
            user_id=f"first.lastname{n}",
        )
        for n in range(users)
    }
    seats = [
        Allocation(
            id=f"{n:08x}-1111-4000-8000-000000000000",
            license_type=LicenseType(TYPE[n % 5 == 0].value),
            user_id=user.id,
            holder=user.label,
            created=START - 90 * DAY,
            last_used=used(n),
        )
        for n, user in enumerate(people.values())
    ]
    return Snapshot("bench", now, people, seats, Overview(()), None, Witness(), timedelta(0))


def fill_year(store: Store, users: int) -> None:
    """Write a year in which everybody was active every day: the most there can be."""
    first = date(2026, 1, 1)
    with store.activity._db.writing() as conn:  # noqa: SLF001 - a year of cycles takes too long
        numbers = list(conn.execute(sa.select(HOLDER.c.id).order_by(HOLDER.c.id)).scalars())
        for number in range(12):
            last = date(2026 + number // 11, (number + 1) % 12 + 1, 1) - DAY
            month, bits = month_of(last), (1 << last.day) - 1
            conn.execute(
                sa.text(
                    "INSERT INTO activity_month (month, license_type, holder, days) VALUES "
                    "(:month, :type, :holder, :days) ON CONFLICT DO UPDATE SET days = :days"
                ),
                [
                    {"month": month, "type": 1 if n % 5 == 0 else 2, "holder": h, "days": bits}
                    for n, h in enumerate(numbers)
                ],
            )
        conn.execute(sa.delete(ACTIVE_DAY))
        conn.execute(
            sa.insert(ACTIVE_DAY),
            [
                {
                    "site": "bench",
                    "license_type": kind,
                    "day": (first + n * DAY).isoformat(),
                    "users": users,
                }
                for n in range(365)
                for kind in TYPE.values()
            ],
        )
        assert conn.execute(sa.select(sa.func.count()).select_from(ACTIVITY_MONTH)).scalar()


async def timed(work: Coroutine[Any, Any, Any]) -> float:
    """Return the seconds that a work takes."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def measure(users: int, folder: Path) -> dict[str, float]:
    """Observe, fill, ask; returns seconds, MiB and how long the store grew."""
    path = folder / "history.db"
    store = open_store(f"sqlite:///{path}")
    chance = random.Random(7)  # noqa: S311 - a seeded benchmark
    used = [START - chance.random() * 90 * DAY for _ in range(users)]
    found: dict[str, float] = {"users": users}
    reading = a_snapshot(users, START, used.__getitem__)
    before = _peak()
    found["first_s"] = await timed(store.activity.observe(reading, START))
    same = replace(reading, taken_at=START + DAY)
    found["nothing_s"] = await timed(store.activity.observe(same, START + DAY))
    busy = replace(
        reading,
        taken_at=START + 2 * DAY,
        allocations=[
            msgspec.structs.replace(a, last_used=START + 2 * DAY - timedelta(hours=1))
            for a in reading.allocations
        ],
    )
    found["everybody_s"] = await timed(store.activity.observe(busy, START + 2 * DAY))
    found["memory_mib"] = _peak() - before
    fill_year(store, users)
    found["active_users_s"] = await timed(store.past.active_users("bench", date(2026, 1, 1)))
    person = r"EXAMPLE\first.lastname77"
    found["active_days_s"] = await timed(store.past.active_days("bench", person, date(2026, 1, 1)))
    query = UserQuery(
        ("bench",),
        MeasuredType.ANALYZER,
        timedelta(days=1),
        limit=100,
        since=date(2026, 1, 1),  # as the command does: with days of use by month
    )
    found["top_idle_s"] = await timed(store.past.users(query, START + 300 * DAY))
    store.close()
    found["store_mib"] = path.stat().st_size / 2**20
    return found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as somewhere:
        size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
        sys.stdout.write(json.dumps(asyncio.run(measure(size, Path(somewhere)))) + "\n")
