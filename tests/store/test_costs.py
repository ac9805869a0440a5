from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from builders import NOW, PROFESSIONAL, a_pool, a_snapshot, changed
from seatkeeper.core.cost import SeatGroup, SeatGroups
from seatkeeper.core.cost_month import Month
from seatkeeper.core.model import Capacity, Overview
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.retention import Retention
from seatkeeper.core.savings import Freed
from seatkeeper.store import Store
from seatkeeper.store.watch_tables import SEAT_EVENT
from stored import JANE, a_grant, a_plan, applied, hold, later, some_actions

SEATS = SeatGroups(
    site="prod",
    at=NOW,
    groups=(SeatGroup(department="Sales", license_type=PROFESSIONAL, allocated=3, idle=1),),
)


async def test_the_newest_seats_of_a_site_are_kept(store: Store) -> None:
    older = SeatGroups(site="prod", at=NOW - timedelta(hours=1), groups=())
    for seats in (older, SEATS, older):
        await store.costs.keep(seats)

    assert await store.costs.newest("prod", NOW) == SEATS
    assert await store.costs.newest("test", NOW) is None


async def test_seats_counted_by_a_clock_that_was_ahead_give_way(store: Store) -> None:
    await store.costs.keep(changed(SEATS, at=NOW + timedelta(days=30)))
    await store.costs.keep(SEATS)

    assert await store.costs.newest("prod", NOW) == SEATS


async def test_of_every_day_the_newest_seats_are_kept_for_its_month(store: Store) -> None:
    month = Month.of(NOW.date())
    begin, day = month.begin, timedelta(days=1)
    readings = [begin - day, begin, begin + day / 2, begin + 3 * day, month.end]
    for at in readings:
        await store.costs.keep(SeatGroups(site="prod", at=at, groups=()))

    known = await store.costs.month("prod", month)

    assert [groups.at for groups in known.groups] == [begin + day / 2, begin + 3 * day]
    assert await store.costs.known_since("prod") == (begin - day).date()
    assert await store.costs.known_since("test") is None


async def test_pools_and_minutes_of_a_month_are_known(store: Store) -> None:
    month = Month.of(NOW.date())
    for day, minutes in ((3, 10), (4, 40), (5, 100)):
        at = month.begin + timedelta(days=day)
        overview = Overview((a_pool(allocated=day),), Capacity(True, 1000, minutes, 0))
        reading = replace(a_snapshot(now=at), overview=overview)
        await store.history.observe(reading)
        await store.activity.observe(reading, at)

    known = await store.costs.month("prod", month)

    told = [(p.day.day, p.seats) for p in known.pools if p.name == "allocated"]
    assert told == [(4, 3), (5, 4), (6, 5)]
    assert known.minutes == 90
    assert await store.costs.pools("prod", month) == known.pools
    assert (await store.costs.month("prod", month.before)).minutes is None


async def test_old_days_are_forgotten_but_for_the_newest(store: Store) -> None:
    for days in (0, 1, 50):
        at = NOW + timedelta(days=days)
        await store.costs.keep(SeatGroups(site="prod", at=at, groups=()))
    retention = Retention(timedelta(days=7), timedelta(days=31))

    first = await store.pruning.prune(retention, NOW + timedelta(days=60))
    then = await store.pruning.prune(retention, NOW + timedelta(days=900))

    assert (first.rows["days of departments"], then.rows["days of departments"]) == (2, 0)
    newest = await store.costs.newest("prod", NOW + timedelta(days=900))
    assert newest is not None
    assert newest.at == NOW + timedelta(days=50)


async def test_of_a_past_month_the_releases_until_its_end_count(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan)
    month = Month.of(plan.created_at.date())

    assert await store.costs.freed("prod", month.end, month.begin) == [
        Freed(PROFESSIONAL, plan.created_at, 2)
    ]
    assert await store.costs.freed("prod", month.begin, month.before.begin) == []


async def test_what_the_newest_reading_cost_is_kept_to_the_cent(store: Store) -> None:
    cost = {"professional": {"spend": Decimal("100000.10"), "savings": Decimal("0.07")}}
    other = {"professional": {"spend": Decimal(1)}}
    await store.costs.keep_amounts("prod", NOW + timedelta(days=30), other)  # a clock was ahead
    await store.costs.keep_amounts("prod", NOW, cost)
    await store.costs.keep_amounts("prod", NOW - timedelta(hours=1), other)

    assert await store.costs.amounts() == {"prod": cost}


async def test_what_was_released_and_stayed_free_saves(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan)
    await applied(store, a_plan(*some_actions(1, "w")), Outcome.REFUSED, "run-2")
    at = plan.created_at

    assert await store.costs.freed("prod", at) == [Freed(PROFESSIONAL, at, 2)]
    next_month = at + timedelta(days=40)
    begin = next_month.replace(day=1, hour=0)
    assert await store.costs.freed("prod", next_month) == [Freed(PROFESSIONAL, begin, 2)]
    assert await store.costs.freed("prod", at + timedelta(days=366)) == []


async def test_a_seat_that_came_back_saves_nothing(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan)
    came_back = {
        "site": "prod",
        "at": plan.created_at,
        "kind": "came_back",
        "through": "",
        "license_type": "professional",
        "allocation_id": plan.actions[0].allocation_id,
        "plan_id": plan.plan_id,
    }
    with store._db.writing() as conn:
        conn.execute(sa.insert(SEAT_EVENT).values(came_back))

    (left,) = await store.costs.freed("prod", plan.created_at)
    assert left.seats == 1


async def test_a_seat_that_was_given_back_saves_nothing(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan)
    seat, *_ = await store.plans.released(plan_id=plan.plan_id)
    held = await hold(store, kind="undo")
    await store.plans.intend_grants("run-2", JANE, held, [seat], "needed after all", later(1))
    await store.plans.settle_grants("run-2", JANE, "prod", [a_grant(seat)], later(1))

    (left,) = await store.costs.freed("prod", later(2))
    assert left.seats == 1


async def test_the_department_of_a_released_seat_is_kept_once_it_is_known(store: Store) -> None:
    plan = a_plan(*some_actions(3))
    await applied(store, plan)
    at, costs = plan.created_at, store.costs
    first, second, _ = ((plan.plan_id, a.allocation_id) for a in plan.actions)

    open_ = await costs.unattributed("prod", "department", at)
    assert set(open_.values()) == {a.user_id for a in plan.actions}
    await costs.attribute("department", {first: "Sales", second: "Sales"})

    assert len(await costs.unattributed("prod", "department", at)) == 1
    assert await costs.unattributed("test", "department", at) == {}
    found = await costs.freed("prod", at)
    assert {(one.department, one.seats) for one in found} == {("Sales", 2), (None, 1)}


async def test_another_attribute_is_looked_up_anew(store: Store) -> None:
    plan = a_plan(*some_actions(1))
    await applied(store, plan)
    key = (plan.plan_id, plan.actions[0].allocation_id)
    await store.costs.attribute("department", {key: "Sales"})

    assert list(await store.costs.unattributed("prod", "costcenter", plan.created_at)) == [key]
    await store.costs.attribute("costcenter", {key: "4711"})

    (one,) = await store.costs.freed("prod", plan.created_at)
    assert one.department == "4711"
