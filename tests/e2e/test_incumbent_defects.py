"""Defects of Butler 16 that concern releasing, each tried on the real command and a real site.

The numbers are those of the list in which they were measured; pure rules (4-7, 22, 28) are tried
in tests/core, schedules in full in tests/core/test_schedule.py.
"""

from __future__ import annotations

import itertools
import resource
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from e2e_desk import Desk
from e2e_kills import next_plan
from e2e_processes import Running, wait_until
from e2e_truth import everything_adds_up, the_ledger_verifies

SMALL = 16 * 1024
"""Bytes: the most a file may have on a disk that is full."""


def _ids(plan: dict[str, Any]) -> list[str]:
    return [action["allocation_id"] for action in plan["actions"]]


def _fills_up(process: Running) -> None:
    """Let the disk be full for this process from now on."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SMALL, SMALL))


def test_defect_01_one_failing_delete_does_not_end_the_release(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults("status=500:method=DELETE:after=2:first=1")
    counts = quick_desk.apply(plan["plan_id"]).expect(6).json["counts"]
    assert counts == {"released": 5, "refused": 1}
    everything_adds_up(quick_desk, plan)


def test_defect_01_a_seat_that_always_fails_and_comes_first_blocks_no_other(
    quick_desk: Desk,
) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults(f"status=403:method=DELETE:id={_ids(plan)[0]}")
    counts = quick_desk.apply(plan["plan_id"]).expect(6).json["counts"]
    assert counts == {"released": 5, "refused": 1}


def test_defect_02_a_seat_of_a_deleted_user_blocks_nobody(quick_desk: Desk) -> None:
    quick_desk.site.switches("deleted_user=null", "deleted_idle_seat=keep")
    first = quick_desk.plan()["actions"][0]
    quick_desk.site.ask("POST", "/sim/user", {"user": _user_of(quick_desk, first), "delete": True})
    plan = quick_desk.plan()
    assert first["allocation_id"] not in _ids(plan)
    assert plan["kept"]["deleted_user"] >= 1
    assert quick_desk.apply(plan["plan_id"]).expect(0).json["counts"] == {"released": 6}


def _user_of(desk: Desk, action: dict[str, Any]) -> str:
    user: str = desk.site.rows()[action["allocation_id"]]["user"]["id"]
    return user


@pytest.mark.parametrize("fault", ["status=500:every=9", "drop=before:every=9", "cut:every=9"])
def test_defect_03_a_reading_that_fails_is_repeated(quick_desk: Desk, fault: str) -> None:
    quick_desk.site.faults(f"{fault}:method=GET")
    plan = quick_desk.plan()
    assert quick_desk.apply(plan["plan_id"]).expect(0).json["counts"] == {"released": 6}


def test_defect_08_who_comes_back_after_the_plan_keeps_the_seat(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    back = _ids(plan)[1:3]
    for allocation in back:
        quick_desk.site.use(allocation)
    result = quick_desk.apply(plan["plan_id"]).expect(0).json
    assert result["counts"] == {"released": 4, "changed": 2}
    assert {o["allocation_id"] for o in result["outcomes"] if o["outcome"] == "changed"} == set(
        back
    )
    assert set(back) <= set(quick_desk.site.held())


def test_defect_12_nothing_is_released_that_cannot_be_recorded(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults("latency=1500:path=user/full")
    process = quick_desk.start("apply", plan["plan_id"], "--yes")
    wait_until(lambda: quick_desk.status_of(plan["plan_id"]) == "applying", "it begins")
    _fills_up(process)
    ended = process.wait().expect(1)
    assert str(quick_desk.folder / "seatkeeper.db") in ended.err
    assert not quick_desk.site.deletes()
    next_plan(quick_desk)
    assert quick_desk.status_of(plan["plan_id"]) == "partly_applied"


def test_defect_12_what_was_released_when_the_disk_filled_up_is_recorded_later(
    quick_desk: Desk,
) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults("latency=1000:method=DELETE")
    process = quick_desk.start("apply", plan["plan_id"], "--yes")
    wait_until(quick_desk.site.deletes, "it releases")
    _fills_up(process)
    process.wait().expect(1)
    quick_desk.age_what_is_open()
    next_plan(quick_desk)
    everything_adds_up(quick_desk, plan)
    assert "released" in quick_desk.outcomes(plan["plan_id"]).values()


def test_defect_15_a_release_whose_answer_is_lost_is_recorded(quick_desk: Desk) -> None:
    plan = quick_desk.plan()
    quick_desk.site.faults("lost:method=DELETE:every=2")
    assert quick_desk.apply(plan["plan_id"]).expect(0).json["counts"] == {"released": 6}
    everything_adds_up(quick_desk, plan)
    assert len([d for d in quick_desk.site.deletes() if d.effective]) == 6


def test_defect_16_releases_do_not_overlap(quick_desk: Desk) -> None:
    quick_desk.change(mode="auto")
    quick_desk.site.faults("latency=200:method=DELETE")
    runs = [quick_desk.start("run", "--site", "prod", "-o", "json") for _ in range(3)]
    ended = [run.wait() for run in runs]
    worked = [one for one in ended if one.code == 0]
    assert all(one.code in (0, 1) for one in ended)
    assert all("held by" in one.err for one in ended if one.code == 1)
    assert worked
    assert len(quick_desk.site.deletes()) == 6 * len(worked)
    assert max(_in_flight(quick_desk)) <= quick_desk.place.concurrency


def _in_flight(desk: Desk) -> list[int]:
    """How many DELETEs each one found unanswered, by the clock of the site."""
    times = [
        datetime.fromisoformat(entry["time"])
        for entry in desk.site.log()
        if entry["method"] == "DELETE"
    ]
    lasting = timedelta(milliseconds=150)
    return [sum(timedelta(0) <= at - other < lasting for other in times) for at in times]


def test_defect_17_a_site_that_is_down_at_the_start_is_read_when_it_comes(desk: Desk) -> None:
    desk.site.stop()
    assert "127.0.0.1" in desk.run("plan").expect(1).err
    daemon = desk.serve()
    desk.site.start()
    wait_until(lambda: desk.rows("SELECT site FROM site"), "the site is read", 60, 0.2)
    daemon.end().expect(0)


def test_defect_18_a_start_releases_nothing_and_a_run_no_more_than_its_cap(
    quick_desk: Desk,
) -> None:
    quick_desk.place.schedule["release"] = "every 1 hour"
    quick_desk.change(mode="auto")
    daemon = quick_desk.serve()
    time.sleep(4)
    daemon.end().expect(0)
    assert not quick_desk.site.deletes()
    assert quick_desk.run("run").expect(0)
    assert len(quick_desk.site.deletes()) == 6


def test_defect_19_schedules_are_what_they_say(quick_desk: Desk) -> None:
    quick_desk.place.schedule["release"] = "every day at noonish"
    quick_desk.write_config()
    assert "noonish" in quick_desk.run("plan").expect(2).err
    quick_desk.place.schedule["release"] = "every 14 days"
    quick_desk.write_config()
    shown = quick_desk.run("check", "--site", "prod", "-o", "json").expect(0).json
    runs = [datetime.fromisoformat(text) for text in shown["next_runs"]["release"]]
    assert len(runs) == 5
    gaps = {later - earlier for earlier, later in itertools.pairwise(runs)}
    assert gaps == {timedelta(days=14)}


def test_defect_20_recording_cannot_be_switched_off(quick_desk: Desk) -> None:
    quick_desk.write_config(ledger={"enabled": False})
    assert "ledger" in quick_desk.run("plan").expect(2).err
    quick_desk.write_config()
    plan = quick_desk.plan()
    quick_desk.apply(plan["plan_id"]).expect(0)
    told = [evidence for made, evidence in quick_desk.ledger("release_outcome")]
    assert [evidence["outcome"] for evidence in told] == ["released"] * 6


def test_defect_21_no_other_identity_is_used_than_the_configured_one(quick_desk: Desk) -> None:
    admin = next(
        user
        for user in quick_desk.site.get("user/full")
        if "RootAdmin" in user["roles"] and user["userDirectory"] != "INTERNAL"
    )
    quick_desk.place.qrs = {"user": f"{admin['userDirectory']}\\{admin['userId']}"}
    quick_desk.write_config()
    plan = quick_desk.plan()
    quick_desk.apply(plan["plan_id"]).expect(0)
    used = {entry["user"] for entry in quick_desk.site.log()}
    assert used == {f"UserDirectory={admin['userDirectory']}; UserId={admin['userId']}"}


def test_defect_23_a_dry_run_names_everybody_who_would_lose_a_seat(quick_desk: Desk) -> None:
    quick_desk.change(mode="observe", limits={"max_per_run": 40})
    plan = quick_desk.plan()
    assert len(plan["actions"]) == 40
    shown = quick_desk.run("plan").expect(0).out
    assert not [a["user"] for a in plan["actions"] if a["user"] not in shown]
    assert len(quick_desk.ledger("plan_proposed")) == 2
    assert not quick_desk.site.deletes()


def test_defect_24_requests_are_few_and_connections_are_kept(quick_desk: Desk) -> None:
    quick_desk.change(limits={"max_per_run": 40})
    quick_desk.place.relay.connections = 0
    plan = quick_desk.plan()
    assert len(quick_desk.site.log()) <= 20
    assert quick_desk.place.relay.connections <= quick_desk.place.concurrency
    quick_desk.site.forget()
    quick_desk.place.relay.connections = 0
    quick_desk.apply(plan["plan_id"]).expect(0)
    log = quick_desk.site.log()
    assert sum(entry["method"] == "DELETE" for entry in log) == 40
    assert len(log) <= 40 + 40
    assert quick_desk.place.relay.connections <= 2 * quick_desk.place.concurrency


def test_defect_25_and_26_everything_about_a_release_is_kept_and_a_name_stands_beside_it(
    quick_desk: Desk,
) -> None:
    plan = quick_desk.plan()
    quick_desk.apply(plan["plan_id"], "--by", "Jane Doe", "--reason", "ticket 7").expect(0)
    records = quick_desk.run("ledger", "export", "--format", "json").expect(0).json
    action = plan["actions"][0]
    mine = [r for r in records if r["user"] == action["user"] and r["plan_id"] == plan["plan_id"]]
    assert [r["kind"] for r in mine] == ["release_intent", "release_outcome"]
    intent, outcome = (r["evidence"] for r in mine)
    assert intent["allocation_id"] == outcome["allocation_id"] == action["allocation_id"]
    assert intent["license_type"] == action["license_type"]
    assert intent["reason"] == action["reason"]
    assert outcome["outcome"] == "released"
    assert {r["by"] for r in mine} == {"Jane Doe"}
    approved = next(r for r in records if r["kind"] == "plan_approved")
    assert approved["why"] == "ticket 7"
    bodies = "".join(body for (body,) in quick_desk.rows("SELECT body FROM ledger"))
    assert action["user"].partition("\\")[2] not in bodies
    the_ledger_verifies(quick_desk)


def test_defect_27_ten_lines_of_configuration_are_enough(quick_desk: Desk) -> None:
    folder, relay = quick_desk.site.folder, quick_desk.place.relay
    text = f"""\
sites:
  - name: prod
    qrs:
      url: https://127.0.0.1:{relay.port}/qrs
      ca_file: {folder}/root.pem
      cert_file: {folder}/client.pem
      key_file: {folder}/client_key.pem
"""
    quick_desk.config.write_text(text, encoding="utf-8")
    plan = quick_desk.plan()
    assert plan["mode"] == "observe"
    assert plan["actions"]
