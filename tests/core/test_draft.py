"""From a snapshot to a plan: one verdict a seat, longest idle first, equal input, equal bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta

from builders import (
    ANALYZER,
    ANNA,
    NOW,
    PROFESSIONAL,
    a_draft,
    a_plan,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    days_ago,
    some_limits,
    some_seats,
)
from seatkeeper.core.model import Allocation
from seatkeeper.core.plan import Action, TypeCount, plan_from_bytes
from seatkeeper.core.policy import ExemptionKind, Mode


def names(actions: Iterable[Action]) -> list[str]:
    """Return the names in actions, without their directory."""
    return [action.user.partition("\\")[2] for action in actions]


def test_every_seat_gets_exactly_one_verdict() -> None:
    seats = [
        an_allocation(r"X\idle", last_used=days_ago(100)),
        an_allocation(r"X\never"),
        an_allocation(r"X\active", last_used=days_ago(1)),
        an_allocation(r"X\new", created=days_ago(1)),
        an_allocation(r"X\excess", excess=True),
        an_allocation(r"X\quarantined", quarantined=True),
        an_allocation(r"X\deleted", deleted_user=True),
        an_allocation(r"X\unclear", doubt="?"),
        an_allocation(r"X\other", license_type=ANALYZER),
        an_allocation(r"X\kept", last_used=days_ago(300)),
    ]
    policy = a_policy(an_exemption(ExemptionKind.USER, r"X\kept"), off=ANALYZER)

    draft = a_draft(a_snapshot(seats), policy)

    assert names(draft.actions) == ["never", "idle"]
    assert draft.eligible == 2
    assert draft.deferred == ()
    assert draft.kept == {
        "active": 1,
        "new_seat": 1,
        "exempt": 1,
        "quarantined": 1,
        "excess": 1,
        "deleted_user": 1,
        "type_disabled": 1,
        "unclear": 1,
    }
    assert draft.unclear == (r"X\unclear (professional): ?",)


def test_an_action_holds_the_facts_it_was_decided_on() -> None:
    seats = [
        an_allocation(last_used=days_ago(150.9), created=days_ago(400)),
        an_allocation(license_type=ANALYZER, last_used=days_ago(120.5), created=days_ago(300)),
    ]

    professional, analyzer = sorted(
        a_draft(a_snapshot(seats), a_policy()).actions, key=lambda a: a.license_type != PROFESSIONAL
    )

    assert professional.allocation_id == seats[0].id
    assert professional.license_type is PROFESSIONAL
    assert (professional.user, professional.user_id) == (ANNA, seats[0].user_id)
    assert professional.reason == "idle"
    assert professional.created == days_ago(400)
    assert professional.last_used == analyzer.last_used == days_ago(120.5)
    assert (professional.seat_last_used, analyzer.seat_last_used) == (
        days_ago(150.9),
        days_ago(120.5),
    )
    assert professional.idle_days == analyzer.idle_days == 120


def test_a_seat_never_used_is_measured_from_its_creation() -> None:
    (action,) = a_draft(a_snapshot([an_allocation(created=days_ago(45.9))]), a_policy()).actions

    assert (action.reason, action.last_used, action.seat_last_used) == ("never_used", None, None)
    assert action.idle_days == 45


def test_a_seat_never_used_has_no_last_use_though_its_person_was_active_elsewhere() -> None:
    site = a_snapshot([an_allocation(created=days_ago(200))], witness={ANNA: days_ago(100)})

    (action,) = a_draft(site, a_policy()).actions

    assert (action.reason, action.last_used, action.idle_days) == ("never_used", None, 200)


def test_an_action_names_the_user_as_the_list_of_users_does() -> None:
    seat = an_allocation(r"example\ANNA.BERG")

    (action,) = a_draft(a_snapshot([seat], [a_user(ANNA)]), a_policy()).actions

    assert action.user == ANNA


# Order


def test_the_longest_idle_come_first_then_names_types_and_ids() -> None:
    same = days_ago(120)
    seats = [
        an_allocation(r"X\d", last_used=days_ago(100)),
        an_allocation(r"X\B", last_used=same),
        an_allocation(r"X\a", last_used=same, id="2"),
        an_allocation(r"X\a", last_used=same, id="1"),
        an_allocation(r"X\a", last_used=same, id="9", license_type=ANALYZER),
        an_allocation(r"X\c", last_used=same),
        an_allocation(r"X\never", created=days_ago(110)),
    ]

    for order in (seats, seats[::-1]):
        actions = a_draft(a_snapshot(order), a_policy()).actions
        assert names(actions) == ["a", "a", "a", "B", "c", "never", "d"]
        assert [a.allocation_id for a in actions[:3]] == ["9", "1", "2"]


def test_the_few_unclear_seats_shown_do_not_depend_on_the_order() -> None:
    seats = [an_allocation(rf"X\u{n}", doubt="?") for n in range(9)]
    seats += [an_allocation(r"X\U1", doubt="?", id="other", user_id="other")]
    users = [*(a_user(rf"X\u{n}") for n in range(9)), a_user(r"X\U1", id="other")]

    forth = a_draft(a_snapshot(seats, users), a_policy())
    back = a_draft(a_snapshot(seats[::-1], users[::-1]), a_policy())

    assert forth.unclear == back.unclear
    assert len(forth.unclear) == 5
    assert forth.unclear[1:3] == (r"X\U1 (professional): ?", r"X\u1 (professional): ?")
    assert forth.kept == {"unclear": 10}


def test_an_unclear_row_that_names_nobody_is_shown_by_its_id() -> None:
    seat = an_allocation(holder="", user_id="nobody", id="the-id")

    draft = a_draft(a_snapshot([seat], []), a_policy())

    assert draft.unclear[0].startswith("the-id (professional): ")


# Rules 11 and 12: what is trimmed


def some_idle(number: int) -> list[Allocation]:
    """Return seats idle for 100, 101, ... days."""
    return [an_allocation(rf"X\{n}", last_used=days_ago(100 + n)) for n in range(number)]


def test_max_per_run_trims_to_the_longest_idle() -> None:
    policy = a_policy(limits=some_limits(max_per_run=2))

    draft = a_draft(a_snapshot(some_idle(5)), policy)

    assert names(draft.actions) == ["4", "3"]
    assert names(draft.deferred) == ["2", "1", "0"]
    assert draft.eligible == 5


def test_max_per_day_counts_what_was_released_in_the_last_24_hours() -> None:
    policy = a_policy(limits=some_limits(max_per_day=4))
    site = a_snapshot(some_idle(5))

    actions = {n: len(a_draft(site, policy, released_last_day=n).actions) for n in (0, 1, 3, 4, 9)}

    assert actions == {0: 4, 1: 3, 3: 1, 4: 0, 9: 0}
    assert a_draft(site, policy, released_last_day=9).eligible == 5


def test_the_smaller_of_both_limits_holds() -> None:
    site = a_snapshot(some_idle(9))
    policy = a_policy(limits=some_limits(max_per_run=3, max_per_day=5))

    assert len(a_draft(site, policy).actions) == 3
    assert len(a_draft(site, policy, released_last_day=3).actions) == 2


def test_limits_of_nothing_release_nothing() -> None:
    site = a_snapshot(some_idle(3))

    assert a_draft(site, a_policy(limits=some_limits(max_per_run=0))).actions == ()
    assert a_draft(site, a_policy(limits=some_limits(max_per_day=0))).actions == ()


# Counts


def test_counts_tell_rows_live_seats_and_eligible_ones_of_each_type() -> None:
    seats = [
        *some_seats(3, last_used=days_ago(100)),
        *some_seats(2, last_used=days_ago(1), prefix="a"),
        an_allocation(r"X\q", quarantined=True),
        an_allocation(r"X\gone", deleted_user=True),
        an_allocation(r"X\e", excess=True),
        an_allocation(r"X\untold", quarantined=None),
        an_allocation(r"X\an", license_type=ANALYZER),
    ]

    draft = a_draft(a_snapshot(seats), a_policy(limits=some_limits(max_per_run=1)))

    assert draft.counts == (
        TypeCount(license_type=PROFESSIONAL, rows=9, live=7, eligible=3),
        TypeCount(license_type=ANALYZER, rows=1, live=1, eligible=1),
    )


# The sealed plan


def test_a_plan_says_what_it_is_of_and_when_it_ends() -> None:
    policy = a_policy(mode=Mode.APPROVE, limits=some_limits(plan_max_age=timedelta(hours=10)))
    site = a_snapshot(some_seats(2), site="north")

    plan = a_plan(site, policy)

    assert (plan.site, plan.mode, plan.policy_digest) == ("north", Mode.APPROVE, policy.digest)
    assert (plan.created_at, plan.expires_at) == (NOW, NOW + timedelta(hours=10))
    assert (plan.users, plan.eligible) == (2, 2)


def test_a_plan_id_tells_the_moment_and_the_digest_of_what_was_decided() -> None:
    policy = a_policy()

    plan = a_plan(a_snapshot(some_seats(2)), policy)
    other = a_plan(a_snapshot(some_seats(3)), policy)

    moment, _, digest = plan.plan_id.rpartition("-")
    assert moment == "20261102-030000"
    assert len(digest) == 8
    assert plan.plan_id != other.plan_id


def test_the_digest_is_over_the_canonical_bytes_which_hold_the_whole_plan() -> None:
    plan = a_plan(a_snapshot(some_seats(2, last_used=days_ago(95))), a_policy())

    assert plan.digest == hashlib.sha256(plan.canonical).hexdigest()
    assert plan_from_bytes(plan.canonical) == plan


def test_planning_twice_gives_equal_bytes_in_any_order_of_rows() -> None:
    seats, users = (
        some_seats(7, last_used=days_ago(95)),
        [a_user(rf"EXAMPLE\u{n}") for n in range(7)],
    )

    first = a_plan(a_snapshot(seats, users), a_policy())
    again = a_plan(a_snapshot(seats[::-1], users[::-1]), a_policy())

    assert first.canonical == again.canonical
    assert first.digest == again.digest
