"""Four eyes are two people: a person and every token of theirs are one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from console_world import World, a_console, csrf_of
from seatkeeper.core.plan import Plan, PlanStatus
from seatkeeper.core.record import Actor
from seatkeeper.core.roles import Grant, Role
from seatkeeper.store import RequestKind
from stored import JANE, a_plan, some_actions

FOUR = "approval: {four_eyes: true}\n"

APPROVER = Grant(Role.APPROVER)


async def token_of(world: World, name: str, owner: str = "Jane Doe") -> httpx.AsyncClient:
    """Return a program with a token of somebody."""
    actor = Actor(owner, JANE.os_account, JANE.host)
    secret = await world.store.tokens.make(name, [APPROVER], timedelta(days=30), actor, world.now)
    return world.browser(headers={"Authorization": f"Bearer {secret}"})


async def planned_for(world: World, asking: httpx.AsyncClient) -> Plan:
    """Ask for a plan, and make it as the engine does: in the name of who answers."""
    asked = await asking.post("/api/v1/plans", json={"site": "prod"})
    assert asked.status_code == 202, asked.text
    (request,) = await world.store.requests.waiting(RequestKind.RUN)
    plan = a_plan(*some_actions(3), asked_by=request.actor.answers)
    await world.store.plans.record(plan, request.actor, "run-0")
    return plan


async def approves(world: World, plan: Plan, name: str = "Jane Doe") -> bool:
    """Press the button in a browser, and see whether the plan is approved then."""
    async with await world.signed_in(Role.APPROVER, name=name) as browser:
        word = csrf_of(await browser.get(f"/plans/{plan.plan_id}"))
        typed = {"csrf": word, "reason": "looked at it"}
        await browser.post(f"/plans/{plan.plan_id}/approve", data=typed)
    stored = await world.store.plans.load(plan.plan_id, world.now)
    return stored.status is PlanStatus.APPROVED


async def test_nobody_approves_what_their_own_token_asked_for(tmp_path: Path) -> None:
    async with a_console(tmp_path, FOUR) as world, await token_of(world, "ci") as program:
        plan = await planned_for(world, program)
        own = await approves(world, plan)
        other = await approves(world, plan, "Jonas Weber")

    assert plan.asked_by == "Jane Doe"
    assert (own, other) == (False, True)


async def test_no_token_approves_what_its_owner_asked_for_in_a_browser(tmp_path: Path) -> None:
    async with a_console(tmp_path, FOUR) as world, await token_of(world, "ci") as program:
        async with await world.signed_in(Role.APPROVER, name="Jane Doe") as browser:
            word = csrf_of(await browser.get("/plans?site=prod"))
            await browser.post("/plans", data={"csrf": word, "site": "prod"})
        (request,) = await world.store.requests.waiting(RequestKind.RUN)
        plan = a_plan(*some_actions(3), asked_by=request.actor.answers)
        await world.store.plans.record(plan, request.actor, "run-0")
        answer = await program.post(f"/api/v1/plans/{plan.plan_id}/approve", json={})

    assert answer.status_code == 409
    assert "four eyes" in answer.json()["detail"]


@pytest.mark.parametrize(("owner", "status"), [("jane doe", 409), ("Jonas Weber", 200)])
async def test_two_tokens_of_one_person_are_one_pair_of_eyes(
    tmp_path: Path, owner: str, status: int
) -> None:
    async with (
        a_console(tmp_path, FOUR) as world,
        await token_of(world, "ci") as first,
        await token_of(world, "cd", owner) as second,
    ):
        plan = await planned_for(world, first)
        answer = await second.post(f"/api/v1/plans/{plan.plan_id}/approve", json={})

    assert answer.status_code == status


async def test_who_left_seats_out_by_a_token_does_not_approve_the_rest(tmp_path: Path) -> None:
    async with a_console(tmp_path, FOUR) as world, await token_of(world, "ci") as program:
        plan = a_plan(*some_actions(3))
        await world.store.plans.record(plan, JANE, "run-0")
        wish = {"without": [plan.actions[0].allocation_id]}
        made = await program.post(f"/api/v1/plans/{plan.plan_id}/leave-out", json=wish)
        smaller = (await world.store.plans.load(made.json()["plan_id"], world.now)).plan
        records = await world.store.ledger.show()

        assert not await approves(world, smaller)
        assert [left.by for left in smaller.left_out] == ["Jane Doe"]
        assert records[-1].by == "Jane Doe (token ci)"
        assert records[-1].evidence["signed_in"] == "token"


async def test_more_than_a_thousand_seats_are_left_out_in_a_browser_and_by_a_program(
    tmp_path: Path,
) -> None:
    actions = some_actions(1300)
    out = [action.allocation_id for action in actions[:1200]]
    async with a_console(tmp_path) as world, await token_of(world, "ci") as program:
        plan = a_plan(*actions)
        await world.store.plans.record(plan, JANE, "run-0")
        made = await program.post(f"/api/v1/plans/{plan.plan_id}/leave-out", json={"without": out})
        async with await world.signed_in(Role.APPROVER) as browser:
            word = csrf_of(await browser.get(f"/plans/{plan.plan_id}"))
            typed = {"csrf": word, "out": out}
            await browser.post(f"/plans/{plan.plan_id}/leave-out", data=typed)
        smaller = [p for p in await world.store.plans.lines(world.now) if p.made_from]

    assert made.status_code == 201
    assert [p.actions for p in smaller] == [100, 100]
