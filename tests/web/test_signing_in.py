"""Signing in: by password, by the first link, by token, by proxy; and what ends it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from console_world import PASSWORD, World, a_console, csrf_of, word_of
from seatkeeper.core.roles import Grant, Role
from seatkeeper.web.limiting import API
from stored import JANE

ROLES = """\
console:
  roles: [{group: BI, role: approver, sites: [prod]}]
  public_url: http://seats
  proxy: {trusted: ['10.0.0.5'], user_header: X-User, groups_header: X-Groups}
"""


async def begin(browser: httpx.AsyncClient, **typed: str) -> httpx.Response:
    """Fill in the form and send it."""
    form = await browser.get("/sign-in")
    typed = {"name": "Ingrid Berg", "password": PASSWORD, "word": word_of(form), **typed}
    return await browser.post("/sign-in", data=typed)


async def first_link(world: World) -> str:
    """Make the link of a first start."""
    return await world.store.sessions.make_link([Grant(Role.ADMIN)], timedelta(hours=24), world.now)


async def test_without_a_sign_in_every_page_leads_to_it_and_back(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        answer = await browser.get("/?site=test")

        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?to=%2F%3Fsite%3Dtest"


async def test_a_right_password_opens_the_console(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()

        answer = await begin(browser, to="/?site=test")
        page = await browser.get("/?site=test")

        assert (answer.status_code, answer.headers["location"]) == (303, "/?site=test")
        assert page.status_code == 200
        assert "Ingrid Berg" in page.text


@pytest.mark.parametrize("name", ["Ingrid Berg", "Nobody Known"])
async def test_a_wrong_password_and_an_unknown_name_are_told_alike(
    tmp_path: Path, name: str
) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()

        answer = await begin(browser, name=name, password="something else entirely")

        assert answer.status_code == 401
        assert "The name or the password is not right." in answer.text
        assert "set-cookie" not in answer.headers or "seatkeeper=" not in str(answer.headers)


async def test_after_five_wrong_passwords_the_name_waits_and_then_may_try_again(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world:
        await world.with_account()
        for _ in range(5):
            async with world.browser() as browser:
                await begin(browser, password="wrong and wrong again")
        async with world.browser() as browser:
            refused = await begin(browser)
            world.now += timedelta(minutes=1)
            opened = await begin(browser)

        assert refused.status_code == 401
        assert "waits for 1 minute" in refused.text
        assert opened.status_code == 303


async def test_one_address_that_tries_too_often_is_held_off(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        answers = [await begin(browser, name=f"guess {n}") for n in range(11)]

        assert [a.status_code for a in answers] == [401] * 10 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async with a_console(tmp_path, secure=True) as world, world.browser() as browser:
        await world.with_account()

        answer = await begin(browser)

        cookie = next(
            c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-seatkeeper=")
        )
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


async def test_signing_in_again_ends_the_session_of_before(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        await begin(browser)
        earlier = browser.cookies["seatkeeper"]
        # The form is not shown to whoever is signed in: fetch it as somebody else.
        async with world.browser() as other:
            form = await other.get("/sign-in")
            word = other.cookies["seatkeeper_begin"]
            other.cookies.set("seatkeeper", earlier)
            await other.post(
                "/sign-in", data={"name": "ingrid berg", "password": PASSWORD, "word": word}
            )
        page = await browser.get("/")

        assert form.status_code == 200
        assert page.status_code == 303


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 303)])
async def test_a_session_ends_when_nobody_uses_it(
    tmp_path: Path, minutes: int, status: int
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        world.now += timedelta(minutes=minutes)

        assert (await browser.get("/")).status_code == status


async def test_a_session_ends_after_its_longest_time_however_busy(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        seen = []
        for _ in range(37):
            world.now += timedelta(minutes=20)
            seen.append((await browser.get("/")).status_code)

        assert seen == [200] * 35 + [303, 303]


async def test_signing_out_ends_it_for_good(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        secret = browser.cookies["seatkeeper"]
        word = csrf_of(await browser.get("/"))
        out = await browser.post("/sign-out", data={"csrf": word})
        async with world.browser() as thief:
            thief.cookies.set("seatkeeper", secret)
            stolen = await thief.get("/")

        assert out.headers["location"] == "/sign-in"
        assert stolen.status_code == 303


async def test_a_form_without_its_word_or_from_elsewhere_does_nothing(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        word = csrf_of(await browser.get("/"))
        bare = await browser.post("/sign-out")
        wrong = await browser.post("/sign-out", data={"csrf": word[::-1]})
        foreign = await browser.post(
            "/sign-out", data={"csrf": word}, headers={"Origin": "https://evil.example.com"}
        )
        framed = await browser.post(
            "/sign-out", data={"csrf": word}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        still = await browser.get("/")

        assert [a.status_code for a in (bare, wrong, foreign, framed)] == [403] * 4
        assert still.status_code == 200


async def test_nobody_is_signed_in_by_a_form_from_elsewhere(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        answer = await browser.post(
            "/sign-in", data={"name": "Ingrid Berg", "password": PASSWORD, "word": "guessed"}
        )

        assert answer.status_code == 403


@pytest.mark.parametrize("to", ["https://evil.example.com", "//evil.example.com", "/\\evil", "x"])
async def test_after_signing_in_nobody_is_led_elsewhere(tmp_path: Path, to: str) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()

        assert (await begin(browser, to=to)).headers["location"] == "/"


async def test_the_first_link_opens_the_console_once_for_a_name(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        key = await first_link(world)
        looked = await browser.get("/welcome", params={"key": key})
        again = await browser.get("/welcome", params={"key": key})
        typed = {"key": key, "name": "Dana Demo", "word": word_of(again)}
        opened = await browser.post("/welcome", data=typed)
        page = await browser.get("/")
        async with world.browser() as other:
            second = await other.get("/welcome", params={"key": key})

        assert (looked.status_code, opened.status_code, page.status_code) == (200, 303, 200)
        assert "Dana Demo" in page.text
        assert second.status_code == 403
        assert await world.store.accounts.count() == 0


async def test_a_password_on_the_first_link_makes_a_lasting_account(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        key = await first_link(world)
        form = await browser.get("/welcome", params={"key": key})
        typed = {"key": key, "name": "Dana Demo", "word": word_of(form), "password": "short"}
        refused = await browser.post("/welcome", data=typed)
        again = {**typed, "password": PASSWORD, "key": _key_of(refused)}
        opened = await browser.post("/welcome", data=again)
        async with world.browser() as later:
            signed_in = await begin(later, name="dana demo")

        assert refused.status_code == 422
        assert "12 to 128 characters" in refused.text
        assert (opened.status_code, signed_in.status_code) == (303, 303)


def _key_of(answer: httpx.Response) -> str:
    return answer.text.partition('name="key" value="')[2].partition('"')[0]


async def test_a_first_link_ends_by_itself(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        key = await first_link(world)
        world.now += timedelta(hours=25)

        assert (await browser.get("/welcome", params={"key": key})).status_code == 403


async def test_a_token_is_a_sign_in_and_needs_no_word(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as program:
        page = await program.get("/")
        out = await program.post("/sign-out")

        assert (page.status_code, out.status_code) == (200, 303)


@pytest.mark.parametrize("secret", ["skt_unknown", "nonsense", ""])
async def test_a_token_that_is_not_good_is_refused(tmp_path: Path, secret: str) -> None:
    async with a_console(tmp_path) as world, world.browser() as program:
        answer = await program.get("/", headers={"Authorization": f"Bearer {secret}"})

        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_has_ended_or_was_revoked_is_refused(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        async with await world.with_token() as program:
            world.now += timedelta(days=31)
            ended = await program.get("/")
        async with await world.with_token() as program:
            token = (await world.store.tokens.all())[-1]
            await world.store.tokens.revoke(token.name, world.desk.actor(token.identity), world.now)
            revoked = await program.get("/")

        assert (ended.status_code, revoked.status_code) == (401, 401)


@pytest.mark.parametrize(
    ("peer", "groups", "status"),
    [
        ("10.0.0.5", "bi, others", 200),
        ("10.0.0.5", "others", 403),
        ("10.0.0.6", "BI", 303),
    ],
)
async def test_a_header_is_believed_from_the_named_proxy_alone(
    tmp_path: Path, peer: str, groups: str, status: int
) -> None:
    async with a_console(tmp_path, ROLES) as world, world.browser(peer) as browser:
        headers = {"X-User": "Åsa Öberg".encode(), "X-Groups": groups.encode()}
        answer = await browser.get("/", headers=headers)

        assert answer.status_code == status
        assert ("Åsa Öberg" in answer.text) is (peer == "10.0.0.5")


async def test_a_header_that_comes_twice_names_nobody(tmp_path: Path) -> None:
    async with a_console(tmp_path, ROLES) as world, world.browser("10.0.0.5") as browser:
        headers = [("X-User", "Mallory"), ("X-Groups", "BI"), ("X-User", "Ingrid Berg")]

        assert (await browser.get("/", headers=headers)).status_code == 303


async def test_forms_of_whom_a_proxy_names_carry_their_own_word(tmp_path: Path) -> None:
    async with a_console(tmp_path, ROLES) as world, world.browser("10.0.0.5") as browser:
        ingrid = {"X-User": "Ingrid Berg", "X-Groups": "BI"}
        olaf = {"X-User": "Olaf Berg", "X-Groups": "BI"}
        word = csrf_of(await browser.get("/", headers=ingrid))
        bare = await browser.post("/sign-out", headers=ingrid)
        others = await browser.post("/sign-out", headers=olaf, data={"csrf": word})
        own = await browser.post("/sign-out", headers=ingrid, data={"csrf": word})

        assert [a.status_code for a in (bare, others, own)] == [403, 403, 303]


async def test_tries_are_counted_for_the_address_that_the_proxy_saw(tmp_path: Path) -> None:
    async with a_console(tmp_path, ROLES) as world, world.browser("10.0.0.5") as browser:
        form = await browser.get("/sign-in")
        typed = {"name": "guess", "password": PASSWORD, "word": word_of(form)}

        async def tried(*told: str) -> int:
            headers = [("X-Forwarded-For", text) for text in told]
            return (await browser.post("/sign-in", data=typed, headers=headers)).status_code

        same = [await tried(f"10.9.9.{n}, 10.1.1.1") for n in range(10)]
        more = await tried("10.9.9.99", "10.1.1.1")
        other = await tried("10.1.1.2")

        assert same == [401] * 10
        assert (more, other) == (429, 401)


async def test_a_program_that_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        async with await world.with_token(Role.VIEWER) as program:
            (token,) = await world.store.tokens.all()
            for _ in range(599):  # as if it had asked so often in this minute
                world.app.state.limiter.pass_or_refuse(API, f"token {token.identity.name}")
            answers = [(await program.post("/sign-out")).status_code for _ in range(2)]
        async with await world.with_token(Role.VIEWER) as other:
            fine = await other.post("/sign-out")

        assert answers == [303, 429]
        assert fine.status_code == 303


async def test_whoever_is_signed_in_is_out_when_the_account_is_changed(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        await begin(browser)
        before = await browser.get("/")
        await world.store.accounts.change(
            "Ingrid Berg", JANE, world.now, grants=[Grant(Role.VIEWER)]
        )
        after = await browser.get("/")

        assert (before.status_code, after.status_code) == (200, 303)


@pytest.mark.parametrize("name", ["Ingrid Berg", "Nobody Known"])
async def test_a_name_that_waits_does_not_tell_whether_there_is_an_account(
    tmp_path: Path, name: str
) -> None:
    async with a_console(tmp_path) as world:
        await world.with_account()
        for _ in range(6):
            async with world.browser() as browser:
                last = await begin(browser, name=name, password="wrong and wrong again")

        assert "waits for 1 minute" in last.text


async def test_a_role_on_one_site_does_not_reach_another(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        async with await world.signed_in(Role.ADMIN, sites=("prod",)) as browser:
            own, foreign = await browser.get("/?site=PROD"), await browser.get("/?site=test")
            unknown = await browser.get("/?site=nowhere")

        assert own.status_code == 200
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert foreign.text == unknown.text
