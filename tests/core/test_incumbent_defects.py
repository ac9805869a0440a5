r"""The defects of Butler 16 that concern deciding, each as a test that we do not have it.

Numbers are those of the list of measured defects; what concerns reading, releasing, recording or
scheduling is tested where that happens.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from builders import (
    ANALYZER,
    NOW,
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
    verdict_on,
)
from seatkeeper.core.plan import Limit
from seatkeeper.core.policy import Exemption, ExemptionKind, Limits, MarkRule, Policy, TypePolicy
from seatkeeper.core.rules import Reason

NEVER = datetime(1753, 1, 1, tzinfo=UTC)


def test_defect_02_a_deleted_user_blocks_nobody_else() -> None:
    """Butler met a seat without a user and released nothing at all, at every run."""
    ghost = an_allocation(holder="", user_id=None, id="ghost")
    idle = some_seats(3, last_used=days_ago(100))

    for rows in permutations([ghost, *idle]):
        draft = a_draft(a_snapshot(rows), a_policy())
        assert len(draft.actions) == 3
        assert draft.kept == {"deleted_user": 1}


def test_defect_02_a_holder_missing_from_the_users_blocks_nobody_else() -> None:
    seats = [an_allocation(r"X\missing"), an_allocation(r"X\idle", last_used=days_ago(100))]

    draft = a_draft(a_snapshot(seats, [a_user(r"X\idle")]), a_policy())

    assert [a.user for a in draft.actions] == [r"X\idle"]
    assert draft.kept == {"unclear": 1}


@pytest.mark.parametrize("never", [None, NEVER])
def test_defect_04_a_seat_granted_yesterday_and_never_used_is_kept(never: datetime | None) -> None:
    """Butler compared the date for "never" with the threshold and took both seats."""
    young = an_allocation(last_used=never, created=days_ago(1))
    old = an_allocation(last_used=never, created=days_ago(31))

    assert verdict_on(young).reason is Reason.NEW_SEAT
    assert verdict_on(old).reason is Reason.NEVER_USED


@pytest.mark.parametrize("never", [None, NEVER])
def test_defect_04_never_is_not_told_as_a_hundred_thousand_days(never: datetime | None) -> None:
    seat = an_allocation(last_used=never, created=days_ago(31))

    (action,) = a_draft(a_snapshot([seat]), a_policy()).actions

    assert action.idle_days == 31
    assert action.last_used is None


@pytest.mark.parametrize("zone", ["Etc/GMT+3", "Etc/GMT+4", "Asia/Kolkata", "Pacific/Kiritimati"])
@pytest.mark.parametrize("days", [29.2, 29.9])
def test_defect_05_the_threshold_is_not_a_day_short_in_any_zone_at_any_hour(
    zone: str, days: float
) -> None:
    """Butler cut at the end of the local day: 29.2 days were 30 shortly after midnight."""
    policy = a_policy(professional=30)
    for hour in range(24):
        now = datetime(2026, 11, 2, hour, 31, tzinfo=ZoneInfo(zone))
        seat = an_allocation(last_used=now - timedelta(days=days), created=days_ago(400))
        idle = an_allocation(last_used=now - timedelta(days=30), created=days_ago(400))

        assert verdict_on(seat, policy, now=now).reason is Reason.ACTIVE
        assert verdict_on(idle, policy, now=now).reason is Reason.IDLE


def test_defect_05_idle_days_are_whole_and_not_less_than_the_threshold() -> None:
    policy = a_policy(professional=30)
    seats = [an_allocation(rf"X\{n}", last_used=days_ago(30 + n / 4)) for n in range(9)]

    days = [action.idle_days for action in a_draft(a_snapshot(seats), policy).actions]

    assert days == [32, 31, 31, 31, 31, 30, 30, 30, 30]


@pytest.mark.parametrize("days", [-1, 0, 0.5, 6.99])
def test_defect_06_a_threshold_under_seven_days_cannot_be_built(days: float) -> None:
    """Butler said "valid, good work!" to -1 and released everybody."""
    with pytest.raises(ValueError, match="at least 7 days"):
        TypePolicy(enabled=True, release_after=timedelta(days=days))
    with pytest.raises(ValueError, match="at least 7 days"):
        Policy(new_seat_grace=timedelta(days=days))


def test_defect_06_seven_days_is_the_least_threshold() -> None:
    week = timedelta(days=7)

    assert TypePolicy(enabled=True, release_after=week).release_after == week
    assert Policy(new_seat_grace=week).new_seat_grace == week


@pytest.mark.parametrize(
    "exemption",
    [
        an_exemption(ExemptionKind.USER, r"CORP\Anna"),
        an_exemption(ExemptionKind.USER_DIRECTORY, "CORP"),
        an_exemption(ExemptionKind.TAG, "Keep License"),
        an_exemption(ExemptionKind.CUSTOM_PROPERTY, "License", "Keep"),
        an_exemption(ExemptionKind.GROUP, "BI-Admins"),
        an_exemption(ExemptionKind.PATTERN, r"CORP\An*"),
    ],
    ids=lambda e: e.kind.value,
)
@pytest.mark.parametrize("spell", [str, str.lower, str.upper, str.swapcase, str.title])
def test_defect_07_letters_protect_in_any_case(
    exemption: Exemption, spell: Callable[[str], str]
) -> None:
    """Butler kept users of CORP and released those of corp and Corp."""
    user = a_user(
        spell(r"CORP\Anna"),
        tags=(spell("Keep License"),),
        properties=((spell("License"), spell("Keep")),),
        groups=(spell("BI-Admins"),),
    )
    seat = an_allocation(user.label, user_id=user.id)

    verdict = verdict_on(seat, a_policy(exemption), among=a_snapshot([seat], [user]))

    assert verdict.reason is Reason.EXEMPT


def test_defect_18_a_share_of_everything_is_never_released_at_once() -> None:
    """Butler has no cap and no stop: it took all licenses of a site."""
    seats = some_seats(400, last_used=days_ago(100))
    seats += some_seats(10, last_used=days_ago(1), prefix="a")

    plan = a_plan(a_snapshot(seats), a_policy(limits=Limits()))

    assert [v.limit for v in plan.violations] == [Limit.MAX_SHARE]
    assert len(plan.actions) == 50


def test_defect_18_releases_of_the_last_day_count_whoever_started_them() -> None:
    """Butler releases at each start: a restart loop is a release loop."""
    site = a_snapshot(some_seats(100, last_used=days_ago(100)))
    policy = a_policy(limits=some_limits(max_per_run=50, max_per_day=50))

    actions = [len(a_draft(site, policy, released_last_day=n).actions) for n in (0, 30, 50, 80)]

    assert actions == [50, 20, 0, 0]


def test_defect_22_empty_lists_protect_nobody_and_break_nothing() -> None:
    """Butler stumbled over an empty list of tags and released no analyzer seat."""
    user = a_user(r"X\anna", tags=("any",), properties=(("a", "b"),), groups=("c",))
    seat = an_allocation(user.label, license_type=ANALYZER, last_used=days_ago(100))
    site = a_snapshot([seat], [user])

    assert verdict_on(seat, a_policy(), among=site).reason is Reason.IDLE
    only_user = a_policy(an_exemption(ExemptionKind.USER, r"X\bo"))
    assert verdict_on(seat, only_user, among=site).reason is Reason.IDLE


def test_defect_28_what_butler_does_right_is_done_too() -> None:
    """Quarantined rows stay, and every exclusion is honoured."""
    exemptions = [
        an_exemption(ExemptionKind.TAG, "keep"),
        an_exemption(ExemptionKind.CUSTOM_PROPERTY, "license", "keep"),
    ]
    policy = a_policy(
        *exemptions,
        inactive=MarkRule.YES,
        blocked=MarkRule.YES,
        removed_externally=MarkRule.YES,
    )
    users = [
        a_user(r"X\tagged", tags=("Keep",)),
        a_user(r"X\property", properties=(("License", "Keep"),)),
        a_user(r"X\inactive", inactive=True),
        a_user(r"X\blocked", blocked=True),
        a_user(r"X\removed", removed_externally=True),
        a_user(r"X\plain"),
        a_user(r"X\quarantined"),
    ]
    seats = [
        an_allocation(u.label, last_used=days_ago(100), quarantined=u.user_id == "quarantined")
        for u in users
    ]

    draft = a_draft(a_snapshot(seats, users), policy)

    assert [a.user for a in draft.actions] == [r"X\plain"]
    assert draft.kept == {"exempt": 5, "quarantined": 1}
    assert draft.actions[0].created == NOW - timedelta(days=400)
