from __future__ import annotations

from datetime import timedelta

from seatkeeper.core.points import ReleasedSeat
from seatkeeper.store import Store
from stored import ANNA, NOW, a_plan, an_action, applied, some_actions


async def test_releases_are_told_with_how_long_nobody_used_them(store: Store) -> None:
    plan = a_plan(an_action(idle_days=77), *some_actions(2))
    await applied(store, plan)

    found = await store.releases.since("prod", NOW - timedelta(hours=1))

    assert len(found) == 3
    anna = next(seat for seat in found if seat.user == ANNA)
    action = plan.actions[0]
    assert anna == ReleasedSeat(action.allocation_id, action.license_type, ANNA, 77, anna.at)
    assert await store.releases.since("prod", anna.at + timedelta(seconds=1)) == []
    assert await store.releases.since("other", NOW) == []


async def test_the_secret_for_hashing_people_stays_the_same(store: Store) -> None:
    assert await store.pseudonyms.key() == await store.pseudonyms.key() != b""
