"""How many requests an application costs; a call by ids costs one for 35 of them."""

from __future__ import annotations

import pytest

from builders import ANALYZER, PROFESSIONAL, a_policy, days_ago, some_limits, some_seats
from flow_world import a_world, counted
from seatkeeper.core.policy import Mode


@pytest.mark.parametrize(("professional", "most"), [(1000, 110), (0, 110), (500, 118)])
async def test_a_thousand_seats_take_few_readings(professional: int, most: int) -> None:
    """At most 1,130 requests in all: 1,000 DELETEs and about 12 for the plan leave 118."""
    seats = some_seats(professional, last_used=days_ago(100))
    seats += some_seats(
        1000 - professional, last_used=days_ago(100), prefix="v", license_type=ANALYZER
    )
    seats += some_seats(3000, last_used=days_ago(1), prefix="av", license_type=ANALYZER)
    world = a_world(seats, policy=a_policy(mode=Mode.APPROVE, limits=some_limits(max_per_run=1000)))
    world.fake.latency = 0.02
    stored = await world.plan()
    planning = world.fake.asked
    begun = world.clock.now()

    result = await world.apply(stored, world.process(concurrency=8))

    assert counted(result) == {"released": 1000}
    assert world.fake.calls["release"] == 1000
    assert planning <= 12
    assert world.fake.asked - planning <= most
    assert (world.clock.now() - begun).total_seconds() < 6


async def test_no_request_is_for_a_single_user() -> None:
    world = a_world(200)
    stored = await world.plan()
    before = world.fake.calls.copy()

    await world.apply(stored)

    calls = world.fake.calls - before
    assert calls["users_by_id"] == 2
    assert calls["allocations_of_users"] == 0
    assert {s.license_type for s in world.fake.seats.values()} == {PROFESSIONAL, ANALYZER}
