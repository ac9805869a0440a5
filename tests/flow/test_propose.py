"""From a site to a recorded plan, with everybody who shares its license (design rule 4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import a_policy
from fakes import fail_with
from flow_world import World, a_world, idle_seats, limited
from seatkeeper.core.model import LicenseType, UsageState
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Mode, Policy, Shared, SharedKind
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import IncompleteRead, Unreachable
from seatkeeper.flow.propose import sharing

FIRST = idle_seats(1)[0]


def _shared(kind: SharedKind, *sites: str) -> Policy:
    return a_policy(mode=Mode.APPROVE, shared=Shared(kind, sites))


async def _found(world: World, *others: World) -> list[str]:
    hand = world.process()
    sites = [hand.site, *(other.process().site for other in others)]
    return [s.name for s in await sharing(hand.site, sites, hand.records)]


async def test_activity_on_a_site_under_the_same_license_keeps_the_seat() -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.use(FIRST.id)

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert FIRST.id not in {a.allocation_id for a in stored.plan.actions}
    assert stored.plan.kept["active_elsewhere"] == 1


async def test_a_last_use_that_cannot_be_read_under_the_same_license_keeps_the_seat() -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.change_seat(FIRST.id, last_used=None, doubt="lastUsed is no date")

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert FIRST.id not in {a.allocation_id for a in stored.plan.actions}
    assert stored.plan.kept["unclear"] == 1


def _broken(stored: StoredPlan) -> list[Limit]:
    return [v.limit for v in stored.plan.violations]


async def test_a_partner_that_shows_no_seats_any_more_blocks_the_plan() -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.use(FIRST.id)
    other.fake.hides_seats = True

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert stored.status is PlanStatus.BLOCKED
    assert _broken(stored) == [Limit.INCOMPLETE, Limit.INCOMPLETE]
    assert stored.plan.violations[0].message == (
        "site test, which shares the license, counts 20 professional seats but listed 0"
    )
    assert "the QRS user on test" in stored.plan.violations[0].way_out


async def test_in_auto_a_partner_that_shows_no_seats_any_more_releases_nothing() -> None:
    world, other = a_world(5), a_world(5, name="test")
    world.in_mode(Mode.AUTO)
    world.policy = replace(world.policy, shared=Shared(SharedKind.SITES, ("test",)))
    other.fake.hides_seats = True

    found = await world.cycle(sites=[other.process().site])

    assert found.stored.status is PlanStatus.BLOCKED
    assert not world.fake.deleted


async def test_a_partner_whose_clock_differs_blocks_the_plan() -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.skew = timedelta(minutes=-7)

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert _broken(stored) == [Limit.CLOCK_SKEW]
    assert stored.plan.violations[0].message.startswith(
        "the clock of site test, which shares the license, is 420 s behind ours"
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (UsageState.UNREADABLE, "usage_unreadable"),
        (UsageState.NOT_GIVEN, "usage_refused"),
        (UsageState.EMPTY, "usage_empty"),
    ],
)
async def test_a_partner_whose_usage_rows_are_gone_is_no_witness_any_more(
    state: UsageState, code: str
) -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.store = world.store
    await other.plan(approved=False)
    other.fake.usage_state = state

    observed = await world.plan(approved=False, partners=[other.process().site])
    world.in_mode(Mode.AUTO)
    automatic = await world.plan(approved=False, partners=[other.process().site])

    always = [Limit.INCOMPLETE] if state is UsageState.UNREADABLE else []
    assert _broken(observed) == always
    assert [w.code for w in observed.plan.warnings] == [code]
    assert _broken(automatic) == [Limit.INCOMPLETE]
    assert "on site test, which shares the license" in automatic.plan.violations[0].message


async def test_a_partner_that_never_gave_usage_rows_is_believed() -> None:
    world, other = a_world(5), a_world(5, name="test")
    world.in_mode(Mode.AUTO)
    other.fake.usage_state = UsageState.NOT_GIVEN

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert _broken(stored) == []
    assert stored.status is PlanStatus.APPROVED


async def test_what_blocks_because_of_a_partner_is_passed_like_any_limit() -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.hides_seats = True
    world.override(Limit.INCOMPLETE)

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert _broken(stored) == []
    assert {o.limit for o in stored.plan.overridden} == {Limit.INCOMPLETE}


@pytest.mark.parametrize("call", ["users", "allocations", "overview"])
async def test_a_partner_that_cannot_be_read_whole_means_no_plan(call: str) -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.on(call, fail_with(Unreachable("down")))

    with pytest.raises(IncompleteRead, match="site test shares the license"):
        await world.plan(partners=[other.process().site])

    assert not world.store.plans


async def test_the_same_license_number_means_sharing() -> None:
    world = a_world(policy=_shared(SharedKind.UNKNOWN))
    same, different = a_world(name="same"), a_world(name="different")
    different.fake.number = "9999"

    assert await _found(world, same, different) == ["same"]


async def test_a_license_without_a_number_is_like_no_other() -> None:
    world, other = a_world(policy=_shared(SharedKind.UNKNOWN)), a_world(name="other")
    world.fake.number = other.fake.number = None

    assert await _found(world, other) == []


@pytest.mark.parametrize("namer", ["prod", "test"])
async def test_naming_on_either_side_means_sharing(namer: str) -> None:
    kinds = {namer: _shared(SharedKind.SITES, *({"prod", "test"} - {namer}))}
    world = a_world(policy=kinds.get("prod", _shared(SharedKind.NOBODY)))
    other = a_world(name="test", policy=kinds.get("test", _shared(SharedKind.NOBODY)))
    world.fake.number, other.fake.number = "1", "2"

    assert await _found(world, other) == ["test"]


async def test_a_site_is_named_in_any_case() -> None:
    world = a_world(policy=_shared(SharedKind.SITES, "TEST"))
    other = a_world(name="test", policy=_shared(SharedKind.NOBODY))
    world.fake.number, other.fake.number = "1", "2"

    assert await _found(world, other) == ["test"]


async def test_a_plan_says_whose_activity_it_counted() -> None:
    world, other = a_world(5), a_world(5, name="test")

    stored = await world.plan(approved=False, partners=[other.process().site])

    assert stored.plan.shared_with == ("test",)


async def test_a_site_never_read_that_cannot_be_asked_means_no_plan_when_nothing_is_said() -> None:
    world, other = a_world(policy=_shared(SharedKind.UNKNOWN)), a_world(name="test")
    other.fake.on("server_license", fail_with(Unreachable("down")))

    with pytest.raises(IncompleteRead, match="whether site test shares the license"):
        await _found(world, other)


async def test_a_site_that_is_down_does_not_matter_to_one_that_says_it_shares_with_nobody() -> None:
    world, other = a_world(policy=_shared(SharedKind.NOBODY)), a_world(name="test")
    other.fake.on("server_license", fail_with(Unreachable("down")))

    assert await _found(world, other) == []


async def test_the_same_number_once_read_counts_whatever_is_said() -> None:
    world, other = a_world(policy=_shared(SharedKind.NOBODY)), a_world(name="test")
    other.store = world.store
    await other.plan(approved=False)

    assert await _found(world, other) == ["test"]


async def test_a_single_site_is_not_asked_for_its_license() -> None:
    world = a_world(policy=_shared(SharedKind.UNKNOWN))

    assert await _found(world) == []
    assert not world.fake.asked


@pytest.mark.parametrize(
    ("mode", "status"), [(Mode.AUTO, PlanStatus.APPROVED), (Mode.APPROVE, PlanStatus.OPEN)]
)
async def test_the_mode_approves_only_in_auto(mode: Mode, status: PlanStatus) -> None:
    world = a_world(5)
    world.in_mode(mode)

    stored = await world.plan(approved=False)

    assert stored.status is status
    assert world.store.plans[stored.plan.plan_id].status is status


async def test_an_empty_plan_is_never_approved_by_the_mode() -> None:
    world = a_world(0)
    world.in_mode(Mode.AUTO)

    assert (await world.plan(approved=False)).status is PlanStatus.OPEN


async def test_releases_of_the_last_day_leave_less_room() -> None:
    world = a_world(5)
    await world.apply(await world.plan())
    world.policy = limited(max_per_day=7)
    for seat in idle_seats(5):
        world.fake.seats[seat.id] = seat

    stored = await world.plan(approved=False)

    assert len(stored.plan.actions) == 2
    assert len(stored.plan.deferred) == 3


async def test_seats_of_every_type_are_read_for_activity_even_if_not_enabled() -> None:
    world = a_world(5)

    await world.plan(approved=False)

    assert world.fake.calls["allocations"] == len(LicenseType)
