"""A give-back that a crash left open is settled by a reading, and granted no second time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fakes import Crash
from flow_world import World, a_world, idle_seats
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.record import StoredPlan

SEAT = idle_seats(1)[0].id
LATER = timedelta(minutes=5)


async def _killed_while_giving_back(step: str) -> tuple[World, StoredPlan]:
    """Kill the process at a step of giving back a seat whose user became active (rule 22)."""
    world = a_world(3)
    stored = await world.plan()
    world.fake.on("release", lambda: world.fake.use(SEAT), times=1)
    trial = a_world(3)
    planned = await trial.plan()
    trial.fake.on("release", lambda: trial.fake.use(SEAT), times=1)
    steps = trial.process()
    await trial.apply(planned, steps)
    hand = world.process(crash_at=steps.process.steps.index(step))
    with pytest.raises(Crash):
        await world.apply(stored, hand)
    return world, stored


def _given(world: World) -> GrantOutcome | None:
    given = next(iter(world.store.grants.values()))
    return given.outcome if given else None


@pytest.mark.parametrize("step", ["grant answered", "settle_grants"])
async def test_a_seat_given_back_just_before_a_crash_is_told_so(step: str) -> None:
    world, stored = await _killed_while_giving_back(step)

    await world.recover()

    assert world.store.outcomes(stored.plan.plan_id)[SEAT] is Outcome.CHANGED
    assert _given(world) is GrantOutcome.RESTORED
    assert world.fake.calls["grant"] == 1


async def test_a_give_back_that_did_not_happen_stays_open_while_it_may_still() -> None:
    world, _ = await _killed_while_giving_back("grant")

    await world.recover()
    early = _given(world)
    world.clock.advance(seconds=LATER.total_seconds())
    await world.recover()

    assert early is None
    assert _given(world) is GrantOutcome.REFUSED


async def test_an_undo_killed_after_its_post_is_settled_too() -> None:
    world = a_world(1)
    stored = await world.plan()
    await world.apply(stored)
    hand = world.process()
    trial = a_world(1)
    planned = await trial.plan()
    await trial.apply(planned)
    steps = trial.process()
    await trial.undo(planned.plan.plan_id, steps)
    hand = world.process(crash_at=steps.process.steps.index("grant answered"))
    with pytest.raises(Crash):
        await world.undo(stored.plan.plan_id, hand)

    await world.recover()

    assert _given(world) is GrantOutcome.RESTORED
    assert world.store.outcomes(stored.plan.plan_id)[SEAT] is Outcome.RELEASED
