"""The ledger in the console: found, exported, and whether the chain is whole."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from console_world import SITES, World, a_console, csrf_of
from seatkeeper.core.roles import Role
from stored import JANE, a_plan, applied, some_actions


async def something_happened(world: World) -> str:
    """Apply a plan of two seats, and freeze everything; returns the plan."""
    plan = a_plan(*some_actions(2))
    await applied(world.store, plan)
    await world.store.control.freeze(JANE, "<b>quarter</b> close", world.now)
    return plan.plan_id


async def test_records_stand_newest_first_with_who_and_why(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        plan_id = await something_happened(world)
        page = (await browser.get("/ledger?site=prod")).text

        assert page.index("<b>Frozen</b>") < page.index("<b>Plan proposed</b>")
        assert "&lt;b&gt;quarter&lt;/b&gt; close" in page
        assert f'href="/plans/{plan_id}"' in page
        assert "Jane Doe" in page


async def test_the_chain_is_said_to_be_checked_only_when_it_was(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await something_happened(world)
        before = (await browser.get("/ledger")).text
        await world.store.ledger.check("Jane Doe", world.now)
        after = (await browser.get("/ledger")).text

        assert "The chain was not checked yet." in before
        assert "The chain is whole." in after


async def test_a_search_by_person_leaves_no_name_in_an_address(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await something_happened(world)
        user = some_actions(1)[0].user
        typed = {"csrf": csrf_of(await browser.get("/ledger")), "site": "prod", "text": user}
        found = await browser.post("/ledger/search", data=typed)
        page = await browser.get(found.headers["location"])

        assert user.rpartition("\\")[2] not in found.headers["location"]
        assert "<b>Release intent</b>" in page.text
        assert "<b>Frozen</b>" not in page.text


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("kind=frozen", True),
        ("kind=plan_rejected", False),
        ("kind=nonsense&from=x&to=y&before=-1", True),
        ("by=Jane+Doe", True),
        ("by=Nobody", False),
        ("to=2026-11-01", False),
    ],
)
async def test_filters_narrow_and_nonsense_is_left_out(
    tmp_path: Path, query: str, there: bool
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await something_happened(world)
        page = await browser.get(f"/ledger?site=prod&{query}")

        assert page.status_code == 200
        assert ("<b>Frozen</b>" in page.text) is there
        assert ("No record fits." in page.text) is not there


async def test_older_pages_lead_to_every_record(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        for n in range(60):
            until = world.now + timedelta(days=n + 1)
            await world.store.control.freeze(JANE, f"reason {n}", world.now, until)
        first = await browser.get("/ledger")
        older = first.text.partition('rel="next" href="')[2].partition('"')[0]
        second = await browser.get(older.replace("&amp;", "&"))

        assert "reason 59" in first.text
        assert "reason 0." not in first.text
        assert "reason 9" in second.text
        assert 'rel="next"' not in second.text


async def test_exports_hold_every_record(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await something_happened(world)
        sheet = await browser.get("/ledger.csv?site=all")
        lines = await browser.get("/ledger.json?site=all")
        rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
        records = [msgspec.json.decode(line) for line in lines.text.splitlines()]
        head = await world.store.ledger.head()

        assert sheet.content.startswith(b"\xef\xbb\xbf")
        assert len(rows) == len(records) == head.seq
        assert records[0]["hash"] == head.hash
        assert rows[0]["kind"] == "frozen"


async def test_viewers_see_pseudonyms_in_pages_and_exports(tmp_path: Path) -> None:
    text = SITES + "privacy: pseudonymous\n"
    async with a_console(tmp_path, text=text) as world:
        await something_happened(world)
        names = [action.user for action in some_actions(2)]
        async with await world.signed_in(Role.VIEWER) as viewer:
            paths = ("/ledger?site=prod", "/ledger.csv?site=prod", "/ledger.json?site=prod")
            seen = [(await viewer.get(path)).text for path in paths]

        for text in seen:
            assert not any(f"{name}<" in text or f'"{name}"' in text for name in names)
            assert "Person " in text


async def test_a_role_on_one_site_sees_records_of_that_site_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        await something_happened(world)
        async with await world.signed_in(Role.ADMIN, sites=("test",)) as browser:
            page = await browser.get("/ledger?site=all")

        assert "No record fits." in page.text
        assert 'value="Jane Doe"' not in page.text


async def test_who_acted_elsewhere_is_not_offered_as_a_filter(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        await applied(world.store, a_plan(*some_actions(1)))
        here = await browser.get("/ledger?site=prod")
        elsewhere = await browser.get("/ledger?site=test")
        everywhere = await browser.get("/ledger?site=all")

        offered = ['<option value="Jane Doe">' in p.text for p in (here, elsewhere, everywhere)]
        assert offered == [True, False, True]
