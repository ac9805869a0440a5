"""People decide about plans by commands, a daemon acts, and the ledger names them."""

from __future__ import annotations

import json

from e2e_desk import Desk
from e2e_processes import wait_until
from e2e_truth import the_ledger_verifies


def _by(desk: Desk, kind: str) -> set[str]:
    return {by for (by,) in desk.rows("SELECT actor FROM ledger WHERE kind = ?", kind)}


def _asked_for_by_jane(desk: Desk) -> str:
    """Let the daemon make a plan because Jane asked for it."""
    desk.run("run", "--queue", "--by", "Jane Doe").expect(0)
    wait_until(lambda: desk.rows("SELECT plan_id FROM plan"), "the daemon has made a plan")
    ((plan_id,),) = desk.rows("SELECT plan_id FROM plan")
    return str(plan_id)


def test_four_eyes_from_the_run_to_the_seat_given_back(desk: Desk) -> None:
    desk.write_config(approval={"four_eyes": True})
    daemon = desk.start("serve")
    wait_until(lambda: desk.rows("SELECT site FROM site") and not desk.holder(), "the site is read")
    plan_id = _asked_for_by_jane(desk)
    assert _by(desk, "plan_proposed") == _by(desk, "run_asked") == {"Jane Doe"}

    refused = desk.run("approve", plan_id, "--by", "JANE DOE").expect(3)
    assert "asked for it" in refused.err
    shown = desk.run("progress", plan_id, "-o", "json").expect(0).json
    left, back = shown["actions"][0], shown["actions"][1]
    both = desk.run("approve", plan_id, "--without", left["user"], "--by", "Tom").expect(3)
    assert "leave-out" in both.err
    words = (
        "leave-out",
        plan_id,
        left["user"],
        "--by",
        "Tom",
        "--reason",
        "on leave",
        "-o",
        "json",
    )
    smaller = desk.run(*words).expect(0).json
    assert [one["user"] for one in smaller["left_out"]] == [left["user"]]
    assert desk.run("approve", smaller["plan_id"], "--by", "tom").expect(3)
    desk.run("approve", smaller["plan_id"], "--by", "Anna").expect(0)

    wait_until(lambda: desk.status_of(smaller["plan_id"]) == "applied", "it is applied", 30)
    assert desk.status_of(plan_id) == "superseded"
    assert len(desk.site.deletes()) == len(shown["actions"]) - 1
    compared = desk.run("compare", smaller["plan_id"], "-o", "json").expect(0).json
    assert [one["elsewhere"] for one in compared["only_old"]] == ["left_out"]

    undo = ("undo", "--plan", smaller["plan_id"], "--seat", back["allocation_id"], "--queue")
    desk.run(*undo, "--by", "Anna", "--reason", "she called", "--yes").expect(0)
    wait_until(lambda: _by(desk, "grant_outcome"), "the seat is given back", 30)
    assert _by(desk, "grant_intent") == _by(desk, "grant_outcome") == {"Anna"}
    told = desk.run("progress", smaller["plan_id"], "-o", "json").expect(0).json
    assert told["given_back"] == {"restored": 1}
    daemon.end().expect(0)
    the_ledger_verifies(desk)


def test_approved_without_some_seats_in_one_command(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    user = plan["actions"][0]["user"]

    words = ("approve", plan["plan_id"], "--without", user, "--by", "Jane Doe", "-o", "json")
    smaller = quick_desk.run(*words).expect(0).json

    assert (smaller["status"], smaller["made_from"]) == ("approved", plan["plan_id"])
    assert json.dumps(user) not in json.dumps(smaller["actions"])
    assert "superseded" in quick_desk.run("approve", plan["plan_id"]).expect(5).err
    done = quick_desk.apply(smaller["plan_id"]).expect(0).json
    assert done["counts"] == {"released": len(plan["actions"]) - 1}


def test_a_wrong_name_or_no_reason_changes_nothing(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    near = plan["actions"][0]["user"] + "x"

    assert "did you mean" in quick_desk.run("leave-out", plan["plan_id"], near).expect(2).err
    assert "with a reason" in quick_desk.run("reject", plan["plan_id"]).expect(2).err
    assert "is the first" in quick_desk.run("compare", plan["plan_id"]).expect(2).err

    assert quick_desk.status_of(plan["plan_id"]) == "open"
