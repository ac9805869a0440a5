from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config_files import limits, load_text, never, policy, qrs
from seatkeeper.core.policy import ExemptionKind, Limits, Mode, Pause, Policy

ZONE = "    schedule: {timezone: %s}\n"


def policy_of(folder: Path, text: str, zone: str = "UTC") -> Policy:
    return load_text(folder, text + ZONE % zone).settings.sites[0].to_policy()


def test_a_policy_without_a_word_is_the_cautious_one(tmp_path: Path) -> None:
    assert policy_of(tmp_path, policy("")) == Policy(own_user=r"INTERNAL\sa_api")


def test_every_value_reaches_the_policy(tmp_path: Path) -> None:
    text = policy(
        "mode: auto\n"
        "agreement_reviewed: {by: Jane Doe, on: 2026-11-01}\n"
        "professional: {enabled: false, release_after: 60d}\n"
        "analyzer: {release_after: 45d}\n"
        "new_seat_grace: 2w\n"
        "built_in_protection: false\n"
        "never_release: {inactive: yes, blocked: no, removed_externally: ignore}\n"
    )

    found = policy_of(tmp_path, text)

    assert found.mode is Mode.AUTO
    assert found.agreement is not None
    assert (found.agreement.by, found.agreement.on.isoformat()) == ("Jane Doe", "2026-11-01")
    assert not found.professional.enabled
    assert found.professional.release_after == timedelta(days=60)
    assert found.analyzer.release_after == timedelta(days=45)
    assert found.new_seat_grace == timedelta(days=14)
    assert not found.built_in_protection
    assert (found.inactive, found.blocked, found.removed_externally) == ("yes", "no", "ignore")


def test_every_limit_reaches_the_policy(tmp_path: Path) -> None:
    text = limits(
        "max_per_run: 10\nmax_per_day: 20\nmax_share: 0.05\ndirectory_jump: 3%\n"
        "stale_activity: 36h\ngrown: 2.5\nincomplete: 0%\nclock_skew: 90s\nplan_max_age: 1d"
    )

    assert policy_of(tmp_path, text).limits == Limits(
        max_per_run=10,
        max_per_day=20,
        max_share=0.05,
        directory_jump=0.03,
        stale_activity=timedelta(hours=36),
        grown=2.5,
        incomplete=0.0,
        clock_skew=timedelta(seconds=90),
        plan_max_age=timedelta(days=1),
    )


def test_the_limit_of_a_day_is_that_of_a_run_unless_told_otherwise(tmp_path: Path) -> None:
    assert policy_of(tmp_path, limits("max_per_run: 7")).limits.max_per_day == 7


def test_the_own_user_is_the_one_of_the_connection(tmp_path: Path) -> None:
    found = load_text(tmp_path, qrs(r"user: 'CORP\seatkeeper'")).settings.sites[0].to_policy()

    assert found.own_user == r"CORP\seatkeeper"


def test_every_list_becomes_exemptions_of_its_kind(tmp_path: Path) -> None:
    text = never(
        r"users: ['CORP\anna']" + "\n"
        "user_directories: [INTERNAL]\n"
        "tags: [keep]\n"
        "custom_properties: [{name: LicenseManage, value: do-not-release}]\n"
        "groups: [bi-admins]\n"
        r"patterns: ['CORP\svc_*']"
    )

    found = {e.kind: (e.match, e.value) for e in policy_of(tmp_path, text).exemptions}

    assert found == {
        ExemptionKind.USER: (r"CORP\anna", ""),
        ExemptionKind.USER_DIRECTORY: ("INTERNAL", ""),
        ExemptionKind.TAG: ("keep", ""),
        ExemptionKind.CUSTOM_PROPERTY: ("LicenseManage", "do-not-release"),
        ExemptionKind.GROUP: ("bi-admins", ""),
        ExemptionKind.PATTERN: (r"CORP\svc_*", ""),
    }


