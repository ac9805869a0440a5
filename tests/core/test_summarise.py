from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from builders import (
    ANALYZER,
    ANNA,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_pool,
    a_snapshot,
    a_summary,
    a_user,
    an_allocation,
    changed_pool,
    days_ago,
    judged_of,
    some_seats,
)
from seatkeeper.core.model import Capacity, Overview, ServerLicense, Snapshot, TokenAccess, Tokens
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Policy
from seatkeeper.core.record import PlanLine
from seatkeeper.core.summarise import Beside, summarise, summarise_license
from seatkeeper.core.summary import (
    ComplianceSummary,
    IdleBucket,
    LicenseState,
    LicenseSummary,
    Mismatch,
    SeatSummary,
    Summary,
    aged,
    summary_from_bytes,
    summary_to_bytes,
)

BEN = r"EXAMPLE\ben.lind"


def summary_of(snapshot: Snapshot, policy: Policy | None = None, **beside: Any) -> Summary:
    policy = policy or a_policy()
    told = {"seconds": 1.0, "requests": 9, **beside}
    return summarise(judged_of(snapshot, policy), Beside(**told))


def with_license(snapshot: Snapshot, **facts: Any) -> Snapshot:
    return changed(snapshot, server_license=a_license(**facts))


def changed(snapshot: Snapshot, **changes: Any) -> Snapshot:
    names = ("site", "taken_at", "users", "allocations", "overview", "server_license")
    return Snapshot(**{**{n: getattr(snapshot, n) for n in names}, **changes})


def a_license(**facts: Any) -> ServerLicense:
    return ServerLicense(**{"number": "0000 1111", "signed": True, **facts})


def seats_of(summary: Summary) -> SeatSummary:
    return summary.seats[0]


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-0.001, IdleBucket.WEEK),
        (0, IdleBucket.WEEK),
        (6.99, IdleBucket.WEEK),
        (7, IdleBucket.MONTH),
        (29.99, IdleBucket.MONTH),
        (30, IdleBucket.QUARTER),
        (90, IdleBucket.HALF_YEAR),
        (180, IdleBucket.LONGER),
        (4000, IdleBucket.LONGER),
        (None, IdleBucket.NEVER),
        (-1, IdleBucket.UNCLEAR),
    ],
)
def test_a_seat_is_counted_by_how_long_ago_it_was_used(
    days: float | None, bucket: IdleBucket
) -> None:
    used = None if days is None else days_ago(days)

    counted = seats_of(summary_of(a_snapshot([an_allocation(last_used=used)])))

    assert counted.idle == dict.fromkeys(IdleBucket, 0) | {bucket: 1}


def test_activity_anywhere_counts_for_every_seat_of_the_person() -> None:
    seats = [
        an_allocation(last_used=days_ago(200)),
        an_allocation(last_used=days_ago(3), license_type=ANALYZER),
        an_allocation(BEN, last_used=days_ago(200)),
    ]

    found = summary_of(a_snapshot(seats, witness={BEN: days_ago(20)}))

    professional, analyzer = found.seats
    assert (professional.idle[IdleBucket.WEEK], professional.idle[IdleBucket.MONTH]) == (1, 1)
    assert analyzer.idle[IdleBucket.WEEK] == 1


@pytest.mark.parametrize("off", [True, False])
def test_activity_is_known_where_the_rules_did_not_need_it(*, off: bool) -> None:
    seat = an_allocation(last_used=days_ago(20), excess=not off)
    policy = a_policy(off=PROFESSIONAL) if off else a_policy()

    counted = seats_of(summary_of(a_snapshot([seat]), policy))

    assert counted.idle[IdleBucket.MONTH] == 1
    assert counted.kept == {"type_disabled" if off else "excess": 1}


def test_somebody_with_an_unreadable_seat_is_unclear() -> None:
    seats = [
        an_allocation(last_used=days_ago(20)),
        an_allocation(license_type=ANALYZER, doubt="the date cannot be read"),
    ]

    found = summary_of(a_snapshot(seats))

    assert [s.idle[IdleBucket.UNCLEAR] for s in found.seats] == [1, 1]


