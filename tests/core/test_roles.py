"""Who may do what: every role and every permission, and roles on some sites."""

from __future__ import annotations

import pytest

from seatkeeper.core.roles import (
    Grant,
    Identity,
    Permission,
    Role,
    SignIn,
    capped,
    grants_of_groups,
    highest,
)

MAY = {
    Permission.READ: "viewer operator approver admin",
    Permission.NAMES: "operator approver admin",
    Permission.RUN: "operator approver admin",
    Permission.SILENCE: "operator approver admin",
    Permission.DECIDE: "approver admin",
    Permission.OVERRIDE: "approver admin",
    Permission.UNDO: "approver admin",
    Permission.ADMINISTER: "admin",
}
"""Written out by hand: what a role may do changes on purpose or not at all."""


def on(*sites: str) -> Grant:
    return Grant(Role.OPERATOR, frozenset(sites))


def somebody(*grants: Grant) -> Identity:
    return Identity("Ingrid Berg", SignIn.ACCOUNT, grants)


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_a_role_permits_what_the_table_says(role: Role, permission: Permission) -> None:
    assert (permission in role.permissions) is (role.value in MAY[permission].split())


def test_each_role_may_all_that_the_one_before_it_may() -> None:
    for lower, higher in zip(list(Role), list(Role)[1:], strict=False):
        assert lower.permissions < higher.permissions


def test_a_role_on_one_site_is_none_on_another_and_none_on_all() -> None:
    local = somebody(Grant(Role.ADMIN, frozenset({"prod"})))

    assert local.may(Permission.DECIDE, "PROD")
    assert not local.may(Permission.READ, "test")
    assert not local.may(Permission.DECIDE)
    assert local.may_somewhere(Permission.DECIDE)
    assert local.sites(Permission.READ, ("test", "prod")) == ("prod",)


def test_roles_on_different_sites_do_not_mix() -> None:
    both = somebody(Grant(Role.VIEWER), Grant(Role.APPROVER, frozenset({"prod"})))

    assert both.may(Permission.DECIDE, "prod")
    assert both.may(Permission.READ, "test")
    assert not both.may(Permission.DECIDE, "test")
    assert (both.role_on("prod"), both.role_on("test")) == (Role.APPROVER, Role.VIEWER)


def test_somebody_without_a_grant_may_nothing() -> None:
    nobody = somebody()

    assert not any(nobody.may_somewhere(permission) for permission in Permission)
    assert nobody.role is None
    assert highest([]) is None


def test_groups_give_every_role_once_whatever_their_letter_case() -> None:
    approver, viewer = Grant(Role.APPROVER), Grant(Role.VIEWER)
    granted = [("BI", approver), ("Staff", viewer), ("bi-old", approver)]

    assert grants_of_groups(["bi", "BI-OLD"], granted) == (approver,)
    assert grants_of_groups(["STAFF", "Bi"], granted) == (approver, viewer)
    assert grants_of_groups(["bi*", ""], granted) == ()


def test_a_grant_on_no_site_and_a_person_without_a_name_cannot_be() -> None:
    with pytest.raises(ValueError, match="no site"):
        Grant(Role.VIEWER, frozenset())
    with pytest.raises(ValueError, match="without a name"):
        Identity("  ", SignIn.OIDC, ())


@pytest.mark.parametrize(
    ("grant", "most", "left"),
    [
        (Grant(Role.ADMIN), Grant(Role.VIEWER), (Grant(Role.VIEWER),)),
        (Grant(Role.VIEWER), Grant(Role.ADMIN), (Grant(Role.VIEWER),)),
        (Grant(Role.ADMIN), on("prod"), (on("prod"),)),
        (on("PROD", "test"), on("prod"), (on("PROD"),)),
        (on("test"), on("prod"), ()),
    ],
)
def test_a_cap_takes_the_lower_role_on_the_sites_of_both(
    grant: Grant, most: Grant, left: tuple[Grant, ...]
) -> None:
    assert capped([grant], [most]) == left


def test_without_any_grant_a_cap_leaves_none() -> None:
    assert capped([Grant(Role.ADMIN)], []) == ()
