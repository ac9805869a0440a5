"""Jobs that fail, are broken off, or come to an end before their time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from engine_world import START, HandClock, World, a_world, failing
from seatkeeper.core.health import judge_health
from seatkeeper.core.record import CycleSample
from seatkeeper.engine.child import ChildDied
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.running import Job
from seatkeeper.errors import Unreachable
from seatkeeper.store import Owner, Store
from seatkeeper.store.leases import Leases

DOWN = Unreachable("no answer from sense.example.com")


def degraded(world: World) -> tuple[str, ...]:
    return judge_health(world.engine.state.beat(), world.clock.now()).degraded


async def release_is_due(store: Store, **schedule: Any) -> World:
    """An engine whose release falls due in this very moment."""
    world = a_world(store, **schedule)
    await world.look()
    await world.after(hours=1, step_minutes=5)
    world.jobs.seen.clear()
    return world


async def killed_at(store: Store, world: World, kind: JobKind) -> None:
    """Let a process die in the middle of a job that is due."""
    other = Leases(store.leases._db, Owner.this_process("dead"), ttl=-1, margin=0)
    held = await other.claim_site("prod", kind, world.clock.now())
    other.drop(held)


async def test_tries_again_come_ever_more_seldom(store: Store) -> None:
    world = a_world(store, monitor="every 6 hours", release="0 3 1 1 *")
    world.jobs.behaviour["monitor"] = failing(DOWN)

    await world.look()
    await world.after(minutes=65, step_minutes=0.5)

    waits = [b.at - a.at for a, b in pairwise(world.jobs.seen)]
    assert waits == [timedelta(seconds=s) for s in (30, 60, 120, 300, 600, 900, 900, 900)]


async def test_a_try_again_is_never_later_than_the_usual_time(store: Store) -> None:
    world = a_world(store, monitor="every 2 minutes", release="0 3 1 1 *")
    world.jobs.behaviour["monitor"] = failing(DOWN)

    await world.look()
    await world.after(minutes=20, step_minutes=0.5)

    waits = [b.at - a.at for a, b in pairwise(world.jobs.seen)]
    assert max(waits) == timedelta(minutes=2)


async def test_a_site_that_is_down_is_shown_and_leaves_the_daemon_ready(store: Store) -> None:
    world = a_world(store)
    world.jobs.behaviour["monitor"] = failing(DOWN)

    await world.look()
    await world.after(seconds=30)

    health = judge_health(world.engine.state.beat(), world.clock.now())
    assert health.ready
    assert health.degraded == (
        "site prod: monitor fails, 2 times in a row: no answer from sense.example.com",
    )


async def test_a_site_that_is_back_is_well_again(store: Store) -> None:
    world = a_world(store)
    world.jobs.behaviour["monitor"] = failing(DOWN)
    await world.look()

    world.jobs.behaviour.clear()
    await world.after(seconds=30)

    assert degraded(world) == ()
    assert world.jobs.kinds() == ["monitor", "monitor"]


async def test_a_failed_release_still_counts_from_the_run_before(store: Store) -> None:
    world = await release_is_due(store, release="every 1 hours")
    last = next(j.last_run for j in await store.leases.jobs() if j.kind == "release")

    world.jobs.behaviour["release"] = failing(DOWN)
    await world.after(minutes=30)

    after = next(j.last_run for j in await store.leases.jobs() if j.kind == "release")
    assert len(world.jobs.of(JobKind.RELEASE)) > 1
    assert after == last


async def test_a_cron_release_is_not_tried_half_a_day_later(store: Store) -> None:
    world = a_world(store)
    world.jobs.behaviour["release"] = failing(DOWN)
    await world.look()

    await world.after(hours=12, step_minutes=5)

    tries = [seen.at - START for seen in world.jobs.of(JobKind.RELEASE)]
    assert len(tries) > 5
    assert max(tries) <= timedelta(hours=4)
    assert await world.due(JobKind.RELEASE) == START + timedelta(days=1, hours=1)


async def test_the_next_night_begins_with_new_patience(store: Store) -> None:
    world = a_world(store)
    world.jobs.behaviour["release"] = failing(DOWN)
    await world.look()
    await world.after(hours=24, step_minutes=9)
    world.jobs.seen.clear()

    await world.after(hours=3, step_minutes=9)

    assert len(world.jobs.of(JobKind.RELEASE)) > 5


async def test_a_fault_of_ours_is_told_without_its_text(store: Store) -> None:
    world = a_world(store)
    world.jobs.behaviour["monitor"] = failing(KeyError("a secret"))

    await world.look()

    (failure,) = world.events("job.failed")
    assert isinstance(failure["exc_info"], KeyError)
    assert "KeyError" in degraded(world)[0]
    assert "a secret" not in degraded(world)[0]


async def test_an_interrupted_release_only_recovers(both: Store) -> None:
    world = await release_is_due(both, release="0 3 * * *", monitor="every 7 days")
    await killed_at(both, world, JobKind.RELEASE)

    await world.look()
    await world.after(minutes=30)

    assert [(s.kind, s.interrupted) for s in world.jobs.seen] == [(JobKind.RELEASE, True)]
    assert await world.due(JobKind.RELEASE) == START + timedelta(days=1, hours=1)


async def test_an_interrupted_release_by_elapsed_time_is_still_owed(both: Store) -> None:
    clock = HandClock()
    world = a_world(both, clock=clock, release="every 30 days", monitor="every 30 days")
    await world.look()
    await world.after(minutes=10)
    clock.advance(days=40)
    world = a_world(both, clock=clock, release="every 30 days", monitor="every 30 days")
    await world.look()
    await killed_at(both, world, JobKind.RELEASE)
    crashed = clock.now()
    world.jobs.seen.clear()

    await world.look()
    await world.after(minutes=12)

    releases = [(s.at - crashed, s.interrupted) for s in world.jobs.of(JobKind.RELEASE)]
    assert releases == [(timedelta(0), True), (timedelta(minutes=10), False)]


async def test_an_interrupted_monitoring_is_done_again(both: Store) -> None:
    world = a_world(both)
    await world.look()
    await killed_at(both, world, JobKind.MONITOR)

    await world.look()

    assert [(s.kind, s.interrupted) for s in world.jobs.seen] == [
        (JobKind.MONITOR, False),
        (JobKind.MONITOR, True),
    ]


async def test_a_job_that_kills_its_process_three_times_is_given_up(both: Store) -> None:
    world = a_world(both)
    await world.look()
    for _ in range(3):
        await killed_at(both, world, JobKind.MONITOR)
    world.jobs.seen.clear()

    await world.look(times=3)

    assert world.jobs.seen == []
    assert degraded(world) == (
        "site prod: monitor fails: the process that did it died 3 times in a row",
    )
    assert await world.due(JobKind.MONITOR) == START + timedelta(minutes=15)


async def test_a_job_that_was_given_up_is_tried_at_its_next_time(store: Store) -> None:
    world = a_world(store)
    await world.look()
    for _ in range(3):
        await killed_at(store, world, JobKind.MONITOR)
    await world.look()

    await world.after(minutes=15)

    assert degraded(world) == ()
    assert [s.at - START for s in world.jobs.seen][1:] == [timedelta(minutes=15)]


async def test_recovering_in_between_does_not_hide_a_job_that_kills(store: Store) -> None:
    world = a_world(store, release="every 1 hours", monitor="every 30 days")
    await world.look()
    for _ in range(3):
        await world.after(minutes=10)
        await killed_at(store, world, JobKind.RELEASE)

    await world.look()

    assert len(world.events("job.recovered")) == 2
    assert len(world.events("job.given_up")) == 1


@pytest.mark.parametrize("kind", [JobKind.MONITOR, JobKind.RELEASE])
async def test_a_child_that_died_is_an_interruption(store: Store, kind: JobKind) -> None:
    world = a_world(store, release="every 1 hours", monitor="every 30 days")
    dies = True

    async def die_once(job: Job) -> JobResult:
        nonlocal dies
        if dies and job.kind is kind:
            dies = False
            raise ChildDied("the child process was killed by signal 9")
        return JobResult(said="", only_recovered=job.held.interrupted and kind != "monitor")

    world.jobs.behaviour[""] = die_once
    await world.look()
    await world.after(minutes=10, step_minutes=5)

    await world.look()

    assert [s.interrupted for s in world.jobs.of(kind)] == [False, True]
    assert any("killed by signal 9" in e["error"] for e in world.events("job.failed"))


async def test_a_release_too_late_for_its_time_waits_for_the_next(store: Store) -> None:
    world = a_world(store)
    await world.look()
    async with store.leases.holding("prod", "apply"):
        await world.after(hours=5, step_minutes=5)
    world.jobs.seen.clear()

    await world.look(times=2)

    assert world.jobs.kinds() == ["monitor"]
    assert len(world.events("job.skipped")) == 1
    assert await world.due(JobKind.RELEASE) == START + timedelta(days=1, hours=1)


async def test_one_line_a_run_tells_all(store: Store) -> None:
    world = a_world(store, monitor="every 30 days")

    async def release(_job: Job) -> JobResult:
        world.clock.advance(seconds=4)
        return JobResult(said="5 released, 1 changed", plan_id="plan-7")

    await world.look()
    world.jobs.behaviour["release"] = release
    await world.after(hours=1, step_minutes=5)

    line = world.events("job.ended")[-1]
    assert line == {
        "event": "job.ended",
        "log_level": "info",
        "site": "prod",
        "kind": "release",
        "run_id": line["run_id"],
        "plan_id": "plan-7",
        "seconds": 4.0,
        "result": "5 released, 1 changed",
    }


async def test_a_failed_cycle_is_kept_with_its_reason(store: Store) -> None:
    world = a_world(store)
    world.jobs.behaviour["monitor"] = failing(DOWN)

    await world.look()
    await world.after(seconds=30)

    kept = await store.cycles.since("prod", START)
    assert [(c.kind, c.at, c.error) for c in kept] == [
        ("monitor", START, str(DOWN)),
        ("monitor", START + timedelta(seconds=30), str(DOWN)),
    ]
    state = (await store.cycles.states(["prod"], world.clock.now()))["prod", "monitor"]
    assert (state.last_success, state.failures) == (None, 2)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ChildDied("the child process was killed"), "the child process was killed"),
        (ValueError("a secret"), "a fault of Seatkeeper (ValueError); its log tells more"),
    ],
)
async def test_a_child_that_dies_and_a_fault_of_ours_are_failed_cycles_too(
    store: Store, error: Exception, kept: str
) -> None:
    world = a_world(store)
    world.jobs.behaviour["monitor"] = failing(error)

    await world.look()

    assert [c.error for c in await store.cycles.since("prod", START)] == [kept]


async def test_what_the_job_itself_has_recorded_stays(store: Store) -> None:
    world = a_world(store)
    sample = CycleSample("prod", "monitor", START, 2.5, 7, "the list was cut off")

    async def fail(_job: Job) -> JobResult:
        await store.cycles.add(sample)
        raise DOWN

    world.jobs.behaviour["monitor"] = fail

    await world.look()

    assert await store.cycles.since("prod", START) == [sample]


async def test_a_step_that_fails_after_the_reading_is_in_the_log(store: Store) -> None:
    world = a_world(store)

    async def in_part(_job: Job) -> JobResult:
        return JobResult(said="40 users and 30 seats read", troubles=("points failed: full",))

    world.jobs.behaviour["monitor"] = in_part

    await world.look()

    (event,) = [e for e in world.events("job.ended") if e["kind"] == "monitor"]
    assert (event["log_level"], event["troubles"]) == ("warning", ("points failed: full",))
    assert judge_health(world.engine.state.beat(), world.clock.now()).degraded == ()