def test_every_row_has_one_verdict_and_every_live_seat_one_bucket() -> None:
    seats = [
        *some_seats(5, last_used=days_ago(100)),
        *some_seats(3, last_used=days_ago(1), prefix="active"),
        an_allocation(r"EXAMPLE\quarantined", quarantined=True),
        an_allocation(r"EXAMPLE\gone", quarantined=True, deleted_user=True),
        an_allocation(r"EXAMPLE\above", excess=True),
        an_allocation(r"EXAMPLE\new", created=days_ago(1)),
    ]

    counted = seats_of(summary_of(a_snapshot(seats)))

    assert (counted.rows, counted.live) == (12, 10)
    assert (counted.quarantined, counted.excess) == (2, 1)
    assert sum(counted.idle.values()) == counted.live
    assert counted.releasable == 5
    assert counted.kept == {
        "active": 3,
        "new_seat": 1,
        "quarantined": 1,
        "excess": 1,
        "deleted_user": 1,
    }


def test_pools_stay_as_the_site_gives_them() -> None:
    pools = [changed_pool(a_pool(allocated=3), available=99, used=77, excess=None)]
    capacity = Capacity(enabled=True, allocated_minutes=9, used_minutes=4, unavailable_minutes=1)
    tokens = Tokens(total=10, available=2.5, user=TokenAccess(True, 1, 7, 5, quarantined=1))
    snapshot = a_snapshot(some_seats(3))
    overview = Overview(pools=tuple(pools), capacity=capacity, tokens=tokens)

    found = summary_of(changed(snapshot, overview=overview))

    assert found.pools == tuple(pools)
    assert (found.capacity, found.tokens) == (capacity, tokens)
    assert [s.license_type for s in found.seats] == [PROFESSIONAL]


@pytest.mark.parametrize(
    ("facts", "state", "days_left"),
    [
        ({"expired": False, "valid_to": date(2026, 11, 3)}, LicenseState.VALID, 1),
        ({"expired": False, "valid_to": date(2026, 11, 2)}, LicenseState.VALID, 0),
        ({"valid_to": date(2027, 6, 30)}, LicenseState.VALID, 240),
        ({"expired": True, "valid_to": date(2026, 10, 30)}, LicenseState.EXPIRED, -3),
        ({"expired": True}, LicenseState.EXPIRED, None),
        ({"valid_to": date(2026, 11, 1)}, LicenseState.EXPIRED, -1),
        ({"expired": False, "valid_to": date(2026, 11, 1)}, LicenseState.VALID, -1),
        ({"blacklisted": True, "valid_to": date(2027, 6, 30)}, LicenseState.DENYLISTED, 240),
        ({"invalid": True}, LicenseState.INVALID, None),
        ({"expired": True, "blacklisted": True}, LicenseState.EXPIRED, None),
        ({"expired": False, "blacklisted": False}, LicenseState.CANNOT_TELL, None),
        ({}, LicenseState.CANNOT_TELL, None),
    ],
)
def test_the_license_says_what_it_is_and_how_long(
    facts: dict[str, Any], state: LicenseState, days_left: int | None
) -> None:
    found = summarise_license(a_license(**facts), NOW)

    assert (found.state, found.days_left) == (state, days_left)
    assert found.valid_to == facts.get("valid_to")


@pytest.mark.parametrize(
    ("facts", "accepted"),
    [
        ({}, None),
        ({"blacklisted": False}, None),
        ({"blacklisted": False, "invalid": False}, True),
        ({"invalid": True}, False),
    ],
)
def test_a_license_is_accepted_when_its_marks_say_so(
    facts: dict[str, Any], accepted: bool | None
) -> None:
    assert summarise_license(a_license(**facts), NOW).accepted is accepted


def test_no_license_is_a_state_of_its_own() -> None:
    assert summarise_license(None, NOW) == LicenseSummary(state=LicenseState.NONE)


def test_what_an_auditor_asks_about_is_counted() -> None:
    users = [
        a_user(ANNA, removed_externally=True, inactive=True),
        a_user(BEN, blocked=True),
        a_user(r"EXAMPLE\idle", inactive=True),  # holds no seat
    ]
    seats = [
        an_allocation(ANNA),
        an_allocation(ANNA.upper(), license_type=ANALYZER),
        an_allocation(BEN),
        an_allocation(BEN, license_type=ANALYZER, quarantined=True),
        an_allocation(r"EXAMPLE\gone", quarantined=True, deleted_user=True, user_id=None),
    ]

    found = summary_of(a_snapshot(seats, users)).compliance

    assert found == ComplianceSummary(
        both_types=1,
        removed=2,
        inactive=2,
        blocked=1,
        deleted=1,
        mismatches=found.mismatches,
    )


