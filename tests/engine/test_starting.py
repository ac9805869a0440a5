"""What an engine does, and does not do, when it starts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine_world import START, HandClock, World, a_world
from seatkeeper.engine.jobs import JobKind
from seatkeeper.store import Store

FORTNIGHT = "every 14 days"


async def ran_once(store: Store, clock: HandClock, **schedule: Any) -> World:
    """An engine that has had its first release, and is gone."""
    world = a_world(store, clock=clock, **schedule)
    await world.look()
    await world.after(minutes=10)
    assert world.jobs.kinds()[:2] == ["monitor", "release"]
    world.jobs.seen.clear()
    return world


async def test_monitoring_runs_at_once_and_nothing_is_released(both: Store) -> None:
    world = a_world(both, release="* * * * *")

    await world.look()

    assert world.jobs.kinds() == ["monitor"]


async def test_a_first_release_by_elapsed_time_waits_ten_minutes(store: Store) -> None:
    world = a_world(store, release=FORTNIGHT)
    await world.look()

    await world.after(minutes=9)
    before = world.jobs.of(JobKind.RELEASE)
    await world.after(minutes=1)

    assert before == []
    assert [seen.at - START for seen in world.jobs.of(JobKind.RELEASE)] == [timedelta(minutes=10)]


async def test_restarting_again_and_again_never_releases(store: Store) -> None:
    clock = HandClock()
    kinds = []

    for _ in range(5):
        world = a_world(store, clock=clock, release=FORTNIGHT)
        await world.look()
        await world.after(minutes=9)
        kinds += world.jobs.kinds()

    assert "release" not in kinds


async def test_an_overdue_release_by_elapsed_time_waits_ten_minutes(store: Store) -> None:
    clock = HandClock()
    await ran_once(store, clock, release=FORTNIGHT)
    began = clock.advance(days=20)
    world = a_world(store, clock=clock, release=FORTNIGHT)

    await world.look()
    await world.after(minutes=11)

    assert [s.at - began for s in world.jobs.of(JobKind.RELEASE)] == [timedelta(minutes=10)]


async def test_a_release_by_elapsed_time_survives_a_restart(both: Store) -> None:
    clock = HandClock()
    await ran_once(both, clock, release=FORTNIGHT)
    last = clock.now()
    clock.advance(days=5)

    world = a_world(both, clock=clock, release=FORTNIGHT)
    await world.look()

    assert await world.due(JobKind.RELEASE) == last + timedelta(days=14)


async def test_an_owed_run_is_known_right_after_the_schedule_changed(store: Store) -> None:
    clock = HandClock()
    await ran_once(store, clock, release="every 30 days")
    clock.advance(days=10)

    world = a_world(store, clock=clock, release="every 7 days")
    await world.look()

    assert await world.due(JobKind.RELEASE) == clock.now() + timedelta(minutes=10)


async def test_a_schedule_that_became_longer_counts_from_the_last_run(store: Store) -> None:
    clock = HandClock()
    await ran_once(store, clock, release="every 7 days")
    last = clock.now()
    clock.advance(days=10)

    world = a_world(store, clock=clock, release="every 30 days")
    await world.look()

    assert await world.due(JobKind.RELEASE) == last + timedelta(days=30)


async def test_an_owed_release_with_a_time_of_day_waits_for_that_time(store: Store) -> None:
    clock = HandClock()
    await ran_once(store, clock, release=FORTNIGHT)
    clock.advance(days=20)

    world = a_world(store, clock=clock, release="every 14 days at 05:30")
    await world.look()

    assert await world.due(JobKind.RELEASE) == clock.now().replace(hour=5, minute=30)


async def test_a_cron_time_missed_while_down_is_skipped(both: Store) -> None:
    clock = HandClock()
    first = a_world(both, clock=clock)
    await first.look()
    clock.advance(hours=2)
    world = a_world(both, clock=clock)

    await world.look()
    await world.after(minutes=30)

    assert world.jobs.of(JobKind.RELEASE) == []
    assert await world.due(JobKind.RELEASE) == START + timedelta(days=1, hours=1)


async def test_a_cron_release_comes_at_its_time(store: Store) -> None:
    world = a_world(store, release="0 3 * * *", zone="Europe/Stockholm")
    await world.look()

    await world.after(hours=24, step_minutes=5)

    due = [seen.at for seen in world.jobs.of(JobKind.RELEASE)]
    assert due == [START + timedelta(days=1)]


async def test_monitoring_goes_on_at_its_pace(store: Store) -> None:
    world = a_world(store, release="0 3 1 1 *")
    await world.look()

    await world.after(hours=1)

    passed = [seen.at - START for seen in world.jobs.of(JobKind.MONITOR)]
    assert passed == [timedelta(minutes=15 * n) for n in range(5)]


async def test_a_long_sleep_is_like_a_start(store: Store) -> None:
    clock = HandClock()
    await ran_once(store, clock, release="every 6 hours")
    world = a_world(store, clock=clock, release="every 6 hours")
    await world.look()
    world.jobs.seen.clear()

    woke = clock.advance(days=2)
    await world.look()
    at_once = world.jobs.kinds()
    await world.after(minutes=10)

    assert at_once == ["monitor"]
    assert [s.at - woke for s in world.jobs.of(JobKind.RELEASE)] == [timedelta(minutes=10)]
    assert len(world.events("engine.slept")) == 1


async def test_a_clock_set_back_does_not_stop_monitoring(store: Store) -> None:
    world = a_world(store)
    await world.look()

    world.clock.advance(days=-2)
    await world.look()

    assert world.jobs.kinds() == ["monitor", "monitor"]


async def test_a_site_that_is_gone_from_the_configuration_is_forgotten(both: Store) -> None:
    clock = HandClock()
    await a_world(both, "prod", "test", clock=clock).look()
    world = a_world(both, "prod", clock=clock)

    await world.look()
    clock.advance(days=1)
    await world.look()

    assert {job.site for job in await both.leases.jobs()} == {"prod"}
    assert {seen.site for seen in world.jobs.seen} == {"prod"}


async def test_a_job_of_a_newer_configuration_is_left_alone(store: Store) -> None:
    world = a_world(store, "prod")
    await world.look()
    newer = a_world(store, "prod", "test", clock=world.clock)
    await newer.engine._wake(world.clock.now())

    await world.look(times=3)

    assert {seen.site for seen in world.jobs.seen} == {"prod"}
    assert [entry["site"] for entry in world.events("job.strange")] == ["test"]
    await newer.look()
    assert "test" in {seen.site for seen in newer.jobs.seen}
