from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from builders import NOW, a_snapshot, an_allocation, changed
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.retention import Retention
from seatkeeper.core.scrape import Counted
from seatkeeper.store import Store, open_store
from seatkeeper.store.tables import PLAN_ACTION
from stored import (
    ENGINE,
    JANE,
    a_plan,
    an_action,
    an_outcome,
    applied,
    applying,
    later,
    some_actions,
)

RELEASED = Counted("prod", "professional", "released", "idle")
REFUSED = RELEASED._replace(outcome="refused")
UNKNOWN = RELEASED._replace(outcome="unknown")


async def test_nothing_done_counts_nothing(store: Store) -> None:
    assert await store.counters.releases() == {}
    assert await store.counters.regrets() == {}


async def test_releases_are_counted_by_outcome_and_reason(store: Store) -> None:
    await applied(store, a_plan(*some_actions(3)))
    await applied(store, a_plan(*some_actions(2, "w")), Outcome.REFUSED, "run-2")

    assert await store.counters.releases() == {RELEASED: 3, REFUSED: 2}


async def test_an_outcome_found_out_later_takes_nothing_back(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applied(store, plan, Outcome.UNKNOWN)
    assert await store.counters.releases() == {UNKNOWN: 2}

    found_out = [an_outcome(plan.actions[0], Outcome.RELEASED)]
    await store.plans.settle(plan.plan_id, "run-2", ENGINE, found_out, NOW, later=True)

    assert await store.counters.releases() == {UNKNOWN: 2, RELEASED: 1}
    assert await store.counters.releases() == {UNKNOWN: 2, RELEASED: 1}


async def test_what_was_not_begun_is_counted_without_a_reason(store: Store) -> None:
    plan = a_plan(*some_actions(2))
    await applying(store, plan)
    left = [an_outcome(action, Outcome.CHANGED) for action in plan.actions]
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, left, NOW)

    changed = RELEASED._replace(outcome="changed", reason="")
    assert await store.counters.releases() == {changed: 2}


async def test_nothing_that_becomes_of_rows_moves_a_counter(url: str) -> None:
    store = open_store(url)
    await applied(store, a_plan(*some_actions(3)))
    await applied(store, a_plan(*some_actions(2, "w")), Outcome.REFUSED, "run-2")
    before = await store.counters.releases()

    await store.ledger.erase(some_actions(1)[0].user, JANE, "asked for it", later(1))
    with store._db.writing() as conn:
        conn.execute(sa.delete(PLAN_ACTION))
    store.close()
    again = open_store(url)
    assert await again.counters.releases() == before == {RELEASED: 3, REFUSED: 2}

    await applied(again, a_plan(*some_actions(1, "v")), run_id="run-3")

    assert await again.counters.releases() == {RELEASED: 4, REFUSED: 2}
    again.close()


async def test_seats_that_came_back_are_counted_although_the_change_is_pruned(
    store: Store,
) -> None:
    seat = an_allocation()
    await store.activity.observe(a_snapshot([seat]), NOW)
    action = an_action(allocation_id=seat.id)
    await applied(store, a_plan(action, at=later(1)), Outcome.QUARANTINED)
    for days, blocked in ((1, True), (2, False)):
        at = NOW + timedelta(days=days)
        seen = a_snapshot([changed(seat, quarantined=blocked)], now=at)
        await store.activity.observe(seen, at)
    assert await store.counters.regrets() == {Counted("prod", "professional"): 1}

    await store.pruning.prune(Retention(), NOW + timedelta(days=6 * 365))

    assert await store.counters.regrets() == {Counted("prod", "professional"): 1}
