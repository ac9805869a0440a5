"""What `check` found, on the page of settings and through the API: shown to whom, asked by whom."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console_plans import led
from console_world import SITES, World, a_console, csrf_of
from seatkeeper.core.findings import Area, Checked, Finding, failed, ok, warning
from seatkeeper.core.roles import Role
from seatkeeper.store import RequestKind


async def kept(world: World, site: str = "prod", *findings: Finding) -> None:
    """Keep what a check found two hours ago."""
    at = world.now - timedelta(hours=2)
    await world.store.connections.keep(Checked(site, at, "the schedule", findings))


BROKEN = failed(Area.CERTIFICATES, "the <b>client</b> certificate expired", "export it again")
NEAR = warning(Area.LICENSE, "the license is valid for 20 days", "talk to your account manager")
FINE = ok(Area.CONNECTION, "https://q answers")
EXEMPT = ok(Area.EXEMPTIONS, r"user EXAMPLE\anna: 1 user (EXAMPLE\anna)")
SHARED = warning(Area.SHARING, "secret-site has the same license number", "name secret-site")


async def test_what_was_found_is_shown_with_age_and_cure(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        before = (await browser.get("/settings?site=prod")).text
        await kept(world, "prod", NEAR, FINE, BROKEN)
        await kept(world, "", ok(Area.STORE, "sqlite can be written"))
        page = (await browser.get("/settings?site=prod")).text

    assert "Nothing was checked yet." in before
    assert "1 failed, 1 warning" in page
    assert page.index("export it again") < page.index("talk to your account manager")
    assert "&lt;b&gt;client&lt;/b&gt;" in page
    assert "2\u00a0h ago" in page
    assert "sqlite can be written" in page


async def test_an_operator_asks_for_a_check_by_name_and_once(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.OPERATOR) as browser:
        word = csrf_of(await browser.get("/settings?site=prod"))
        form = {"csrf": word, "site": "prod"}
        page = await led(browser, "/settings/check", form)
        await led(browser, "/settings/check", form)
        asked = await world.store.requests.waiting(RequestKind.CHECK)
        records = [(r.kind.value, r.by, r.site) for r in await world.store.ledger.show()]
        plans = await browser.get("/plans?site=prod")

    assert [(r.kind, r.site) for r in asked] == [(RequestKind.CHECK, "prod")]
    assert records == [("check_asked", "Ingrid Berg", "prod")]
    assert "A check is asked for." in page.text
    assert 'data-fresh="2"' in page.text
    assert "asked for by" not in plans.text


async def test_for_all_sites_those_are_checked_that_the_role_covers(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        async with await world.signed_in(Role.OPERATOR) as browser:
            word = csrf_of(await browser.get("/settings?site=all"))
            await led(browser, "/settings/check", {"csrf": word, "site": "all"})
        asked = await world.store.requests.waiting(RequestKind.CHECK)

    assert sorted(r.site for r in asked) == ["prod", "test"]


async def test_a_viewer_is_offered_no_check(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.VIEWER) as browser:
        page = await browser.get("/settings?site=prod")

    assert "Check now" not in page.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_names_are_hidden_from_whoever_sees_none(tmp_path: Path, role: Role) -> None:
    async with a_console(tmp_path, text=SITES + "privacy: pseudonymous\n") as world:
        await kept(world, "prod", EXEMPT)
        async with await world.signed_in(role) as browser:
            page = await browser.get("/settings?site=prod")
        async with await world.with_token(role) as them:
            told = await them.get("/api/v1/checks")

    for answer in (page, told):
        assert ("anna" in answer.text) is (role is Role.OPERATOR)


async def test_a_role_on_one_site_learns_of_no_other(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await kept(world, "prod", SHARED, FINE)
        await kept(world, "test", ok(Area.CONNECTION, "https://elsewhere answers"))
        await kept(world, "", ok(Area.CONFIGURATION, "2 site(s), prod, test"))
        async with await world.signed_in(Role.ADMIN, sites=("prod",)) as browser:
            page = await browser.get("/settings?site=prod")
        async with await world.with_token(Role.ADMIN, "prod") as them:
            told = await them.get("/api/v1/checks")

    assert [one["site"] for one in told.json()["items"]] == ["prod"]
    for answer in (page, told):
        assert "https://q answers" in answer.text
        for hidden in ("secret-site", "elsewhere", "2 site(s)"):
            assert hidden not in answer.text


async def test_a_program_asks_for_a_check_and_reads_what_was_found(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        await kept(world, "prod", BROKEN, FINE)
        asked = await them.post("/api/v1/checks", json={"site": "PROD"})
        request = (await them.get(asked.headers["location"])).json()
        (told,) = (await them.get("/api/v1/checks")).json()["items"]

    assert (asked.status_code, request["kind"], request["site"]) == (202, "check", "prod")
    assert (told["state"], told["by"]) == ("failed", "the schedule")
    assert told["findings"][0]["cure"] == "export it again"
