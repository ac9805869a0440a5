"""Design rules 1, 2, 5, 9 and 10 on single seats: when a seat goes, and every reason to stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from builders import (
    ANALYZER,
    ANNA,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    days_ago,
    verdict_on,
)
from seatkeeper.core.model import Allocation, LicenseType
from seatkeeper.core.policy import ExemptionKind, Pause
from seatkeeper.core.rules import Reason, idle_time

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


# Rule 1: whole elapsed time, no rounding


def test_a_seat_unused_for_exactly_the_threshold_is_idle() -> None:
    verdict = verdict_on(an_allocation(last_used=days_ago(90)))

    assert verdict.reason is Reason.IDLE
    assert verdict.releases


@pytest.mark.parametrize("short", [MICROSECOND, SECOND, timedelta(hours=1)])
def test_a_seat_unused_for_a_moment_less_than_the_threshold_is_active(short: timedelta) -> None:
    verdict = verdict_on(an_allocation(last_used=days_ago(90) + short))

    assert verdict.reason is Reason.ACTIVE
    assert not verdict.releases


def test_29_days_and_23_hours_are_not_30_days() -> None:
    policy = a_policy(professional=30)
    last_used = NOW - timedelta(days=29, hours=23)

    assert verdict_on(an_allocation(last_used=last_used), policy).reason is Reason.ACTIVE


def test_each_license_type_has_its_own_threshold() -> None:
    policy = a_policy(professional=90, analyzer=30)
    used = days_ago(40)

    professional = verdict_on(an_allocation(last_used=used, license_type=PROFESSIONAL), policy)
    analyzer = verdict_on(an_allocation(last_used=used, license_type=ANALYZER), policy)

    assert (professional.reason, analyzer.reason) == (Reason.ACTIVE, Reason.IDLE)


def test_a_change_of_the_clocks_takes_and_gives_no_hour() -> None:
    stockholm = ZoneInfo("Europe/Stockholm")
    now = datetime(2026, 11, 2, 3, 0, tzinfo=stockholm)  # clocks went back on 25 October
    elapsed = timedelta(days=90)
    then = (now.astimezone(UTC) - elapsed).astimezone(stockholm)
    assert then.hour == 4

    at_the_moment = verdict_on(an_allocation(last_used=then), now=now.astimezone(UTC))
    a_second_later = verdict_on(an_allocation(last_used=then + SECOND), now=now.astimezone(UTC))

    assert at_the_moment.reason is Reason.IDLE
    assert a_second_later.reason is Reason.ACTIVE


# Rule 2: new seats and seats never used


def test_a_seat_granted_this_morning_and_never_used_is_kept() -> None:
    verdict = verdict_on(an_allocation(created=NOW - timedelta(hours=1)))

    assert verdict.reason is Reason.NEW_SEAT


def test_a_new_seat_is_kept_however_long_ago_it_says_it_was_used() -> None:
    verdict = verdict_on(an_allocation(created=days_ago(2), last_used=days_ago(300)))

    assert verdict.reason is Reason.NEW_SEAT


def test_a_new_seat_in_use_is_called_new() -> None:
    verdict = verdict_on(an_allocation(created=days_ago(2), last_used=days_ago(1)))

    assert verdict.reason is Reason.NEW_SEAT


def test_grace_ends_to_the_microsecond() -> None:
    grace = timedelta(days=30)

    just_new = verdict_on(an_allocation(created=NOW - grace + MICROSECOND))
    just_old = verdict_on(an_allocation(created=NOW - grace))

    assert (just_new.reason, just_old.reason) == (Reason.NEW_SEAT, Reason.NEVER_USED)


def test_an_old_seat_never_used_goes_without_waiting_for_the_threshold() -> None:
    verdict = verdict_on(an_allocation(created=days_ago(31)), a_policy(professional=90))

    assert verdict.reason is Reason.NEVER_USED
    assert verdict.releases
    assert verdict.last_activity is None


@pytest.mark.parametrize("year", [1, 1753, 1899])
def test_a_date_before_1900_stands_for_never_used(year: int) -> None:
    never = datetime(year, 1, 1, tzinfo=UTC)

    assert verdict_on(an_allocation(last_used=never)).reason is Reason.NEVER_USED
    new = an_allocation(last_used=never, created=days_ago(3))
    assert verdict_on(new).reason is Reason.NEW_SEAT


def test_a_date_in_1900_is_a_date() -> None:
    assert verdict_on(an_allocation(last_used=datetime(1900, 1, 1, tzinfo=UTC))).reason is (
        Reason.IDLE
    )


@pytest.mark.parametrize("created", [None, datetime(1753, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("last_used", [None, datetime(1753, 1, 1, tzinfo=UTC)])
def test_never_used_without_a_date_of_creation_is_unclear(
    created: datetime | None, last_used: datetime | None
) -> None:
    verdict = verdict_on(an_allocation(created=created, last_used=last_used))

    assert verdict.reason is Reason.UNCLEAR
    assert "no date of its creation" in verdict.note


@pytest.mark.parametrize("created", [None, datetime(1753, 1, 1, tzinfo=UTC)])
def test_a_long_unused_seat_needs_no_date_of_creation(created: datetime | None) -> None:
    verdict = verdict_on(an_allocation(created=created, last_used=days_ago(120)))

    assert verdict.reason is Reason.IDLE


@pytest.mark.parametrize("created", [None, datetime(1753, 1, 1, tzinfo=UTC)])
def test_without_a_date_of_creation_a_seat_idle_for_less_than_the_grace_may_be_new(
    created: datetime | None,
) -> None:
    policy = a_policy(professional=10)

    def reason(days: float) -> Reason:
        return verdict_on(an_allocation(created=created, last_used=days_ago(days)), policy).reason

    assert reason(9.99) is Reason.ACTIVE
    assert reason(10) is Reason.UNCLEAR
    assert reason(29.99) is Reason.UNCLEAR
    assert reason(30) is Reason.IDLE


def test_a_seat_never_used_stays_while_its_person_is_active_elsewhere() -> None:
    site = a_snapshot([an_allocation()], witness={ANNA: days_ago(89)})

    verdict = verdict_on(site.allocations[0], among=site)

    assert verdict.reason is Reason.ACTIVE_ELSEWHERE
    assert verdict.last_activity == days_ago(89)


def test_old_activity_elsewhere_does_not_keep_a_seat_never_used() -> None:
    site = a_snapshot([an_allocation()], witness={ANNA: days_ago(90)})

    assert verdict_on(site.allocations[0], among=site).reason is Reason.NEVER_USED


# Rule 5: rows that are no seats to release


def test_a_quarantined_row_is_left_alone() -> None:
    assert verdict_on(an_allocation(quarantined=True)).reason is Reason.QUARANTINED


def test_an_excess_row_is_left_alone() -> None:
    assert verdict_on(an_allocation(excess=True)).reason is Reason.EXCESS


@pytest.mark.parametrize(
    "row",
    [
        an_allocation(deleted_user=True),
        an_allocation(user_id=None),
        an_allocation(holder="", user_id=None),
    ],
)
def test_the_row_of_a_deleted_user_is_left_alone(row: Allocation) -> None:
    site = a_snapshot([row], [a_user()])

    assert verdict_on(site.allocations[0], among=site).reason is Reason.DELETED_USER


def test_a_quarantined_row_of_a_deleted_user_is_named_for_the_user() -> None:
    row = an_allocation(quarantined=True, excess=True, deleted_user=True)

    assert verdict_on(row).reason is Reason.DELETED_USER


def test_a_quarantined_excess_row_is_named_quarantined() -> None:
    assert verdict_on(an_allocation(quarantined=True, excess=True)).reason is Reason.QUARANTINED


@pytest.mark.parametrize(("off", "other"), [(PROFESSIONAL, ANALYZER), (ANALYZER, PROFESSIONAL)])
def test_seats_of_a_type_that_is_not_enabled_stay(off: LicenseType, other: LicenseType) -> None:
    policy = a_policy(off=off)

    assert verdict_on(an_allocation(license_type=off), policy).reason is Reason.TYPE_DISABLED
    assert verdict_on(an_allocation(license_type=other), policy).reason is Reason.NEVER_USED


# Rule 9: doubt keeps


def test_activity_more_than_five_minutes_ahead_is_unclear() -> None:
    ahead = timedelta(minutes=5)

    beyond = verdict_on(an_allocation(last_used=NOW + ahead + MICROSECOND))
    within = verdict_on(an_allocation(last_used=NOW + ahead))

    assert (beyond.reason, within.reason) == (Reason.UNCLEAR, Reason.ACTIVE)
    assert "in the future" in beyond.note


def test_activity_elsewhere_in_the_future_is_unclear() -> None:
    site = a_snapshot([an_allocation(last_used=days_ago(200))], witness={ANNA: days_ago(-1)})

    assert verdict_on(site.allocations[0], among=site).reason is Reason.UNCLEAR


def test_a_seat_created_in_the_future_is_unclear() -> None:
    ahead = timedelta(minutes=5)

    beyond = verdict_on(an_allocation(created=NOW + ahead + MICROSECOND, last_used=days_ago(99)))
    within = verdict_on(an_allocation(created=NOW + ahead))

    assert (beyond.reason, within.reason) == (Reason.UNCLEAR, Reason.NEW_SEAT)
    assert "created in the future" in beyond.note


def test_a_holder_missing_from_the_users_is_unclear() -> None:
    site = a_snapshot([an_allocation()], [a_user(r"EXAMPLE\somebody.else")])

    verdict = verdict_on(site.allocations[0], among=site)

    assert verdict.reason is Reason.UNCLEAR
    assert "list of users" in verdict.note


def test_a_row_that_does_not_tell_its_quarantine_is_unclear() -> None:
    verdict = verdict_on(an_allocation(quarantined=None))

    assert verdict.reason is Reason.UNCLEAR
    assert "quarantine" in verdict.note


def test_a_value_that_could_not_be_read_keeps_the_seat_and_is_named() -> None:
    verdict = verdict_on(an_allocation(doubt="lastUsed 'yesterday' is no date"))

    assert verdict.reason is Reason.UNCLEAR
    assert verdict.note == "lastUsed 'yesterday' is no date"


def test_two_rows_with_one_id_are_both_unclear() -> None:
    rows = [
        an_allocation(r"EXAMPLE\anna", id="same"),
        an_allocation(r"EXAMPLE\bo", id="same"),
        an_allocation(r"EXAMPLE\cleo"),
    ]
    site = a_snapshot(rows)

    reasons = [verdict_on(row, among=site).reason for row in rows]

    assert reasons == [Reason.UNCLEAR, Reason.UNCLEAR, Reason.NEVER_USED]


def test_a_protected_user_is_kept_as_exempt_even_with_a_new_seat() -> None:
    policy = a_policy(an_exemption(ExemptionKind.USER, ANNA))

    verdict = verdict_on(an_allocation(created=days_ago(1)), policy)

    assert verdict.reason is Reason.EXEMPT
    assert verdict.exemption == policy.exemptions[0]
    assert verdict.note == policy.exemptions[0].text


# Rule 10: pauses


def a_pause(start: float, end: float) -> Pause:
    """Return a pause from so many to so many days ago."""
    return Pause(days_ago(start), days_ago(end), "Christmas")


def test_days_inside_a_pause_are_no_idle_days() -> None:
    policy = a_policy(pauses=(a_pause(50, 40),))

    spared = verdict_on(an_allocation(last_used=days_ago(99.99)), policy)
    idle = verdict_on(an_allocation(last_used=days_ago(100)), policy)

    assert (spared.reason, idle.reason) == (Reason.ACTIVE, Reason.IDLE)


def test_a_pause_before_the_last_use_spares_nothing() -> None:
    policy = a_policy(pauses=(a_pause(200, 90),))

    assert verdict_on(an_allocation(last_used=days_ago(90)), policy).reason is Reason.IDLE


def test_a_pause_counts_from_the_last_use_inside_it() -> None:
    policy = a_policy(pauses=(a_pause(110, 95),))

    assert verdict_on(an_allocation(last_used=days_ago(100)), policy).reason is Reason.IDLE
    longer = a_policy(pauses=(a_pause(110, 89),))
    assert verdict_on(an_allocation(last_used=days_ago(100)), longer).reason is Reason.ACTIVE


def test_a_pause_that_holds_now_counts_until_now() -> None:
    policy = a_policy(pauses=(a_pause(10, -10),))

    assert verdict_on(an_allocation(last_used=days_ago(99)), policy).reason is Reason.ACTIVE
    assert verdict_on(an_allocation(last_used=days_ago(100)), policy).reason is Reason.IDLE


def test_a_pause_that_comes_later_spares_nothing_yet() -> None:
    policy = a_policy(pauses=(a_pause(-1, -30),))

    assert verdict_on(an_allocation(last_used=days_ago(90)), policy).reason is Reason.IDLE


def test_overlapping_pauses_take_no_day_off_twice() -> None:
    policy = a_policy(pauses=(a_pause(40, 30), a_pause(50, 35), a_pause(48, 45)))

    spared = verdict_on(an_allocation(last_used=days_ago(109.99)), policy)
    idle = verdict_on(an_allocation(last_used=days_ago(110)), policy)

    assert (spared.reason, idle.reason) == (Reason.ACTIVE, Reason.IDLE)


def test_a_pause_makes_neither_a_new_seat_old_nor_activity_elsewhere_stale() -> None:
    policy = a_policy(pauses=(a_pause(20, 10),))
    site = a_snapshot([an_allocation()], witness={ANNA: days_ago(95)})

    assert verdict_on(an_allocation(created=days_ago(39)), policy).reason is Reason.NEW_SEAT
    assert verdict_on(an_allocation(created=days_ago(40)), policy).reason is Reason.NEVER_USED
    assert verdict_on(site.allocations[0], policy, among=site).reason is Reason.ACTIVE_ELSEWHERE


def test_a_seat_without_a_date_of_creation_is_measured_without_pauses_too() -> None:
    policy = a_policy(professional=10, pauses=(a_pause(20, 10),))

    verdict = verdict_on(an_allocation(created=None, last_used=days_ago(35)), policy)

    assert verdict.reason is Reason.UNCLEAR


def test_idle_time_takes_off_only_what_lies_inside_pauses() -> None:
    pauses = [a_pause(30, 20), a_pause(10, 5)]

    assert idle_time(days_ago(40), NOW, pauses) == timedelta(days=25)
    assert idle_time(days_ago(25), NOW, pauses) == timedelta(days=15)
    assert idle_time(days_ago(7), NOW, pauses) == timedelta(days=5)
    assert idle_time(days_ago(40), NOW, []) == timedelta(days=40)


# Words


def test_every_reason_has_words_of_its_own() -> None:
    assert len({reason.words for reason in Reason}) == len(Reason)


def test_only_idle_and_never_used_release() -> None:
    assert [r for r in Reason if r.releases] == [Reason.IDLE, Reason.NEVER_USED]
