"""The loop as it runs: leases in real time, several engines on one store, outages, the end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from engine_world import ANNA, FakeJobs, HandClock, World, a_world, waiting_for
from postgres import PostgresServer
from seatkeeper.cli.running import LAST_MOMENT
from seatkeeper.core.health import judge_health
from seatkeeper.engine.engine import DRAIN
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.running import Job
from seatkeeper.errors import Interrupted
from seatkeeper.store import Owner, RequestKind, RequestState, Store, open_store
from seatkeeper.store.claims import claim_one
from seatkeeper.store.held import Held
from seatkeeper.store.tables import LEASE

NEVER = "0 3 1 1 *"
LONG = 30.0


@contextlib.asynccontextmanager
async def working(*worlds: World) -> AsyncIterator[asyncio.Event]:
    """Let engines work until the block ends."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(world.engine.work(stop)) for world in worlds]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), LONG)


async def until(happened: Callable[[], Any], seconds: float = LONG) -> Any:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not (answer := happened()):  # noqa: ASYNC110 - what happens knows no event
            await asyncio.sleep(0.02)
    return answer


def short_leases(store: Store, ttl: float = 1.5) -> None:
    """Let leases run out soon."""
    store.leases.ttl, store.leases.margin = ttl, ttl / 4


def stolen(store: Store, site: str = "prod") -> None:
    """Take a site away at one stroke, as if its lease had run out; its holder is not told."""
    here = sa.update(LEASE).where(LEASE.c.site == site)
    with store.leases._db.writing() as conn:
        conn.execute(here.values(until=0.0))
        thief = claim_one(
            conn, Owner.this_process("thief"), (site, "apply"), HandClock().now(), 60.0
        )
    assert isinstance(thief, Held)


async def test_a_job_whose_lease_was_taken_is_cancelled(both: Store) -> None:
    short_leases(both)
    world = a_world(both, quick=True)
    never = asyncio.Event()
    world.jobs.behaviour["monitor"] = waiting_for(never)

    async with working(world):
        await until(lambda: world.jobs.seen)
        stolen(both)
        failure = await until(lambda: world.events("job.failed"))

    assert "lost its lease" in failure[0]["error"]
    assert [holder.owner.command for holder in await both.leases.holders() if holder.owner] == [
        "thief"
    ]


async def test_a_long_job_keeps_its_lease(both: Store) -> None:
    short_leases(both, 0.9)
    world = a_world(both, quick=True)
    over = asyncio.Event()
    world.jobs.behaviour["monitor"] = waiting_for(over)

    async with working(world):
        await until(lambda: world.jobs.seen)
        await asyncio.sleep(1.5)
        over.set()
        await until(lambda: world.events("job.ended"))

    assert len(world.jobs.seen) == 1
    assert await both.leases.holders() == []


async def test_the_end_lets_jobs_end_and_gives_their_leases_back(store: Store) -> None:
    world = a_world(store, "one", "two", quick=True)

    async def heed(job: Job) -> JobResult:
        await job.run.stop.wait()
        if job.site == "one":
            raise Interrupted("ended on request")
        return JobResult(said="read")

    world.jobs.behaviour["monitor"] = heed
    async with working(world):
        await until(lambda: len(world.jobs.seen) == 2)

    assert [entry["site"] for entry in world.events("job.put_off")] == ["one"]
    assert [entry["site"] for entry in world.events("job.ended")] == ["two"]
    assert await store.leases.holders() == []
    assert {job.interruptions for job in await store.leases.jobs()} == {0}
    assert await world.due(JobKind.MONITOR, "one") == world.clock.now()
    assert (await world.due(JobKind.MONITOR, "two")) == world.clock.now() + timedelta(minutes=15)


async def test_a_job_that_does_not_end_is_cut_off_and_counts_as_interrupted(store: Store) -> None:
    short_leases(store)
    world = a_world(store, quick=True)
    world.jobs.behaviour["monitor"] = waiting_for(asyncio.Event())

    async with working(world) as stop:
        await until(lambda: world.jobs.seen)
        began = time.monotonic()
        stop.set()
    took = time.monotonic() - began
    await asyncio.sleep(1.6)
    after = a_world(store, quick=True, clock=world.clock)
    await after.look()

    assert took < 5
    assert len(world.events("job.cut_off")) == 1
    assert [seen.interrupted for seen in after.jobs.seen] == [True]


def test_the_drain_leaves_room_before_the_last_moment() -> None:
    assert DRAIN + 0.5 <= LAST_MOMENT < 15


async def test_a_request_in_hand_at_the_end_is_answered(store: Store) -> None:
    world = a_world(store, quick=True, monitor=NEVER, release=NEVER)
    world.jobs.behaviour["undo"] = waiting_for(asyncio.Event())
    async with working(world):
        await until(lambda: "monitor" in world.jobs.kinds())
        request = await store.requests.ask(
            RequestKind.UNDO, "prod", {"user": "u"}, ANNA, world.clock.now()
        )
        await until(lambda: "undo" in world.jobs.kinds())

    answered = await store.requests.get(request.id)
    assert answered.state is RequestState.FAILED
    assert "cut off in the middle" in str(answered.result)


