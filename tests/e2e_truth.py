"""What must be true of site, store and ledger after whatever happened; nothing here acts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from e2e_desk import Desk

GONE = frozenset({"released", "already_gone"})
HELD = frozenset({"not_attempted", "refused", "changed"})


def nobody_lost_a_seat_twice(desk: Desk) -> None:
    """No allocation got two DELETEs that took effect in the whole life of the site."""
    effective = Counter(d.allocation_id for d in desk.site.deletes(ever=True) if d.effective)
    twice = {i: n for i, n in effective.items() if n > 1}
    assert not twice, f"lost twice: {twice}"


def nothing_outside_the_plan(desk: Desk, plan: dict[str, Any]) -> None:
    """Every DELETE since `forget` was for a seat of this plan, at most one a seat."""
    planned = {action["allocation_id"] for action in plan["actions"]}
    asked = Counter(d.allocation_id for d in desk.site.deletes())
    assert set(asked) <= planned, f"not in the plan: {set(asked) - planned}"
    assert not asked or max(asked.values()) == 1, f"asked more than once: {asked}"


def the_store_agrees_with_the_site(
    desk: Desk, plan: dict[str, Any], *, open_too: bool = False
) -> None:
    """Each seat of an ended plan has one final outcome, and the site shows the same.

    `open_too`: just after a crash a seat may be `unknown`, and one that the site was asked for
    is nothing else while it is held.
    """
    held, outcomes = desk.site.held(), desk.outcomes(plan["plan_id"])
    begun = {d.allocation_id for d in desk.site.deletes()}
    for action in plan["actions"]:
        allocation = action["allocation_id"]
        outcome = outcomes.get(allocation, "")
        if not outcome:
            assert allocation not in begun, f"{allocation} was asked for and has no outcome"
            assert allocation in held
        elif open_too and outcome == "unknown":
            continue
        elif allocation in held:
            assert outcome in HELD, f"{allocation} is still held and recorded as {outcome}"
            assert not (open_too and allocation in begun), f"{allocation} is {outcome} too early"
        else:
            assert outcome in GONE, f"{allocation} is gone and recorded as {outcome}"
    assert not desk.intents(plan["plan_id"]), "an intent is left without an outcome"


def the_ledger_tells_the_same(desk: Desk, plan: dict[str, Any]) -> None:
    """The newest outcome in the chain of each seat of a plan is the one in the store."""
    told: dict[str, str] = {}
    for kind in ("release_outcome", "release_settled"):
        for plan_id, evidence in desk.ledger(kind):
            if plan_id == plan["plan_id"]:
                told[evidence["allocation_id"]] = evidence["outcome"]
    assert told == desk.outcomes(plan["plan_id"])


def everything_adds_up(desk: Desk, plan: dict[str, Any], *, open_too: bool = False) -> None:
    """All of the above."""
    nobody_lost_a_seat_twice(desk)
    nothing_outside_the_plan(desk, plan)
    the_store_agrees_with_the_site(desk, plan, open_too=open_too)
    the_ledger_tells_the_same(desk, plan)


def the_ledger_verifies(desk: Desk) -> None:
    """`ledger verify` finds nothing."""
    desk.run("ledger", "verify").expect(0)


def the_rest_returns(desk: Desk, plan: dict[str, Any], following: dict[str, Any]) -> None:
    """What a plan left undone stands in the plan that follows it."""
    held = desk.site.held()
    left = {a["allocation_id"] for a in plan["actions"] if a["allocation_id"] in held}
    again = {a["allocation_id"] for a in following["actions"] + following["deferred"]}
    assert left <= again, f"forgotten: {left - again}"
