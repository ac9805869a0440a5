r"""Design rules 6 and 8: whom exemptions and the built-in protection keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest

from builders import (
    NOW,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    changed,
    days_ago,
    verdict_on,
)
from seatkeeper.core.exemptions import ExemptionIndex, Protection, carriers, pattern_of
from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule, Policy
from seatkeeper.core.rules import Reason

KIND = ExemptionKind


def protection(user: User, *exemptions: Exemption, **changes: Any) -> Protection | None:
    """Look a user up among these exemptions."""
    return ExemptionIndex(replace(a_policy(*exemptions), **changes), NOW).protection(user)


CARRIER = a_user(
    r"Example\Anna.Berg",
    tags=("other", "License Do Not Release"),
    properties=(("Team", "do-not-release"), ("LicenseManage", "Do-Not-Release")),
    groups=("All", "BI-Admins"),
)


@pytest.mark.parametrize(
    "exemption",
    [
        an_exemption(KIND.USER, r"EXAMPLE\ANNA.BERG"),
        an_exemption(KIND.USER_DIRECTORY, "eXAMPLE"),
        an_exemption(KIND.TAG, "license do not release"),
        an_exemption(KIND.CUSTOM_PROPERTY, "LICENSEMANAGE", "DO-NOT-RELEASE"),
        an_exemption(KIND.GROUP, "bi-admins"),
        an_exemption(KIND.PATTERN, r"EXAMPLE\anna*"),
    ],
    ids=lambda exemption: exemption.kind.value,
)
def test_each_kind_protects_whatever_the_case_and_the_blanks_around(exemption: Exemption) -> None:
    spaced = an_exemption(
        exemption.kind, f" {exemption.match} ", f" {exemption.value} " if exemption.value else ""
    )

    for written in (exemption, spaced):
        found = protection(CARRIER, written)
        assert found == Protection(written.text, written)


@pytest.mark.parametrize("kind", [KIND.USER, KIND.PATTERN])
def test_a_letter_with_a_mark_is_the_same_written_as_one_character_or_two(
    kind: ExemptionKind,
) -> None:
    composed, decomposed = "EXAMPLE\\M\u00fcller", "EXAMPLE\\mu\u0308ller"

    assert protection(a_user(decomposed), an_exemption(kind, composed)) is not None
    assert protection(a_user(composed), an_exemption(kind, decomposed)) is not None


@pytest.mark.parametrize(
    "exemption",
    [
        an_exemption(KIND.USER, r"EXAMPLE\anna"),
        an_exemption(KIND.USER, r"OTHER\anna.berg"),
        an_exemption(KIND.USER_DIRECTORY, "EXAMPLES"),
        an_exemption(KIND.USER_DIRECTORY, "anna.berg"),
        an_exemption(KIND.TAG, "license do not"),
        an_exemption(KIND.TAG, "bi-admins"),
        an_exemption(KIND.CUSTOM_PROPERTY, "LicenseManage", "release"),
        an_exemption(KIND.CUSTOM_PROPERTY, "Team", "other"),
        an_exemption(KIND.GROUP, "other"),
        an_exemption(KIND.PATTERN, r"EXAMPLE\bo*"),
    ],
    ids=lambda exemption: exemption.text,
)
def test_what_does_not_match_does_not_protect(exemption: Exemption) -> None:
    assert protection(CARRIER, exemption) is None


def test_name_and_value_of_a_property_belong_together() -> None:
    user = a_user(properties=(("LicenseManage", "anything"), ("Team", "do-not-release")))

    assert (
        protection(user, an_exemption(KIND.CUSTOM_PROPERTY, "LicenseManage", "do-not-release"))
        is None
    )


def test_one_property_may_have_several_protecting_values() -> None:
    exemptions = [an_exemption(KIND.CUSTOM_PROPERTY, "Team", v) for v in ("Board", "Audit")]

    for value in ("board", "AUDIT"):
        assert protection(a_user(properties=(("team", value),)), *exemptions) is not None
    assert protection(a_user(properties=(("team", "sales"),)), *exemptions) is None


def test_a_protected_user_keeps_the_seat_and_the_exemption_is_named() -> None:
    exemption = an_exemption(KIND.GROUP, "bi-admins", owner="Jane", reason="they build the apps")
    site = a_snapshot([an_allocation()], [a_user(groups=("BI-ADMINS",))])

    verdict = verdict_on(site.allocations[0], a_policy(exemption), among=site)

    assert verdict.reason is Reason.EXEMPT
    assert verdict.exemption is exemption
    assert verdict.note == "group bi-admins"


# Expiry


def test_an_exemption_protects_until_the_moment_it_expires() -> None:
    ends = an_exemption(KIND.TAG, "keep", expires=NOW)
    user = a_user(tags=("keep",))
    policy = a_policy(ends)

    before = ExemptionIndex(policy, NOW - timedelta(microseconds=1)).protection(user)
    at_its_end = ExemptionIndex(policy, NOW).protection(user)

    assert before is not None
    assert at_its_end is None


def test_an_expired_exemption_does_not_hide_a_valid_one() -> None:
    expired = an_exemption(KIND.TAG, "keep", expires=days_ago(1))
    valid = an_exemption(KIND.TAG, "KEEP")

    for order in ((expired, valid), (valid, expired)):
        found = protection(a_user(tags=("keep",)), *order)
        assert found is not None
        assert found.exemption is valid


# Patterns


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (r"EXAMPLE\svc_*", r"example\SVC_backup", True),
        (r"EXAMPLE\svc_*", r"EXAMPLE\svc_", True),
        (r"EXAMPLE\svc_*", r"EXAMPLE\a.svc_b", False),
        (r"*\svc_*", r"CORP\svc_x", True),
        (r"*\svc_?", r"CORP\svc_xy", False),
        (r"*\svc_?", r"CORP\svc_x", True),
        (r"*\svc_?", "CORP\\svc_", False),
        (r"*", r"CORP\anybody", True),
        (r"**", r"CORP\anybody", True),
        (r"?*", r"CORP\anybody", True),
        (r"*admin", r"CORP\bi.admin", True),
        (r"*admin", r"CORP\bi.admins", False),
        (r"*a*b*", r"X\b.a", False),
        (r"*a*b*", r"X\a.b", True),
        (r"*ab*ab", r"X\ab", False),
        (r"*ab*ab", r"X\abab", True),
        (r"*a?c*c", r"X\a.c.c", True),
        (r"EXAMPLE\a.b", r"EXAMPLE\axb", False),
        (r"EXAMPLE\a+", r"EXAMPLE\aa", False),
        (r"EXAMPLE\[ab]", r"EXAMPLE\a", False),
        (r"EXAMPLE\[ab]", r"EXAMPLE\[ab]", True),
        (r"EXAMPLE\d*", r"EXAMPLE\daniel", True),
        (r"EXAMPLE\d*", r"EXAMPLE7", False),
        (r"EXAMPLE\\*", r"EXAMPLE\x", False),
        (r"EXAMPLE?x", r"EXAMPLE\x", True),
        (r"EXAMPLE\STRASSE", r"EXAMPLE\straße", True),
        ("EXAMPLE\\a*b", "EXAMPLE\\a\nb", True),
    ],
)
def test_patterns_know_star_and_question_mark_and_nothing_else(
    pattern: str, name: str, *, matches: bool
) -> None:
    user = a_user(name)

    assert (protection(user, an_exemption(KIND.PATTERN, pattern)) is not None) is matches


def test_a_pattern_of_many_stars_is_not_slow() -> None:
    matches = pattern_of("*a" * 30 + "*b")
    began = perf_counter()

    assert not matches("a" * 2_000)

    assert perf_counter() - began < 1


# Rule 8: built-in protection


def test_built_in_protection_is_on_by_default() -> None:
    assert Policy().built_in_protection


@pytest.mark.parametrize(
    "user",
    [
        a_user(r"example\QLIK.Admin"),
        a_user(r"internal\sa_api"),
        a_user(delete_prohibited=True),
        a_user(roles=("ContentAdmin", "rootADMIN")),
    ],
    ids=["own user", "INTERNAL", "deleteProhibited", "RootAdmin"],
)
def test_the_built_in_protection_keeps_and_can_be_switched_off(user: User) -> None:
    own = r"EXAMPLE\qlik.admin"

    kept = protection(user, built_in_protection=True, own_user=own)

    assert kept is not None
    assert not kept.unclear
    assert kept.exemption is None
    assert protection(user, built_in_protection=False, own_user=own) is None


@pytest.mark.parametrize(
    "user", [a_user(roles=("ContentAdmin", "RootAdmins")), a_user(r"INTERNALS\x"), a_user()]
)
def test_the_built_in_protection_keeps_nobody_else(user: User) -> None:
    assert protection(user, built_in_protection=True, own_user=r"X\y") is None
    assert protection(user, built_in_protection=True, own_user="") is None


# Rule 9: what the site does not tell


@pytest.mark.parametrize(
    ("user", "exemption"),
    [
        (a_user(tags=None), an_exemption(KIND.TAG, "keep")),
        (a_user(groups=None), an_exemption(KIND.GROUP, "keep")),
        (a_user(properties=None), an_exemption(KIND.CUSTOM_PROPERTY, "keep", "yes")),
    ],
    ids=["tags", "groups", "properties"],
)
def test_an_untold_list_is_unclear_only_where_it_matters(user: User, exemption: Exemption) -> None:
    found = protection(user, exemption)

    assert found is not None
    assert found.unclear
    assert protection(user) is None
    assert protection(user, an_exemption(KIND.USER_DIRECTORY, "OTHER")) is None


@pytest.mark.parametrize("user", [a_user(roles=None), a_user(delete_prohibited=None)])
def test_untold_roles_and_flags_are_unclear_under_the_built_in_protection(user: User) -> None:
    found = protection(user, built_in_protection=True)

    assert found is not None
    assert found.unclear
    assert protection(user, built_in_protection=False) is None


@pytest.mark.parametrize("mark", ["inactive", "blocked", "removed_externally"])
def test_an_untold_mark_is_unclear_only_where_it_matters(mark: str) -> None:
    user = changed(a_user(), **{mark: None})

    for rule in (MarkRule.YES, MarkRule.NO):
        found = protection(user, **{mark: rule})
        assert found is not None
        assert found.unclear
        assert mark in found.why
    assert protection(user) is None


def test_a_certain_protection_goes_before_a_doubt() -> None:
    user = a_user(roles=None, tags=None, groups=("keep",))
    group, tag = an_exemption(KIND.GROUP, "keep"), an_exemption(KIND.TAG, "keep")

    found = protection(user, tag, group, built_in_protection=True)

    assert found == Protection(group.text, group)


# carriers


def test_carriers_are_the_users_an_exemption_protects_even_an_expired_one() -> None:
    keeper, other = a_user(r"X\a", tags=("Keep",)), a_user(r"X\b", tags=None)
    exemption = an_exemption(KIND.TAG, "keep", expires=days_ago(1))

    assert carriers(exemption, [keeper, other]) == [keeper]
    named = an_exemption(KIND.CUSTOM_PROPERTY, "a", "b")
    assert carriers(named, [a_user(properties=(("A", "B"),)), keeper]) == [
        a_user(properties=(("A", "B"),))
    ]


# An exemption that can match nobody is refused


@pytest.mark.parametrize(
    ("kind", "match", "value"),
    [
        (KIND.TAG, "", ""),
        (KIND.TAG, "  ", ""),
        (KIND.USER, "anna", ""),
        (KIND.USER_DIRECTORY, r"EXAMPLE\anna", ""),
        (KIND.CUSTOM_PROPERTY, "LicenseManage", " "),
    ],
)
def test_an_exemption_that_can_match_nobody_cannot_be_built(
    kind: ExemptionKind, match: str, value: str
) -> None:
    with pytest.raises(ValueError, match=r"empty|backslash|value"):
        an_exemption(kind, match, value)
