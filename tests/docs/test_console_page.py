"""What docs/console.md says of roles and bounds is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seatkeeper.core.lockout import FIRST_WAIT, FREE_TRIES, MOST
from seatkeeper.core.roles import Permission, Role
from seatkeeper.settings.console import SessionSettings
from seatkeeper.store.passwords import LEAST
from seatkeeper.store.passwords import MOST as LONGEST_PASSWORD
from seatkeeper.store.tokens import LONGEST, PREFIX
from seatkeeper.web.limiting import API, SIGN_IN
from seatkeeper.web.pages.oidc import router

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


@pytest.mark.parametrize("role", Role)
def test_a_role_is_told_in_its_own_words(role: Role) -> None:
    assert f"| `{role.value}` | {role.words} |" in PAGE


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_is_told_with_the_roles_that_have_it(permission: Permission) -> None:
    (row,) = [r for r in PAGE.splitlines() if r.startswith(f"| `{permission.value}`:")]
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]

    assert cells == ["yes" if permission in role.permissions else "" for role in Role]


def test_the_bounds_are_those_of_the_code() -> None:
    session = SessionSettings()
    for words in (
        f"{LEAST} to {LONGEST_PASSWORD} characters",
        f"After {FREE_TRIES} wrong passwords",
        f"waits for {FIRST_WAIT.seconds} seconds",
        f"{MOST.seconds // 60} minutes at most",
        f"try {SIGN_IN.amount} times a minute",
        f"ask {API.amount} times a minute",
        f"after {session.idle.seconds // 60} minutes without a page",
        f"after {session.longest.seconds // 3600} hours",
        f"begins with `{PREFIX}`",
        f"after {LONGEST.days} days at most",
    ):
        assert words in WORDS


def test_the_address_to_return_to_is_the_one_that_answers() -> None:
    paths = {route.path for route in router.routes}  # type: ignore[attr-defined]

    assert "/sign-in/oidc/back" in paths
    assert "https://seats.example.com/sign-in/oidc/back" in PAGE


def test_every_refusal_that_is_logged_is_told() -> None:
    web = Path(__file__).parents[2] / "src" / "seatkeeper" / "web"
    code = "".join(file.read_text(encoding="utf-8") for file in web.rglob("*.py"))
    logged = set(re.findall(r'"(\w+\.refused)"', code))

    assert len(logged) >= 7
    assert [event for event in sorted(logged) if f"| `{event}` |" not in PAGE] == []
