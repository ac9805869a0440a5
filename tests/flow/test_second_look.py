r"""What a batch looks like seconds before its seats go (design rule 20)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import (
    ANALYZER,
    a_policy,
    a_user,
    an_allocation,
    an_exemption,
    days_ago,
    id_of,
    some_limits,
)
from fakes import FakeReader, FakeSite, Process, fail_with
from flow_world import a_world, counted, details, idle_seats
from seatkeeper.core.model import NAMED_LISTS, UsageList, UsageState, person_key
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import Limit
from seatkeeper.core.policy import ExemptionKind, Mode, TypePolicy
from seatkeeper.errors import NoAnswer, NotAllowed, PlanStale, Unreachable
from seatkeeper.flow.context import Site

FIRST = idle_seats(1)[0]


def _hand_over(site: FakeSite) -> None:
    site.users["other"] = a_user(r"EXAMPLE\other", id="other")
    site.change_seat(FIRST.id, user_id="other", holder=r"EXAMPLE\other")


CHANGES: dict[str, Callable[[FakeSite], object]] = {
    "the seat was used": lambda site: site.use(FIRST.id),
    "the user got a protecting tag": lambda site: site.change_user(
        id_of(FIRST.holder), tags=("Keep",)
    ),
    "the user became a root administrator": lambda site: site.change_user(
        id_of(FIRST.holder), directory="INTERNAL"
    ),
    "the user is gone": lambda site: site.users.pop(id_of(FIRST.holder)),
    "the seat went into quarantine": lambda site: site.change_seat(FIRST.id, quarantined=True),
    "the site no longer tells about quarantine": lambda site: site.change_seat(
        FIRST.id, quarantined=None
    ),
    "the seat is in excess": lambda site: site.change_seat(FIRST.id, excess=True),
    "the seat belongs to somebody else, who is idle too": _hand_over,
    "the user was deleted": lambda site: site.change_seat(
        FIRST.id, user_id=None, holder="", deleted_user=True
    ),
    "the row has a doubt": lambda site: site.change_seat(FIRST.id, doubt="an odd date"),
    "the last use is another, though long ago": lambda site: site.change_seat(
        FIRST.id, last_used=days_ago(95)
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_differs_from_the_plan_is_changed_and_stays(what: str) -> None:
    policy = a_policy(
        an_exemption(ExemptionKind.TAG, "keep"),
        an_exemption(ExemptionKind.USER_DIRECTORY, "internal"),
        mode=Mode.APPROVE,
    )
    world = a_world(5, policy=policy)
    stored = await world.plan()
    CHANGES[what](world.fake)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "changed": 1}
    assert FIRST.id in world.fake.seats
    assert FIRST.id not in {i for _, i in world.fake.deleted}
    assert details(result, Outcome.CHANGED)[0]


async def test_a_seat_that_is_gone_is_already_gone_and_no_delete_is_sent() -> None:
    world = a_world(5)
    stored = await world.plan()
    del world.fake.seats[FIRST.id]

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "already_gone": 1}
    assert len(world.fake.deleted) == 4


NO_ANALYZERS = replace(
    a_policy(mode=Mode.APPROVE),
    analyzer=TypePolicy(enabled=False, release_after=timedelta(days=90)),
)


async def test_activity_on_another_seat_of_the_person_keeps_the_seat() -> None:
    other = an_allocation(FIRST.holder, license_type=ANALYZER, last_used=days_ago(200))
    world = a_world([*idle_seats(5), other], policy=NO_ANALYZERS)
    stored = await world.plan()
    world.fake.use(other.id)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "changed": 1}


async def test_a_person_who_returned_under_another_spelling_is_recognised() -> None:
    other = an_allocation(
        r"example\U0", license_type=ANALYZER, last_used=days_ago(300), user_id="another"
    )
    people = [a_user(s.holder) for s in idle_seats(5)] + [a_user(r"example\U0", id="another")]
    world = a_world([*idle_seats(5), other], people, NO_ANALYZERS)
    stored = await world.plan()
    world.fake.use(other.id)

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


async def test_a_person_is_the_same_by_id_whatever_name_a_row_carries() -> None:
    other = an_allocation(r"OLD\maiden.name", license_type=ANALYZER, last_used=days_ago(300))
    people = [a_user(s.holder) for s in idle_seats(5)]
    world = a_world([*idle_seats(5), other], people, NO_ANALYZERS)
    world.fake.change_seat(other.id, user_id=id_of(FIRST.holder))
    stored = await world.plan()
    world.fake.use(other.id)

    result = await world.apply(stored)

    assert FIRST.id in world.fake.seats
    assert counted(result) == {"released": 4, "changed": 1}


async def test_activity_before_a_later_batch_is_seen_in_that_batch() -> None:
    other = an_allocation(r"EXAMPLE\u59", license_type=ANALYZER, last_used=days_ago(50))
    world = a_world([*idle_seats(59), other])
    world.fake.seats["last"] = an_allocation(r"EXAMPLE\u59", last_used=days_ago(91), id="last")
    world.policy = a_policy(mode=Mode.APPROVE, professional=30, analyzer=30)
    stored = await world.plan()
    assert {a.allocation_id for a in stored.plan.actions[-2:]} == {"last", other.id}
    world.fake.on("release", lambda: world.fake.use(other.id), nth=1, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 59, "changed": 2}


async def test_activity_written_late_is_still_seen() -> None:
    other = an_allocation(FIRST.holder, license_type=ANALYZER, last_used=days_ago(200))
    world = a_world([*idle_seats(5), other], policy=NO_ANALYZERS)
    stored = await world.plan()
    world.fake.change_seat(other.id, last_used=stored.plan.created_at - timedelta(minutes=10))

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


async def test_activity_is_asked_for_by_the_sites_own_clock() -> None:
    other = an_allocation(FIRST.holder, license_type=ANALYZER, last_used=days_ago(200))
    world = a_world([*idle_seats(5), other], policy=NO_ANALYZERS)
    stored = await world.plan()
    world.fake.skew = timedelta(minutes=-30)
    world.override(Limit.CLOCK_SKEW)
    world.fake.change_seat(other.id, last_used=stored.plan.created_at - timedelta(minutes=28))

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


async def test_activity_written_late_between_batches_is_still_seen() -> None:
    other = an_allocation(r"EXAMPLE\u9", license_type=ANALYZER, last_used=days_ago(200))
    world = a_world([*idle_seats(60), other], policy=NO_ANALYZERS)
    stored = await world.plan()
    assert stored.plan.actions[-1].user == other.holder
    world.clock.advance(hours=1)
    late = world.clock.now() - timedelta(minutes=10)
    world.fake.on(
        "release", lambda: world.fake.change_seat(other.id, last_used=late), nth=8, times=1
    )

    assert counted(await world.apply(stored)) == {"released": 59, "changed": 1}


async def test_activity_known_when_planned_counts_under_a_policy_made_stricter_since() -> None:
    other = an_allocation(FIRST.holder, license_type=ANALYZER, last_used=days_ago(40))
    loose = replace(NO_ANALYZERS, professional=TypePolicy(True, timedelta(days=30)))
    world = a_world([*idle_seats(5), other], policy=loose)
    world.fake.change_seat(FIRST.id, last_used=days_ago(100))
    stored = await world.plan()
    world.policy = NO_ANALYZERS

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


async def test_usage_rows_that_tell_of_new_activity_keep_the_seat() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.usage[person_key(FIRST.holder)] = world.clock.now()

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


async def test_usage_rows_given_before_and_unreadable_now_release_nothing() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.usage_state = UsageState.UNREADABLE

    result = await world.apply(stored)

    assert counted(result) == {"not_attempted": 5}
    assert "usage rows of prod" in result.stopped
    assert not world.fake.deleted


@pytest.mark.parametrize("name", NAMED_LISTS)
async def test_usage_rows_given_when_planned_and_refused_now_release_nothing(
    name: UsageList,
) -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.usage_lists[name] = UsageState.NOT_GIVEN

    result = await world.apply(stored)

    assert counted(result) == {"not_attempted": 5}
    assert f"usage rows of {name.words} on prod" in result.stopped
    assert not world.fake.deleted


async def test_usage_rows_that_answered_empty_when_planned_are_needed_again() -> None:
    world = a_world(5)
    world.fake.usage_lists[UsageList.ANALYZER] = UsageState.EMPTY
    stored = await world.plan()
    world.fake.usage_lists[UsageList.ANALYZER] = UsageState.NOT_GIVEN

    assert counted(await world.apply(stored)) == {"not_attempted": 5}


async def test_no_usage_rows_since_the_plan_are_no_sign_of_anything() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.fake.usage_state = UsageState.EMPTY

    assert counted(await world.apply(stored)) == {"released": 5}


async def test_usage_rows_refused_already_when_a_person_approved_the_plan_stop_nothing() -> None:
    world = a_world(5)
    await world.plan(approved=False)
    world.fake.usage_state = UsageState.NOT_GIVEN
    stored = await world.plan()
    assert [w.code for w in stored.plan.warnings] == ["usage_refused"]

    assert counted(await world.apply(stored)) == {"released": 5}


async def test_usage_rows_never_given_are_not_asked_for() -> None:
    world = a_world(5)
    world.fake.usage_state = UsageState.NOT_GIVEN
    stored = await world.plan()
    asked = world.fake.calls["witness"]

    assert counted(await world.apply(stored)) == {"released": 5}
    assert world.fake.calls["witness"] == asked


async def test_token_seats_are_looked_at_even_where_usage_rows_were_never_given() -> None:
    world = a_world(5)
    world.fake.usage_state = UsageState.EMPTY
    world.fake.tokens_enabled = True
    stored = await world.plan()
    world.fake.usage_state = UsageState.GIVEN
    world.fake.usage[person_key(FIRST.holder)] = world.clock.now()

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


async def test_activity_after_the_plan_keeps_the_seat_however_short_the_threshold_is_now() -> None:
    world = a_world(5)
    object.__setattr__(world.policy.limits, "plan_max_age", timedelta(days=60))
    stored = await world.plan()
    world.clock.advance(days=20)
    world.fake.usage[person_key(FIRST.holder)] = world.clock.now() - timedelta(days=15)
    world.policy = a_policy(mode=Mode.APPROVE, professional=7, analyzer=7)

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "changed": 1}
    assert details(result, Outcome.CHANGED) == ["the person was active after the plan was made"]


async def test_an_exemption_added_to_the_policy_since_the_plan_protects() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.policy = a_policy(an_exemption(ExemptionKind.USER, FIRST.holder), mode=Mode.APPROVE)

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


@pytest.mark.parametrize("user_id", [id_of(FIRST.holder), "another"])
async def test_a_last_use_of_another_seat_that_cannot_be_read_keeps_the_seat(user_id: str) -> None:
    other = an_allocation(
        FIRST.holder.upper(), user_id=user_id, license_type=ANALYZER, last_used=days_ago(200)
    )
    world = a_world([*idle_seats(5), other], policy=NO_ANALYZERS)
    stored = await world.plan()
    world.fake.change_seat(other.id, last_used=None, doubt="lastUsed 'now' is no date")

    result = await world.apply(stored)

    assert counted(result) == {"released": 4, "changed": 1}
    assert FIRST.id in world.fake.seats
    assert "cannot be read" in details(result, Outcome.CHANGED)[0]


async def test_a_doubt_about_another_seat_follows_the_id_whatever_name_its_row_carries() -> None:
    other = an_allocation(FIRST.holder, license_type=ANALYZER, last_used=days_ago(200))
    world = a_world([*idle_seats(5), other], policy=NO_ANALYZERS)
    stored = await world.plan()
    world.fake.change_seat(other.id, holder=r"OLD\name", last_used=None, doubt="no date")

    assert counted(await world.apply(stored)) == {"released": 4, "changed": 1}


def _partner(site: FakeSite) -> Site:
    return Site("test", a_policy(), FakeReader(site, Process()))


async def test_activity_on_a_site_that_shares_the_license_keeps_the_seat() -> None:
    world, other = a_world(5), a_world(5, name="test")
    stored = await world.plan(partners=[_partner(other.fake)])
    other.fake.use(FIRST.id)

    result = await world.apply(stored, partners=[_partner(other.fake)])

    assert counted(result) == {"released": 4, "changed": 1}


async def test_a_last_use_that_cannot_be_read_on_a_site_that_shares_the_license_keeps() -> None:
    world, other = a_world(5), a_world(5, name="test")
    stored = await world.plan(partners=[_partner(other.fake)])
    other.fake.change_seat(FIRST.id, last_used=None, doubt="no date", user_id="id-there")

    result = await world.apply(stored, partners=[_partner(other.fake)])

    assert counted(result) == {"released": 4, "changed": 1}


async def test_token_seats_of_a_site_that_shares_the_license_count_too() -> None:
    world, other = a_world(5), a_world(5, name="test")
    other.fake.tokens_enabled = True
    stored = await world.plan(partners=[_partner(other.fake)])
    other.fake.usage[person_key(FIRST.holder)] = world.clock.now()

    result = await world.apply(stored, partners=[_partner(other.fake)])

    assert counted(result) == {"released": 4, "changed": 1}


async def test_a_site_that_shares_the_license_and_cannot_be_read_stops_everything() -> None:
    world, other = a_world(5), a_world(5, name="test")
    stored = await world.plan(partners=[_partner(other.fake)])
    other.fake.on("active_since", fail_with(Unreachable("test is down")))

    result = await world.apply(stored, partners=[_partner(other.fake)])

    assert counted(result) == {"not_attempted": 5}
    assert not world.fake.deleted


async def test_a_site_that_shares_the_license_only_since_the_plan_makes_the_plan_stale() -> None:
    world, other = a_world(5), a_world(5, name="test")
    stored = await world.plan()

    with pytest.raises(PlanStale, match="active on test"):
        await world.apply(stored, partners=[_partner(other.fake)])

    assert not world.fake.deleted


async def test_a_share_that_was_made_smaller_since_the_plan_blocks_it() -> None:
    world = a_world(5)
    stored = await world.plan()
    world.policy = a_policy(mode=Mode.APPROVE, limits=some_limits(max_share=0.01))

    with pytest.raises(NotAllowed, match="max_share"):
        await world.apply(stored)

    assert not world.fake.deleted


@pytest.mark.parametrize("call", ["users_by_id", "allocations_by_id", "active_since", "witness"])
async def test_a_second_look_that_fails_leaves_the_rest_alone(call: str) -> None:
    world = a_world(60)
    stored = await world.plan()

    def breaks() -> None:
        world.fake.on(call, fail_with(NoAnswer("gone")), nth=1 + (call == "allocations_by_id"))

    world.fake.on("release", breaks, nth=8, times=1)

    result = await world.apply(stored)

    assert counted(result) == {"released": 8, "not_attempted": 52}
    assert len(world.fake.deleted) == 8
    assert "gone" in result.stopped
