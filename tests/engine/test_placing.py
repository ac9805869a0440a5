"""Which jobs run in a child process, and how many at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from engine_world import ANNA, HandClock
from seatkeeper.core.policy import Policy, Shared, SharedKind
from seatkeeper.core.request import WhatToUndo
from seatkeeper.engine.child import Order, require_same_rules, rules_of
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.placing import CHILDREN, READING_HERE, Placing
from seatkeeper.engine.running import Job
from seatkeeper.errors import Interrupted, Unreachable, UsageError
from seatkeeper.flow.context import Run, Site
from seatkeeper.store import Held, Owner

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
OWNER = Owner.this_process("test")


@dataclass
class Reader:
    """Knows how many users its site has."""

    users: int | Exception

    async def count_users(self) -> int:
        """Count, or fail."""
        if isinstance(self.users, Exception):
            raise self.users
        return self.users


@dataclass
class History:
    """Knows license numbers."""

    numbers: dict[str, str] = field(default_factory=dict)

    async def license_numbers(self) -> dict[str, str]:
        """Return them."""
        return self.numbers


@dataclass
class Place:
    """Notes where jobs ran."""

    here: list[str] = field(default_factory=list)
    there: list[Order] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def run_here(self, job: Job) -> JobResult:
        """Run a job here."""
        self.here.append(job.site)
        return await self._work()

    async def run_there(self, order: Order, _stop: asyncio.Event) -> JobResult:
        """Run a job in a child."""
        self.there.append(order)
        return await self._work()

    async def _work(self) -> JobResult:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.go.wait()
        self.at_once -= 1
        return JobResult(said="done")


def a_site(name: str, users: int | Exception, *shared_with: str) -> Site:
    shared = Shared(SharedKind.SITES, shared_with) if shared_with else Shared(SharedKind.NOBODY)
    return Site(name, Policy(shared=shared), cast("Any", Reader(users)))


def placing(place: Place, *sites: Site, **numbers: str) -> Placing:
    return Placing(
        {site.name: site for site in sites},
        cast("Any", History(numbers)),
        place.run_here,
        place.run_there,
    )


def a_job(site: str = "prod", kind: JobKind = JobKind.MONITOR, **more: Any) -> Job:
    run = Run("r-1", ANNA, HandClock(NOW))
    return Job(Held(site, kind, 7, OWNER, float("inf")), kind, run, NOW, **more)


@pytest.fixture
def place() -> Place:
    at = Place()
    at.go.set()
    return at


async def test_a_small_site_is_read_here(place: Place) -> None:
    await placing(place, a_site("prod", 19_999))(a_job())

    assert place.here == ["prod"]


async def test_a_large_site_is_read_in_a_child_on_our_lease(place: Place) -> None:
    site = a_site("prod", 20_000)

    await placing(place, site)(a_job(kind=JobKind.RELEASE))

    assert place.there == [
        Order(
            site="prod",
            kind=JobKind.RELEASE,
            fence=7,
            owner=OWNER,
            interrupted=False,
            run_id="r-1",
            began=NOW,
            actor=ANNA,
            rules=rules_of(site.policy),
        )
    ]


async def test_seats_are_given_back_without_a_child(place: Place) -> None:
    what = WhatToUndo(user="u")

    await placing(place, a_site("prod", 90_000))(a_job(kind=JobKind.UNDO, undo=what))

    assert place.here == ["prod"]


async def test_settling_an_interruption_takes_no_child(place: Place) -> None:
    job = a_job(kind=JobKind.RELEASE)
    job.held.interrupted = True

    await placing(place, a_site("prod", 90_000))(job)

    assert place.here == ["prod"]


@pytest.mark.parametrize("by", ["name", "name of the other", "number"])
async def test_a_release_goes_by_the_largest_site_that_shares_the_license(
    place: Place, by: str
) -> None:
    small = a_site("prod", 10, *(["big"] if by == "name" else []))
    big = a_site("big", 90_000, *(["prod"] if by == "name of the other" else []))
    numbers = {"prod": "1", "big": "1"} if by == "number" else {}

    await placing(place, small, big, **numbers)(a_job(kind=JobKind.RELEASE))
    await placing(place, small, big, **numbers)(a_job(kind=JobKind.MONITOR))

    assert [order.site for order in place.there] == ["prod"]
    assert place.here == ["prod"]


async def test_a_partner_that_is_down_is_left_to_the_job(place: Place) -> None:
    down = a_site("big", Unreachable("down"), "prod")

    await placing(place, a_site("prod", 10), down)(a_job(kind=JobKind.RELEASE))

    assert place.here == ["prod"]


async def test_a_site_that_is_down_fails_before_it_takes_room(place: Place) -> None:
    with pytest.raises(Unreachable):
        await placing(place, a_site("prod", Unreachable("down")))(a_job())

    assert place.here == []


@pytest.mark.parametrize(("users", "most"), [(10, READING_HERE), (90_000, CHILDREN)])
async def test_no_more_sites_are_read_at_once_than_there_is_memory_for(
    users: int, most: int
) -> None:
    place = Place()
    runs = placing(place, *(a_site(f"s{n}", users) for n in range(12)))

    jobs = [asyncio.create_task(runs(a_job(f"s{n}"))) for n in range(12)]
    await asyncio.sleep(0.05)
    place.go.set()
    await asyncio.gather(*jobs)

    assert place.most == most


async def test_a_job_that_waits_for_room_ends_when_asked() -> None:
    place = Place()
    runs = placing(place, *(a_site(f"s{n}", 90_000) for n in range(CHILDREN + 1)))
    busy = [asyncio.create_task(runs(a_job(f"s{n}"))) for n in range(CHILDREN)]
    await asyncio.sleep(0.02)
    waits = a_job(f"s{CHILDREN}")
    task = asyncio.create_task(runs(waits))
    await asyncio.sleep(0.02)

    waits.run.stop.set()

    with pytest.raises(Interrupted):
        await task
    place.go.set()
    await asyncio.gather(*busy)


def test_a_child_refuses_rules_that_its_parent_does_not_know() -> None:
    policy = Policy()
    order = Order(
        site="prod",
        kind=JobKind.RELEASE,
        fence=7,
        owner=OWNER,
        interrupted=False,
        run_id="r-1",
        began=NOW,
        actor=ANNA,
        rules=rules_of(policy),
    )

    require_same_rules(order, policy)
    with pytest.raises(UsageError, match="start the daemon again"):
        require_same_rules(order, Policy(new_seat_grace=policy.new_seat_grace * 2))
