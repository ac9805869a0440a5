"""Plans through the API: read with evidence, asked for, decided, given back; each write once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from builders import a_summary
from console_world import World, a_console
from seatkeeper.core.plan import Limit, Notice, Plan, PlanStatus
from seatkeeper.core.roles import Role
from seatkeeper.store import RequestKind, RequestState
from stored import JANE, a_plan, a_violation, an_action, applied, refused, some_actions

BY = "Jane Doe (token script-approver-0)"
FOUR = "approval: {four_eyes: true}\n"
PRIVATE = "privacy: pseudonymous\n"


async def recorded(world: World, *plans: Plan) -> None:
    """Keep plans as the engine does."""
    for plan in plans:
        await world.store.plans.record(plan, JANE, "run-1")
    await world.store.summaries.keep(a_summary(at=world.now))


def url(plan: Plan, more: str = "") -> str:
    """Return the address of a plan."""
    return f"/api/v1/plans/{plan.plan_id}{more}"


async def kinds(world: World) -> list[tuple[str, str]]:
    """Return what the ledger holds, as kind and person."""
    return [(r.kind.value, r.by) for r in await world.store.ledger.show()]


async def all_of(them: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    """Return every item of a list, a page of two after the other."""
    joined, found, cursor = "&" if "?" in address else "?", [], ""
    while True:
        page = (await them.get(f"{address}{joined}limit=2&cursor={cursor}")).json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = page["next"]


async def test_plans_are_listed_newest_first_by_site_and_status(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        await recorded(world, *(a_plan(plan_id=f"plan-{n}") for n in range(4)))
        await recorded(world, a_plan(plan_id="elsewhere", site="test"))
        await world.store.plans.reject("plan-1", JANE, "quarter close", world.now)
        here = await all_of(them, "/api/v1/plans?site=prod")
        everywhere = await all_of(them, "/api/v1/plans")
        rejected = await all_of(them, "/api/v1/plans?status=rejected")

        assert [p["plan_id"] for p in here] == ["plan-3", "plan-2", "plan-1", "plan-0"]
        assert len(everywhere) == 5
        assert [(p["plan_id"], p["note"]) for p in rejected] == [
            ("plan-1", "rejected by Jane Doe: quarter close")
        ]


async def test_a_plan_is_read_with_its_evidence_seat_by_seat(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        plan = a_plan(*some_actions(5), deferred=(an_action(r"EXAMPLE\later"),))
        await recorded(world, plan)
        told = (await them.get(url(plan))).json()
        seats = await all_of(them, url(plan, "/seats"))
        deferred = await all_of(them, url(plan, "/seats?list=deferred"))

        assert (told["digest"], told["status"], told["actions"]) == (plan.digest, "open", 5)
        assert [s["user"] for s in seats] == [a.user for a in plan.actions]
        assert {(s["reason"], s["idle_days"], s["stage"]) for s in seats} == {
            ("idle", 120, "waiting")
        }
        assert [s["user"] for s in deferred] == [r"EXAMPLE\later"]


async def test_what_became_of_each_seat_is_told(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        plan = a_plan(*some_actions(3))
        await applied(world.store, plan)
        progress = (await them.get(url(plan, "/progress"))).json()
        seats = await all_of(them, url(plan, "/seats"))
        (run,) = await all_of(them, "/api/v1/runs")

        assert (progress["done"], progress["outcomes"]) == (3, {"released": 3})
        assert progress["is_moving"] is False
        assert [s["outcome"] for s in seats] == ["released"] * 3
        assert (run["plan_id"], run["complete"]) == (plan.plan_id, True)
        assert (await them.get(f"/api/v1/runs/{run['run_id']}")).json() == run


async def test_privacy_leaves_no_name_in_a_plan_for_viewers(tmp_path: Path) -> None:
    async with a_console(tmp_path, PRIVATE) as world, await world.with_token(Role.VIEWER) as them:
        said = r"exemption user EXAMPLE\anna matches nobody"
        notice = Notice(code="blind_exemption", message=said)
        plan = a_plan(an_action(r"EXAMPLE\anna", allocation_id="s1"), warnings=(notice,))
        await recorded(world, plan)
        seats = await them.get(url(plan, "/seats"))
        told = await them.get(url(plan))

        assert "anna" not in seats.text + told.text
        assert seats.json()["items"][0]["user"].startswith("Person ")
        assert told.json()["warnings"][0]["code"] == "blind_exemption"


async def test_what_became_of_seats_names_nobody_to_a_viewer(tmp_path: Path) -> None:
    plan = a_plan(an_action(r"EXAMPLE\anna", allocation_id="s1"))
    async with a_console(tmp_path, PRIVATE) as world, await world.with_token(Role.VIEWER) as them:
        await refused(world.store, plan, r"EXAMPLE\anna may not")
        undo = {"plan": plan.plan_id, "user": r"EXAMPLE\anna", "reason": "anna needs it"}
        asked = await world.store.requests.ask(RequestKind.UNDO, "prod", undo, JANE, world.now)
        await world.store.requests.take(asked.id, world.now)
        await world.store.requests.finish(asked.id, {"said": "anna has it"}, world.now)
        seats = await them.get(url(plan, "/seats"))
        request = await them.get(f"/api/v1/requests/{asked.id}")

        assert "anna" not in seats.text + request.text
        assert seats.json()["items"][0]["detail"] == "the user may not"
        assert request.json()["said"] == "the user has it"


async def test_a_plan_that_is_wanted_is_asked_of_the_engine(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        answer = await them.post("/api/v1/plans", json={"site": "PROD"})
        told = (await them.get(answer.headers["location"])).json()
        (asked,) = await world.store.requests.recent()

        assert answer.status_code == 202
        assert (told["kind"], told["state"], told["site"]) == ("run", "queued", "prod")
        assert asked.actor.by == "Jane Doe (token script-operator-0)"
        assert ("run_asked", asked.actor.by) in await kinds(world)


async def test_a_request_tells_what_became_of_it(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.VIEWER) as them:
        for kind in (RequestKind.RUN, RequestKind.UNDO):
            asked = await world.store.requests.ask(kind, "prod", {}, JANE, world.now)
            await world.store.requests.take(asked.id, world.now)
            result = {"said": "3 seats may go", "plan_id": "plan-9", "run_id": "r"}
            await world.store.requests.finish(asked.id, result, world.now)
        waiting = await world.store.requests.ask(RequestKind.RUN, "prod", {}, JANE, world.now)
        done = await all_of(them, "/api/v1/requests?state=done&kind=run")
        found = await all_of(them, "/api/v1/requests")

        assert [(r["said"], r["made_plan"]) for r in done] == [("3 seats may go", "plan-9")]
        assert [r["state"] for r in found] == [RequestState.QUEUED, "done", "done"]
        assert found[0]["id"] == waiting.id


async def test_an_approval_names_the_token_and_who_answers_for_it(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3))
        await recorded(world, plan)
        answer = await them.post(url(plan, "/approve"), json={"reason": "looked at it"})
        again = await them.get(url(plan))

        assert (answer.status_code, answer.json()["status"]) == (200, "approved")
        assert (again.json()["approved_by"], again.json()["approve_reason"]) == (BY, "looked at it")
        assert answer.headers["etag"] == again.headers["etag"]
        assert ("plan_approved", BY) in await kinds(world)


async def test_an_approval_without_some_seats_is_of_a_smaller_plan(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3))
        await recorded(world, plan)
        out = plan.actions[1].allocation_id
        wish = {"without": [out], "reason": "on leave"}
        answer = await them.post(url(plan, "/approve"), json=wish)
        smaller = (await them.get(answer.headers["location"])).json()
        left = await all_of(them, f"{answer.headers['location']}/seats?list=left_out")

        assert smaller["plan_id"] != plan.plan_id
        assert (smaller["actions"], smaller["status"]) == (2, "approved")
        assert smaller["made_from"] == plan.plan_id
        assert [(s["seat"], s["left_out_by"], s["left_out_why"]) for s in left] == [
            (out, "Jane Doe", "on leave")
        ]
        assert (await them.get(url(plan))).json()["status"] == "superseded"


async def test_a_smaller_plan_can_wait_for_somebody_else(tmp_path: Path) -> None:
    async with a_console(tmp_path, FOUR) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3))
        await recorded(world, plan)
        wish = {"without": [plan.actions[0].allocation_id], "reason": "on leave"}
        at_once = await them.post(url(plan, "/approve"), json=wish)
        made = await them.post(url(plan, "/leave-out"), json=wish)
        mine = await them.post(f"{made.headers['location']}/approve", json={})

        assert (at_once.status_code, made.status_code, mine.status_code) == (409, 201, 409)
        assert "four" in mine.json()["detail"]
        assert made.json()["status"] == "open"


async def test_a_blocked_plan_is_passed_with_a_reason_alone(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3), violations=(a_violation(),))
        await recorded(world, plan)
        address = url(plan, "/approve")
        plain = await them.post(address, json={"reason": "fine"})
        silent = await them.post(address, json={"override": ["max_share"], "reason": " "})
        wrong = await them.post(address, json={"override": ["grown"], "reason": "fine"})
        pause = await them.post(address, json={"override": ["pause"], "reason": "fine"})
        done = await them.post(address, json={"override": ["max_share"], "reason": "clean-up"})
        codes = [a.status_code for a in (plain, silent, wrong, pause, done)]

        assert codes == [409, 422, 422, 422, 200]
        assert "blocked" in plain.json()["detail"]
        assert ("limit_overridden", BY) in await kinds(world)
        (breaks,) = (await them.get(url(plan))).json()["breaks"]
        assert (breaks["limit"], breaks["overridable"]) == (Limit.MAX_SHARE, True)


async def test_a_rejection_needs_a_reason_and_is_final(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3))
        await recorded(world, plan)
        bare = [await them.post(url(plan, "/reject"), json=j) for j in ({}, {"reason": " "})]
        done = await them.post(url(plan, "/reject"), json={"reason": "quarter close"})
        late = await them.post(url(plan, "/approve"), json={})

        assert [a.status_code for a in bare] == [422, 422]
        assert done.json()["status"] == PlanStatus.REJECTED
        assert late.status_code == 409


async def test_a_plan_that_changed_meanwhile_is_not_decided(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3))
        await recorded(world, plan)
        seen = (await them.get(url(plan))).headers["etag"]
        for more in ("/reject", "/approve", "/leave-out"):
            wish = {"reason": "x"} | ({"without": ["seat-of-u0"]} if "leave" in more else {})
            stale = await them.post(url(plan, more), json=wish, headers={"If-Match": '"other"'})
            assert stale.status_code == 412, more
            assert stale.headers["content-type"] == "application/problem+json"
        fresh = {"If-Match": f'"other", {seen}'}
        done = await them.post(url(plan, "/approve"), json={}, headers=fresh)
        late = await them.post(url(plan, "/reject"), json={"reason": "x"}, headers=fresh)
        anything = {"If-Match": "*"}
        last = await them.post(url(plan, "/reject"), json={"reason": "x"}, headers=anything)

        assert [a.status_code for a in (done, late, last)] == [200, 412, 200]


async def test_seats_are_asked_back_of_a_plan_a_person_or_one(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan = a_plan(*some_actions(3))
        await applied(world.store, plan)
        address, why = "/api/v1/undo-requests", {"reason": "needed again"}
        seat, user = plan.actions[1].allocation_id, plan.actions[2].user
        answers = [
            await them.post(address, json={**why, **about})
            for about in (
                {"plan_id": plan.plan_id},
                {"plan_id": plan.plan_id, "seat": seat},
                {"user": user, "site": "prod"},
            )
        ]
        asked = [await world.store.requests.get(a.json()["id"]) for a in answers]
        told = (await them.get(answers[1].headers["location"])).json()

        assert [a.status_code for a in answers] == [202] * 3
        assert [r.payload.get("seat") for r in asked] == [None, seat, None]
        assert asked[2].payload["user"] == user
        assert (told["user"], told["seat"]) == (plan.actions[1].user, seat)
        assert ("undo_asked", BY) in await kinds(world)
        assert all("user" not in a.json() for a in answers)


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({}, 422),
        ({"user": r"EXAMPLE\u0"}, 422),
        ({"seat": "seat-of-u0", "site": "prod"}, 422),
        ({"plan_id": "unknown"}, 404),
        ({"user": r"EXAMPLE\u0", "site": "nowhere"}, 404),
        ({"user": r"EXAMPLE\nobody", "site": "prod"}, 422),
        ({"plan_id": "plan", "site": "test"}, 422),
        ({"plan_id": "plan", "reason": "  "}, 422),
        ({"plan_id": "plan", "more": 1}, 422),
    ],
)
async def test_a_return_that_cannot_be_meant_is_refused(
    tmp_path: Path, about: dict[str, Any], code: int
) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        await applied(world.store, a_plan(*some_actions(1), plan_id="plan"))
        answer = await them.post("/api/v1/undo-requests", json={"reason": "x", **about})

        assert answer.status_code == code
        assert await world.store.requests.recent() == []


async def test_what_is_of_another_site_is_neither_seen_nor_touched(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        plan = a_plan(*some_actions(2))
        await applied(world.store, plan)
        waits = a_plan(*some_actions(2, "w"))
        await recorded(world, waits)
        asked = await world.store.requests.ask(RequestKind.RUN, "prod", {}, JANE, world.now)
        async with await world.with_token(Role.ADMIN, "test") as them:
            looks = [
                await them.get(address)
                for address in (
                    url(waits),
                    url(waits, "/seats"),
                    url(waits, "/progress"),
                    "/api/v1/runs/run-1",
                    f"/api/v1/requests/{asked.id}",
                    "/api/v1/plans?site=prod",
                    "/api/v1/runs?site=prod",
                    "/api/v1/requests?site=prod",
                )
            ]
            acts = [
                await them.post("/api/v1/plans", json={"site": "prod"}),
                await them.post(url(waits, "/approve"), json={}),
                await them.post(url(waits, "/reject"), json={"reason": "x"}),
                await them.post(url(waits, "/leave-out"), json={"without": ["seat-of-w0"]}),
                await them.post(
                    "/api/v1/undo-requests", json={"plan_id": plan.plan_id, "reason": "x"}
                ),
            ]
            lists = [(await them.get(f"/api/v1/{n}")).json() for n in ("plans", "runs", "requests")]

        assert [a.status_code for a in (*looks, *acts)] == [404] * 13
        assert lists == [{"items": [], "next": None}] * 3
        assert len(await world.store.requests.recent()) == 1


async def test_a_write_with_a_key_is_done_once_and_answered_alike(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        key = {"Idempotency-Key": "nightly-2026-11-02"}
        first = await them.post("/api/v1/plans", json={"site": "prod"}, headers=key)
        second = await them.post("/api/v1/plans", json={"site": "prod"}, headers=key)
        other = await them.post("/api/v1/plans", json={"site": "test"}, headers=key)
        async with await world.with_token(Role.ADMIN) as somebody:
            theirs = await somebody.post("/api/v1/plans", json={"site": "test"}, headers=key)

        assert (first.status_code, second.status_code) == (202, 202)
        assert second.json() == first.json()
        assert second.headers["location"] == first.headers["location"]
        assert second.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert other.status_code == 422
        assert theirs.json()["id"] != first.json()["id"]
        assert len(await world.store.requests.recent()) == 2


async def test_two_at_once_with_one_key_do_it_once(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        key = {"Idempotency-Key": "k"}
        wish = [them.post("/api/v1/plans", json={"site": "prod"}, headers=key) for _ in range(5)]
        answers = await asyncio.gather(*wish)

        assert len(await world.store.requests.recent()) == 1
        assert 202 in {a.status_code for a in answers}
        assert {a.status_code for a in answers} <= {202, 409}


async def test_a_key_whose_request_was_refused_is_free(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan, key = a_plan(*some_actions(3), violations=(a_violation(),)), {"Idempotency-Key": "k"}
        await recorded(world, plan)
        blocked = await them.post(url(plan, "/approve"), json={}, headers=key)
        wish = {"override": ["max_share"], "reason": "clean-up"}
        done = await them.post(url(plan, "/approve"), json=wish, headers=key)

        assert (blocked.status_code, done.status_code) == (409, 200)


async def test_a_key_whose_request_broke_off_is_never_done_again(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.APPROVER) as them:
        plan, key = a_plan(*some_actions(3)), {"Idempotency-Key": "k"}
        await recorded(world, plan)
        site = world.desk.sites["prod"]
        world.desk.sites["prod"] = None  # type: ignore[index]
        broken = await them.post(url(plan, "/approve"), json={}, headers=key)
        world.desk.sites["prod"] = site  # type: ignore[index]
        again = await them.post(url(plan, "/approve"), json={}, headers=key)

        assert (broken.status_code, again.status_code) == (500, 409)
        assert "new key" in again.json()["detail"]
        assert (await them.get(url(plan))).json()["status"] == "open"


async def test_who_lost_the_role_gets_no_answer_again(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        key = {"Idempotency-Key": "k"}
        async with await world.with_token(Role.OPERATOR) as them:
            await them.post("/api/v1/plans", json={"site": "prod"}, headers=key)
            await world.store.tokens.revoke("script-operator-0", JANE, world.now)
            gone = await them.post("/api/v1/plans", json={"site": "prod"}, headers=key)

        assert gone.status_code == 401


@pytest.mark.parametrize("key", ["", "with space", "x" * 201])
async def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    async with a_console(tmp_path) as world, await world.with_token(Role.OPERATOR) as them:
        headers = {"Idempotency-Key": key}
        answer = await them.post("/api/v1/plans", json={"site": "prod"}, headers=headers)

        assert answer.status_code == 422
        assert await world.store.requests.recent() == []
