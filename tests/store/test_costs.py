from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from builders import NOW, PROFESSIONAL, changed
from seatkeeper.core.cost import Freed, SeatGroup, SeatGroups
from seatkeeper.core.outcome import Outcome
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

    assert await store.costs.newest("prod") == SEATS
    assert await store.costs.newest("test") is None


async def test_seats_counted_by_a_clock_that_was_ahead_give_way(store: Store) -> None:
    await store.costs.keep(changed(SEATS, at=NOW + timedelta(days=30)))
    await store.costs.keep(SEATS)

    assert await store.costs.newest("prod") == SEATS


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