async def test_a_request_is_picked_up_within_five_seconds(store: Store) -> None:
    world = a_world(store, monitor=NEVER, release=NEVER)
    async with working(world):
        await until(lambda: "monitor" in world.jobs.kinds())
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        await store.requests.ask(RequestKind.RUN, "prod", {}, ANNA, world.clock.advance(seconds=1))
        await until(lambda: "release" in world.jobs.kinds())

        assert time.monotonic() - asked < 5


@contextlib.contextmanager
def a_database(server: PostgresServer) -> Iterator[tuple[str, Callable[[bool], None]]]:
    """A database of its own, and a switch that cuts everybody off from it."""
    url = server.new_database()
    name = url.partition("?")[0].rpartition("/")[2]

    def switch(on: bool) -> None:
        with psycopg.connect(server.uri, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(on).lower()}")
            if not on:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (name,),
                )

    yield url, switch


async def test_a_store_that_is_away_for_a_while_is_survived(postgres: PostgresServer) -> None:
    with a_database(postgres) as (url, switch):
        store = open_store(url)
        world = a_world(store, "one", "two", quick=True)
        over = asyncio.Event()
        world.jobs.behaviour["monitor"] = waiting_for(over)
        state, clock = world.engine.state, world.clock
        async with working(world):
            await until(lambda: len(world.jobs.seen) == 2)
            switch(False)
            over.set()
            await until(lambda: state.store_error)
            away = judge_health(state.beat(), clock.now())
            await asyncio.sleep(0.5)
            switch(True)
            await until(lambda: world.events("store.back"))
            back = judge_health(state.beat(), clock.now())
            await until(lambda: not world.engine._running.jobs)
        jobs = await store.leases.jobs()
        store.close()

    assert not away.ready
    assert away.degraded[0].startswith("the store cannot be used")
    assert back.ready
    assert len(world.events("store.failed")) == 1
    assert len(world.events("job.ended")) == 2
    due = [job.due for job in jobs if job.kind == "monitor"]
    assert due == [clock.now() + timedelta(minutes=15)] * 2


async def test_a_lease_lost_while_the_store_was_away_is_recovered(
    postgres: PostgresServer,
) -> None:
    with a_database(postgres) as (url, switch):
        store = open_store(url)
        short_leases(store)
        world = a_world(store, quick=True)
        world.jobs.behaviour["monitor"] = waiting_for(asyncio.Event())
        async with working(world):
            await until(lambda: world.jobs.seen)
            switch(False)
            await until(lambda: world.events("job.failed") or not world.engine._running.alive)
            world.jobs.behaviour.clear()
            switch(True)
            await until(lambda: len(world.jobs.seen) == 2)
            await until(lambda: not world.engine._running.jobs)
        store.close()

    assert [seen.interrupted for seen in world.jobs.seen] == [False, True]


async def test_two_engines_never_work_on_one_site_at_the_same_time(url: str) -> None:
    stores = [open_store(url), open_store(url)]
    clock = HandClock()
    jobs = FakeJobs(clock)
    sites = [f"site-{n}" for n in range(12)]

    async def a_moment(job: Job) -> JobResult:
        await asyncio.sleep(0.03)
        return JobResult(said=job.kind)

    jobs.behaviour[""] = a_moment
    worlds = [
        a_world(
            s,
            *sites,
            quick=True,
            slots=3,
            clock=clock,
            jobs=jobs,
            monitor="every 1 minutes",
            release="* * * * *",
        )
        for s in stores
    ]
    async with working(*worlds):
        for _ in range(6):
            clock.advance(seconds=61)
            await asyncio.sleep(0.25)
        await until(lambda: not any(world.engine._running.jobs for world in worlds))
    shares = [len(world.events("job.ended")) for world in worlds]
    for one in stores:
        one.close()

    assert jobs.overlaps == 0
    assert len(jobs.seen) > 60
    assert min(shares) > 0


async def test_a_thousand_sites_due_at_once_are_all_done(
    store: Store, record_property: Callable[[str, object], None]
) -> None:
    world = a_world(store, *(f"site-{n}" for n in range(1000)), release=NEVER)
    began, cpu = time.monotonic(), time.process_time()

    async with working(world):
        await until(lambda: len(world.events("job.ended")) == 1000, 120)

    record_property("seconds", round(time.monotonic() - began, 1))
    record_property("cpu seconds", round(time.process_time() - cpu, 1))
    assert {seen.site for seen in world.jobs.seen} == set(world.engine.sites)
    assert world.jobs.most_at_once <= world.engine.slots