@pytest.mark.parametrize(
    ("told", "rows", "excess"), [(4, 0, 4), (None, 3, 3), (0, 2, 2), (2, 2, 2)]
)
def test_excess_is_what_the_site_or_its_rows_say(told: int | None, rows: int, excess: int) -> None:
    seats = [an_allocation(rf"EXAMPLE\u{n}", excess=n < rows) for n in range(5)]
    pools = [changed_pool(a_pool(allocated=5), excess=told)]

    assert summary_of(a_snapshot(seats, pools=pools)).compliance.excess == excess


def test_seats_above_the_license_text_are_counted_over_the_types() -> None:
    pools = [a_pool(allocated=12), a_pool(ANALYZER, allocated=5)]
    text = (("Professional", 10), ("analyzer", 2), ("analyzer_time", 1), ("sapconnector", 0))
    snapshot = with_license(a_snapshot(pools=pools), allotments=text)
    unlimited = with_license(a_snapshot(pools=pools), allotments=(("professional", -1),))

    assert summary_of(snapshot).compliance.above_allotment == 5
    assert summary_of(unlimited).compliance.above_allotment == 0


@pytest.mark.parametrize(("told", "quarantined"), [(8, 1), (9, 0), (7, 1), (10, 0)])
def test_every_meaning_that_the_overview_may_have_agrees_with_the_rows(
    told: int, quarantined: int
) -> None:
    seats = [
        *some_seats(7),
        an_allocation(r"EXAMPLE\above", excess=True),
        an_allocation(r"EXAMPLE\quarantined", quarantined=True),
        an_allocation(r"EXAMPLE\gone", deleted_user=True),
    ]
    pools = [changed_pool(a_pool(allocated=told), quarantined=quarantined)]

    assert summary_of(a_snapshot(seats, pools=pools)).compliance.mismatches == ()


def test_a_difference_between_overview_and_rows_is_told_and_not_repaired() -> None:
    seats = [*some_seats(7), an_allocation(r"EXAMPLE\quarantined", quarantined=True)]
    pools = [changed_pool(a_pool(allocated=12), quarantined=4)]

    found = summary_of(a_snapshot(seats, pools=pools))

    assert found.compliance.mismatches == (
        Mismatch(license_type=PROFESSIONAL, overview=12, rows=8),
        Mismatch(license_type=PROFESSIONAL, overview=4, rows=1, count="quarantined"),
    )
    assert found.pools == tuple(pools)


def test_seats_of_a_type_that_the_overview_does_not_count_are_a_difference() -> None:
    seats = [*some_seats(2), *some_seats(1, license_type=ANALYZER)]
    pools = [a_pool(allocated=2, enabled=False)]

    found = summary_of(a_snapshot(seats, pools=pools)).compliance

    assert found.mismatches == (
        Mismatch(license_type=PROFESSIONAL, overview=0, rows=2),
        Mismatch(license_type=ANALYZER, overview=0, rows=1),
    )


def test_the_newest_plan_and_the_reading_are_in_it() -> None:
    plan = PlanLine(
        plan_id="p-1",
        site="prod",
        status=PlanStatus.BLOCKED,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=72),
        actions=3,
        deferred=2,
        violations=(Limit.PAUSE, Limit.GROWN),
    )
    snapshot = a_snapshot(some_seats(2), skew=timedelta(seconds=-1.5))

    found = summary_of(snapshot, plan=plan, seconds=2.00049, requests=14)

    assert found.plan is not None
    assert (found.plan.status, found.plan.violations) == ("blocked", ("grown", "pause"))
    assert (found.plan.actions, found.plan.deferred) == (3, 2)
    assert (found.reading.seconds, found.reading.requests) == (2.0, 14)
    assert (found.reading.users, found.reading.skew_seconds) == (2, -1.5)


def test_a_summary_survives_being_kept() -> None:
    counted = summary_of(a_snapshot(some_seats(3), skew=None))

    for summary in (a_summary(), counted):
        assert summary_from_bytes(summary_to_bytes(summary)) == summary


def test_the_days_left_go_on_without_a_new_reading() -> None:
    later = NOW + timedelta(days=300)

    assert aged(a_summary(), later).license.days_left == -60
    without = a_summary(license=LicenseSummary(state=LicenseState.CANNOT_TELL))
    assert aged(without, later) == without


def test_no_person_is_named_in_a_summary() -> None:
    seats = [an_allocation(ANNA), an_allocation(ANNA, license_type=ANALYZER, doubt="unreadable")]

    assert b"anna" not in summary_to_bytes(summary_of(a_snapshot(seats))).lower()
