"""Plans in the console: read with evidence, made smaller, approved, rejected, given back."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import ANNA
from console_plans import led, opened, recorded
from console_world import SITES, World, a_console, csrf_of
from seatkeeper.core.plan import Limit, Notice, PlanStatus
from seatkeeper.core.roles import Role
from seatkeeper.core.roster import RosterLine
from seatkeeper.core.rules import Reason
from seatkeeper.store import LedgerQuery, RequestKind
from stored import NOW, a_plan, a_violation, an_action, applied, refused, some_actions

HOSTILE = r"EXAMPLE\<script>alert(1)</script>"


async def kinds(world: World) -> list[tuple[str, str]]:
    """Return what the ledger holds, as kind and person."""
    pages = world.store.ledger.pages(LedgerQuery())
    return [(r.kind.value, r.by) async for page in pages for r in page]


async def test_a_plan_shows_each_seat_with_its_evidence(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        plan = await recorded(world, a_plan(an_action(HOSTILE), *some_actions(2)))
        page, _ = await opened(browser, plan)

        assert "Release 3 seats at prod?" in page.text
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "Latest activity anywhere" in page.text
        assert plan.digest in page.text
        assert "<title>Open" in page.text


async def test_an_approval_is_recorded_with_the_person(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        done = await browser.post(f"/plans/{plan.plan_id}/approve", data={"csrf": word})
        stored = await world.store.plans.load(plan.plan_id, world.now)

        assert done.status_code == 303
        assert (stored.status, stored.approved_by) == (PlanStatus.APPROVED, "Ingrid Berg")
        assert ("plan_approved", "Ingrid Berg") in await kinds(world)


async def test_ticked_seats_make_a_smaller_plan_that_waits(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        out = plan.actions[0].allocation_id
        typed = {"csrf": word, "out": [out], "reason": "on leave"}
        done = await browser.post(f"/plans/{plan.plan_id}/leave-out", data=typed)
        smaller_id = done.headers["location"].partition("?")[0].rpartition("/")[2]
        smaller = await world.store.plans.load(smaller_id, world.now)
        page = await browser.get(done.headers["location"])

        assert smaller.plan.actions == plan.actions[1:]
        assert smaller.plan.digest != plan.digest
        assert smaller.status is PlanStatus.OPEN
        assert "from <a" in page.text
        assert "Release 2 seats at prod?" in page.text


async def test_no_tick_makes_no_plan_and_says_so(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        again = await led(browser, f"/plans/{plan.plan_id}/leave-out", {"csrf": word})

        assert "Tick the seats to leave out." in again.text
        assert len(await world.store.plans.lines(world.now)) == 1


async def test_a_rejection_needs_a_reason(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        _, word = await opened(browser, plan)
        bare = await led(browser, f"/plans/{plan.plan_id}/reject", {"csrf": word})
        typed = {"csrf": word, "reason": "quarter close"}
        done = await browser.post(f"/plans/{plan.plan_id}/reject", data=typed)
        page = await browser.get(done.headers["location"])

        assert "Nothing was done." in bare.text
        assert "Release 3 seats at prod?" in bare.text
        assert done.status_code == 303
        assert "quarter close" in page.text
        assert ("plan_rejected", "Ingrid Berg") in await kinds(world)


async def test_a_blocked_plan_is_passed_with_name_and_reason_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = await recorded(world, a_plan(*some_actions(3), violations=(a_violation(),)))
        page, word = await opened(browser, plan)
        address = f"/plans/{plan.plan_id}/approve"
        plain = await led(browser, address, {"csrf": word, "reason": "fine"})
        silent = await led(browser, address, {"csrf": word, "pass": [Limit.MAX_SHARE.value]})
        typed = {"csrf": word, "pass": [Limit.MAX_SHARE.value], "reason": "first clean-up"}
        done = await browser.post(address, data=typed)

        assert "It would take too large a share of a pool" in page.text
        assert "Ways out" in page.text
        assert all("Nothing was done." in page.text for page in (plain, silent))
        assert done.status_code == 303
        assert 'value="fine"' in plain.text
        assert ("limit_overridden", "Ingrid Berg") in await kinds(world)


async def test_four_eyes_let_nobody_approve_what_they_made_smaller(tmp_path: Path) -> None:
    text = SITES + "approval: {four_eyes: true}\n"
    async with a_console(tmp_path, text=text) as world:
        async with await world.signed_in(Role.APPROVER) as browser:
            plan = await recorded(world, a_plan(*some_actions(3)))
            _, word = await opened(browser, plan)
            typed = {"csrf": word, "out": [plan.actions[0].allocation_id]}
            done = await browser.post(f"/plans/{plan.plan_id}/leave-out", data=typed)
            smaller = done.headers["location"].partition("?")[0]
            page = await browser.get(smaller)
            own = await led(browser, f"{smaller}/approve", {"csrf": word})
            own_status = (await world.store.plans.load(smaller.rpartition("/")[2], NOW)).status
        async with await world.signed_in(Role.APPROVER, name="Jonas Weber") as other:
            word = csrf_of(await other.get(smaller))
            done = await other.post(f"{smaller}/approve", data={"csrf": word})

        assert "Somebody else has to approve this plan." in page.text
        assert 'class="btn btn-primary">Approve' not in page.text
        assert "Nothing was done." in own.text
        assert (own_status, done.status_code) == (PlanStatus.OPEN, 303)


async def test_a_seat_or_everything_is_asked_back_by_name(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.APPROVER) as browser:
        plan = a_plan(*some_actions(2))
        await applied(world.store, plan)
        page, word = await opened(browser, plan)
        address = f"/plans/{plan.plan_id}/undo"
        seat = {"csrf": word, "seat": plan.actions[0].allocation_id}
        one = await browser.post(address, data=seat)
        silent = await led(browser, address, {"csrf": word})
        everything = await browser.post(address, data={"csrf": word, "reason": "wrong setting"})
        asked = await world.store.requests.waiting(RequestKind.UNDO)

        assert "Give back 2 seats" in page.text
        assert (one.status_code, everything.status_code) == (303, 303)
        assert "Write why everything is given back" in silent.text
        assert [(r.kind, r.actor.by) for r in asked] == [(RequestKind.UNDO, "Ingrid Berg")] * 2
        assert asked[0].payload["seat"] == plan.actions[0].allocation_id
        assert asked[1].payload["plan"] == plan.plan_id


async def test_a_plan_is_asked_for_by_name(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(Role.OPERATOR) as browser:
        word = csrf_of(await browser.get("/plans?site=test"))
        done = await browser.post("/plans", data={"csrf": word, "site": "test"})
        asked = await world.store.requests.waiting(RequestKind.RUN)
        page = await browser.get(done.headers["location"])

        assert [(r.kind, r.site, r.actor.by) for r in asked] == [
            (RequestKind.RUN, "test", "Ingrid Berg")
        ]
        assert "A plan is being made." in page.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_whoever_may_not_decide_sees_no_decision_and_makes_none(
    tmp_path: Path, role: Role
) -> None:
    async with a_console(tmp_path) as world, await world.signed_in(role) as browser:
        plan = await recorded(world, a_plan(*some_actions(3)))
        page, word = await opened(browser, plan)
        answers = [
            await browser.post(f"/plans/{plan.plan_id}/{what}", data={"csrf": word, "reason": "x"})
            for what in ("approve", "reject", "leave-out", "undo")
        ]

        assert "The decision" not in page.text
        assert [a.status_code for a in answers] == [403] * 4
        assert (await world.store.plans.load(plan.plan_id, world.now)).status is PlanStatus.OPEN


async def test_a_plan_of_another_site_does_not_exist_for_a_role_elsewhere(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        plan = await recorded(world, a_plan(*some_actions(3)))
        async with await world.signed_in(Role.ADMIN, sites=("test",)) as browser:
            page = await browser.get(f"/plans/{plan.plan_id}")
            word = csrf_of(await browser.get("/plans"))
            post = await browser.post(f"/plans/{plan.plan_id}/approve", data={"csrf": word})
            none = await browser.get("/plans/20260101-000000-00000000")

        assert (page.status_code, post.status_code, none.status_code) == (404, 404, 404)


async def test_what_may_name_an_exempt_person_is_hidden_with_the_names(tmp_path: Path) -> None:
    text = SITES + "privacy: pseudonymous\n"
    told = Notice(code="exemption_expired", message=r"user EXAMPLE\carla is protected no more")
    plan = a_plan(*some_actions(1), warnings=(told,))
    async with a_console(tmp_path, text=text) as world:
        await recorded(world, plan)
        seen = []
        for role in (Role.VIEWER, Role.OPERATOR):
            async with await world.signed_in(role) as browser:
                seen.append((await browser.get(f"/plans/{plan.plan_id}")).text)

    assert "carla" not in seen[0]
    assert "may name a person" in seen[0]
    assert "carla" in seen[1]


async def test_what_a_site_answered_names_nobody_to_a_viewer(tmp_path: Path) -> None:
    text = SITES + "privacy: pseudonymous\n"
    plan = a_plan(an_action(allocation_id="s1"))
    async with a_console(tmp_path, text=text) as world:
        await refused(world.store, plan, r"no right to take EXAMPLE\anna.berg away")
        seen = []
        for role in (Role.VIEWER, Role.OPERATOR):
            async with await world.signed_in(role) as browser:
                seen.append((await browser.get(f"/plans/{plan.plan_id}")).text)

    assert "anna.berg" not in seen[0]
    assert "no right to take the user away" in seen[0]
    assert r"EXAMPLE\anna.berg away" in seen[1]


async def test_viewers_see_pseudonyms_where_privacy_asks_and_names_seen_are_recorded(
    tmp_path: Path,
) -> None:
    text = SITES + "privacy: pseudonymous\nconsole: {record_views: true}\n"
    async with a_console(tmp_path, text=text) as world:
        plan = await recorded(world, a_plan(an_action(allocation_id="0a1b")))
        async with await world.signed_in(Role.VIEWER, name="Vera Viewer") as viewer:
            hidden = (await viewer.get(f"/plans/{plan.plan_id}")).text
        async with await world.signed_in(Role.OPERATOR, name="Otto Operator") as operator:
            clear = (await operator.get(f"/plans/{plan.plan_id}")).text
        seen = [by for kind, by in await kinds(world) if kind == "names_seen"]

        assert "anna.berg" not in hidden
        assert "Person " in hidden
        assert "anna.berg" in clear
        assert seen == ["Otto Operator"]


async def test_a_seat_of_a_plan_names_its_holder_and_department(tmp_path: Path) -> None:
    action = an_action(ANNA)
    line = RosterLine(
        allocation_id=action.allocation_id,
        license_type=action.license_type,
        user=ANNA,
        name="Anna Berg",
        department="Finance",
        flags=0,
        created=None,
        last_used=None,
        idle_since=None,
        reason=Reason.IDLE,
    )
    text = SITES + "privacy: pseudonymous\n"
    seen = []
    async with a_console(tmp_path, text=text) as world:
        plan = await recorded(world, a_plan(action))
        await world.store.roster.keep("prod", world.now, [line])
        for role in (Role.ADMIN, Role.VIEWER):
            async with await world.signed_in(role) as browser:
                seen.append((await browser.get(f"/plans/{plan.plan_id}")).text)

    assert "<bdi>Anna Berg</bdi>" in seen[0]
    assert "Finance" in seen[0]
    assert "Anna" not in seen[1]
