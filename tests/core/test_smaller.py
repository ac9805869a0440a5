"""A smaller plan has less to do, and nothing in it that the other one had not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    ANALYZER,
    NOW,
    PROFESSIONAL,
    a_plan,
    a_policy,
    a_snapshot,
    a_user,
    changed,
    days_ago,
    some_limits,
    some_seats,
)
from seatkeeper.core.model import Allocation
from seatkeeper.core.plan import Limit, OverrideNote, Plan
from seatkeeper.core.policy import Policy
from seatkeeper.core.record import Baseline, StoredPlan
from seatkeeper.core.smaller import Leaving, is_smaller, without
from seatkeeper.errors import UsageError

POLICY = a_policy(limits=some_limits(max_share=0.2, max_per_run=50))
LATER = days_ago(-1)


def planned(idle: int, busy: int, policy: Policy = POLICY, **more: Any) -> StoredPlan:
    """Return the plan of a site with so many idle and busy professional seats."""
    seats = some_seats(idle, last_used=days_ago(100))
    seats += some_seats(busy, last_used=days_ago(1), prefix="busy")
    plan = a_plan(_snapshot(seats), policy, **more)
    return StoredPlan(plan, plan.first_status, digest=plan.digest)


def _snapshot(seats: Sequence[Allocation]) -> Any:
    return a_snapshot(seats, [a_user(s.holder) for s in seats if s.holder])


def first(stored: StoredPlan, number: int) -> tuple[str, ...]:
    """Return the ids of the first seats of a plan."""
    return tuple(a.allocation_id for a in stored.plan.actions[:number])


def leaving(*seats: str, by: str = "Jane Doe", reason: str = "on leave") -> Leaving:
    return Leaving(seats, by, reason)


def limits(plan: Plan) -> list[str]:
    return [v.limit.value for v in plan.violations]


def test_it_lacks_the_seats_and_tells_who_left_them_out_and_why() -> None:
    stored = planned(3, 30)
    who = stored.plan.actions[1].user

    smaller = without(stored, leaving(who.upper()), POLICY, LATER)

    (left,) = smaller.left_out
    assert left.action == stored.plan.actions[1]
    assert (left.by, left.reason, left.at) == ("Jane Doe", "on leave", LATER)
    assert [a.user for a in smaller.actions] == [
        a.user for a in stored.plan.actions if a.user != who
    ]


def test_it_is_a_plan_of_its_own_that_names_the_one_it_came_from() -> None:
    stored = planned(3, 30)

    smaller = without(stored, leaving(*first(stored, 1)), POLICY, LATER)

    assert smaller.made_from is not None
    assert smaller.made_from.plan_id == stored.plan.plan_id
    assert smaller.made_from.digest == stored.plan.digest
    assert smaller.plan_id != stored.plan.plan_id
    assert smaller.plan_id.endswith(changed(smaller, plan_id="").digest[:8])


def test_what_was_read_stays_as_old_as_it_was_and_so_does_its_end() -> None:
    stored = planned(3, 30)

    smaller = without(stored, leaving(*first(stored, 1)), POLICY, LATER)

    assert smaller.created_at == stored.plan.created_at
    assert smaller.expires_at == stored.plan.expires_at


def test_a_person_with_two_seats_keeps_both_and_one_named_by_its_id_alone() -> None:
    seats = some_seats(2, last_used=days_ago(100))
    seats += some_seats(2, last_used=days_ago(100), license_type=ANALYZER)
    for_both = [*seats, *some_seats(30, last_used=days_ago(1), prefix="busy")]
    plan = a_plan(_snapshot(for_both), POLICY)
    stored = StoredPlan(plan, plan.first_status, digest=plan.digest)
    who = plan.actions[0].user

    by_name = without(stored, leaving(who), POLICY, LATER)
    by_id = without(stored, leaving(plan.actions[0].allocation_id), POLICY, LATER)

    assert {left.action.license_type for left in by_name.left_out} == {PROFESSIONAL, ANALYZER}
    assert [left.action for left in by_id.left_out] == [plan.actions[0]]


def test_leaving_out_enough_takes_it_below_max_share() -> None:
    stored = planned(10, 30)

    smaller = without(stored, leaving(*first(stored, 2)), POLICY, LATER)

    assert limits(stored.plan) == ["max_share"]
    assert limits(smaller) == []


def test_leaving_out_too_few_leaves_the_limit_broken_with_the_new_numbers() -> None:
    stored = planned(10, 30)

    smaller = without(stored, leaving(*first(stored, 1)), POLICY, LATER)

    (violation,) = smaller.violations
    assert violation.message.startswith("9 of 40 professional seats (22%) may go")


def test_a_limit_made_milder_since_does_not_count() -> None:
    stored = planned(10, 30)
    milder = a_policy(limits=some_limits(max_share=0.5, max_per_run=50))

    smaller = without(stored, leaving(*first(stored, 1)), milder, LATER)

    assert limits(smaller) == ["max_share"]


def _grown(usual: int) -> StoredPlan:
    return planned(40, 300, baseline=Baseline(first_seen=days_ago(30), eligible_by_day=(usual,)))


@pytest.mark.parametrize(("left_out", "broken"), [(9, ["grown"]), (10, [])])
def test_a_plan_that_has_grown_is_held_against_what_was_usual_then(
    left_out: int, broken: list[str]
) -> None:
    stored = _grown(usual=10)
    assert limits(stored.plan) == ["grown"]

    smaller = without(stored, leaving(*first(stored, left_out)), POLICY, LATER)

    assert limits(smaller) == broken


def test_under_another_policy_grown_stays_broken_until_its_own_number_is_met() -> None:
    stored = _grown(usual=10)
    milder = a_policy(limits=some_limits(grown=100.0, max_per_run=50))

    still = without(stored, leaving(*first(stored, 9)), milder, LATER)
    met = without(stored, leaving(*first(stored, 10)), milder, LATER)

    assert limits(still) == ["grown"]
    assert limits(met) == []


def test_what_the_reading_broke_stays_broken_however_few_seats_are_left() -> None:
    stored = planned(3, 30)
    violations = tuple(
        changed(planned(10, 30).plan.violations[0], limit=limit, allowed=None)
        for limit in Limit
        if limit not in (Limit.MAX_SHARE, Limit.GROWN)
    )
    plan = changed(stored.plan, violations=violations)
    stored = StoredPlan(plan, plan.first_status, digest=plan.digest)

    smaller = without(stored, leaving(*first(stored, 2)), POLICY, LATER)

    assert smaller.violations == violations


def _passed(left_out: int) -> Plan:
    """Return a plan whose share was passed by Jane, with some seats left out."""
    stored = planned(10, 30)
    note = OverrideNote(
        limit=Limit.MAX_SHARE,
        by="Jane Doe",
        reason="known",
        until=LATER,
        message=stored.plan.violations[0].message,
    )
    plan = changed(stored.plan, violations=(), overridden=(note,))
    stored = StoredPlan(plan, plan.first_status, digest=plan.digest)
    return without(stored, leaving(*first(stored, left_out)), POLICY, LATER)


def test_a_share_that_was_passed_is_told_with_the_new_numbers() -> None:
    (note,) = _passed(1).overridden

    assert note.by == "Jane Doe"
    assert note.message.startswith("9 of 40")


def test_a_share_that_need_not_be_passed_any_more_is_not_told() -> None:
    assert _passed(2).overridden == ()


def test_made_smaller_twice_it_tells_everything_that_was_left_out() -> None:
    stored = planned(4, 30)
    once = without(stored, leaving(*first(stored, 1)), POLICY, LATER)
    again = StoredPlan(once, once.first_status, digest=once.digest)

    twice = without(again, leaving(*first(again, 1), by="Tom", reason=""), POLICY, LATER)

    assert [left.by for left in twice.left_out] == ["Jane Doe", "Tom"]
    assert twice.made_from is not None
    assert twice.made_from.plan_id == once.plan_id
    assert is_smaller(twice, again)
    assert not is_smaller(twice, stored)


def test_a_plan_is_not_emptied() -> None:
    stored = planned(2, 30)

    with pytest.raises(UsageError, match="reject it instead"):
        without(stored, leaving(*first(stored, 2)), POLICY, LATER)


def test_nobody_left_out_is_a_slip() -> None:
    with pytest.raises(UsageError, match="name at least one user"):
        without(planned(2, 30), leaving(), POLICY, LATER)


def test_a_name_that_is_not_in_the_plan_is_refused_with_the_nearest() -> None:
    stored = planned(2, 30)
    who = stored.plan.actions[0].user

    with pytest.raises(UsageError) as refused:
        without(stored, leaving(who + "x"), POLICY, LATER)

    assert f"did you mean {who}?" in str(refused.value)


def test_a_deferred_seat_is_no_seat_of_the_plan() -> None:
    policy = a_policy(limits=some_limits(max_share=0.2, max_per_run=2))
    stored = planned(3, 30, policy)

    with pytest.raises(UsageError, match="it is deferred"):
        without(stored, leaving(stored.plan.deferred[0].user), policy, LATER)


def test_a_deferred_seat_does_not_move_up() -> None:
    policy = a_policy(limits=some_limits(max_share=0.2, max_per_run=2))
    stored = planned(3, 30, policy)

    smaller = without(stored, leaving(*first(stored, 1)), policy, LATER)

    assert smaller.deferred == stored.plan.deferred
    assert len(smaller.actions) == 1


FORGERIES = {
    "another seat": lambda p, s: changed(s, actions=(*s.actions, p.deferred[0])),
    "a seat left out that stays": lambda p, s: changed(s, actions=p.actions),
    "fewer seats without saying so": lambda _p, s: changed(s, actions=s.actions[1:]),
    "a later end": lambda _p, s: changed(s, expires_at=LATER),
    "a younger reading": lambda _p, s: changed(s, created_at=LATER),
    "another policy": lambda _p, s: changed(s, policy_digest="x"),
    "asked for by another": lambda _p, s: changed(s, asked_by="Tom"),
    "nothing left out": lambda _p, s: changed(s, left_out=()),
    "no origin": lambda _p, s: changed(s, made_from=None),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_what_is_not_simply_smaller_is_recognised(how: str) -> None:
    policy = a_policy(limits=some_limits(max_share=0.5, max_per_run=3))
    stored = planned(4, 30, policy)
    smaller = without(stored, leaving(*first(stored, 1)), policy, LATER)
    assert is_smaller(smaller, stored)

    assert not is_smaller(FORGERIES[how](stored.plan, smaller), stored)


@given(idle=st.integers(2, 30), busy=st.integers(1, 60), data=st.data())
def test_it_breaks_just_what_a_fresh_plan_of_so_few_seats_would_break(
    idle: int, busy: int, data: st.DataObject
) -> None:
    stored = planned(idle, busy)
    number = data.draw(st.integers(1, idle - 1))

    smaller = without(stored, leaving(*first(stored, number)), POLICY, NOW)

    fresh = planned(idle - number, busy + number).plan
    assert limits(smaller) == limits(fresh)
    assert is_smaller(smaller, stored)
    assert sum(c.eligible for c in smaller.counts) == idle - number
