"""Who came in which way: by a reverse proxy, what it may send along, and by the first link."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from config_files import refusal
from console_world import PASSWORD, SITES, World, a_console, csrf_of, word_of
from seatkeeper.core.roles import Grant, Role
from seatkeeper.web.limiting import SIGN_IN_ALL, network_of

ROLES = """\
console:
  public_url: https://seats.example.com
  roles: [{group: BI-Admin, role: admin}]
  proxy: {trusted: ['10.0.0.5'], user_header: X-User, groups_header: X-Groups}
"""


def behind(world: World) -> httpx.AsyncClient:
    """Return a browser behind the proxy."""
    return world.browser("10.0.0.5")


async def test_a_long_list_of_groups_grants_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    async with a_console(tmp_path, ROLES) as world, behind(world) as browser:
        long = "g" * 191
        others = {"X-User": "Olaf", "X-Groups": f"{long},BI-Admin-Readonly"}
        member = {"X-User": "Ingrid", "X-Groups": f"{long},{long},BI-Admin"}
        flood = {"X-User": "Ingrid", "X-Groups": "BI-Admin," + "g," * 8200}

        assert (await browser.get("/", headers=others)).status_code == 403
        assert (await browser.get("/", headers=member)).status_code == 200
        assert (await browser.get("/", headers=flood)).status_code == 403


async def test_a_name_that_is_too_long_is_nobody_rather_than_somebody_shorter(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path, ROLES) as world, behind(world) as browser:
        headers = {"X-User": "Ingrid " + "x" * 200, "X-Groups": "BI-Admin"}

        assert (await browser.get("/", headers=headers)).status_code == 303


async def test_whom_the_proxy_names_without_a_role_is_told_so(tmp_path: Path) -> None:
    async with a_console(tmp_path, ROLES) as world, behind(world) as browser:
        headers = {"X-User": "Olaf", "X-Groups": "others"}
        page = await browser.get("/", headers=headers)
        program = await browser.get("/api/v1/me", headers=headers)

        assert page.status_code == program.status_code == 403
        assert "none of your groups has a role here" in page.text
        assert program.json()["title"] == "You have no role here"


async def test_a_local_account_opens_the_console_to_whom_the_proxy_gives_no_role(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path, ROLES) as world, behind(world) as browser:
        await world.with_account()
        browser.headers.update({"X-User": "Olaf", "X-Groups": "others"})
        form = await browser.get("/sign-in")
        typed = {"name": "Ingrid Berg", "password": PASSWORD, "word": word_of(form)}
        signed = await browser.post("/sign-in", data=typed)

        assert signed.status_code == 303
        assert (await browser.get("/")).status_code == 200


async def test_the_basic_word_of_a_proxy_leaves_pages_for_people(tmp_path: Path) -> None:
    async with a_console(tmp_path, ROLES) as world, behind(world) as browser:
        basic = {"Authorization": "Basic aW5ncmlkOng="}
        away = await browser.get("/", headers=basic)
        told = await browser.get("/users?site=x", headers=basic | {"X-User": "a", "X-Groups": ""})

        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?to=%2F")
        assert told.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("written", ["https://seats.example.com", "HTTPS://Seats.Example.Com:443"])
async def test_forms_come_from_the_address_that_people_open(tmp_path: Path, written: str) -> None:
    more = ROLES.replace("https://seats.example.com", written)
    async with a_console(tmp_path, more) as world, behind(world) as browser:
        browser.headers.update({"X-User": "Ingrid", "X-Groups": "BI-Admin"})
        typed = {"csrf": csrf_of(await browser.get("/"))}
        there = {"Origin": "https://seats.example.com"}
        elsewhere = {"Origin": "https://seats.example.org"}
        refused = await browser.post("/sign-out", data=typed, headers=elsewhere)

        assert refused.status_code == 403
        assert "takes forms from https://seats.example.com" in refused.text
        assert (await browser.post("/sign-out", data=typed, headers=there)).status_code == 303


@pytest.mark.parametrize(
    ("proxy", "cure"),
    [
        ("{trusted: ['10.0.0.5']}", "write it in console.public_url"),
        (
            "{trusted: ['10.0.0.5'], user_header: X-User}",
            "name the header that lists their groups in groups_header",
        ),
    ],
)
def test_a_proxy_that_could_not_work_is_refused_with_the_cure(
    tmp_path: Path, proxy: str, cure: str
) -> None:
    roles = "roles: [{group: BI, role: admin}]"
    said = refusal(tmp_path, f"{SITES}console: {{{roles}, proxy: {proxy}}}\n")

    assert f"cure: {cure}" in said


def test_a_role_on_a_site_that_is_not_there_is_refused_with_the_name_that_was_meant(
    tmp_path: Path,
) -> None:
    roles = "roles: [{group: BI, role: admin}, {group: Ops, role: viewer, sites: [TEST, prdo]}]"
    said = refusal(tmp_path, f"{SITES}console: {{{roles}}}\n")

    assert "console.roles[1].sites[1]" in said
    assert "cure: did you mean prod?" in said


async def test_a_session_of_the_first_link_takes_no_name_of_an_account(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        await world.with_account()
        grants = [Grant(Role.ADMIN)]
        key = await world.store.sessions.make_link(grants, timedelta(hours=1), world.now)
        form = await browser.get("/welcome", params={"key": key})
        typed = {"key": key, "word": word_of(form)}
        taken = await browser.post("/welcome", data=typed | {"name": "ingrid berg"})
        free = await browser.post("/welcome", data=typed | {"name": "Dana Demo"})
        record = (await world.store.ledger.show())[-1]

    assert (taken.status_code, free.status_code) == (422, 303)
    assert (record.kind, record.by) == ("link_used", "Dana Demo")
    assert record.evidence == {"roles": ["admin"], "signed_in": "link"}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_tries_are_counted_by_the_network_that_one_line_is_given(
    address: str, network: str
) -> None:
    assert network_of(address) == network


async def test_all_addresses_together_try_only_so_often(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, world.browser() as browser:
        form = await browser.get("/sign-in")
        for _ in range(300):  # as if others had tried so often in this minute
            world.app.state.limiter.pass_or_refuse(SIGN_IN_ALL, "everybody")
        typed = {"name": "Ingrid Berg", "password": PASSWORD, "word": word_of(form)}

        assert (await browser.post("/sign-in", data=typed)).status_code == 429
