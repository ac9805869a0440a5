"""A real `serve`: the link of a first start, HTTPS, and where it refuses to answer."""

from __future__ import annotations

import http.cookiejar
import re
import ssl
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from e2e_desk import Desk, free_port
from e2e_processes import wait_until
from qrs_pki import Authority

PASSWORD = "correct horse battery staple"


def add_account(desk: Desk) -> None:
    file = desk.folder / "password"
    file.write_text(PASSWORD)
    words = ("accounts", "add", "Ingrid Berg", "--role", "admin", "--password-file", str(file))
    desk.run(*words).expect(0)


def a_browser(trust: ssl.SSLContext | None = None) -> urllib.request.OpenerDirector:
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    return urllib.request.build_opener(jar, urllib.request.HTTPSHandler(context=trust))


def test_a_first_start_prints_a_link_that_opens_the_console_for_a_name(quick_desk: Desk) -> None:
    daemon = quick_desk.serve()
    said = wait_until(lambda: re.search(r"http://\S+/welcome\?key=\S+", daemon.errors()), "a link")
    link, browser = said[0], a_browser()
    with browser.open(link, timeout=10) as answer:
        word = re.search(r'name="word" value="([^"]+)"', answer.read().decode())
    assert word is not None
    key = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["key"][0]
    typed = urllib.parse.urlencode({"key": key, "name": "Dana Demo", "word": word[1]}).encode()
    with browser.open(link.partition("?")[0], typed, timeout=10) as page:
        assert "Dana Demo" in page.read().decode()

    assert key not in daemon.end().err.split(link, 1)[1]


def test_with_an_account_no_link_is_printed(quick_desk: Desk) -> None:
    quick_desk.write_config()
    add_account(quick_desk)
    daemon = quick_desk.serve()
    said = wait_until(lambda: "The console: http://127.0.0.1:" in daemon.errors(), "the address")

    assert said
    assert "welcome" not in daemon.end().err


def test_it_answers_with_its_certificate(quick_desk: Desk, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "company")
    pair = authority.issue("seats", hosts=("127.0.0.1",))
    quick_desk.listen = free_port()
    tls = {"cert_file": str(pair.cert), "key_file": str(pair.key)}
    listen = f"127.0.0.1:{quick_desk.listen}"
    quick_desk.write_config(console={"listen": listen, "tls": tls})
    add_account(quick_desk)
    daemon = quick_desk.start("serve")
    wait_until(lambda: "The console: https://" in daemon.errors() or not daemon.lives, "a start")
    browser = a_browser(ssl.create_default_context(cafile=authority.root))
    with browser.open(f"https://{listen}/sign-in", timeout=10) as answer:
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    daemon.end()


@pytest.mark.parametrize(
    ("console", "says"),
    [
        ({}, "without TLS: passwords could be read on the way"),
        ({"proxy": {"trusted": ["10.0.0.5"]}}, "console.public_url"),
        (
            {"proxy": {"trusted": ["10.0.0.5"]}, "public_url": "https://seats.example.com"},
            "nobody could sign in. Add an account with `seatkeeper accounts add",
        ),
    ],
)
def test_beyond_this_machine_it_refuses_to_answer_unprotected(
    quick_desk: Desk, console: dict[str, Any], says: str
) -> None:
    quick_desk.write_config(console={"listen": f"0.0.0.0:{free_port()}", **console})
    ended = quick_desk.run("serve")

    assert ended.code == 2
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_a_certificate_that_cannot_be_used_ends_the_start_with_a_cure(
    quick_desk: Desk, tmp_path: Path
) -> None:
    authority = Authority(tmp_path, "company")
    one, other = authority.issue("one"), authority.issue("other")
    tls = {"cert_file": str(one.cert), "key_file": str(other.key)}
    quick_desk.write_config(console={"listen": f"127.0.0.1:{free_port()}", "tls": tls})
    ended = quick_desk.run("serve")

    assert ended.code == 2
    assert "console.tls:" in ended.err
    assert "PEM is wanted" in ended.err
