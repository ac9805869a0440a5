"""One's own account: who one is, another password, and the sessions that are one's own."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
import structlog

from console_world import PASSWORD, World, a_console, csrf_of, word_of
from seatkeeper.core.lockout import FREE_TRIES
from seatkeeper.core.record import Kind
from seatkeeper.core.roles import Grant, Identity, Role, SignIn

NEW = "eleven purple anvils sing"


async def at_the_door(
    browser: httpx.AsyncClient, name: str = "Ingrid Berg", password: str = PASSWORD
) -> httpx.Response:
    """Sign in by the form."""
    word = word_of(await browser.get("/sign-in"))
    typed = {"name": name, "password": password, "word": word}
    return await browser.post("/sign-in", data=typed)


async def change(
    browser: httpx.AsyncClient, old: str = PASSWORD, new: str = NEW, again: str | None = None
) -> httpx.Response:
    """Change one's own password."""
    word = csrf_of(await browser.get("/account"))
    typed = {"csrf": word, "old": old, "new": new, "again": new if again is None else again}
    return await browser.post("/account/password", data=typed)


async def is_in(browser: httpx.AsyncClient) -> bool:
    """Whether somebody is signed in there."""
    return (await browser.get("/account")).status_code == 200


async def kinds(world: World) -> list[tuple[str, str]]:
    """Return what the ledger holds, as kind and person."""
    return [(r.kind.value, r.by) for r in await world.store.ledger.show()]


async def test_the_page_says_who_one_is_and_what_one_may_do_where(tmp_path: Path) -> None:
    grants = (Grant(Role.VIEWER), Grant(Role.APPROVER, frozenset({"test", "prod"})))
    async with a_console(tmp_path) as world, await world.signed_in(grants=grants) as browser:
        shown = " ".join((await browser.get("/account")).text.split())

    assert "<bdi>Ingrid Berg</bdi>, signed in by the link of the first start." in shown
    assert "<dt>Viewer</dt><dd>on every site: reads every page</dd>" in shown
    assert "<dt>Approver</dt><dd>on prod, test: also approves" in shown
    assert "None is kept here" in shown
    assert 'action="/account/password"' not in shown


async def test_everybody_changes_their_own_password_and_every_other_session_ends(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, world.browser() as here, world.browser() as there:
        await world.with_account(role=Role.VIEWER)
        await at_the_door(here)
        await at_the_door(there)
        before = here.cookies["seatkeeper"]
        answer = await change(here)

        assert (answer.status_code, answer.headers["location"]) == (303, "/account?done=password")
        assert "Your password is changed" in (await here.get("/account?done=password")).text
        assert here.cookies["seatkeeper"] != before
        assert not await is_in(there)
        assert (await at_the_door(there)).status_code == 401
        assert (await at_the_door(there, password=NEW)).status_code == 303
        assert ("account_changed", "Ingrid Berg") in await kinds(world)
        [record] = [r for r in await world.store.ledger.show() if r.kind is Kind.ACCOUNT_CHANGED]
        assert record.evidence["password"] == "new"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"old": "wrong and wrong again"}, "This is not your present password."),
        ({"again": "something else entirely"}, "The two are not the same."),
        ({"new": PASSWORD}, "This is the password you have."),
        ({"new": "too short"}, "a password has 12 to 128 characters"),
        ({"new": "ingrid berg for ever"}, "a password that holds the name"),
        ({"new": "password1234"}, "among those that are tried first"),
    ],
)
async def test_what_is_wrong_with_a_change_is_said_and_nothing_is_changed(
    tmp_path: Path, typed: dict[str, str], says: str
) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        await at_the_door(browser)
        answer = await change(browser, **typed)

        assert answer.status_code == 422
        assert says in answer.text
        assert not any(value in answer.text for value in typed.values() if value != PASSWORD)
        assert await is_in(browser)
        async with world.browser() as another:
            assert (await at_the_door(another)).status_code == 303
        assert "account_changed" not in [kind for kind, _ in await kinds(world)]


async def test_wrong_present_passwords_count_as_wrong_ones_at_the_door_do(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        await at_the_door(browser)
        for _ in range(FREE_TRIES):
            answer = await change(browser, old="wrong and wrong again")
        right = await change(browser)

    assert "Too many wrong passwords" in answer.text
    assert "Too many wrong passwords" in right.text


async def test_one_sees_where_one_is_signed_in_and_ends_what_is_not_wanted(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as here:
        await world.with_account()
        phone, desk = world.browser("10.0.0.7"), world.browser("10.0.0.8")
        for browser in (here, phone, desk):
            await at_the_door(browser)
        other = await world.signed_in(name="Ingrid Berg")
        page = await here.get("/account")
        named = re.search(
            r'10\.0\.0\.7</.*?name="session" value="([0-9a-f]{16})"', page.text, re.DOTALL
        )
        assert named is not None
        word = csrf_of(page)
        one = await here.post("/account/sessions/end", data={"csrf": word, "session": named[1]})
        left = [await is_in(browser) for browser in (here, phone, desk, other)]
        again = await here.post("/account/sessions/end", data={"csrf": word, "session": named[1]})
        rest = await here.post("/account/sessions/end", data={"csrf": word})
        after = [await is_in(browser) for browser in (here, phone, desk, other)]

        assert page.text.count("This one") == 1
        assert [r.headers["location"].partition("=")[2] for r in (one, again, rest)] == [
            "ended",
            "none",
            "ended",
        ]
        assert (left, after) == ([True, False, True, True], [True, False, False, True])
        ended = [r for r in await world.store.ledger.show() if r.kind is Kind.SESSIONS_ENDED]
        assert [(r.by, r.evidence["sessions"]) for r in ended] == [("Ingrid Berg", 1)] * 2


async def test_nobody_ends_a_session_of_somebody_else(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as mine:
        other = await world.signed_in(name="Jane Doe")
        word, secret = csrf_of(await mine.get("/account")), other.cookies["seatkeeper"]
        jane = Identity("Jane Doe", SignIn.LINK, (Grant(Role.ADMIN),))
        idle = world.settings.console.session.idle
        [session] = await world.store.sessions.own(jane, secret, idle, world.now)
        await mine.post("/account/sessions/end", data={"csrf": word, "session": session.ref})

        assert session.is_this
        assert await is_in(other)


async def test_refusals_are_told_to_the_log_without_secrets_and_typed_names(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.VIEWER) as viewer:
        await world.with_account()
        word = csrf_of(await viewer.get("/account"))
        stranger = world.browser(headers={"Authorization": "Bearer skt_hush-hush"})
        with structlog.testing.capture_logs() as logged:
            await viewer.post("/plans", data={"csrf": word, "site": "prod"})
            await viewer.post("/account/sessions/end", data={"csrf": "hush-word"})
            await stranger.get("/api/v1/me")
            await stranger.get("/welcome?key=hush-key")
            async with world.browser() as browser:
                for _ in range(13):
                    await at_the_door(browser, name="hush-name", password="hush-password")

    told = [(line["event"], line.get("route")) for line in logged]
    assert ("access.refused", "/plans") in told
    assert ("form.refused", "/account/sessions/end") in told
    assert ("token.refused", "/api/v1/me") in told
    assert told.count(("limit.refused", "/sign-in")) == 1
    assert [event for event, _ in told].count("sign_in.refused") == 10
    [access] = [line for line in logged if line["event"] == "access.refused"]
    assert (access["permission"], access["role"], access["via"]) == ("run", "viewer", "link")
    assert access["address"] == "127.0.0.1"
    for secret in ("hush", "Ingrid", word, viewer.cookies["seatkeeper"]):
        assert secret not in str(logged)
