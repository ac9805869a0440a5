from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from e2e_desk import Desk, a_desk
from e2e_kills import heal, next_plan
from e2e_processes import Running, wait_until
from e2e_truth import everything_adds_up, the_ledger_verifies

SIGNALS = (signal.SIGINT, signal.SIGTERM)
WITHIN = 15.0


def _asked(desk: Desk, number: int) -> None:
    wait_until(lambda: len(desk.site.deletes()) >= number, "DELETEs arrive")


def _settled(desk: Desk, plan: dict[str, object]) -> None:
    """The next run settles what the site cannot be carrying out any more; everything agrees."""
    heal(desk)
    next_plan(desk)
    everything_adds_up(desk, plan, open_too=True)
    the_ledger_verifies(desk)


@pytest.mark.parametrize("number", SIGNALS)
def test_apply_ends_on_request_and_records_what_it_had_in_hand(
    desk: Desk, number: signal.Signals
) -> None:
    desk.site.faults("latency=1000:method=DELETE")
    plan = desk.plan()
    process = desk.start("apply", plan["plan_id"], "--yes", "-o", "json")
    _asked(desk, 3)
    ended = process.end(number, WITHIN).expect(130)
    counts = ended.json["counts"]
    assert counts["released"] + counts["not_attempted"] == 6
    assert 2 <= counts["released"] < 6
    assert desk.status_of(plan["plan_id"]) == "partly_applied"
    assert "recorded" in ended.err
    everything_adds_up(desk, plan)


@pytest.mark.parametrize("fault", ["hang=before", "hang=after"])
def test_apply_ends_within_fifteen_seconds_though_the_site_hangs(desk: Desk, fault: str) -> None:
    plan = desk.plan()
    desk.site.faults(f"{fault}:method=DELETE")
    process = desk.start("apply", plan["plan_id"], "--yes", "-o", "json")
    _asked(desk, 2)
    desk.site.faults(fault)
    ended = process.end(signal.SIGTERM, WITHIN).expect(130)
    assert ended.json["counts"].get("unknown", 0) == 2
    _settled(desk, plan)


def test_a_second_signal_ends_apply_at_once_and_the_next_run_settles_it(desk: Desk) -> None:
    plan = desk.plan()
    desk.site.faults("hang=after:method=DELETE")
    process = desk.start("apply", plan["plan_id"], "--yes")
    _asked(desk, 2)
    process.send(signal.SIGINT)
    time.sleep(0.3)
    process.end(signal.SIGINT, 5).expect(130)
    _settled(desk, plan)


def test_apply_interrupted_while_it_reads_has_done_nothing_and_can_be_repeated(desk: Desk) -> None:
    plan = desk.plan()
    desk.site.forget()
    desk.site.faults("hang=before:method=GET")
    process = desk.start("apply", plan["plan_id"], "--yes")
    wait_until(desk.site.log, "it reads")
    process.end(signal.SIGTERM, 5).expect(130)
    assert desk.status_of(plan["plan_id"]) == "approved"
    desk.site.faults()
    desk.apply(plan["plan_id"]).expect(0)


def test_run_ends_on_request_and_records_what_it_had_in_hand(tmp_path: Path) -> None:
    with a_desk(tmp_path, policy_={"mode": "auto"}) as desk:
        desk.site.faults("latency=1000:method=DELETE")
        process = desk.start("run", "--site", "prod", "-o", "json")
        _asked(desk, 1)
        ended = process.end(signal.SIGINT, WITHIN).expect(130)
        result = ended.json["result"]
        assert result["counts"]["released"] >= 1
        assert result["counts"]["not_attempted"] >= 1
        assert ended.json["plan"]["status"] == "partly_applied"
        everything_adds_up(desk, ended.json["plan"])


def test_undo_ends_on_request_and_knows_what_it_gave_back(desk: Desk) -> None:
    plan = desk.plan()
    desk.apply(plan["plan_id"]).expect(0)
    desk.site.faults("latency=1000:method=POST")
    process = desk.start("undo", "--plan", plan["plan_id"], "--yes", "-o", "json")
    wait_until(lambda: _posts(desk) >= 2, "seats are given back")
    ended = process.end(signal.SIGTERM, WITHIN).expect(130)
    counts = ended.json["counts"]
    assert counts["restored"] >= 2
    assert counts["restored"] + counts["not_attempted"] == 6
    assert _posts(desk) == counts["restored"]


def test_undo_ends_within_fifteen_seconds_though_the_site_hangs(desk: Desk) -> None:
    plan = desk.plan()
    desk.apply(plan["plan_id"]).expect(0)
    desk.site.faults("hang=after:method=POST")
    process = desk.start("undo", "--plan", plan["plan_id"], "--yes", "-o", "json")
    wait_until(lambda: _posts(desk) >= 1, "a seat is given back")
    desk.site.faults("hang=before")
    ended = process.end(signal.SIGTERM, WITHIN).expect(130)
    assert ended.json["counts"] == {"unknown": 1, "not_attempted": 5}
    assert [e["outcome"] for _, e in desk.ledger("grant_outcome")].count("unknown") == 1


def _posts(desk: Desk) -> int:
    return sum(entry["method"] == "POST" for entry in desk.site.log())


def _applying_daemon(desk: Desk, fault: str) -> tuple[Running, dict[str, object]]:
    daemon = desk.serve()
    plan = desk.plan()
    desk.site.faults(fault)
    desk.run("approve", plan["plan_id"], "--by", "Jane Doe").expect(0)
    _asked(desk, 1)
    return daemon, plan


@pytest.mark.parametrize("number", SIGNALS)
def test_serve_ends_on_request_and_records_what_it_had_in_hand(
    desk: Desk, number: signal.Signals
) -> None:
    daemon, plan = _applying_daemon(desk, "latency=1000:method=DELETE")
    daemon.end(number, WITHIN).expect(0)
    plan_id = str(plan["plan_id"])
    assert desk.status_of(plan_id) == "partly_applied"
    assert "released" in desk.outcomes(plan_id).values()
    everything_adds_up(desk, plan)


def test_serve_ends_within_fifteen_seconds_though_the_site_hangs(desk: Desk) -> None:
    daemon, plan = _applying_daemon(desk, "hang=after:method=DELETE")
    desk.site.faults("hang=before")
    daemon.end(signal.SIGTERM, WITHIN).expect(0)
    _settled(desk, plan)


def test_reading_commands_end_at_once_though_the_site_hangs(desk: Desk) -> None:
    desk.site.faults("hang=before")
    process = desk.start("plan")
    wait_until(desk.site.log, "it reads")
    process.end(signal.SIGINT, 5).expect(130)
    assert desk.rows("SELECT plan_id FROM plan") == []
