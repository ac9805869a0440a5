"""The page of a plan: what it says after a form, in mode observe, frozen, large, made smaller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from builders import PROFESSIONAL
from console_plans import led, opened, recorded
from console_world import SITES, a_console, csrf_of
from seatkeeper.core.model import LicenseType
from seatkeeper.core.plan import Plan
from seatkeeper.core.roles import Role
from seatkeeper.store import RequestKind
from stored import (
    ENGINE,
    JANE,
    a_plan,
    a_violation,
    an_action,
    applied,
    applying,
    some_actions,
)

MINUTE = timedelta(minutes=1)

OBSERVED = SITES.replace("mode: approve", "mode: observe")


def address(plan: Plan, more: str = "") -> str:
    """Return the address of a plan."""
    return f"/plans/{plan.plan_id}{more}"


def boxes(page: httpx.Response) -> list[str]:
    """Return the seats that are ticked on a page."""
    return re.findall(r'name="out" value="([^"]+)" checked', page.text)


def typed_in(page: httpx.Response, form: str) -> str:
    """Return the reason in the form that is sent to an address ending so."""
    text = page.text.partition(f'/{form}"')[2].partition("</form>")[0]
    return (re.findall(r'name="reason"[^>]*value="([^"]*)"', text) or [""])[0]


async def test_a_refusal_keeps_the_ticks_and_the_reason_where_they_were(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        ids = [action.allocation_id for action in plan.actions]
        form = {"csrf": word, "out": ids, "reason": "all of them stay"}
        page = await led(browser, address(plan, "/leave-out"), form)

        assert "reject it instead" in page.text
        assert boxes(page) == ids
        assert typed_in(page, "leave-out") == "all of them stay"
        assert typed_in(page, "approve") == typed_in(page, "reject") == ""


async def test_a_refusal_stands_at_the_address_of_the_plan_for_its_sender_alone(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        await world.store.plans.reject(plan.plan_id, JANE, "not now", world.now)
        refused = await led(browser, address(plan, "/approve"), {"csrf": word})
        again = await browser.get(str(refused.url))
        async with await world.signed_in(name="Jonas Weber") as other:
            elsewhere = await other.get(str(refused.url))

        assert "Nothing was done." in refused.text
        assert "Nothing was done." in again.text
        assert "Nothing was done." not in elsewhere.text


async def test_a_second_approval_while_it_is_applied_leads_back_to_the_plan(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = a_plan(*some_actions(2))
        await applying(world.store, plan)
        _, word = await opened(browser, plan)
        page = await led(browser, address(plan, "/approve"), {"csrf": word})

        assert page.status_code == 200
        assert "Nothing was done." in page.text
        assert "Being applied" in page.text


async def test_what_was_done_is_said_until_it_is_no_longer_true(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(1)))
        _, word = await opened(browser, plan)
        approved = await led(browser, address(plan, "/approve"), {"csrf": word})
        await world.store.plans.reject(plan.plan_id, JANE, "after all not", world.now)
        later = await browser.get(str(approved.url))

        assert "Approved. The engine takes it up, as a rule within seconds." in approved.text
        assert "The engine takes it up" not in later.text


async def test_a_freeze_is_said_to_hold_an_approved_plan(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(1)))
        await world.store.control.freeze(JANE, "audit", world.now)
        _, word = await opened(browser, plan)
        page = await led(browser, address(plan, "/approve"), {"csrf": word})

        assert "The freeze holds it" in page.text
        assert "Approved, and held by the freeze" in page.text
        assert "within seconds" not in page.text


@pytest.mark.parametrize("blocked", [False, True])
async def test_in_mode_observe_nobody_is_asked_to_decide(tmp_path: Path, blocked: bool) -> None:
    async with a_console(tmp_path, text=OBSERVED) as world, await world.signed_in() as browser:
        broken = (a_violation(),) if blocked else ()
        plan = await recorded(world, a_plan(*some_actions(3), violations=broken))
        page = await browser.get(address(plan))
        front, plans = await browser.get("/"), await browser.get("/plans")

        assert "Would release 3 seats at prod" in page.text
        assert "Mode observe: nothing is released." in page.text
        assert "mark-needs" not in page.text
        assert "The decision" not in page.text
        assert 'name="out"' not in page.text
        assert "#decide" not in page.text
        assert "waits for approval" not in front.text
        assert "waits for a decision" not in plans.text
        assert '<span class="count">' not in front.text


async def test_a_large_plan_comes_in_pages_that_hold_every_seat_once(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(250)))
        page, seen, sizes = await browser.get(address(plan)), [], []
        while True:
            here = re.findall(r'name="out" value="([^"]+)"', page.text)
            seen += here
            sizes.append(len(here))
            after = re.search(r'rel="next" href="([^"]+)"', page.text)
            if after is None:
                break
            page = await browser.get(after[1])

        assert sizes == [100, 100, 50]
        assert seen == [action.allocation_id for action in plan.actions]
        assert "201 to 250 of 250" in page.text
        assert "Professional, 250 seats" in page.text


async def test_the_least_idle_are_left_out_by_their_number(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        actions = [an_action(rf"EXAMPLE\u{n}", idle_days=200 - n) for n in range(150)]
        plan = await recorded(world, a_plan(*actions))
        _, word = await opened(browser, plan)
        form = {"csrf": word, "least": "120", "type": PROFESSIONAL.value, "reason": "too many"}
        page = await led(browser, address(plan, "/leave-out"), form)
        smaller = await world.store.plans.load(page.url.path.rpartition("/")[2], world.now)

        assert smaller.plan.actions == plan.actions[:30]
        assert "Release 30 seats at prod?" in page.text


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        ("0", "professional", "Write how many"),
        ("x", "professional", "Write how many"),
        ("1", "nonsense", "Write how many"),
        ("3", "professional", "reject it instead"),
    ],
)
async def test_a_number_that_makes_no_sense_makes_no_plan(
    tmp_path: Path, number: str, kind: str, says: str
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        form = {"csrf": word, "least": number, "type": kind, "reason": "too many"}
        page = await led(browser, address(plan, "/leave-out"), form)

        assert says in page.text
        assert 'value="too many"' in page.text
        assert len(await world.store.plans.lines(world.now)) == 1


async def test_who_left_which_seats_out_and_why_stands_on_the_plan(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        async with await world.signed_in(Role.APPROVER) as browser:
            plan = await recorded(world, a_plan(*some_actions(3)))
            _, word = await opened(browser, plan)
            out = [plan.actions[0].allocation_id]
            form = {"csrf": word, "out": out, "reason": "on leave until March"}
            made = await led(browser, address(plan, "/leave-out"), form)
        async with await world.signed_in(Role.APPROVER, name="Jonas Weber") as other:
            page = (await other.get(made.url.path)).text

        assert "1 seat left out by <bdi>Ingrid Berg</bdi>" in page
        assert "on leave until March" in page
        assert r"EXAMPLE\u0" in page
        assert "of 13 seats, with reasons" in page


async def test_how_far_a_plan_has_come_is_told_without_the_rest_of_the_page(
    tmp_path: Path,
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.VIEWER) as browser:
        plan = a_plan(*some_actions(150))
        held = await applying(world.store, plan)
        some = plan.actions[:40]
        await world.store.plans.intend(plan.plan_id, "run-1", ENGINE, held, some, world.now)
        page = await browser.get(address(plan))
        part = await browser.get(address(plan, "/progress"))
        await world.store.plans.finish(plan.plan_id, "run-1", ENGINE, world.now, complete=False)
        over = await browser.get(address(plan, "/progress"))

        assert f'data-part="{address(plan)}/progress"' in page.text
        assert "0 of 150 seats are settled" in part.text
        assert len(part.text) < 2_000
        assert "data-part" not in over.text


async def test_a_plan_does_not_move_because_another_one_does(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        old, plan = a_plan(*some_actions(1)), a_plan(*some_actions(2))
        await applied(world.store, old)
        await recorded(world, plan)
        wish = {"plan": old.plan_id}
        await world.store.requests.ask(RequestKind.UNDO, "prod", wish, JANE, world.now)
        moves = ["data-fresh" in (await browser.get(address(one))).text for one in (old, plan)]

        assert moves == [True, False]


async def test_the_freed_seats_of_a_waiting_plan_are_counted_once(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        await browser.get("/")

        async def again() -> Mapping[LicenseType, int]:
            raise AssertionError("it is read once more")

        freed = await world.desk.freed.of(plan.plan_id, None, again)

    assert freed == {LicenseType.PROFESSIONAL: 3}


async def test_a_page_left_open_keeps_no_session_alive_and_records_no_new_look(
    tmp_path: Path,
) -> None:
    more = "console: {record_views: true, session: {idle: 30m}}\n"
    looks = {"X-Looks-Again": "1"}
    async with a_console(tmp_path, more) as world, await world.signed_in() as browser:
        plan = await recorded(world, a_plan(*some_actions(1)))
        began = world.now
        await browser.get(address(plan))
        for minutes in (5, 10, 20):
            world.now = began + minutes * MINUTE
            await browser.get(address(plan), headers=looks)
        seen = [r for r in await world.store.ledger.show() if r.kind == "names_seen"]
        world.now = began + 31 * MINUTE
        over = await browser.get(address(plan), headers=looks)

        assert len(seen) == 1
        assert over.headers["location"].startswith("/sign-in")


async def test_a_page_left_open_for_hours_counts_once_an_hour(tmp_path: Path) -> None:
    more = "console: {record_views: true, session: {idle: 10h}}\n"
    async with a_console(tmp_path, more) as world, await world.signed_in() as browser:
        plan = await recorded(world, a_plan(*some_actions(1)))
        began = world.now
        for minutes in (0, 30, 61, 90, 125):
            world.now = began + minutes * MINUTE
            await browser.get(address(plan), headers={"X-Looks-Again": "1"})
        seen = [r for r in await world.store.ledger.show() if r.kind == "names_seen"]

        assert len(seen) == 3


@pytest.mark.parametrize("path", ["/", "/users", "/plans", "/ledger", "/alerts", "/cost"])
async def test_a_site_may_have_any_name_in_addresses(tmp_path: Path, path: str) -> None:
    text = SITES.replace("name: prod", "name: 'R&D one'")
    async with a_console(tmp_path, text=text) as world, await world.signed_in() as browser:
        page = await browser.get(path, params={"site": "R&D one"})
        links = set(re.findall(r'href="([^"]*site=[^"]*)"', page.text))
        answers = [await browser.get(link.replace("&amp;", "&")) for link in sorted(links)]

        assert any("R%26D" in link for link in links)
        assert {answer.status_code for answer in answers} == {200}


async def test_another_site_is_picked_from_the_page_of_a_plan(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        plan = await recorded(world, a_plan(*some_actions(1)))
        page = await browser.get(address(plan))

        assert 'href="/plans?site=test"' in page.text
        assert 'href="/plans?site=all"' in page.text


async def test_a_plan_is_asked_for_at_a_site_of_any_name(tmp_path: Path) -> None:
    text = SITES.replace("name: prod", "name: 'R&D one'")
    async with a_console(tmp_path, text=text) as world, await world.signed_in() as browser:
        plan = await recorded(world, a_plan(*some_actions(1), site="R&D one"))
        word = csrf_of(await browser.get("/plans"))
        page = await led(browser, "/plans", {"csrf": word, "site": "R&D one"})
        own = await browser.get(address(plan))

        assert "A plan is being made." in page.text
        assert own.status_code == 200
        assert "R%26D+one" in own.text
