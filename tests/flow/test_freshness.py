"""A DELETE follows its second look within five seconds, or it is not sent (design rule 20)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fakes import Delete, FakeReader
from flow_world import a_world, counted
from seatkeeper.core.model import User
from seatkeeper.core.record import Kind
from seatkeeper.flow.sending import FRESH


async def test_no_delete_leaves_later_than_five_seconds_after_its_look_began() -> None:
    world = a_world(100)
    world.fake.latency = 0.9
    stored = await world.plan()
    looks: list[datetime] = []
    world.fake.on("users_by_id", lambda: looks.append(world.clock.now()))

    result = await world.apply(stored)

    assert counted(result) == {"released": 100}
    for at, _ in world.fake.deleted:
        # A DELETE arrives 0.9 s after it left.
        newest = max(look for look in looks if look < at)
        assert at - newest <= FRESH


async def test_stale_seats_go_back_and_are_looked_at_again() -> None:
    world = a_world(100)
    world.fake.latency = 0.9
    stored = await world.plan()
    looks = world.fake.calls["users_by_id"]

    await world.apply(stored)

    assert world.fake.calls["users_by_id"] - looks > 4
    assert len(world.fake.deleted) == len({i for _, i in world.fake.deleted}) == 100


async def test_a_site_too_slow_for_the_second_look_ends_the_run_with_a_reason() -> None:
    world = a_world(100)
    stored = await world.plan()
    world.fake.latency = 6.0

    result = await world.apply(stored)

    assert counted(result) == {"not_attempted": 100}
    assert "answers too slowly" in result.stopped
    assert not world.fake.deleted
    assert not world.store.intents


async def test_a_clock_set_back_does_not_make_an_old_look_fresh() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.on("users_by_id", lambda: world.clock.advance(hours=-1), times=2)

    result = await world.apply(stored)

    assert not world.fake.deleted
    assert counted(result) == {"not_attempted": 5}


class _SlowForMany(FakeReader):
    """A reader that needs 20 ms for each user it is asked for."""

    async def users_by_id(self, ids: Sequence[str]) -> dict[str, User]:
        await asyncio.sleep(0.02 * len(ids))
        return await super().users_by_id(ids)


async def test_a_batch_too_large_to_be_looked_at_in_time_is_followed_by_a_small_one() -> None:
    world = a_world(200)
    stored = await world.plan()
    hand = world.process()
    hand.site = replace(hand.site, reader=_SlowForMany(world.fake, hand.process))

    assert counted(await world.apply(stored, hand)) == {"released": 200}


async def test_batches_are_as_large_as_can_be_sent_while_the_look_is_fresh() -> None:
    world = a_world(200)
    world.fake.latency = 0.2
    stored = await world.plan()

    await world.apply(stored)

    assert world.store.kinds().count(Kind.RELEASE_INTENT) == 200


async def test_a_very_slow_delete_makes_small_batches_and_not_none() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.on("release", lambda: asyncio.sleep(10))

    assert counted(await world.apply(stored, world.process(concurrency=1))) == {"released": 5}


async def test_what_never_left_is_tried_again_and_then_left_alone() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.every_delete = Delete.UNSENT

    result = await world.apply(stored)

    assert counted(result) == {"not_attempted": 5}
    assert "connection refused" in result.stopped
    assert not world.fake.deleted
