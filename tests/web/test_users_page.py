"""Users in the console: found, sorted, paged, exported, and one person's whole story."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from builders import ANALYZER, NOW, PROFESSIONAL, a_snapshot, an_allocation
from console_world import SITES, World, a_console, csrf_of
from seatkeeper.core.model import LicenseType
from seatkeeper.core.roles import Grant, Role
from seatkeeper.core.roster import Flag, RosterLine
from seatkeeper.core.rules import Reason
from stored import a_plan, an_action, refused

SCRIPT = r"EXAMPLE\<script>alert(1)</script>"
FORMULA = r"=cmd|' /C calc'!A0"


def a_line(user: str, number: int = 0, **changes: object) -> RosterLine:
    """Return a seat of somebody active, unless told otherwise."""
    told: dict[str, object] = {
        "allocation_id": f"seat-{number:05}",
        "license_type": ANALYZER,
        "user": user,
        "name": user.rpartition("\\")[2],
        "department": "Sales",
        "flags": 0,
        "created": NOW - timedelta(days=400),
        "last_used": NOW - timedelta(days=number % 90),
        "idle_since": NOW - timedelta(days=number % 90),
        "reason": Reason.ACTIVE,
    }
    return RosterLine(**{**told, **changes})  # type: ignore[arg-type]


def idle(user: str, number: int) -> RosterLine:
    return a_line(user, number, reason=Reason.IDLE, flags=int(Flag.IDLE | Flag.RELEASABLE))


async def listed(world: World, *lines: RosterLine, site: str = "prod") -> None:
    await world.store.roster.keep(site, world.now, lines)


async def looked_for(browser: httpx.AsyncClient, text: str, **more: str) -> httpx.Response:
    """Fill in the search and follow where it leads."""
    word = csrf_of(await browser.get("/users"))
    typed = {"csrf": word, "site": "prod", "text": text, **more}
    found = await browser.post("/users/search", data=typed)
    return await browser.get(found.headers["location"])


async def test_the_list_shows_seats_and_what_would_become_of_them(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1), idle(r"EXAMPLE\ben", 2))
        page = await browser.get("/users")

        assert "2 seats are held at prod." in page.text
        assert "Keep, active" in page.text
        assert "Release" in page.text
        assert "1 to 2 of 2" in page.text


async def test_before_the_first_reading_the_list_says_why_it_is_empty(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        assert "Nobody is known here yet." in (await browser.get("/users")).text


async def test_a_search_finds_and_leaves_no_name_in_an_address(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1), a_line(r"EXAMPLE\ben", 2))
        found = await looked_for(browser, "ANNA")
        nobody = await looked_for(browser, "nobody like that")

        assert "anna" not in str(found.url).casefold()
        assert r"EXAMPLE\anna" in found.text
        assert r"EXAMPLE\ben" not in found.text
        assert "Nobody fits." in nobody.text


async def test_a_seal_of_elsewhere_is_as_if_nothing_was_searched(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        page = await browser.get("/users?q=AAAAforged&view=nonsense&sort=evil&idle=-1&type=x")

        assert page.status_code == 200
        assert r"EXAMPLE\anna" in page.text


async def test_pages_lead_through_everybody_once(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, *(a_line(rf"EXAMPLE\user{n:03}", n) for n in range(120)))
        page = await browser.get("/users?sort=user")
        seen: list[str] = []
        while True:
            seen += [f"{n:03}" for n in range(120) if rf"EXAMPLE\user{n:03}<" in page.text]
            after = page.text.partition('rel="next" href="')[2].partition('"')[0]
            if not after:
                break
            assert "user0" not in after
            page = await browser.get(after.replace("&amp;", "&"))

        assert sorted(seen) == [f"{n:03}" for n in range(120)]


async def test_a_view_and_filters_narrow_the_list(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(
            world,
            a_line(r"EXAMPLE\anna", 1),
            idle(r"EXAMPLE\ben", 2),
            a_line(r"EXAMPLE\cleo", 3, license_type=PROFESSIONAL, department="R&D"),
        )
        only_idle = await browser.get("/users?view=idle")
        only_rd = await browser.get("/users", params={"department": "R&D"})
        only_pro = await browser.get(f"/users?type={LicenseType.PROFESSIONAL}")

        assert "1 to 1 of 1" in only_idle.text
        assert r"EXAMPLE\cleo" in only_rd.text
        assert r"EXAMPLE\anna" not in only_rd.text
        assert "1 to 1 of 1" in only_pro.text


async def test_hostile_names_are_text(tmp_path: Path) -> None:
    long = "EXAMPLE\\" + "x" * 10_000
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        turned = "EXAMPLE\\\u202eevil"
        await listed(world, a_line(SCRIPT, 1), a_line(long, 2), a_line(turned, 3))
        page = await browser.get("/users")
        link = page.text.partition('<span class="who"><a href="')[2].partition('"')[0]
        person = await browser.get(link)

        assert page.status_code == person.status_code == 200
        assert "<script>alert" not in page.text + person.text
        assert "x" * 200 not in page.text
        assert "<bdi>EXAMPLE\\\u202eevil</bdi>" in page.text


async def test_an_export_holds_everybody_and_no_formula(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        lines = [a_line(rf"EXAMPLE\user{n:03}", n) for n in range(700)]
        await listed(world, *lines, a_line(FORMULA, 999, name=FORMULA))
        answer = await browser.get("/users.csv?site=prod")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))

        assert answer.headers["content-type"].startswith("text/csv")
        assert len(rows) == 1 + 701
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


async def test_a_person_has_a_page_with_the_verdict_explained(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, idle(r"EXAMPLE\ben", 70))
        page = await browser.get("/users")
        link = page.text.partition('<span class="who"><a href="')[2].partition('"')[0]
        person = await browser.get(link)
        forged = await browser.get("/users/prod/AAAA")

        assert "ben" not in link
        assert "If a plan ran now" in person.text
        assert 'class="decides"' in person.text
        assert "On which days was it used?" in person.text
        assert forged.status_code == 404


async def test_viewers_see_pseudonyms_and_cannot_search_by_name(tmp_path: Path) -> None:
    text = SITES + "privacy: pseudonymous\n"
    async with a_console(tmp_path, text=text) as world:
        await listed(world, a_line(r"EXAMPLE\anna", 1), a_line(r"EXAMPLE\ben", 2))
        async with await world.signed_in(Role.VIEWER) as viewer:
            page = await viewer.get("/users?sort=user")
            typed = {"csrf": csrf_of(page), "site": "prod", "text": "anna"}
            refused = await viewer.post("/users/search", data=typed)
            sheet = await viewer.get("/users.csv?site=prod")
            link = page.text.partition('<span class="who"><a href="')[2].partition('"')[0]
            person = await viewer.get(link)

        for answer in (page, sheet, person):
            assert "anna" not in answer.text
            assert "Person " in answer.text or answer is person
        assert refused.status_code == 403


async def test_on_all_sites_names_are_shown_only_where_the_role_shows_them(
    tmp_path: Path,
) -> None:
    text = SITES + "privacy: pseudonymous\n"
    grants = (
        Grant(Role.OPERATOR, frozenset({"prod"})),
        Grant(Role.VIEWER, frozenset({"test"})),
    )
    async with a_console(tmp_path, text=text) as world:
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        await listed(world, a_line(r"EXAMPLE\ben", 2), site="test")
        async with await world.signed_in(grants=grants) as browser:
            page = await browser.get("/users?site=all&sort=user")
            sheet = await browser.get("/users.csv?site=all")

        for answer in (page, sheet):
            assert r"EXAMPLE\anna" in answer.text
            assert "ben" not in answer.text


@pytest.mark.parametrize(("record", "seen"), [("true", 2), ("false", 0)])
async def test_who_saw_names_is_recorded_where_the_configuration_asks(
    tmp_path: Path, record: str, seen: int
) -> None:
    text = SITES + f"console: {{record_views: {record}}}\n"
    async with a_console(tmp_path, text=text) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        page = await browser.get("/users")
        await browser.get(page.text.partition('<span class="who"><a href="')[2].partition('"')[0])
        records = [r for r in await world.store.ledger.show() if r.kind == "names_seen"]

        assert len(records) == seen
        assert all(r.by == "Ingrid Berg" for r in records)


async def test_why_somebody_is_exempt_is_hidden_with_their_name(tmp_path: Path) -> None:
    text = SITES + "privacy: pseudonymous\n"
    line = a_line(
        r"EXAMPLE\anna",
        reason=Reason.EXEMPT,
        note=r"protected by user EXAMPLE\anna",
        exempt_reason="Anna is on leave",
        exempt_owner="Boss of Anna",
    )
    async with a_console(tmp_path, text=text) as world:
        await listed(world, line)
        seen = []
        for role in (Role.VIEWER, Role.OPERATOR):
            async with await world.signed_in(role) as browser:
                page = (await browser.get("/users")).text
                link = page.partition('<span class="who"><a href="')[2].partition('"')[0]
                seen.append((await browser.get(link)).text)

    assert "anna" not in seen[0].casefold()
    assert "Anna is on leave" in seen[1]
    assert "Boss of Anna" in seen[1]


async def test_what_a_site_answered_hides_the_person_on_their_page_too(tmp_path: Path) -> None:
    text = SITES + "privacy: pseudonymous\n"
    plan = a_plan(an_action(allocation_id="s1"))
    said = r"EXAMPLE\anna.berg: Anna Berg may not"
    async with a_console(tmp_path, text=text) as world:
        await listed(world, a_line(r"EXAMPLE\anna.berg", 1, name="Anna Berg"))
        await refused(world.store, plan, said)
        seen = []
        for role in (Role.VIEWER, Role.OPERATOR):
            async with await world.signed_in(role) as browser:
                page = (await browser.get("/users")).text
                link = page.partition('<span class="who"><a href="')[2].partition('"')[0]
                seen.append((await browser.get(link)).text)

    assert "anna" not in seen[0].casefold()
    assert "the user may not" in seen[0]
    assert said in seen[1]


@pytest.mark.parametrize(("sites", "named"), [((), True), (("prod",), False)])
async def test_where_else_somebody_is_known_is_told_within_the_role_alone(
    tmp_path: Path, sites: tuple[str, ...], named: bool
) -> None:
    person = an_allocation(r"EXAMPLE\anna")
    async with a_console(tmp_path) as world:
        for site in ("prod", "test"):
            await world.store.history.observe(a_snapshot([person], now=NOW, site=site))
            await world.store.activity.observe(a_snapshot([person], now=NOW, site=site), NOW)
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        async with await world.signed_in(Role.VIEWER, sites=sites) as browser:
            page = (await browser.get("/users?site=prod")).text
            link = page.partition('<span class="who"><a href="')[2].partition('"')[0]
            told = (await browser.get(link)).text

    assert ("Also known at test" in told) is named


async def test_a_person_of_another_site_is_not_shown(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        async with await world.signed_in() as browser:
            page = await browser.get("/users?site=prod")
            link = page.text.partition('<span class="who"><a href="')[2].partition('"')[0]
        async with await world.signed_in(Role.ADMIN, sites=("test",)) as other:
            seen = await other.get(link)
            moved = await other.get(link.replace("/prod/", "/test/"))

        assert seen.status_code in (403, 404)
        assert moved.status_code == 404


async def test_a_band_of_the_histogram_narrows_the_list_and_lets_go_of_it(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1), idle(r"EXAMPLE\ben", 40))
        page = (await browser.get("/users?site=prod&type=analyzer")).text
        link = (
            page.partition('<ol class="bands">')[2]
            .partition("30\u201389")[0]
            .rpartition('href="')[2]
        )
        narrowed = await browser.get(link.partition('"')[0].replace("&amp;", "&"))
        chosen = narrowed.text.partition('aria-current="true"><svg')[0]
        back = await browser.get(
            chosen.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        )

        assert "Show the numbers" in page
        assert (
            '<tr><th scope="row">30 to 89 days</th><td class="n">1</td><td class="n">0</td></tr>'
            in page
        )
        assert "idle=30&below=90" in str(narrowed.url)
        assert "type=analyzer" in str(narrowed.url)
        assert r"EXAMPLE\ben" in narrowed.text
        assert r"EXAMPLE\anna" not in narrowed.text
        assert "1 to 2 of 2" in back.text


@pytest.mark.parametrize(
    ("idle_least", "kept"), [("30", True), ("90", False), ("", True), ("180", False)]
)
async def test_an_end_of_idle_time_goes_when_the_filter_begins_behind_it(
    tmp_path: Path, idle_least: str, kept: bool
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        found = await looked_for(browser, "", idle=idle_least, below="90")

        assert ('name="below" value="90"' in found.text) is kept


async def test_whoever_looks_for_a_name_sees_no_histogram(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await listed(world, a_line(r"EXAMPLE\anna", 1))
        found = await looked_for(browser, "anna")

        assert r"EXAMPLE\anna" in found.text
        assert 'class="bands"' not in found.text


async def test_each_row_shows_the_active_days_of_a_year(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        for day in (40, 1, 0):
            at = NOW - timedelta(days=day)
            seat = an_allocation(r"EXAMPLE\anna", last_used=at)
            await world.store.activity.observe(a_snapshot([seat], now=at), at)
        await listed(world, a_line(r"EXAMPLE\anna", 1), a_line(r"EXAMPLE\ben", 2))
        page = (await browser.get("/users?site=prod")).text

        assert "Active on 3 days in 3 watched months: September 1, November 2" in page
        assert page.count('class="months"') == 1
