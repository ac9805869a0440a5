"""With `privacy: pseudonymous`: no way leads from a pseudonym to the name, or back."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api_world import a_line
from console_world import World, a_console, csrf_of
from seatkeeper.core.plan import Notice
from seatkeeper.core.roles import Grant, Role
from seatkeeper.store import RequestKind
from stored import JANE, a_plan, applied, some_actions

PRIVATE = "privacy: pseudonymous\n"

ANNA = r"EXAMPLE\anna"


async def known(world: World) -> None:
    """Let Anna hold a seat on both sites."""
    for site in ("prod", "test"):
        await world.store.roster.keep(site, world.now, [a_line(ANNA, 1, world.now)])


async def sealed_in(browser: httpx.AsyncClient, page: str) -> str:
    """Return what stands for the first person of a page in addresses."""
    found = re.search(r'href="/users/\w+/([^"]+)"', (await browser.get(page)).text)
    assert found is not None
    return found[1]


async def searched(browser: httpx.AsyncClient, path: str, text: str) -> httpx.Response:
    """Type something into the search of a page."""
    typed = {"csrf": csrf_of(await browser.get(path)), "site": "prod", "text": text}
    return await browser.post(f"{path}/search", data=typed)


@pytest.mark.parametrize("address", ["/ledger?about=", "/users?q=", "/ledger.csv?about="])
async def test_what_stands_for_a_person_opens_nowhere_but_on_their_own_page(
    tmp_path: Path, address: str
) -> None:
    async with a_console(tmp_path, PRIVATE) as world:
        await known(world)
        async with await world.signed_in(Role.VIEWER) as viewer:
            ref = await sealed_in(viewer, "/users?site=prod")
            page = await viewer.get(f"{address}{ref}")
            own = await viewer.get(f"/users/prod/{ref}")
            elsewhere = await viewer.get(f"/users/test/{ref}")

    assert own.status_code == 200
    assert elsewhere.status_code == 404
    assert "anna" not in page.text + own.text


@pytest.mark.parametrize("path", ["/users", "/ledger"])
async def test_a_viewer_who_guesses_a_name_learns_nothing_of_it(tmp_path: Path, path: str) -> None:
    async with a_console(tmp_path, PRIVATE) as world:
        await known(world)
        async with await world.signed_in(Role.VIEWER) as viewer:
            guessed = await searched(viewer, path, ANNA)
        async with await world.signed_in(Role.OPERATOR) as operator:
            led = await searched(operator, path, ANNA)
            ref = await sealed_in(operator, "/users?site=prod")

    assert guessed.status_code == 403
    assert ref not in led.headers["location"]


@pytest.mark.parametrize("path", ["/users", "/ledger"])
async def test_a_search_that_an_operator_passes_on_shows_a_viewer_no_name(
    tmp_path: Path, path: str
) -> None:
    async with a_console(tmp_path, PRIVATE) as world:
        await known(world)
        async with await world.signed_in(Role.OPERATOR) as operator:
            led = (await searched(operator, path, ANNA)).headers["location"]
            clear = await operator.get(led)
        async with await world.signed_in(Role.VIEWER) as viewer:
            hidden = await viewer.get(led)

    assert "anna" in clear.text
    assert "anna" not in hidden.text


async def test_a_viewer_still_looks_for_a_plan_in_the_ledger(tmp_path: Path) -> None:
    plan = a_plan(*some_actions(1))
    async with a_console(tmp_path, PRIVATE) as world:
        await applied(world.store, plan)
        async with await world.signed_in(Role.VIEWER) as viewer:
            led = (await searched(viewer, "/ledger", plan.plan_id)).headers["location"]
            found = await viewer.get(led)

    assert "<b>Plan proposed</b>" in found.text
    assert plan.plan_id in found.text


async def test_who_sees_names_on_one_site_alone_does_not_search_both(tmp_path: Path) -> None:
    grants = (Grant(Role.OPERATOR, frozenset({"prod"})), Grant(Role.VIEWER, frozenset({"test"})))
    async with a_console(tmp_path, PRIVATE) as world:
        await known(world)
        async with await world.signed_in(grants=grants) as browser:
            word = csrf_of(await browser.get("/users"))
            typed = {"csrf": word, "text": ANNA}
            both = await browser.post("/users/search", data=typed | {"site": "all"})
            one = await browser.post("/users/search", data=typed | {"site": "prod"})
            query = parse_qs(urlsplit(one.headers["location"]).query)
            moved = await browser.get("/users", params={"site": "all", "q": query["q"][0]})

    assert (both.status_code, one.status_code) == (403, 303)
    assert 'value="EXAMPLE' not in moved.text


async def test_who_reads_names_in_requests_is_in_the_ledger_where_that_is_wanted(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path, "console: {record_views: true}\n") as world:
        ask = world.store.requests.ask
        undo = await ask(RequestKind.UNDO, "prod", {"user": ANNA, "reason": "x"}, JANE, world.now)
        run = await ask(RequestKind.RUN, "prod", {}, JANE, world.now)
        async with await world.with_token(Role.VIEWER) as program:
            await program.get(f"/api/v1/requests/{run.id}")
            await program.get(f"/api/v1/requests/{undo.id}")
            await program.get("/api/v1/requests")
        seen = [r for r in await world.store.ledger.show() if r.kind == "names_seen"]

    assert [r.person for r in seen] == [ANNA, ""]


async def test_who_reads_a_warning_that_names_somebody_is_in_the_ledger(tmp_path: Path) -> None:
    told = Notice(code="exemption_expired", message=r"user EXAMPLE\carla is protected no more")
    naming, plain = a_plan(*some_actions(1), warnings=(told,)), a_plan(*some_actions(1))
    async with a_console(tmp_path, "console: {record_views: true}\n") as world:
        for plan in (naming, plain):
            await world.store.plans.record(plan, JANE, "run-0")
        async with await world.with_token(Role.VIEWER) as program:
            await program.get(f"/api/v1/plans/{plain.plan_id}")
            await program.get(f"/api/v1/plans/{naming.plan_id}")
        seen = [r for r in await world.store.ledger.show() if r.kind == "names_seen"]

    assert [naming.plan_id in r.why for r in seen] == [True]
