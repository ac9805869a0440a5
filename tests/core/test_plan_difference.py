"""What is new in a plan against an older one."""

from __future__ import annotations

import pytest

from seatkeeper.core.plan import LeftOut, Limit
from seatkeeper.core.plan_difference import Elsewhere, difference
from stored import NOW, a_plan, a_violation, an_action, changed, some_actions

A, B, C, D = some_actions(4)


def test_seats_that_came_went_and_stayed() -> None:
    found = difference(a_plan(B, C), a_plan(A, B))

    assert [(one.action, one.elsewhere) for one in found.only_new] == [(C, Elsewhere.ABSENT)]
    assert [(one.action, one.elsewhere) for one in found.only_old] == [(A, Elsewhere.ABSENT)]
    assert found.both == (B,)
    assert found.changed == ()


def test_a_seat_that_was_deferred_is_new_and_says_so() -> None:
    (one,) = difference(a_plan(A, B), a_plan(A, deferred=(B,))).only_new

    assert one.elsewhere is Elsewhere.DEFERRED


def test_a_seat_that_a_person_left_out_is_told_apart_from_one_that_is_kept() -> None:
    left = LeftOut(action=B, by="Jane Doe", at=NOW)

    (one,) = difference(a_plan(A, left_out=(left,)), a_plan(A, B)).only_old

    assert one.elsewhere is Elsewhere.LEFT_OUT


def test_a_seat_that_goes_for_another_reason() -> None:
    before = changed(A, reason="never_used")

    (one,) = difference(a_plan(A, B), a_plan(before, B)).changed

    assert (one.before.reason, one.after.reason) == ("never_used", "idle")


def test_a_new_seat_of_the_same_person_is_another_seat() -> None:
    again = an_action(A.user, allocation_id="granted-anew")

    found = difference(a_plan(again), a_plan(A))

    assert [one.action for one in found.only_new] == [again]
    assert [one.action for one in found.only_old] == [A]


def test_limits_that_are_newly_broken_or_kept_again_and_the_policy() -> None:
    new = a_plan(A, violations=(a_violation(Limit.GROWN), a_violation(Limit.MAX_SHARE)))
    old = a_plan(
        A,
        violations=(a_violation(Limit.PAUSE), a_violation(Limit.MAX_SHARE)),
        policy_digest="policy-0",
    )

    found = difference(new, old)

    assert found.new_limits == (Limit.GROWN,)
    assert found.past_limits == (Limit.PAUSE,)
    assert not found.same_policy
    assert difference(new, new).same_policy


def test_plans_of_two_sites_are_not_compared() -> None:
    with pytest.raises(ValueError, match="test"):
        difference(a_plan(site="test"), a_plan(site="prod"))
