"""A snapshot is whole or it does not exist (design rule 15)."""

from __future__ import annotations

import pytest

from builders import PROFESSIONAL, a_user, an_allocation
from fakes import FakeReader, FakeSite, Process, fail_with
from flow_world import a_world
from seatkeeper.core.model import Allocation, LicenseType, UsageState
from seatkeeper.errors import IncompleteRead, NoAnswer
from seatkeeper.flow.collect import collect


def _reader(site: FakeSite) -> FakeReader:
    return FakeReader(site, Process())


async def test_everything_is_read() -> None:
    world = a_world(5)

    snapshot = await collect("prod", _reader(world.fake), world.clock.now())

    assert snapshot.users == world.fake.users
    assert {s.id for s in snapshot.allocations} == set(world.fake.seats)
    assert snapshot.witness.state is UsageState.GIVEN
    assert snapshot.skew == world.fake.skew


async def test_a_list_of_seats_that_differs_from_its_count_once_is_read_again() -> None:
    world = a_world(5)
    seat = an_allocation(r"EXAMPLE\new")
    world.fake.on("count_allocations", lambda: world.fake.seats.update({seat.id: seat}), times=1)

    snapshot = await collect("prod", _reader(world.fake), world.clock.now())

    assert seat in snapshot.allocations


async def test_a_list_of_users_that_differs_from_its_count_once_is_read_again() -> None:
    world = a_world(5)
    user = a_user(r"EXAMPLE\new")
    world.fake.on("count_users", lambda: world.fake.users.update({user.id: user}), times=1)

    snapshot = await collect("prod", _reader(world.fake), world.clock.now())

    assert user.id in snapshot.users


class _Missing(FakeReader):
    """A reader whose lists lack rows that the site counts."""

    async def allocations(self, license_type: LicenseType) -> list[Allocation]:
        return (await super().allocations(license_type))[1:]


async def test_a_list_that_differs_twice_is_no_snapshot() -> None:
    world = a_world(5)

    with pytest.raises(IncompleteRead, match="counts 20 professional seats but listed 19, twice"):
        await collect("prod", _Missing(world.fake, Process()), world.clock.now())


class _Doubling(FakeReader):
    """A reader that lists one seat twice and leaves another out."""

    async def allocations(self, license_type: LicenseType) -> list[Allocation]:
        seats = await super().allocations(license_type)
        return [seats[0], *seats[:-1]] if seats else []


async def test_a_seat_listed_twice_does_not_hide_a_missing_one() -> None:
    world = a_world(5)

    with pytest.raises(IncompleteRead):
        await collect("prod", _Doubling(world.fake, Process()), world.clock.now())


@pytest.mark.parametrize(
    "call",
    ["server_license", "overview", "users", "count_users", "allocations", "count_allocations"],
)
async def test_a_part_that_cannot_be_read_is_no_snapshot(call: str) -> None:
    world = a_world(5)
    world.fake.on(call, fail_with(NoAnswer("cut off")))

    with pytest.raises(NoAnswer):
        await collect("prod", _reader(world.fake), world.clock.now())


async def test_a_whole_site_takes_a_dozen_requests_whatever_its_size() -> None:
    world = a_world(500)

    snapshot = await collect("prod", _reader(world.fake), world.clock.now())

    assert sum(s.license_type is PROFESSIONAL for s in snapshot.allocations) == 2000
    assert world.fake.asked <= 12
