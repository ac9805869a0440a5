"""What browsers are told with every answer, and what strangers try against the console."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import structlog

from console_world import PASSWORD, a_console, csrf_of, word_of
from seatkeeper.core.roles import Grant, Role
from seatkeeper.store.passwords import MOST
from seatkeeper.web.render import HERE
from seatkeeper.web.shield import HEADERS, HSTS, LARGEST_BODY
from stored import JANE

ANSWERS = {
    ("GET", "/sign-in"): 200,
    ("GET", "/"): 303,
    ("GET", "/static/console.css"): 200,
    ("GET", "/static/nothing.css"): 404,
    ("GET", "/nowhere"): 404,
    ("GET", "/healthz"): 200,
    ("DELETE", "/healthz"): 405,
    ("TRACE", "/sign-in"): 405,
    ("POST", "/sign-in"): 403,
    ("GET", "/api/v1/sites"): 401,
    ("GET", "/broken"): 500,
}


async def broken() -> None:
    """Fail as no page should."""
    raise RuntimeError(r"EXAMPLE\anna")


async def sign_in(browser: httpx.AsyncClient, **typed: str) -> httpx.Response:
    """Fill in the form and send it."""
    form = await browser.get("/sign-in")
    typed = {"name": "Ingrid Berg", "password": PASSWORD, "word": word_of(form), **typed}
    return await browser.post("/sign-in", data=typed)


def is_dressed(answer: httpx.Response) -> bool:
    """Whether it carries every header of the house, once."""
    return all(answer.headers.get_list(name) == [value] for name, value in HEADERS.items())


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize(("method", "path"), ANSWERS)
async def test_every_kind_of_answer_carries_the_headers_and_hsts_behind_tls_alone(
    tmp_path: Path, method: str, path: str, *, secure: bool
) -> None:
    async with a_console(tmp_path, secure=secure) as world, world.browser() as browser:
        world.app.add_api_route("/broken", broken)
        answer = await browser.request(method, path)

        assert answer.status_code == ANSWERS[method, path]
        assert is_dressed(answer)
        assert answer.headers.get("strict-transport-security") == (HSTS if secure else None)
        assert "access-control-allow-origin" not in answer.headers
        assert "anna" not in answer.text


def test_the_policy_lets_nothing_foreign_inline_or_framed_run() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )

    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert HEADERS["X-Frame-Options"] == "DENY"


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """Send so many bytes without announcing how many."""
    for _ in range(size // 1024):
        yield b"x" * 1024


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_cap_is_refused_and_one_of_the_cap_is_read(
    tmp_path: Path, *, announced: bool
) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        found = []
        for size in (LARGEST_BODY, LARGEST_BODY + 1024):
            body = b"x" * size if announced else in_pieces(size)
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            found.append(await browser.post("/sign-in", content=body, headers=headers))

        assert [answer.status_code for answer in found] == [403, 413]
        assert is_dressed(found[1])


async def test_a_session_that_somebody_planted_does_not_become_that_of_who_signs_in(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        planted = "planted-by-somebody-else"
        browser.cookies.set("seatkeeper", planted)
        answer = await sign_in(browser)
        async with world.browser() as thief:
            thief.cookies.set("seatkeeper", planted)
            stolen = await thief.get("/")

        assert answer.status_code == stolen.status_code == 303
        assert "seatkeeper=" in answer.headers["set-cookie"]
        assert planted not in str(answer.headers.get_list("set-cookie"))
        assert stolen.headers["location"].partition("?")[0].endswith("/sign-in")


@pytest.mark.parametrize(
    "to",
    [
        "/\t/evil.example.com",
        "/\n/evil.example.com",
        "///evil.example.com",
        "javascript:alert(1)",
        "//[evil",
    ],
)
async def test_no_disguise_leads_elsewhere_after_signing_in(tmp_path: Path, to: str) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        shown = await browser.get("/sign-in", params={"to": to})
        answer = await sign_in(browser, to=to)

        assert (shown.status_code, answer.status_code) == (200, 303)
        assert answer.headers["location"] == "/"


async def test_the_way_to_the_sign_in_repeats_no_host_that_a_request_names(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        answer = await browser.get("/users", headers={"Host": "evil.example.com"})

        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=%2Fusers")


async def test_a_password_counts_to_its_last_character(tmp_path: Path) -> None:
    longest = (PASSWORD * 10)[:MOST]
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.store.accounts.add(
            "Ingrid Berg", longest, [Grant(Role.VIEWER)], JANE, world.now
        )
        longer = await sign_in(browser, password=f"{longest}x")
        cased = await sign_in(browser, password=longest.upper())
        right = await sign_in(browser, password=longest)

        assert [a.status_code for a in (longer, cased, right)] == [401, 401, 303]


async def test_a_line_break_in_an_address_makes_no_header(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        answer = await sign_in(browser, to="/users\r\nX-Evil: yes")

        assert answer.status_code == 303
        assert "x-evil" not in answer.headers
        assert not re.search(r"[\r\n]", answer.headers["location"])


async def test_a_page_before_that_is_no_address_or_elsewhere_leads_home(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        found = []
        for referer in ("http://[evil", "http://evil.example.com//evil.example.com"):
            typed = {"theme": "dark"}
            found.append(await browser.post("/theme", data=typed, headers={"Referer": referer}))

        assert [(a.status_code, a.headers["location"]) for a in found] == [(303, "/")] * 2


@pytest.mark.parametrize("secure", [True, False])
async def test_every_cookie_is_out_of_reach_of_scripts_and_bound_to_https_behind_tls(
    tmp_path: Path, *, secure: bool
) -> None:
    async with a_console(tmp_path, secure=secure) as world, world.browser() as browser:
        await world.with_account()
        answers = [
            await browser.get("/sign-in"),
            await sign_in(browser),
            await browser.post("/theme", data={"theme": "dark"}),
        ]
        cookies = [c for a in answers for c in a.headers.get_list("set-cookie")]

        assert len({c.partition("=")[0] for c in cookies}) == 3
        for cookie in cookies:
            marks = {mark.strip().casefold() for mark in cookie.split(";")[1:]}
            assert {"httponly", "path=/"} <= marks, cookie
            assert marks & {"samesite=lax", "samesite=strict"}, cookie
            assert ("secure" in marks) is secure, cookie
            assert cookie.startswith(("__Host-", "theme=")) or not secure, cookie


async def test_signing_in_writes_no_secret_and_no_typed_name_to_the_log(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        with structlog.testing.capture_logs() as logged:
            await sign_in(browser, password="wrong and wrong again")
            await sign_in(browser)
            session = browser.cookies["seatkeeper"]
            word = csrf_of(await browser.get("/"))
            await browser.post("/sign-out", data={"csrf": word})

        told = [entry["event"] for entry in logged]
        assert told == ["sign_in.refused", "sign_in.begun", "sign_in.ended"]
        for secret in (PASSWORD, "wrong and wrong again", session, word, "Ingrid"):
            assert secret not in str(logged)


async def test_a_fault_is_logged_by_kind_and_place_and_without_its_words(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:

        async def broken() -> None:
            raise RuntimeError(r"EXAMPLE\anna")

        world.app.add_api_route("/broken", broken)
        with structlog.testing.capture_logs() as logged:
            answer = await browser.get("/broken")
        (fault,) = logged

        assert answer.status_code == 500
        assert (fault["event"], fault["kind"]) == ("web.fault", "RuntimeError")
        assert "test_security.py" in fault["at"][-1]
        assert "anna" not in str(logged)
        assert "exc_info" not in fault


@pytest.mark.parametrize(
    "path",
    [
        "/static/../render.py",
        "/static/%2e%2e/render.py",
        "/static/..%2frender.py",
        "/static/%2e%2e%5crender.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/",
        "/.git/config",
    ],
)
async def test_static_files_lead_nowhere_else_and_list_nothing(tmp_path: Path, path: str) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        assert (await browser.get(path)).status_code == 404


async def test_a_session_in_an_address_signs_nobody_in(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as known:
        secret = known.cookies["seatkeeper"]
        async with world.browser() as browser:
            answer = await browser.get("/", params={"seatkeeper": secret, "token": secret})

        assert answer.status_code == 303


FORBIDDEN = re.compile(
    r"""\sstyle\s*=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*["']|javascript:"""
    r"""|\|\s*safe\b|\bMarkup\b|autoescape\s+false""",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "sample",
    ["<p style='x'>", "<script>", '<a onclick="x">', "{{ name|safe }}", "{% autoescape false %}"],
)
def test_the_scan_finds_what_it_looks_for(sample: str) -> None:
    assert FORBIDDEN.search(sample)


@pytest.mark.parametrize("template", sorted(p.name for p in (HERE / "templates").glob("*.html")))
def test_no_template_holds_anything_inline_or_unescaped(template: str) -> None:
    text = (HERE / "templates" / template).read_text(encoding="utf-8")

    assert FORBIDDEN.findall(text) == []
