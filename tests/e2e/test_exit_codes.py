from __future__ import annotations

import json
import re
import sqlite3
import zlib
from contextlib import closing
from datetime import datetime
from typing import Any

from e2e_desk import Desk
from e2e_kills import heal
from e2e_processes import running, wait_until

ACTION = {
    "allocation_id": str,
    "license_type": str,
    "user": str,
    "reason": str,
    "created": str,
    "last_used": (str, type(None)),
    "idle_days": int,
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
OUTCOMES = {
    "released",
    "quarantined",
    "already_gone",
    "changed",
    "refused",
    "unknown",
    "not_attempted",
}


def _is_a_plan(plan: dict[str, Any]) -> None:
    kinds = {
        "plan_id": str,
        "digest": str,
        "site": str,
        "status": str,
        "created_at": str,
        "expires_at": str,
        "actions": list,
        "deferred": list,
        "kept": dict,
        "violations": list,
        "warnings": list,
    }
    _has(plan, kinds)
    assert re.fullmatch(r"[0-9a-f]{64}", plan["digest"])
    for action in plan["actions"] + plan["deferred"]:
        _has(action, ACTION)
        assert "\\" in action["user"]
        assert all(TIME.fullmatch(action[k]) for k in ("created", "last_used") if action[k])
    for violation in plan["violations"]:
        _has(violation, {"limit": str, "message": str})
    assert all(isinstance(number, int) for number in plan["kept"].values())


def _has(given: dict[str, Any], kinds: dict[str, Any]) -> None:
    for name, kind in kinds.items():
        assert isinstance(given[name], kind), f"{name}: {given[name]!r}"


def _is_a_result(result: dict[str, Any]) -> None:
    _has(result, {"plan_id": str, "run_id": str, "outcomes": list, "counts": dict})
    for one in result["outcomes"]:
        texts = ("allocation_id", "user", "license_type", "outcome", "detail")
        _has(one, dict.fromkeys(texts, str))
        assert one["outcome"] in OUTCOMES
    assert sum(result["counts"].values()) == len(result["outcomes"])


def test_0_and_4_a_plan_is_made_and_with_detailed_exitcode_it_tells_that_seats_may_go(
    quick_desk: Desk,
) -> None:
    _is_a_plan(quick_desk.plan())
    detailed = quick_desk.run("plan", "--site", "prod", "--detailed-exitcode", "-o", "json")
    _is_a_plan(detailed.expect(4).json)


def test_0_when_nothing_is_to_be_done_even_with_detailed_exitcode(quick_desk: Desk) -> None:
    quick_desk.change(professional={"enabled": False}, analyzer={"enabled": False})
    quick_desk.run("plan", "--detailed-exitcode").expect(0)
    cycle = quick_desk.run("run", "--site", "prod", "-o", "json").expect(0).json
    assert cycle["plan"]["actions"] == []
    assert cycle["result"] is None


def test_0_apply_and_undo_give_their_outcomes_as_json(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    result = (
        quick_desk.apply(plan["plan_id"], "--by", "Jane Doe", "--reason", "idle").expect(0).json
    )
    _is_a_result(result)
    assert result["plan_id"] == plan["plan_id"]
    undo = quick_desk.run("undo", "--plan", plan["plan_id"], "--yes", "-o", "json").expect(0).json
    _has(undo, {"outcomes": list, "counts": dict})
    assert undo["counts"] == {"restored": 6}
    user = plan["actions"][0]["user"].upper()
    again = quick_desk.run("undo", "--user", user, "--yes", "-o", "json").expect(0).json
    assert again["counts"] == {"already_held": 1}


def test_0_run_is_held_back_by_its_mode_and_tells_the_plan(quick_desk: Desk) -> None:
    quick_desk.change(mode="observe")
    cycle = quick_desk.run("run", "--site", "prod", "-o", "json").expect(0).json
    _has(cycle, {"run_id": str, "plan": dict})
    _is_a_plan(cycle["plan"])
    assert cycle["result"] is None


def test_without_site_status_check_plan_and_run_give_an_array(quick_desk: Desk) -> None:
    for command in ("status", "check", "plan", "run"):
        ended = quick_desk.run(command, "-o", "json").expect(0)
        assert len(ended.json) == 1, command
        assert ended.json[0]["site"] == "prod"
        one = quick_desk.run(command, "--site", "PROD", "-o", "json").expect(0).json
        assert one["site"] == "prod"


def test_1_a_site_that_does_not_answer_and_a_store_that_is_none(quick_desk: Desk) -> None:
    quick_desk.place.qrs = {"url": "https://127.0.0.1:9/qrs", "timeout": "2s"}
    quick_desk.write_config()
    ended = quick_desk.run("plan").expect(1)
    assert "127.0.0.1" in ended.err
    quick_desk.store_url = f"sqlite:///{quick_desk.folder}/no/such/folder/store.db"
    quick_desk.write_config()
    assert "no/such/folder" in quick_desk.run("plan").expect(1).err


def test_1_another_process_holds_the_site_and_is_named(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults("hang=before:method=DELETE")  # it holds the site for a whole minute
    first = quick_desk.start("apply", plan["plan_id"], "--yes")
    wait_until(quick_desk.site.deletes, "it releases")
    ended = quick_desk.run("run").expect(1)
    assert f"pid {first.pid}" in ended.err
    assert "since" in ended.err
    first.kill()
    heal(quick_desk)


def test_2_what_makes_no_sense_is_told_before_anything_is_touched(quick_desk: Desk) -> None:
    before = quick_desk.place.relay.connections
    plan_id = "20260101-000000-00000000"
    assert "--yes" in quick_desk.run("apply", plan_id).expect(2).err
    quick_desk.run("plan", "--site", "nowhere").expect(2)
    quick_desk.run("no-such-command").expect(2)
    quick_desk.run("undo", "--yes").expect(2)
    quick_desk.apply(plan_id, "--override", "max_share").expect(2)
    quick_desk.change(limits={"max_share": "90%"}, professional={"release_after": "1d"})
    ended = quick_desk.run("plan").expect(2)
    assert "max_share" in ended.err
    assert "release_after" in ended.err
    assert quick_desk.place.relay.connections == before


def test_3_blocked_frozen_or_against_the_mode(quick_desk: Desk) -> None:
    quick_desk.change(limits={"max_share": "2%"})
    blocked = quick_desk.plan()
    assert blocked["status"] == "blocked"
    _is_a_plan(blocked)
    ended = quick_desk.apply(blocked["plan_id"]).expect(3)
    assert "max_share" in ended.err
    assert "override max_share" in ended.err
    quick_desk.run("run").expect(3)
    quick_desk.change(mode="observe")
    assert "observe" in quick_desk.apply(quick_desk.plan()["plan_id"]).expect(3).err
    quick_desk.change()
    quick_desk.run("freeze", "--by", "Jane Doe", "--reason", "audit").expect(0)
    frozen = quick_desk.apply(quick_desk.plan()["plan_id"]).expect(3)
    assert "frozen by Jane Doe" in frozen.err
    quick_desk.run("thaw", "--by", "Jane Doe", "--reason", "over").expect(0)
    assert not quick_desk.site.deletes()


def test_0_a_limit_is_passed_by_a_person_with_a_reason(quick_desk: Desk) -> None:
    quick_desk.change(limits={"max_share": "2%"})
    plan = quick_desk.plan()
    limits = {violation["limit"] for violation in plan["violations"]}
    words = [word for limit in sorted(limits) for word in ("--override", limit)]
    said = ["--by", "Jane Doe", "--reason", "first clean-up"]
    quick_desk.apply(plan["plan_id"], *words, *said).expect(0)
    assert quick_desk.ledger("limit_overridden")


def test_5_a_plan_that_is_over(quick_desk: Desk) -> None:
    first = quick_desk.plan()
    second = quick_desk.plan()
    quick_desk.apply(second["plan_id"]).expect(0)
    assert "applied" in quick_desk.apply(second["plan_id"]).expect(5).err
    assert "superseded" in quick_desk.apply(first["plan_id"]).expect(5).err
    third = quick_desk.plan()
    quick_desk.run("reject", third["plan_id"], "--by", "Jane Doe", "--reason", "no").expect(0)
    assert "rejected" in quick_desk.apply(third["plan_id"]).expect(5).err


def test_1_a_plan_that_was_altered_is_not_applied(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    with closing(sqlite3.connect(quick_desk.folder / "seatkeeper.db")) as store:
        (body,) = store.execute("SELECT body FROM plan").fetchone()
        told = json.loads(zlib.decompress(body))
        told["actions"][0]["allocation_id"] = plan["deferred"][0]["allocation_id"]
        store.execute("UPDATE plan SET body = ?", (zlib.compress(json.dumps(told).encode()),))
        store.commit()
    assert plan["plan_id"] in quick_desk.apply(plan["plan_id"]).expect(1).err
    assert not quick_desk.site.deletes()


def test_6_something_was_released_and_something_was_not(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults("status=403:method=DELETE:every=3")
    result = quick_desk.apply(plan["plan_id"]).expect(6).json
    _is_a_result(result)
    assert result["counts"] == {"released": 4, "refused": 2}
    refused = [o for o in result["outcomes"] if o["outcome"] == "refused"]
    assert all("403" in o["detail"] for o in refused)


def test_130_interrupted(quick_desk: Desk) -> None:
    quick_desk.site.faults("hang=before")
    with running(quick_desk.words("run")) as process:
        wait_until(quick_desk.site.log, "it reads")
        process.end(within=10).expect(130)


def test_times_and_numbers_of_the_ledger_export_read_as_json(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    quick_desk.apply(plan["plan_id"]).expect(0)
    records = quick_desk.run("ledger", "export", "--format", "json").expect(0).json
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    times = [datetime.fromisoformat(record["at"]) for record in records]
    assert times == sorted(times)
