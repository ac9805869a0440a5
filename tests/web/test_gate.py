"""Behind a proxy and without TLS of its own, the console answers the proxy alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from console_world import a_console

BEHIND = """\
console:
  listen: '{listen}'
  public_url: https://seats.example.com
  proxy: {{trusted: ['10.0.0.0/28']}}
"""


@pytest.mark.parametrize(
    ("peer", "path", "status"),
    [
        ("10.0.0.5", "/sign-in", 200),
        ("10.0.0.77", "/sign-in", 403),
        ("127.0.0.1", "/", 403),
        ("10.0.0.77", "/static/console.css", 403),
        ("10.0.0.77", "/api/v1/sites", 403),
        ("10.0.0.77", "/healthz", 200),
        ("10.0.0.77", "/readyz", 200),
    ],
)
async def test_whoever_comes_past_the_proxy_is_sent_to_it(
    tmp_path: Path, peer: str, path: str, status: int
) -> None:
    more = BEHIND.format(listen="0.0.0.0:8484")
    async with a_console(tmp_path, more) as world, world.browser(peer) as browser:
        answer = await browser.get(path)

        assert answer.status_code == status
        assert ("Open https://seats.example.com" in answer.text) is (status == 403)
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_token_does_not_open_the_gate(tmp_path: Path) -> None:
    more = BEHIND.format(listen="0.0.0.0:8484")
    async with a_console(tmp_path, more) as world, await world.with_token() as program:
        assert (await program.get("/")).status_code == 403


async def test_on_this_machine_there_is_no_gate(tmp_path: Path) -> None:
    more = BEHIND.format(listen="127.0.0.1:8484")
    async with a_console(tmp_path, more) as world, world.browser("127.0.0.1") as browser:
        assert (await browser.get("/sign-in")).status_code == 200