@pytest.mark.parametrize(
    "entry",
    [
        r"users: [{match: 'CORP\anna', %s}]",
        "user_directories: [{match: CORP, %s}]",
        "tags: [{match: keep, %s}]",
        "custom_properties: [{name: a, value: b, %s}]",
        "groups: [{match: admins, %s}]",
        r"patterns: [{match: 'CORP\*', %s}]",
    ],
)
def test_any_entry_may_have_an_owner_a_reason_and_an_end(tmp_path: Path, entry: str) -> None:
    text = never(entry % "owner: HR, reason: leave, expires: 2027-06-30, allow_empty: yes")

    [found] = policy_of(tmp_path, text).exemptions

    assert (found.owner, found.reason, found.allow_empty) == ("HR", "leave", True)
    assert found.expires == datetime(2027, 7, 1, tzinfo=UTC)


def test_an_expired_exemption_is_no_fault(tmp_path: Path) -> None:
    [found] = policy_of(tmp_path, never("tags: [{match: x, expires: 2001-01-01}]")).exemptions

    assert not found.protects_at(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("zone", "hour"), [("Europe/Stockholm", 22), ("America/New_York", 4), ("Asia/Kolkata", 18)]
)
def test_the_last_day_of_an_exemption_ends_at_midnight_of_the_site(
    tmp_path: Path, zone: str, hour: int
) -> None:
    text = never("tags: [{match: x, expires: 2027-06-30}]")

    [found] = policy_of(tmp_path, text, zone).exemptions

    assert found.expires is not None
    assert found.expires.hour == hour


def test_a_pause_takes_in_both_its_days_in_the_zone_of_the_site(tmp_path: Path) -> None:
    text = policy("pause: [{from: 2026-12-20, to: 2027-01-06, reason: Christmas}]")

    assert policy_of(tmp_path, text, "Europe/Stockholm").pauses == (
        Pause(
            datetime(2026, 12, 19, 23, tzinfo=UTC),
            datetime(2027, 1, 6, 23, tzinfo=UTC),
            "Christmas",
        ),
    )


def test_a_pause_over_a_clock_change_is_whole_local_days(tmp_path: Path) -> None:
    text = policy("pause: [{from: 2026-10-25, to: 2026-10-25}]")

    [pause] = policy_of(tmp_path, text, "Europe/Stockholm").pauses

    assert pause.end - pause.start == timedelta(hours=25)


def test_a_day_that_begins_at_one_in_the_morning_begins_there(tmp_path: Path) -> None:
    text = policy("pause: [{from: 2026-04-24, to: 2026-04-24}]")

    [pause] = policy_of(tmp_path, text, "Africa/Cairo").pauses

    assert pause.start == datetime(2026, 4, 23, 22, tzinfo=UTC)
    assert pause.end - pause.start == timedelta(hours=23)


def test_pauses_that_overlap_or_touch_count_once(tmp_path: Path) -> None:
    text = policy(
        "pause:\n"
        "  - {from: 2027-01-01, to: 2027-01-06, reason: Epiphany}\n"
        "  - {from: 2026-12-20, to: 2027-01-02, reason: Christmas}\n"
        "  - {from: 2027-01-07, to: 2027-01-08}\n"
        "  - {from: 2027-07-01, to: 2027-07-31, reason: summer}\n"
    )

    assert policy_of(tmp_path, text).pauses == (
        Pause(
            datetime(2026, 12, 20, tzinfo=UTC),
            datetime(2027, 1, 9, tzinfo=UTC),
            "Christmas, Epiphany",
        ),
        Pause(datetime(2027, 7, 1, tzinfo=UTC), datetime(2027, 8, 1, tzinfo=UTC), "summer"),
    )


def test_the_order_of_lists_does_not_change_what_the_policy_is(tmp_path: Path) -> None:
    one = policy_of(tmp_path, never("tags: [a, b]\ngroups: [c]"))
    other = policy_of(tmp_path, never("groups: [c]\ntags: [b, a]"))

    assert one.digest == other.digest
