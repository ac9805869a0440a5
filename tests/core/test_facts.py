r"""Design rules 3 and 4: who is the same person, and when that person was last active."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from builders import (
    ANALYZER,
    ANNA,
    PROFESSIONAL,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    days_ago,
    facts_of,
    id_of,
    verdict_on,
)
from seatkeeper.core.facts import Elsewhere, activity_of, disjoint
from seatkeeper.core.model import Allocation, LicenseType, Snapshot
from seatkeeper.core.policy import ExemptionKind, MarkRule, Pause
from seatkeeper.core.rules import Reason

OLD, RECENT = days_ago(200), days_ago(3)


# Rule 3: latest activity of a person


def test_use_of_the_other_license_type_counts() -> None:
    rows = [
        an_allocation(license_type=PROFESSIONAL, last_used=OLD),
        an_allocation(license_type=ANALYZER, last_used=RECENT),
    ]

    verdict = verdict_on(rows[0], among=a_snapshot(rows))

    assert verdict.reason is Reason.ACTIVE_ELSEWHERE
    assert verdict.last_activity == RECENT


def test_use_of_a_type_that_is_not_enabled_counts() -> None:
    rows = [
        an_allocation(license_type=PROFESSIONAL, last_used=OLD),
        an_allocation(license_type=ANALYZER, last_used=RECENT),
    ]
    policy = a_policy(off=ANALYZER)

    assert verdict_on(rows[0], policy, among=a_snapshot(rows)).reason is Reason.ACTIVE_ELSEWHERE


def test_a_quarantined_row_still_tells_when_its_person_was_active() -> None:
    rows = [
        an_allocation(license_type=PROFESSIONAL, last_used=OLD),
        an_allocation(license_type=ANALYZER, last_used=RECENT, quarantined=True),
    ]

    assert verdict_on(rows[0], among=a_snapshot(rows)).reason is Reason.ACTIVE_ELSEWHERE


def test_the_row_of_a_deleted_and_recreated_user_tells_activity_by_name() -> None:
    rows = [
        an_allocation(license_type=PROFESSIONAL, last_used=OLD),
        an_allocation(license_type=ANALYZER, last_used=RECENT, user_id=None, deleted_user=True),
    ]

    site = a_snapshot(rows, [a_user()])

    assert verdict_on(rows[0], among=site).reason is Reason.ACTIVE_ELSEWHERE


def test_the_usage_rows_are_a_second_witness() -> None:
    site = a_snapshot([an_allocation(last_used=OLD)], witness={ANNA.upper(): RECENT})

    verdict = verdict_on(site.allocations[0], among=site)

    assert verdict.reason is Reason.ACTIVE_ELSEWHERE
    assert verdict.last_activity == RECENT


def test_an_older_word_of_a_witness_changes_nothing() -> None:
    site = a_snapshot([an_allocation(last_used=RECENT)], witness={ANNA: OLD})

    verdict = verdict_on(site.allocations[0], among=site)

    assert verdict.reason is Reason.ACTIVE
    assert verdict.last_activity == RECENT


@pytest.mark.parametrize("backwards", [False, True])
def test_the_latest_of_several_uses_counts_in_any_order(*, backwards: bool) -> None:
    rows = [
        an_allocation(last_used=OLD, id="1"),
        an_allocation(last_used=RECENT, id="2", license_type=ANALYZER),
        an_allocation(last_used=days_ago(50), id="3", license_type=ANALYZER),
    ]
    site = a_snapshot(rows[::-1] if backwards else rows)

    assert facts_of(site, a_policy()).last_activity(rows[0]) == RECENT


def test_no_activity_anywhere_is_none() -> None:
    never = datetime(1753, 1, 1, tzinfo=UTC)
    site = a_snapshot([an_allocation(last_used=never)], witness={ANNA: never})

    assert facts_of(site, a_policy()).last_activity(site.allocations[0]) is None


@pytest.mark.parametrize("off", [None, ANALYZER])
def test_a_last_use_of_another_seat_that_cannot_be_read_is_a_doubt(off: LicenseType | None) -> None:
    rows = [
        an_allocation(last_used=OLD),
        an_allocation(license_type=ANALYZER, doubt="lastUsed 'yesterday' is no date"),
    ]

    verdict = verdict_on(rows[0], a_policy(off=off), among=a_snapshot(rows))

    assert verdict.reason is Reason.UNCLEAR
    assert verdict.note == "another seat of the person has a date that cannot be read"


def test_a_doubt_that_leaves_the_last_use_of_the_other_seat_known_is_none_here() -> None:
    other = an_allocation(
        license_type=ANALYZER, last_used=OLD, created=None, doubt="createdDate is no date"
    )
    rows = [an_allocation(last_used=OLD), other]

    assert verdict_on(rows[0], among=a_snapshot(rows)).reason is Reason.IDLE


def test_a_doubt_on_a_seat_of_somebody_else_does_not_matter() -> None:
    rows = [an_allocation(last_used=OLD), an_allocation(r"EXAMPLE\bo", doubt="no date")]

    assert verdict_on(rows[0], among=a_snapshot(rows)).reason is Reason.IDLE


@pytest.mark.parametrize(
    "other",
    [
        an_allocation(ANNA.upper(), user_id="2", license_type=ANALYZER, doubt="no date"),
        an_allocation(r"OLD\name", user_id=id_of(ANNA), license_type=ANALYZER, doubt="no date"),
        an_allocation("", user_id=id_of(ANNA), license_type=ANALYZER, doubt="no date"),
        an_allocation(user_id=None, deleted_user=True, license_type=ANALYZER, doubt="no date"),
        an_allocation(quarantined=True, license_type=ANALYZER, doubt="no date"),
    ],
)
def test_the_doubt_follows_the_person_by_name_and_by_id(other: Allocation) -> None:
    seat = an_allocation(last_used=OLD)

    verdict = verdict_on(seat, among=a_snapshot([seat, other], [a_user()]))

    assert verdict.reason is Reason.UNCLEAR


def test_activity_of_others_does_not_count() -> None:
    rows = [an_allocation(last_used=OLD), an_allocation(r"EXAMPLE\bo", last_used=RECENT)]
    site = a_snapshot(rows, witness={r"OTHER\anna.berg": RECENT})

    assert verdict_on(rows[0], among=site).reason is Reason.IDLE


def test_rows_that_name_nobody_are_not_one_person() -> None:
    nameless = an_allocation(holder="", user_id=None, last_used=RECENT, id="1")
    idle = an_allocation(holder="", user_id=id_of(ANNA), last_used=OLD, id="2")
    site = a_snapshot([nameless, idle], [a_user(ANNA)])

    assert verdict_on(idle, among=site).reason is Reason.IDLE


def test_a_row_that_names_nobody_belongs_to_its_user_by_id() -> None:
    rows = [
        an_allocation(last_used=OLD),
        an_allocation(holder="", user_id=id_of(ANNA), last_used=RECENT, license_type=ANALYZER),
    ]

    site = a_snapshot(rows, [a_user(ANNA)])

    assert verdict_on(rows[0], among=site).reason is Reason.ACTIVE_ELSEWHERE


# Rule 3: the same person


def test_two_users_whose_names_differ_in_case_are_one_person() -> None:
    rows = [
        an_allocation(r"EXAMPLE\anna", last_used=OLD, user_id="1", id="a"),
        an_allocation(r"Example\ANNA", last_used=RECENT, user_id="2", id="b"),
    ]
    users = [a_user(r"EXAMPLE\anna", id="1"), a_user(r"Example\ANNA", id="2")]

    assert verdict_on(rows[0], among=a_snapshot(rows, users)).reason is Reason.ACTIVE_ELSEWHERE


def test_case_is_folded_as_unicode_does() -> None:
    rows = [
        an_allocation(r"EXAMPLE\straße", last_used=OLD, user_id="1", id="a"),
        an_allocation(r"EXAMPLE\STRASSE", last_used=RECENT, user_id="2", id="b"),
    ]
    users = [a_user(r"EXAMPLE\straße", id="1"), a_user(r"EXAMPLE\STRASSE", id="2")]

    assert verdict_on(rows[0], among=a_snapshot(rows, users)).reason is Reason.ACTIVE_ELSEWHERE


def test_one_id_under_two_names_is_one_person() -> None:
    """Somebody was renamed: one row still has the old name."""
    rows = [
        an_allocation(r"EXAMPLE\new", last_used=OLD, user_id="1", id="a"),
        an_allocation(r"EXAMPLE\old", last_used=RECENT, user_id="1", id="b"),
    ]
    site = a_snapshot(rows, [a_user(r"EXAMPLE\new", id="1")])

    assert verdict_on(rows[0], among=site).reason is Reason.ACTIVE_ELSEWHERE


def test_usage_under_the_old_name_counts_for_every_seat_of_the_id() -> None:
    rows = [
        an_allocation(r"EXAMPLE\new", last_used=OLD, user_id="1", id="a"),
        an_allocation(r"EXAMPLE\old", last_used=OLD, user_id="1", id="b"),
    ]
    site = a_snapshot(rows, [a_user(r"EXAMPLE\new", id="1")], witness={r"example\OLD": RECENT})

    assert [verdict_on(row, among=site).reason for row in rows] == [Reason.ACTIVE_ELSEWHERE] * 2


def test_a_chain_of_names_and_ids_is_one_person() -> None:
    rows = [
        an_allocation(r"EXAMPLE\b", last_used=OLD, user_id="2", id="a"),
        an_allocation(r"EXAMPLE\b", last_used=OLD, user_id="1", id="b"),
        an_allocation(r"EXAMPLE\c", last_used=RECENT, user_id="1", id="c"),
    ]
    site = a_snapshot(rows, [a_user(r"EXAMPLE\a", id="1"), a_user(r"EXAMPLE\b", id="2")])

    assert [verdict_on(row, among=site).reason for row in rows[:2]] == (
        [Reason.ACTIVE_ELSEWHERE] * 2
    )


def test_two_chains_that_meet_become_one() -> None:
    pairs = [("1", "a"), ("1", "b"), ("2", "c"), ("2", "d"), ("1", "d")]
    rows = [
        an_allocation(rf"X\{name}", last_used=OLD, user_id=who, id=f"{who}{name}")
        for who, name in pairs
    ]
    site = a_snapshot(
        rows, [a_user(r"X\a", id="1"), a_user(r"X\c", id="2")], witness={r"x\B": RECENT}
    )

    assert {verdict_on(row, among=site).reason for row in rows} == {Reason.ACTIVE_ELSEWHERE}


# Protection of a person with several rows


def a_double(**second: Any) -> Snapshot:
    """Return a site where one person has two users, and a seat at the first."""
    users = [a_user(r"EXAMPLE\anna", id="1"), a_user(r"Example\Anna", id="2", **second)]
    return a_snapshot([an_allocation(r"EXAMPLE\anna", user_id="1")], users)


KEEP = an_exemption(ExemptionKind.TAG, "keep")


def test_what_another_user_row_of_the_person_carries_protects() -> None:
    site = a_double(tags=("Keep",))

    assert verdict_on(site.allocations[0], a_policy(KEEP), among=site).reason is Reason.EXEMPT


def test_what_another_user_row_does_not_tell_is_unclear() -> None:
    site = a_double(tags=None)

    assert verdict_on(site.allocations[0], a_policy(KEEP), among=site).reason is Reason.UNCLEAR


def test_a_certain_protection_of_either_row_goes_before_a_doubt_about_the_other() -> None:
    policy = a_policy(KEEP, inactive=MarkRule.YES)
    seat = an_allocation(r"EXAMPLE\anna", user_id="1")
    rows = [
        a_user(r"EXAMPLE\anna", id="1", inactive=None),
        a_user(r"EXAMPLE\ANNA", id="2", tags=("keep",)),
    ]

    for users in (rows, rows[::-1]):
        assert verdict_on(seat, policy, among=a_snapshot([seat], users)).reason is Reason.EXEMPT


def test_which_doubt_about_a_person_is_told_does_not_depend_on_the_order() -> None:
    policy = a_policy(inactive=MarkRule.YES, blocked=MarkRule.YES)
    seat = an_allocation(r"EXAMPLE\anna", user_id="2")
    rows = [
        a_user(r"EXAMPLE\anna", id="2", inactive=None),
        a_user(r"EXAMPLE\ANNA", id="1", blocked=None),
    ]

    notes = [
        verdict_on(seat, policy, among=a_snapshot([seat], users)).note
        for users in (rows, rows[::-1])
    ]

    assert notes == ["the site did not tell the user's mark blocked"] * 2


def test_two_plain_user_rows_of_a_person_protect_nobody() -> None:
    site = a_double()

    assert verdict_on(site.allocations[0], a_policy(KEEP), among=site).reason is Reason.NEVER_USED


def test_a_person_is_protected_under_the_name_in_the_row_too() -> None:
    seat = an_allocation(r"EXAMPLE\old", user_id="1")
    site = a_snapshot([seat], [a_user(r"EXAMPLE\new", id="1")])

    for name in (r"example\OLD", r"example\NEW"):
        policy = a_policy(an_exemption(ExemptionKind.USER, name))
        assert verdict_on(seat, policy, among=site).reason is Reason.EXEMPT
    policy = a_policy(an_exemption(ExemptionKind.USER, r"EXAMPLE\other"))
    assert verdict_on(seat, policy, among=site).reason is Reason.NEVER_USED


# Rule 4: sites that share a license


def test_activity_on_a_site_that_shares_the_license_counts() -> None:
    site = a_snapshot([an_allocation(last_used=OLD)])
    partner = activity_of(a_snapshot([an_allocation(ANNA.upper(), last_used=RECENT)], site="two"))

    verdict = verdict_on(site.allocations[0], among=site, partners=[Elsewhere({}), partner])

    assert verdict.reason is Reason.ACTIVE_ELSEWHERE
    assert verdict.last_activity == RECENT


def test_a_partner_tells_the_latest_of_seats_and_usage_rows() -> None:
    rows = [
        an_allocation(last_used=OLD, license_type=PROFESSIONAL),
        an_allocation(last_used=RECENT, license_type=ANALYZER),
        an_allocation(r"EXAMPLE\bo", last_used=OLD),
        an_allocation(r"EXAMPLE\cleo"),
    ]
    partner = a_snapshot(rows, witness={ANNA: days_ago(100), r"EXAMPLE\bo": RECENT})

    assert activity_of(partner).latest == {ANNA.casefold(): RECENT, r"example\bo": RECENT}


def test_a_last_use_that_cannot_be_read_on_a_site_that_shares_the_license_is_a_doubt() -> None:
    site = a_snapshot([an_allocation(last_used=OLD), an_allocation(r"EXAMPLE\bo", last_used=OLD)])
    elsewhere = an_allocation(ANNA.upper(), license_type=ANALYZER, doubt="no date")
    partner = activity_of(a_snapshot([elsewhere], site="two"))

    anna, bo = (
        verdict_on(seat, among=site, partners=[Elsewhere({}), partner]) for seat in site.allocations
    )

    assert anna.reason is Reason.UNCLEAR
    assert anna.note == "another seat of the person has a date that cannot be read"
    assert bo.reason is Reason.IDLE


def test_a_doubt_elsewhere_is_found_under_every_name_of_the_person() -> None:
    renamed = an_allocation(r"EXAMPLE\old", user_id="1", last_used=OLD)
    site = a_snapshot([renamed], [a_user(r"EXAMPLE\new", id="1")])

    for name in (r"example\old", r"example\new"):
        partner = Elsewhere({}, frozenset({name}))
        assert verdict_on(renamed, among=site, partners=[partner]).reason is Reason.UNCLEAR


def test_a_partner_tells_of_doubt_under_every_name() -> None:
    doubtful = an_allocation(r"EXAMPLE\old", user_id="1", doubt="no date")
    dated = an_allocation(r"EXAMPLE\bo", last_used=OLD, doubt="createdDate is no date")
    partner = a_snapshot([doubtful, dated], [a_user(r"EXAMPLE\new", id="1")])

    assert activity_of(partner).unclear == {r"example\old", r"example\new"}


def test_a_partner_tells_of_a_person_under_every_name() -> None:
    renamed = an_allocation(r"EXAMPLE\old", user_id="1", last_used=RECENT)
    nameless = an_allocation(holder="", user_id="1", last_used=days_ago(2), id="x")
    unknown = an_allocation(holder="", user_id="9", last_used=days_ago(1), id="y")
    partner = a_snapshot([renamed, nameless, unknown], [a_user(r"EXAMPLE\new", id="1")])

    assert activity_of(partner).latest == {r"example\old": RECENT, r"example\new": days_ago(2)}


# Pauses


def test_pauses_that_touch_or_overlap_are_joined() -> None:
    def pause(start: float, end: float) -> Pause:
        return Pause(days_ago(start), days_ago(end))

    joined = disjoint([pause(10, 5), pause(30, 20), pause(20, 15), pause(29, 25), pause(8, 4)])

    assert joined == (pause(30, 15), pause(10, 4))
    assert disjoint([]) == ()
