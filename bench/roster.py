"""The roster of a large site: what a cycle adds to keep it, and what each kind of page takes."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from seatkeeper.core.facts import Facts, Sources
from seatkeeper.core.judged import Judged
from seatkeeper.core.model import Allocation, LicenseType, Overview, Snapshot, User
from seatkeeper.core.policy import Policy
from seatkeeper.core.roster import RosterPage, RosterQuery, RosterSort, View, lines_of
from seatkeeper.store import Store, open_store
from seatkeeper.store.roster import Roster

NOW = datetime(2026, 11, 2, 3, tzinfo=UTC)
DAY = timedelta(days=1)
TIMES = 9


def a_reading(users: int, now: datetime) -> Snapshot:
    """Return a site on which everybody holds a seat; one in a thousand is blocked."""
    chance = random.Random(7)  # noqa: S311 - a seeded benchmark
    people: dict[str, User] = {}
    seats = []
    for n in range(users):
        user_id = f"{n:08x}-0000-4000-8000-000000000000"
        given = chance.choice(GIVEN)
        user = people[user_id] = User(
            id=user_id,
            directory="EXAMPLE",
            user_id=f"{given.lower()}.lastname{n}",
            name=f"{given} Lastname {n}",
            blocked=n % 1000 == 0,
            inactive=False,
            removed_externally=False,
            delete_prohibited=False,
            roles=(),
            properties=(("department", f"Department {n % 60}"),),
        )
        used = None if n % 20 == 0 else NOW - chance.random() ** 3 * 400 * DAY
        seats.append(
            Allocation(
                id=f"{chance.getrandbits(32):08x}-{n:08x}-4000-8000-000000000000",
                license_type=LicenseType.PROFESSIONAL if n % 5 == 0 else LicenseType.ANALYZER,
                user_id=user_id,
                holder=user.label,
                created=NOW - (100 + n % 900) * DAY,
                last_used=used,
            )
        )
    return Snapshot("bench", now, people, seats, Overview(()), None)


GIVEN = ("Anna", "Björn", "Chloé", "Dario", "Émile", "Fatima", "Günther", "Hana", "Ilse", "Jonas")


def judged(snapshot: Snapshot, now: datetime) -> Judged:
    """Judge a reading by the policy of somebody who wrote none."""
    policy = Policy()
    return Judged.of(snapshot, Facts(Sources.of(snapshot), policy, now), policy, now)


async def keep(store: Store, snapshot: Snapshot, now: datetime) -> dict[str, float]:
    """Keep a reading; seconds on the clock and of the processor, judging left out."""
    known = judged(snapshot, now)
    began, used = time.perf_counter(), time.process_time()
    rows = await store.roster.keep("bench", now, lines_of(known, "department"))
    return {
        "s": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "rows": rows,
    }


PAGES: dict[str, Callable[[], RosterQuery]] = {
    "the first page": RosterQuery,
    "by last use": lambda: RosterQuery(sort=RosterSort.LAST_USED, descending=True),
    "idle for longest": lambda: RosterQuery(sort=RosterSort.IDLE, descending=True),
    "idle for 90 days, longest first": lambda: RosterQuery(
        idle=90 * DAY, sort=RosterSort.IDLE, descending=True
    ),
    "would be released": lambda: RosterQuery(view=View.RELEASABLE),
    "blocked": lambda: RosterQuery(view=View.MARKED),
    "professional, a department": lambda: RosterQuery(
        license_type=LicenseType.PROFESSIONAL, department="Department 5", sort=RosterSort.CREATED
    ),
    "one name": lambda: RosterQuery(text="lastname 77777"),
    "a name of a tenth": lambda: RosterQuery(text="björn"),
    "a name of a tenth, by last use": lambda: RosterQuery(text="björn", sort=RosterSort.LAST_USED),
    "a name of nobody": lambda: RosterQuery(text="zzz"),
}


async def page(roster: Roster, query: RosterQuery) -> tuple[RosterPage, float]:
    """Return a page and its milliseconds of the processor."""
    began = time.process_time()
    found = await roster.page(query, NOW)
    return found, (time.process_time() - began) * 1000


async def pages(store: Store) -> dict[str, list[float]]:
    """Median milliseconds of each kind of page: asked for the first time, and again."""
    taken: dict[str, list[float]] = {}
    for name, query in PAGES.items():
        first, again = [], []
        for _ in range(TIMES):
            roster = Roster(store.roster._db)  # noqa: SLF001 - one that remembers nothing
            found, ms = await page(roster, query())
            first.append(ms)
            again.append((await page(roster, query()))[1])
        taken[name] = [statistics.median(first), statistics.median(again), found.total]
    return taken


async def measure(users: int, folder: Path) -> dict[str, Any]:
    """Keep three readings and ask for pages."""
    store = open_store(f"sqlite:///{folder}/roster.db")
    reading = a_reading(users, NOW)
    found: dict[str, Any] = {"first": await keep(store, reading, NOW)}
    found["nothing"] = await keep(store, reading, NOW + timedelta(minutes=1))
    later = NOW + timedelta(hours=1)
    busy = [
        msgspec.structs.replace(a, last_used=later) if n % 10 == 0 else a
        for n, a in enumerate(reading.allocations)
    ]
    some = Snapshot("bench", later, reading.users, busy, reading.overview, None)
    found["tenth"] = await keep(store, some, later)
    found["pages"] = await pages(store)
    user = reading.users[reading.allocations[77].user_id or ""].label
    person = time.perf_counter()
    assert await store.roster.person("bench", user, NOW)
    found["person"] = (time.perf_counter() - person) * 1000
    began = time.perf_counter()
    await store.roster.departments()
    found["departments"] = (time.perf_counter() - began) * 1000
    store.close()
    found["mb"] = (folder / "roster.db").stat().st_size / 1e6
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.write(json.dumps(asyncio.run(measure(int(sys.argv[1]), Path(place))), indent=1))
