from __future__ import annotations

import pytest

from builders import a_user
from seatkeeper.core.model import User
from seatkeeper.core.policy import ExemptionKind
from seatkeeper.core.proposals import proposals_for


def proposed(*users: User) -> dict[str, list[str]]:
    return {p.exemption.text: [u.label for u in p.users] for p in proposals_for(users)}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("svc_reload", r"*\svc_*"),
        ("SVC-Reload", r"*\svc-*"),
        ("sa_qlik", r"*\sa_*"),
        ("qlik_svc", r"*\*_svc"),
        ("robot7", r"*\robot*"),
        ("test", r"*\test*"),
        ("test.user", r"*\test.*"),
    ],
)
def test_a_name_like_a_machine_or_a_test_is_proposed_as_a_pattern(name: str, pattern: str) -> None:
    user = a_user(rf"EXAMPLE\{name}")

    assert proposed(user) == {f"pattern {pattern}": [user.label]}


@pytest.mark.parametrize(
    "name", ["anna.berg", "salma", "svenja", "testa.rossa", "botond", "tasker"]
)
def test_a_person_is_not_taken_for_a_machine(name: str) -> None:
    assert proposed(a_user(rf"EXAMPLE\{name}")) == {}


def test_internal_users_are_proposed_by_their_directory_alone() -> None:
    user = a_user(r"INTERNAL\sa_repository", roles=("RootAdmin",))

    assert proposed(user) == {"user directory INTERNAL": [user.label]}


def test_groups_that_sound_like_administrators_are_proposed_once_with_all_their_people() -> None:
    one, two = (
        a_user(r"EXAMPLE\a", groups=("BI-Admins",)),
        a_user(r"EXAMPLE\b", groups=("bi-admins",)),
    )

    assert list(proposed(one, two).values()) == [[one.label, two.label]]


def test_root_administrators_are_proposed_by_name() -> None:
    user = a_user(r"EXAMPLE\carl", roles=("RootAdmin", "AuditAdmin"))

    assert proposed(user) == {rf"user {user.label}": [user.label]}


def test_very_many_root_administrators_are_left_to_the_built_in_protection() -> None:
    users = [a_user(rf"EXAMPLE\p{n}", roles=("RootAdmin",)) for n in range(21)]

    assert proposed(*users) == {}


@pytest.mark.parametrize("bad", ["svc_\x1b[31m", "svc_${HOME}", "svc_\u202etxt"])
def test_names_that_a_file_for_people_should_not_hold_are_left_out(bad: str) -> None:
    assert proposed(a_user(rf"EXAMPLE\{bad}")) == {}


def test_each_proposal_says_why() -> None:
    users = [a_user(r"INTERNAL\x"), a_user(r"E\svc_a", groups=("admins",), roles=("RootAdmin",))]

    found = proposals_for(users)

    assert {p.exemption.kind for p in found} == {
        ExemptionKind.USER_DIRECTORY,
        ExemptionKind.PATTERN,
        ExemptionKind.GROUP,
        ExemptionKind.USER,
    }
    assert all(p.exemption.reason for p in found)
