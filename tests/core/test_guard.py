"""Design rules 10 to 18: every limit, at its edge, and how a person passes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import (
    ANALYZER,
    NOW,
    PROFESSIONAL,
    a_check,
    a_plan,
    a_policy,
    a_pool,
    a_snapshot,
    a_user,
    a_witness,
    an_allocation,
    an_exemption,
    an_override,
    changed,
    days_ago,
    some_limits,
    some_seats,
)
from seatkeeper.core.draft import Findings
from seatkeeper.core.guard import Checked, check, newest_activity
from seatkeeper.core.model import NAMED_LISTS, Allocation, Pool, Snapshot, UsageList, UsageState
from seatkeeper.core.plan import Limit, Notice, PlanStatus, Violation, is_quiet
from seatkeeper.core.policy import Exemption, ExemptionKind, Mode, Pause, Policy, Shared, SharedKind
from seatkeeper.core.record import Baseline
from seatkeeper.core.wholeness import Reading

MICROSECOND = timedelta(microseconds=1)


def a_site(idle: int, active: int, **changes: Any) -> Snapshot:
    """Return a site with so many idle and so many active professional seats."""
    seats = some_seats(idle, last_used=days_ago(100), prefix="idle")
    return a_snapshot([*seats, *some_seats(active, last_used=days_ago(1), prefix="a")], **changes)


def findings(
    snapshot: Snapshot, policy: Policy | None = None, baseline: Baseline | None = None
) -> Findings:
    """Hold the draft of a snapshot against the limits."""
    return check(a_check(snapshot, policy or a_policy(), baseline))


def limits_of(
    snapshot: Snapshot, policy: Policy | None = None, baseline: Baseline | None = None
) -> list[Limit]:
    """Return the limits a snapshot breaks."""
    return [v.limit for v in findings(snapshot, policy, baseline).violations]


def the_violation(found: Findings) -> Violation:
    """Return the only violation."""
    (violation,) = found.violations
    return violation


def codes(found: Findings) -> list[str]:
    """Return the codes of the warnings."""
    return [notice.code for notice in found.warnings]


def test_a_plain_plan_breaks_no_limit_and_warns_of_nothing() -> None:
    assert findings(a_site(2, 20)) == Findings()


# Rule 10: nothing is released in a pause


def test_a_pause_blocks_from_its_first_moment_to_before_its_end() -> None:
    def blocked(start: float, end: float) -> list[Limit]:
        return limits_of(a_site(1, 9), a_policy(pauses=(Pause(days_ago(start), days_ago(end)),)))

    assert blocked(1, -1) == [Limit.PAUSE]
    assert blocked(0, -1) == [Limit.PAUSE]
    assert blocked(1, 0) == []
    assert blocked(-1, -2) == []


def test_a_pause_says_until_when_and_why() -> None:
    policy = a_policy(pauses=(Pause(days_ago(1), days_ago(-2), "Christmas"),))

    violation = the_violation(findings(a_site(1, 9), policy))

    assert violation.message == "releases pause until 2026-11-04 03:00 UTC (Christmas)"


# Rule 11: max_share


@pytest.mark.parametrize(
    ("idle", "active", "share", "blocked"),
    [
        (20, 80, 0.2, False),
        (21, 79, 0.2, True),
        (29, 71, 0.29, False),
        (30, 70, 0.29, True),
        (4, 96, 0.03, True),
        (3, 3, 0.01, False),
        (3, 2, 0.01, True),
        (2, 2, 0.01, False),
        (2, 1, 0.01, True),
        (1, 1, 0.01, False),
        (1, 0, 0.01, True),
        (4, 4, 0.4, True),
        (4, 4, 0.5, False),
        (0, 0, 0.01, False),
    ],
)
def test_max_share_and_its_exception_for_a_few_seats(
    idle: int, active: int, share: float, *, blocked: bool
) -> None:
    policy = a_policy(limits=some_limits(max_share=share))
    witness = {r"X\somebody": days_ago(1)}

    found = limits_of(a_site(idle, active, witness=witness), policy)

    assert found == ([Limit.MAX_SHARE] if blocked else [])


def test_max_share_counts_what_is_deferred_too() -> None:
    policy = a_policy(limits=some_limits(max_share=0.2, max_per_run=1))

    assert limits_of(a_site(21, 79), policy) == [Limit.MAX_SHARE]


def test_max_share_is_measured_on_each_license_type_by_itself() -> None:
    policy = a_policy(limits=some_limits(max_share=0.2))
    analyzer = some_seats(5, last_used=days_ago(100), license_type=ANALYZER, prefix="an")
    site = a_site(0, 95)
    mixed = a_snapshot([*site.allocations, *analyzer])

    violation = the_violation(findings(mixed, policy))

    assert violation.limit is Limit.MAX_SHARE
    assert violation.license_type is ANALYZER
    assert (violation.value, violation.allowed) == (1.0, 0.2)
    assert "5 of 5 analyzer seats (100%)" in violation.message


def test_max_share_is_measured_against_live_seats() -> None:
    policy = a_policy(limits=some_limits(max_share=0.2))
    quarantined = [an_allocation(rf"X\q{n}", quarantined=True) for n in range(50)]
    site = a_site(10, 30)

    assert limits_of(a_snapshot([*site.allocations, *quarantined]), policy) == [Limit.MAX_SHARE]


# Rule 13: directory_jump and grown


@pytest.mark.parametrize(("marked", "blocked"), [(10, False), (11, True), (0, False)])
def test_directory_jump_is_a_share_of_all_users(marked: int, *, blocked: bool) -> None:
    policy = a_policy(limits=some_limits(directory_jump=0.1))
    baseline = Baseline(first_seen=days_ago(100), newly_marked=marked)

    found = limits_of(a_site(2, 98), policy, baseline)

    assert found == ([Limit.DIRECTORY_JUMP] if blocked else [])


def test_directory_jump_tells_its_numbers() -> None:
    policy = a_policy(limits=some_limits(directory_jump=0.1))
    baseline = Baseline(first_seen=days_ago(100), newly_marked=80)

    violation = the_violation(findings(a_site(2, 98), policy, baseline))

    assert (violation.value, violation.allowed) == (0.8, 0.1)
    assert violation.message.startswith("80 of 100 users (80%)")


def test_without_history_directory_jump_does_not_judge() -> None:
    policy = a_policy(limits=some_limits(directory_jump=0.1))

    assert limits_of(a_site(2, 98), policy, Baseline(first_seen=None, newly_marked=80)) == []
    assert limits_of(a_snapshot(), policy, Baseline(first_seen=NOW, newly_marked=8)) == []


@pytest.mark.parametrize(
    ("eligible", "before", "blocked"),
    [
        (15, (5,), False),
        (16, (5,), True),
        (13, (4,), False),
        (14, (4,), True),
        (10, (1,), False),
        (11, (1,), True),
        (10, (0,), True),
        (9, (0,), False),
        (30, (10, 90, 1), False),
        (31, (10, 90, 1), True),
        (90, (), False),
    ],
)
def test_grown_is_above_three_times_the_median_and_ten_seats_more(
    eligible: int, before: tuple[int, ...], *, blocked: bool
) -> None:
    baseline = Baseline(first_seen=days_ago(30), eligible_by_day=before)

    found = limits_of(a_site(eligible, 100), None, baseline)

    assert found == ([Limit.GROWN] if blocked else [])


def test_grown_counts_what_is_deferred_and_tells_its_numbers() -> None:
    policy = a_policy(limits=some_limits(max_per_run=1, grown=2))
    baseline = Baseline(eligible_by_day=(10, 11))

    violation = the_violation(findings(a_site(22, 100), policy, baseline))

    assert (violation.limit, violation.value, violation.allowed) == (Limit.GROWN, 22.0, 21.0)


# Rule 14: stale_activity


def test_activity_is_stale_after_exactly_the_time_allowed() -> None:
    def found(last_used: timedelta) -> list[Limit]:
        idle = some_seats(1, last_used=days_ago(100))
        seats = [*idle, *some_seats(1, last_used=NOW - last_used, prefix="a")]
        return limits_of(a_snapshot(seats))

    assert found(timedelta(days=5) - MICROSECOND) == []
    assert found(timedelta(days=5)) == [Limit.STALE_ACTIVITY]


def test_a_site_where_nobody_was_ever_active_is_stale() -> None:
    violation = the_violation(findings(a_snapshot(some_seats(2)), a_policy(off=PROFESSIONAL)))

    assert violation.limit is Limit.STALE_ACTIVITY
    assert violation.value is None
    assert violation.message.startswith("nobody was ever active")


def test_stale_activity_tells_since_when() -> None:
    seats = some_seats(2, last_used=days_ago(8.25))

    violation = the_violation(findings(a_snapshot(seats)))

    assert (violation.value, violation.allowed) == (8.2, 5.0)
    assert "since 2026-10-24" in violation.message


def test_usage_rows_show_that_a_site_lives() -> None:
    seats = some_seats(1, last_used=days_ago(30))

    assert limits_of(a_snapshot(seats, witness={r"X\guest": days_ago(1)})) == []


def test_activity_in_the_future_proves_nothing() -> None:
    seats = [*some_seats(2, last_used=days_ago(30)), an_allocation(r"X\f", last_used=days_ago(-9))]
    site = a_snapshot(seats, witness={r"X\guest": days_ago(-8)})

    assert newest_activity(site, NOW) == days_ago(30)
    assert limits_of(site) == [Limit.STALE_ACTIVITY]


def test_activity_up_to_five_minutes_ahead_is_activity() -> None:
    ahead = NOW + timedelta(minutes=5)
    one = a_snapshot(some_seats(1, last_used=ahead))
    beyond = a_snapshot(some_seats(1, last_used=ahead + MICROSECOND))

    assert newest_activity(one, NOW) == ahead
    assert newest_activity(beyond, NOW) is None
    assert newest_activity(a_snapshot(witness={r"X\g": ahead}), NOW) == ahead
    assert newest_activity(a_snapshot(witness={r"X\g": ahead + MICROSECOND}), NOW) is None


def test_a_site_without_seats_is_not_stale() -> None:
    assert limits_of(a_snapshot()) == []


def test_blocked_by_stale_activity_alone_is_quiet() -> None:
    stale = limits_of(a_snapshot(some_seats(1, last_used=days_ago(30))))

    assert is_quiet(stale)
    assert not is_quiet([])
    assert not is_quiet([*stale, Limit.PAUSE])


# Rule 15: incomplete


def with_pool(rows: Sequence[Allocation], allocated: int) -> Snapshot:
    """Return a site whose overview tells of so many professional seats."""
    return a_snapshot(rows, pools=[a_pool(allocated=allocated)])


@pytest.mark.parametrize(
    ("allocated", "missing", "blocked"),
    [
        (20, 2, False),
        (20, 3, True),
        (300, 3, False),
        (300, 4, True),
        (2, 2, False),
        (3, 3, True),
        (300, -50, False),
    ],
)
def test_rows_may_be_missing_up_to_the_larger_of_two_and_the_share(
    allocated: int, missing: int, *, blocked: bool
) -> None:
    policy = a_policy(limits=some_limits(incomplete=0.01))
    rows = some_seats(allocated - missing, last_used=days_ago(1))

    found = limits_of(with_pool(rows, allocated), policy)

    assert found == ([Limit.INCOMPLETE] if blocked else [])


@pytest.mark.parametrize("missing", [28, 29])
def test_the_share_itself_is_allowed_whatever_binary_fractions_say(missing: int) -> None:
    policy = a_policy(limits=some_limits(incomplete=0.29))

    assert limits_of(with_pool(some_seats(100 - missing, last_used=days_ago(1)), 100), policy) == []


def test_incomplete_tells_its_numbers() -> None:
    violation = the_violation(findings(with_pool(some_seats(15, last_used=days_ago(1)), 20)))

    assert violation.license_type is PROFESSIONAL
    assert (violation.value, violation.allowed) == (0.25, 0.01)
    assert violation.message == "the site counts 20 professional seats but listed 15"


def test_quarantined_and_excess_rows_are_rows_whatever_allocated_includes() -> None:
    rows = [
        *some_seats(10, last_used=days_ago(1)),
        *(an_allocation(rf"X\q{n}", quarantined=True) for n in range(5)),
        *(an_allocation(rf"X\e{n}", excess=True) for n in range(5)),
    ]

    for allocated in (10, 15, 20):
        assert limits_of(with_pool(rows, allocated)) == []


NO_POOL = [[], [a_pool(allocated=1, enabled=False)], [a_pool(ANALYZER, allocated=0)]]


@pytest.mark.parametrize("pools", NO_POOL)
def test_seats_that_the_overview_does_not_count_may_be_only_some_of_them(pools: list[Pool]) -> None:
    site = a_snapshot(some_seats(1, last_used=days_ago(1)), pools=pools)

    violation = the_violation(findings(site))

    assert violation.limit is Limit.INCOMPLETE
    assert violation.license_type is PROFESSIONAL
    assert "listed 1 professional seats, but its overview counts none" in violation.message
    assert "policy.professional.enabled" in violation.way_out


@pytest.mark.parametrize("pools", NO_POOL)
def test_a_type_that_is_not_released_needs_no_count(pools: list[Pool]) -> None:
    site = a_snapshot(some_seats(1, last_used=days_ago(1)), pools=pools)

    assert limits_of(site, a_policy(off=PROFESSIONAL)) == []


def test_a_type_without_seats_needs_no_count() -> None:
    rows = some_seats(1, last_used=days_ago(1))
    site = a_snapshot(rows, pools=[a_pool(allocated=1), a_pool(ANALYZER, enabled=False)])

    assert limits_of(site) == []
    assert limits_of(a_snapshot(rows, pools=[a_pool(allocated=1)])) == []


def test_each_type_is_compared_by_itself() -> None:
    rows = some_seats(9, last_used=days_ago(1))
    site = a_snapshot(rows, pools=[a_pool(allocated=9), a_pool(ANALYZER, allocated=9)])

    assert the_violation(findings(site)).license_type is ANALYZER


GIVEN, EMPTY = UsageState.GIVEN, UsageState.EMPTY
REFUSED, UNREADABLE = UsageState.NOT_GIVEN, UsageState.UNREADABLE
BOTH_BEFORE = Baseline(usage_lists=frozenset(NAMED_LISTS))
PROFESSIONAL_BEFORE = Baseline(usage_lists=frozenset({UsageList.PROFESSIONAL}))
AUTO = a_policy(mode=Mode.AUTO)


def witnessed(active: float = 1, state: UsageState = GIVEN, **lists: UsageState) -> Snapshot:
    """Return a site of professional seats, the newest used so many days ago, with usage rows."""
    newest = some_seats(9, last_used=days_ago(active), prefix="a")
    site = a_snapshot([*some_seats(1, last_used=days_ago(100)), *newest])
    return replace(site, witness=a_witness(state, **lists))


def test_a_witness_that_was_there_before_and_cannot_be_read_makes_a_plan_incomplete() -> None:
    site = a_site(1, 9, usage=UNREADABLE)

    before = findings(site, None, BOTH_BEFORE)
    never = findings(site)

    assert the_violation(before).limit is Limit.INCOMPLETE
    assert "usage rows" in the_violation(before).message
    assert never.violations == ()
    assert codes(before) == codes(never) == ["usage_unreadable"]


def test_a_witness_that_answers_blocks_nothing() -> None:
    found = findings(a_site(1, 9, usage=GIVEN), AUTO, BOTH_BEFORE)

    assert found == Findings()


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [(REFUSED, "usage_refused", "are refused now"), (EMPTY, "usage_empty", "are gone now")],
)
def test_a_witness_that_is_not_there_now_is_said_and_blocks_in_auto(
    state: UsageState, code: str, said: str
) -> None:
    site = a_site(1, 9, usage=state)

    observed = findings(site, None, BOTH_BEFORE)
    automatic = findings(site, AUTO, BOTH_BEFORE)

    assert observed.violations == ()
    assert codes(observed) == codes(automatic) == [code]
    assert the_violation(automatic).limit is Limit.INCOMPLETE
    assert said in the_violation(automatic).message
    assert "rights" in the_violation(automatic).way_out


@pytest.mark.parametrize("state", [REFUSED, EMPTY])
def test_a_witness_that_never_was_is_not_missed(state: UsageState) -> None:
    assert findings(a_site(1, 9, usage=state), AUTO) == Findings()


def test_usage_rows_may_be_gone_when_no_seat_was_used_for_28_days() -> None:
    policy = replace(AUTO, limits=some_limits(stale_activity=timedelta(days=60)))

    def found(days: float) -> Findings:
        return findings(witnessed(days, EMPTY), policy, BOTH_BEFORE)

    assert the_violation(found(27.9)).limit is Limit.INCOMPLETE
    assert codes(found(27.9)) == ["usage_empty"]
    assert found(28) == Findings()


def test_a_use_in_the_future_does_not_ask_for_usage_rows() -> None:
    site = witnessed(-1, EMPTY)

    assert Limit.INCOMPLETE not in limits_of(site, AUTO, BOTH_BEFORE)


@pytest.mark.parametrize("state", [REFUSED, EMPTY])
def test_rows_of_one_list_do_not_hide_that_another_is_gone(state: UsageState) -> None:
    site = witnessed(professional=state, analyzer=GIVEN)

    found = findings(site, AUTO, BOTH_BEFORE)

    assert "usage rows of professional seats, read before" in the_violation(found).message


def test_an_unreadable_list_that_never_had_rows_is_only_said() -> None:
    found = findings(witnessed(capacity=UNREADABLE), AUTO, BOTH_BEFORE)

    assert found.violations == ()
    assert codes(found) == ["usage_unreadable"]


@pytest.mark.parametrize("state", [REFUSED, EMPTY, UNREADABLE])
def test_a_list_that_never_had_rows_is_not_missed(state: UsageState) -> None:
    found = findings(witnessed(analyzer=state), AUTO, PROFESSIONAL_BEFORE)

    assert found.violations == ()


def test_an_empty_list_is_measured_on_the_seats_of_its_own_type() -> None:
    site = witnessed(analyzer=EMPTY, capacity=EMPTY, tokens=EMPTY)
    everything = Baseline(usage_lists=frozenset(UsageList))

    assert findings(site, AUTO, everything) == Findings()


def test_a_list_that_the_license_no_longer_has_is_not_missed() -> None:
    assert findings(witnessed(), AUTO, Baseline(usage_lists=frozenset(UsageList))) == Findings()


def test_what_is_gone_is_told_for_all_lists_at_once_and_each_way_by_itself() -> None:
    site = witnessed(professional=REFUSED, analyzer=REFUSED, login=UNREADABLE)

    found = findings(site, AUTO, Baseline(usage_lists=frozenset(UsageList)))

    assert [v.message.partition(",")[0] for v in found.violations] == [
        "the usage rows of login passes",
        "the usage rows of professional seats and of analyzer seats",
    ]


def test_a_plan_names_the_usage_rows_that_answered() -> None:
    site = witnessed(professional=EMPTY, analyzer=REFUSED, capacity=GIVEN, login=UNREADABLE)

    assert a_plan(site, a_policy()).usage_lists == (UsageList.CAPACITY, UsageList.PROFESSIONAL)


# Rules 4, 15, 16: the sites that share the license are read as whole


def beside(partner: Snapshot, before: Baseline | None = None, mode: Mode = Mode.AUTO) -> Findings:
    """Hold a plan of a plain site against the limits, with this site under its license."""
    lists = (before or Baseline()).usage_lists
    reading = Reading.of(replace(partner, site="south"), lists, NOW, is_partner=True)
    policy = a_policy(mode=mode, limits=some_limits(incomplete=0.05))
    return check(replace(a_check(a_site(2, 20), policy), partners=(reading,)))


def test_a_partner_in_order_changes_nothing() -> None:
    assert beside(a_site(5, 5), BOTH_BEFORE) == Findings()


def test_a_partner_lists_fewer_seats_than_it_counts() -> None:
    rows = some_seats(90, last_used=days_ago(1))

    violation = the_violation(beside(with_pool(rows, 100)))

    assert (violation.limit, violation.value, violation.allowed) == (Limit.INCOMPLETE, 0.1, 0.05)
    assert "site south, which shares the license, counts 100" in violation.message
    assert beside(with_pool(rows, 94)) == Findings()


def test_a_partner_does_not_count_the_seats_that_it_lists() -> None:
    violation = the_violation(beside(a_snapshot(some_seats(3), pools=[])))

    assert "site south, which shares the license, listed 3" in violation.message
    assert "the QRS user on south" in violation.way_out


def test_a_partner_sends_no_date() -> None:
    found = beside(a_site(1, 9, skew=None))

    assert codes(found) == ["no_clock"]
    assert "site south" in found.warnings[0].message


@pytest.mark.parametrize("state", [REFUSED, EMPTY, UNREADABLE])
def test_the_usage_rows_of_a_partner_are_gone(state: UsageState) -> None:
    site = a_site(1, 9, usage=state)

    assert the_violation(beside(site, BOTH_BEFORE)).limit is Limit.INCOMPLETE
    assert len(beside(site, BOTH_BEFORE, Mode.APPROVE).warnings) == 1
    assert beside(site).violations == ()


# Rule 16: clock_skew


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_may_differ_by_five_minutes_either_way(sign: int) -> None:
    allowed = timedelta(minutes=5)

    at_the_limit = limits_of(a_site(1, 9, skew=sign * allowed))
    beyond = the_violation(findings(a_site(1, 9, skew=sign * (allowed + timedelta(seconds=1)))))

    assert at_the_limit == []
    assert beyond.limit is Limit.CLOCK_SKEW
    assert (beyond.value, beyond.allowed) == (301.0, 300.0)
    assert ("ahead of" if sign > 0 else "behind") in beyond.message


def test_a_site_that_sends_no_date_is_a_warning() -> None:
    found = findings(a_site(1, 9, skew=None))

    assert found.violations == ()
    assert codes(found) == ["no_clock"]


# Rule 17: blind_exemption


CARRIED = [
    an_exemption(ExemptionKind.TAG, "Keep"),
    an_exemption(ExemptionKind.CUSTOM_PROPERTY, "License", "keep"),
    an_exemption(ExemptionKind.GROUP, "bi-admins"),
]
NAMED = [
    an_exemption(ExemptionKind.USER, r"EXAMPLE\nobody"),
    an_exemption(ExemptionKind.USER_DIRECTORY, "NOWHERE"),
    an_exemption(ExemptionKind.PATTERN, r"NOWHERE\*"),
]


@pytest.mark.parametrize("exemption", CARRIED, ids=lambda e: e.kind.value)
def test_a_tag_property_or_group_nobody_carries_blocks_in_auto_and_warns_elsewhere(
    exemption: Exemption,
) -> None:
    for mode in Mode:
        found = findings(a_site(1, 9), a_policy(exemption, mode=mode))
        if mode is Mode.AUTO:
            assert [v.limit for v in found.violations] == [Limit.BLIND_EXEMPTION]
            assert codes(found) == []
        else:
            assert found.violations == ()
            assert codes(found) == ["blind_exemption"]


@pytest.mark.parametrize("exemption", NAMED, ids=lambda e: e.kind.value)
def test_a_name_that_matches_nobody_is_a_warning_in_every_mode(exemption: Exemption) -> None:
    for mode in Mode:
        found = findings(a_site(1, 9), a_policy(exemption, mode=mode))
        assert found.violations == ()
        assert codes(found) == ["blind_exemption"]


@pytest.mark.parametrize("exemption", [*CARRIED, *NAMED], ids=lambda e: e.kind.value)
def test_allow_empty_accepts_an_exemption_nobody_carries(exemption: Exemption) -> None:
    accepted = replace(exemption, allow_empty=True)

    assert findings(a_site(1, 9), a_policy(accepted, mode=Mode.AUTO)) == Findings()


# Rule 4: shared_license


@pytest.mark.parametrize(
    ("signed", "shared", "doubt"),
    [
        (True, Shared(SharedKind.UNKNOWN), True),
        (False, Shared(SharedKind.UNKNOWN), False),
        (True, Shared(SharedKind.NOBODY), False),
        (True, Shared(SharedKind.SITES, ("south",)), False),
        (True, Shared(SharedKind.OTHERS), True),
        (False, Shared(SharedKind.OTHERS), True),
    ],
)
def test_who_shares_the_license_must_be_known_in_auto_and_is_a_warning_elsewhere(
    shared: Shared, *, signed: bool, doubt: bool
) -> None:
    site = a_site(1, 9, signed=signed)

    auto = findings(site, a_policy(mode=Mode.AUTO, shared=shared))
    approve = findings(site, a_policy(mode=Mode.APPROVE, shared=shared))

    assert [v.limit for v in auto.violations] == [Limit.SHARED_LICENSE] * doubt
    assert codes(auto) == []
    assert approve.violations == ()
    assert codes(approve) == ["shared_license"] * doubt


def test_a_site_without_a_license_has_no_signed_key() -> None:
    site = replace(a_site(1, 9), server_license=None)
    policy = a_policy(mode=Mode.AUTO, shared=Shared(SharedKind.UNKNOWN))

    assert limits_of(site, policy) == []


# Rule 18: overrides


def blocked_by_share() -> tuple[Checked, Policy]:
    """Return a draft that breaks max_share, and its policy."""
    policy = a_policy(limits=some_limits(max_share=0.1))
    return a_check(a_site(20, 20), policy), policy


def test_a_limit_passed_by_a_person_blocks_no_more_and_is_shown() -> None:
    checked, policy = blocked_by_share()

    found = check(checked, [an_override(Limit.MAX_SHARE, policy)])

    assert found.violations == ()
    (note,) = found.overridden
    assert (note.limit, note.by, note.reason) == (Limit.MAX_SHARE, "Jane Doe", "looked at it")
    assert note.until == days_ago(-29)
    assert note.message == check(checked).violations[0].message


def test_an_override_passes_its_own_limit_only() -> None:
    checked, policy = blocked_by_share()

    found = check(checked, [an_override(Limit.GROWN, policy)])

    assert [v.limit for v in found.violations] == [Limit.MAX_SHARE]
    assert found.overridden == ()


def test_an_override_is_shown_in_every_plan_while_it_lasts() -> None:
    policy = a_policy()
    checked = a_check(a_site(1, 9), policy)
    given = [
        an_override(Limit.GROWN, policy),
        an_override(Limit.MAX_SHARE, policy, until=days_ago(-2)),
        an_override(Limit.CLOCK_SKEW, policy, until=NOW),
        an_override(Limit.PAUSE, policy),
    ]

    found = check(checked, given)

    assert found.violations == ()
    assert found.overridden == ()
    assert codes(found) == ["override_in_force"] * 2
    assert found.warnings[0].message == (
        "max_share would block nothing until 2026-11-04 03:00 UTC: "
        "passed by Jane Doe (looked at it)"
    )


def test_of_two_overrides_of_a_limit_the_longer_one_is_told() -> None:
    checked, policy = blocked_by_share()
    given = [
        an_override(Limit.MAX_SHARE, policy, until=days_ago(-n), reason=f"for {n}") for n in (9, 3)
    ]

    for order in (given, given[::-1]):
        found = check(checked, order)
        assert [n.reason for n in found.overridden] == ["for 9"]
        assert codes(found) == []


def test_an_override_of_one_limit_leaves_the_others_in_force() -> None:
    policy = a_policy(limits=some_limits(max_share=0.1))
    checked = a_check(a_site(20, 20, skew=timedelta(hours=1)), policy)

    found = check(checked, [an_override(Limit.MAX_SHARE, policy)])

    assert [v.limit for v in found.violations] == [Limit.CLOCK_SKEW]
    assert [n.limit for n in found.overridden] == [Limit.MAX_SHARE]


@pytest.mark.parametrize(
    "changes",
    [
        {"until": NOW},
        {"until": days_ago(0.5)},
        {"site": "south"},
        {"policy_digest": "another"},
        {"plan_id": "20261101-030000-abcdef12"},
        {"at": days_ago(1), "until": days_ago(-89) + MICROSECOND},
    ],
    ids=["ends now", "over", "another site", "another policy", "one plan", "above 90 days"],
)
def test_an_override_holds_for_its_site_policy_and_time_only(changes: dict[str, object]) -> None:
    checked, policy = blocked_by_share()

    found = check(checked, [an_override(Limit.MAX_SHARE, policy, **changes)])

    assert [v.limit for v in found.violations] == [Limit.MAX_SHARE]


def test_an_override_may_last_90_days_to_its_last_moment() -> None:
    checked, policy = blocked_by_share()

    for at, until in ((days_ago(1), days_ago(-89)), (days_ago(9), NOW + MICROSECOND)):
        found = check(checked, [an_override(Limit.MAX_SHARE, policy, at=at, until=until)])
        assert found.violations == ()


def test_a_pause_cannot_be_passed() -> None:
    policy = a_policy(pauses=(Pause(days_ago(1), days_ago(-1)),))

    found = check(a_check(a_site(1, 9), policy), [an_override(Limit.PAUSE, policy)])

    assert [v.limit for v in found.violations] == [Limit.PAUSE]
    assert found.overridden == ()


def test_every_limit_but_the_pause_can_be_passed() -> None:
    assert [limit for limit in Limit if not limit.overridable] == [Limit.PAUSE]


# Warnings and the plan's first status


def test_unclear_seats_and_deferred_ones_are_told() -> None:
    policy = a_policy(limits=some_limits(max_per_run=1, max_per_day=5))
    seats = [*a_site(3, 9).allocations, an_allocation(r"X\odd", doubt="?")]

    found = findings(a_snapshot(seats), policy, Baseline(released_last_day=2))

    assert found.warnings == (
        Notice(code="unclear", message=r"X\odd (professional): ?"),
        Notice(
            code="deferred",
            message="2 more seats may go in later runs (max_per_run 1, max_per_day 5, "
            "2 released in the last 24 hours)",
        ),
    )


def test_expired_exemptions_are_told() -> None:
    gone = an_exemption(ExemptionKind.USER, r"EXAMPLE\a0", expires=days_ago(1))

    assert codes(findings(a_site(1, 9), a_policy(gone))) == ["exemption_expired"]


def test_a_plan_that_breaks_a_limit_starts_blocked() -> None:
    policy = a_policy(limits=some_limits(max_share=0.1))
    site = a_site(20, 20)

    blocked = a_plan(site, policy)
    passed = a_plan(site, policy, None, [an_override(Limit.MAX_SHARE, policy)])

    assert blocked.first_status is PlanStatus.BLOCKED
    assert passed.first_status is PlanStatus.OPEN
    assert passed.overridden != ()
    assert blocked.actions == passed.actions


def test_a_change_of_users_changes_no_limit_by_itself() -> None:
    site = a_site(1, 9)
    marked = {k: changed(u, inactive=True, removed_externally=True) for k, u in site.users.items()}

    assert limits_of(replace(site, users=marked)) == []
    assert limits_of(replace(site, users={**marked, "x": a_user(r"X\x")})) == []
