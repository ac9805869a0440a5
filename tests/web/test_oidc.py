"""Signing in with a company account, at a real provider of OpenID Connect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from console_world import SITES, World, a_console, csrf_of
from openid_provider import CLIENT, SECRET, RunningProvider, a_provider
from seatkeeper.core.roles import Role, SignIn

USERS: dict[str, dict[str, Any]] = {
    "ada": {"sub": "u-1", "preferred_username": "ada.lovelace", "groups": ["Staff", "bi"]},
    "eve": {"sub": "u-2", "preferred_username": "eve", "groups": ["Staff"]},
    "nil": {"sub": "u-3", "groups": ["BI"]},
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    with a_provider(tmp_path_factory.mktemp("provider"), USERS) as running:
        yield running


def console(there: RunningProvider, **more: object) -> str:
    settings = {
        "roles": [{"group": "BI", "role": "approver", "sites": ["prod"]}],
        "oidc": {
            "issuer": there.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scopes": ["openid", "profile", "groups"],
            "ca_file": str(there.ca_file),
            **more,
        },
    }
    return f"console: {json.dumps(settings)}\n"


@asynccontextmanager
async def a_world(folder: Path, there: RunningProvider, **more: object) -> AsyncIterator[World]:
    """A console whose clock is the provider's: its tokens say real times."""
    async with a_console(folder, console(there, **more)) as world:
        world.now = datetime.now(UTC)
        yield world


async def sent(browser: httpx.AsyncClient, to: str = "/") -> str:
    """Begin; return where the browser is sent."""
    answer = await browser.get("/sign-in/oidc", params={"to": to})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def signed_in(
    browser: httpx.AsyncClient, there: RunningProvider, user: str = "ada", to: str = "/"
) -> httpx.Response:
    """Go the whole way."""
    return await browser.get(await there.visit(await sent(browser, to), user))


async def test_a_company_account_opens_the_console_with_the_role_of_its_group(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        opened = await signed_in(browser, there, to="/?site=prod")
        page = await browser.get("/?site=prod")
        foreign = await browser.get("/?site=test")
        secret = browser.cookies["seatkeeper"]
        session = await world.store.sessions.find(secret, timedelta(hours=1), world.now)

        assert (opened.status_code, opened.headers["location"]) == (303, "/?site=prod")
        assert page.status_code == 200
        assert "ada.lovelace" in page.text
        assert foreign.status_code == 404
        assert session is not None
        assert session.identity.via is SignIn.OIDC
        assert session.identity.role_on("prod") is Role.APPROVER
        assert "seatkeeper_oidc" not in browser.cookies


async def test_the_way_to_the_provider_carries_what_holds_it_together(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        asked = httpx.URL(await sent(browser)).params
        kept = browser.cookies["seatkeeper_oidc"]

        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == "http://seats/sign-in/oidc/back"
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 32
        assert asked["state"] not in kept  # sealed: the browser cannot read what it keeps


async def test_the_sign_in_page_offers_the_company_account(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        page = await browser.get("/sign-in", params={"to": "/?site=prod"})

        assert 'href="/sign-in/oidc?to=/%3Fsite%3Dprod"' in page.text


@pytest.mark.parametrize(
    ("user", "says"), [("eve", "none of your groups has a role here"), ("nil", "your name")]
)
async def test_whoever_has_no_role_or_no_name_is_told_so_and_not_let_in(
    tmp_path: Path, there: RunningProvider, user: str, says: str
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        refused = await signed_in(browser, there, user)

        assert refused.status_code == 403
        assert says in refused.text
        assert "seatkeeper" not in browser.cookies


async def test_another_browser_cannot_end_what_this_one_began(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        way_back = await there.visit(await sent(browser), "ada")
        async with world.browser() as victim:
            unasked = await victim.get(way_back)
            await sent(victim)
            other = await victim.get(way_back)

        assert (unasked.status_code, other.status_code) == (403, 403)
        assert "belongs to no sign-in of this browser" in other.text


async def test_a_way_back_works_once(tmp_path: Path, there: RunningProvider) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        address = await sent(browser)
        kept = browser.cookies["seatkeeper_oidc"]
        way_back = await there.visit(address, "ada")
        first = await browser.get(way_back)
        browser.cookies.set("seatkeeper_oidc", kept)
        second = await browser.get(way_back)

        assert (first.status_code, second.status_code) == (303, 403)


async def test_who_takes_too_long_begins_anew(tmp_path: Path, there: RunningProvider) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        way_back = await there.visit(await sent(browser), "ada")
        world.now += timedelta(minutes=10)
        late = await browser.get(way_back)

        assert late.status_code == 403
        assert "longer than 10 minutes" in late.text


async def test_who_says_no_at_the_provider_is_not_signed_in(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        state = httpx.URL(await sent(browser)).params["state"]
        answer = await browser.get(
            "/sign-in/oidc/back", params={"state": state, "error": "access_denied"}
        )

        assert answer.status_code == 403
        assert "did not sign you in" in answer.text


@pytest.mark.parametrize("to", ["https://evil.example.com", "//evil.example.com"])
async def test_nobody_is_led_elsewhere_behind_the_provider(
    tmp_path: Path, there: RunningProvider, to: str
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        assert (await signed_in(browser, there, to=to)).headers["location"] == "/"


async def test_a_wrong_secret_is_told_in_no_page_and_no_log(
    tmp_path: Path, there: RunningProvider
) -> None:
    wrong = "wrong-secret-of-the-console"
    async with a_world(tmp_path, there, client_secret=wrong) as world, world.browser() as browser:
        with structlog.testing.capture_logs() as logged:
            way_back = await there.visit(await sent(browser), "ada")
            refused = await browser.get(way_back)
        code = way_back.params["code"]

        assert refused.status_code == 403
        assert "the provider refused" in refused.text.lower()
        assert logged
        for secret in (wrong, code):
            assert secret not in refused.text + str(logged)


async def test_a_provider_that_is_down_is_told_in_words(
    tmp_path: Path, there: RunningProvider
) -> None:
    nowhere = RunningProvider("http://127.0.0.1:9", there.ca_file)
    async with a_world(tmp_path, nowhere) as world, world.browser() as browser:
        answer = await browser.get("/sign-in/oidc")

        assert answer.status_code == 503
        assert "http://127.0.0.1:9 cannot be asked (ConnectError)" in answer.text
        assert 'href="/sign-in"' in answer.text


async def test_a_role_that_the_configuration_takes_back_ends_the_session(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        await signed_in(browser, there)
        before = await browser.get("/")
        text = console(there).replace("approver", "viewer")
        async with a_console(tmp_path, text, text=SITES) as later, later.browser() as same:
            later.now = world.now
            same.cookies.set("seatkeeper", browser.cookies["seatkeeper"])
            after = await same.get("/")

        assert (before.status_code, after.status_code) == (200, 303)


async def test_forms_of_a_company_account_carry_their_word(
    tmp_path: Path, there: RunningProvider
) -> None:
    async with a_world(tmp_path, there) as world, world.browser() as browser:
        await signed_in(browser, there)
        word = csrf_of(await browser.get("/"))
        bare = await browser.post("/sign-out")
        out = await browser.post("/sign-out", data={"csrf": word})

        assert (bare.status_code, out.status_code) == (403, 303)


async def test_without_a_provider_there_is_no_such_way(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        assert (await browser.get("/sign-in/oidc")).status_code == 404
