"""What people wait for: approved plans and requests, taken within one look of a running engine."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

from engine_world import ANNA, World, a_world, failing, waiting_for
from seatkeeper.core.plan import Plan
from seatkeeper.core.request import WhatToUndo
from seatkeeper.engine.engine import FOR_PEOPLE
from seatkeeper.engine.jobs import JobKind, JobResult
from seatkeeper.engine.running import Job
from seatkeeper.errors import Interrupted, Unreachable
from seatkeeper.store import Request, RequestKind, RequestState, Store
from stored import a_plan

NEVER = "0 3 1 1 *"
RESTING: dict[str, Any] = {"monitor": NEVER, "release": NEVER}


async def approved(world: World, site: str = "prod") -> Plan:
    """A plan that a person has just approved."""
    now = world.clock.now()
    plan = a_plan(at=now - timedelta(minutes=1), site=site)
    await world.store.plans.record(plan, ANNA, "run-0")
    await world.store.plans.approve(plan.plan_id, ANNA, "fine", now)
    return plan


async def asked(
    world: World, kind: RequestKind = RequestKind.RUN, site: str = "prod", **payload: Any
) -> Request:
    """A request that a person has just made."""
    if kind is RequestKind.UNDO:
        payload = payload or {"user": r"EXAMPLE\anna", "reason": "she called"}
    return await world.store.requests.ask(kind, site, payload, ANNA, world.clock.now())


async def running(store: Store, *sites: str, **more: Any) -> World:
    """An engine that runs for an hour already and has nothing to do."""
    world = a_world(store, *sites, **(RESTING | more))
    await world.look()
    world.clock.advance(minutes=5)
    await world.look()
    world.jobs.seen.clear()
    return world


async def test_a_plan_approved_while_running_is_taken_at_the_next_look(both: Store) -> None:
    world = await running(both)
    await approved(world)

    await world.look()

    assert world.jobs.kinds() == ["apply"]


async def test_a_plan_approved_before_the_start_waits_ten_minutes(store: Store) -> None:
    early = await running(store)
    await approved(early)
    early.clock.advance(seconds=5)
    world = a_world(store, clock=early.clock, **RESTING)
    started = world.clock.now()
    await world.look()

    await world.after(minutes=11)

    assert next(s.at - started for s in world.jobs.of(JobKind.APPLY)) == timedelta(minutes=10)


async def test_a_plan_approved_right_after_the_start_is_taken_at_once(store: Store) -> None:
    world = a_world(store, **RESTING)
    await world.look()
    world.clock.advance(seconds=1)
    await approved(world)

    await world.look()

    assert "apply" in world.jobs.kinds()


async def test_a_plan_that_cannot_be_applied_is_tried_ever_more_seldom(store: Store) -> None:
    world = await running(store)
    await approved(world)

    await world.after(minutes=40)

    times = [seen.at for seen in world.jobs.of(JobKind.APPLY)]
    waits = [(b - a) // timedelta(minutes=1) for a, b in pairwise(times)]
    assert waits == [1, 2, 5, 10, 15]


async def test_under_a_freeze_nothing_is_tried_and_a_thaw_is_noticed(store: Store) -> None:
    world = await running(store)
    await store.control.freeze(ANNA, "audit", world.clock.now())
    await approved(world)
    await world.after(minutes=5)
    frozen = list(world.jobs.seen)

    await store.control.thaw(ANNA, "done", world.clock.now())
    await world.look()

    assert frozen == []
    assert world.jobs.kinds() == ["apply"]


async def test_a_plan_that_failed_and_was_rejected_no_longer_degrades(store: Store) -> None:
    world = await running(store)
    world.jobs.behaviour["apply"] = failing(Unreachable("down"))
    plan = await approved(world)
    await world.look()
    before = world.engine.state.jobs["prod", "apply"].failed

    await store.plans.reject(plan.plan_id, ANNA, "no", world.clock.now())
    await world.look()

    assert before == "down"
    assert world.engine.state.jobs["prod", "apply"].failed == ""


async def test_a_request_to_run_is_carried_out_in_the_name_of_who_asked(both: Store) -> None:
    world = await running(both)
    due = await world.due(JobKind.RELEASE)
    request = await asked(world)

    runs = []

    async def release(job: Job) -> JobResult:
        runs.append(job.run)
        return JobResult(said="5 released", plan_id="plan-7", counts={"released": 5})

    world.jobs.behaviour["release"] = release
    await world.look()

    assert [(run.asked_by, run.by_request) for run in runs] == [("Anna", True)]
    answered = await both.requests.get(request.id)
    assert [(seen.kind, seen.by) for seen in world.jobs.seen] == [(JobKind.RELEASE, "Anna")]
    assert answered.state is RequestState.DONE
    assert answered.result is not None
    assert answered.result["said"] == "5 released"
    assert answered.result["counts"] == {"released": 5}
    assert await world.due(JobKind.RELEASE) == due
    assert await both.leases.holders() == []


async def test_a_request_to_undo_says_what_to_give_back(both: Store) -> None:
    world = await running(both)
    told = []

    async def undo(job: Job) -> JobResult:
        told.append(job.undo)
        return JobResult(said="1 restored")

    world.jobs.behaviour["undo"] = undo
    await asked(world, RequestKind.UNDO)
    await world.look()

    assert told == [WhatToUndo(user=r"EXAMPLE\anna", reason="she called")]


async def test_a_check_that_is_asked_for_is_left_to_whoever_checks(store: Store) -> None:
    world = await running(store)
    request = await asked(world, RequestKind.CHECK)

    await world.look()

    assert world.jobs.kinds() == []
    assert (await store.requests.get(request.id)).state is RequestState.QUEUED


async def test_a_request_that_fails_tells_why(store: Store) -> None:
    world = await running(store)
    world.jobs.behaviour["release"] = failing(Unreachable("no answer from the site"))
    request = await asked(world)

    await world.look()

    answered = await store.requests.get(request.id)
    assert answered.state is RequestState.FAILED
    assert answered.result is not None
    assert answered.result["error"] == "no answer from the site"


async def test_a_run_asked_before_the_start_waits_and_an_undo_does_not(store: Store) -> None:
    early = await running(store)
    await asked(early)
    await asked(early, RequestKind.UNDO)
    early.clock.advance(seconds=5)
    world = a_world(store, clock=early.clock, **RESTING)
    started = world.clock.now()

    await world.look()
    at_once = [s.kind for s in world.jobs.seen if s.by == "Anna"]
    await world.after(minutes=10)

    assert at_once == [JobKind.UNDO]
    (run,) = world.jobs.of(JobKind.RELEASE)
    assert run.at - started == timedelta(minutes=10)


async def test_seats_are_given_back_before_anything_else(store: Store) -> None:
    world = await running(store)
    await asked(world)
    await approved(world)
    await asked(world, RequestKind.UNDO)

    await world.look()

    assert world.jobs.kinds() == ["undo", "apply", "release"]


async def test_a_request_that_cannot_be_understood_fails(store: Store) -> None:
    world = await running(store)
    requests = [
        await asked(world, RequestKind.UNDO, seat="s", user="u"),
        await asked(world, RequestKind.UNDO, site=""),
    ]

    await world.look()

    answered = [await store.requests.get(request.id) for request in requests]
    assert [request.state for request in answered] == [RequestState.FAILED] * 2
    assert world.jobs.seen == []


async def test_a_request_for_a_site_of_another_daemon_is_left_to_it(store: Store) -> None:
    world = await running(store)
    request = await asked(world, site="elsewhere")

    await world.look()
    before = (await store.requests.get(request.id)).state
    world.clock.advance(days=2)
    await world.look()

    assert before is RequestState.QUEUED
    assert (await store.requests.get(request.id)).state is RequestState.FAILED


async def test_an_abandoned_request_fails_and_is_not_done_again(store: Store) -> None:
    world = await running(store)
    request = await asked(world, RequestKind.UNDO)
    await store.requests.take(request.id, world.clock.now())

    world.clock.advance(days=2)
    await world.look(times=2)

    assert (await store.requests.get(request.id)).state is RequestState.FAILED
    assert world.jobs.of(JobKind.UNDO) == []


async def test_a_request_that_nobody_took_for_a_day_lapses(store: Store) -> None:
    world = a_world(store, **RESTING)
    old = await asked(world, RequestKind.UNDO)
    world.clock.advance(days=2)
    await world.look()

    ended = await store.requests.get(old.id)

    assert ended.state is RequestState.FAILED
    assert ended.result == {"error": "no daemon ran within a day; ask again"}
    assert "undo" not in world.jobs.kinds()


async def test_a_held_site_is_waited_for(both: Store) -> None:
    world = await running(both)
    request = await asked(world, RequestKind.UNDO)
    async with both.leases.holding("prod", "apply"):
        await world.look()
        meanwhile = (await both.requests.get(request.id)).state

    await world.look()

    assert meanwhile is RequestState.QUEUED
    assert (await both.requests.get(request.id)).state is RequestState.DONE


async def test_what_was_interrupted_is_settled_before_a_wish(store: Store) -> None:
    world = await running(store)
    dead = await store.leases.claim_site("prod", "apply", world.clock.now())
    store.leases.drop(dead)
    store.leases.ttl, store.leases.margin = -1, 0
    await store.leases.renew([dead])
    store.leases.ttl, store.leases.margin = 30, 7.5
    await asked(world, RequestKind.UNDO)

    await world.look()

    assert [(s.kind, s.interrupted) for s in world.jobs.seen] == [
        (JobKind.UNDO, True),
        (JobKind.UNDO, False),
    ]


async def test_a_reading_gives_way_to_a_person(store: Store) -> None:
    world = await running(store)
    readings = 0

    async def read(job: Job) -> JobResult:
        nonlocal readings
        readings += 1
        if readings == 1:
            await job.run.stop.wait()
            raise Interrupted("ended on request")
        return JobResult(said="read")

    world.jobs.behaviour["monitor"] = read
    await store.leases.reschedule({("prod", "monitor"): world.clock.now()})
    await world.engine.look()
    await asyncio.sleep(0)
    await asked(world, RequestKind.UNDO)

    await world.look()

    assert world.jobs.kinds() == ["monitor", "undo", "monitor"]
    assert [e["event"] for e in world.logs.entries if e["event"] == "job.put_off"]


async def test_people_do_not_wait_for_jobs_on_schedule(store: Store) -> None:
    sites = ("one", "two", "three")
    world = await running(store, *sites, slots=2)
    over = asyncio.Event()
    world.jobs.behaviour["monitor"] = waiting_for(over)
    now = world.clock.now()
    await store.leases.reschedule({("one", "monitor"): now, ("two", "monitor"): now})
    await world.engine.look()
    await asked(world, RequestKind.UNDO, site="three")

    await world.engine.look()
    await asyncio.sleep(0)
    kinds = world.jobs.kinds()
    over.set()
    await world.look()

    assert kinds == ["monitor", "monitor", "undo"]


async def test_people_do_not_crowd_out_each_other_without_end(store: Store) -> None:
    sites = [f"site-{n}" for n in range(FOR_PEOPLE + 3)]
    world = await running(store, *sites)
    over = asyncio.Event()
    world.jobs.behaviour["undo"] = waiting_for(over)
    for site in sites:
        await asked(world, RequestKind.UNDO, site=site)

    for _ in range(3):
        await world.engine.look()
    at_once = len(world.jobs.seen)
    over.set()
    await world.look()

    assert at_once == FOR_PEOPLE
    assert len(world.jobs.seen) == len(sites)
