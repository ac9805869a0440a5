from __future__ import annotations

import sqlalchemy as sa

from seatkeeper.core.outcome import Outcome
from seatkeeper.core.scrape import Counted
from seatkeeper.store import Store
from seatkeeper.store.tables import PLAN_ACTION
from seatkeeper.store.watch_tables import SEAT_EVENT
from stored import ENGINE, NOW, a_plan, an_outcome, applied, some_actions

RELEASED = Counted("prod", "professional", "released", "idle")
UNKNOWN = Counted("prod", "professional", "unknown", "idle")


async def test_nothing_done_counts_nothing(store: Store) -> None:
    assert await store.counters.releases() == {}
    assert await store.counters.regrets() == {}


async def test_releases_are_counted_by_outcome_and_reason(store: Store) -> None:
    await applied(store, a_plan(*some_actions(3)))
    await applied(store, a_plan(*some_actions(2, "w")), Outcome.REFUSED, "run-2")

    refused = RELEASED._replace(outcome="refused")
    assert await store.counters.releases() == {RELEASED: 3, refused: 2}


async def test_an_outcome_found_out_later_takes_nothing_back(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan, Outcome.UNKNOWN)
    assert await store.counters.releases() == {UNKNOWN: 2}

    found_out = [an_outcome(plan.actions[0], Outcome.RELEASED)]
    await store.plans.settle(plan.plan_id, "run-2", ENGINE, found_out, NOW, later=True)

    assert await store.counters.releases() == {UNKNOWN: 2, RELEASED: 1}
    assert await store.counters.releases() == {UNKNOWN: 2, RELEASED: 1}


async def test_rows_that_were_pruned_stay_counted(store: Store) -> None:
    await applied(store, a_plan(*some_actions(3)))
    assert await store.counters.releases() == {RELEASED: 3}
    with store._db.writing() as conn:
        conn.execute(sa.delete(PLAN_ACTION))
    assert await store.counters.releases() == {RELEASED: 3}

    await applied(store, a_plan(*some_actions(1, "w")), run_id="run-2")

    assert await store.counters.releases() == {RELEASED: 4}


async def test_seats_that_came_back_are_counted(store: Store) -> None:
    came_back = {
        "site": "prod",
        "at": NOW,
        "kind": "came_back",
        "through": "",
        "license_type": "analyzer",
        "allocation_id": "seat-1",
        "plan_id": "",
    }
    with store._db.writing() as conn:
        conn.execute(sa.insert(SEAT_EVENT), [came_back, came_back | {"kind": "allocated"}])

    assert await store.counters.regrets() == {Counted("prod", "analyzer"): 1}
