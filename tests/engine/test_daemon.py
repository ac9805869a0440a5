"""The real daemon, its child processes and a site: what kills and signals leave behind."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from command_line import process
from engine_daemon import Daemon, a_daemon, command, wait_until, write_config
from served_site import ServedSite, serving

SLOW = "latency=120"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ServedSite]:
    """A site of our own, with a configuration beside it."""
    with serving(tmp_path / "site", users=300, seed=3) as served:
        write_config(tmp_path, served.url, served.folder)
        yield served


def deletes(site: ServedSite) -> int:
    return site.simulator.requests.count(method="DELETE")


def applying(daemon: Daemon, site: ServedSite, folder: Path) -> tuple[str, psutil.Process]:
    """Let a person approve a plan, and wait until the child has released three seats of it."""
    daemon.wait_for("job.ended", kind="monitor")
    plan = command(folder, "plan", "--site", "prod")
    assert len(plan["actions"]) > 20
    site.faults(SLOW)
    approved = process("approve", plan["plan_id"], "--by", "Jane", "--reason", "fine", cwd=folder)
    assert approved.code == 0, approved.err
    child = daemon.child()
    wait_until(lambda: deletes(site) >= 3, daemon.said)
    return plan["plan_id"], child


def status_of(folder: Path, plan_id: str) -> str:
    newest = command(folder, "status", "--site", "prod")["newest_plan"]
    assert newest["plan_id"] == plan_id
    return str(newest["status"])


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_large_site_is_read_in_a_process_that_ends(site: ServedSite, tmp_path: Path) -> None:
    site.faults(SLOW)

    with a_daemon(tmp_path, large=1) as daemon:
        child = daemon.child()
        ended = daemon.wait_for("job.ended", kind="monitor")
        is_gone = gone(child)
        code, seconds = daemon.end()

    assert "users and" in ended["result"]
    assert is_gone
    assert (code, seconds < 10) == (0, True)


SMALL = 160 * 2**20
"""Bytes that a daemon may hold whose cycles run in child processes, whatever a site weighs."""

TARGET = "metrics: {influxdb: [{name: main, version: 1, url: 'http://127.0.0.1:1', database: b}]}"


def test_the_numbers_of_a_large_site_come_from_its_child_through_the_store(
    site: ServedSite,  # noqa: ARG001 - the daemon reads it
    tmp_path: Path,
) -> None:
    config = tmp_path / "seatkeeper.yaml"
    config.write_text(f"{config.read_text()}{TARGET}\n")
    command(tmp_path, "status")  # the daemon that makes the store holds 8 MiB more for its life

    with a_daemon(tmp_path, large=1) as daemon:
        daemon.wait_for("job.ended", kind="monitor")
        memory = daemon.process.memory_info().rss
        daemon.end()

    with closing(sqlite3.connect(tmp_path / "store.db")) as store:
        cycles = store.execute("SELECT kind, error, trouble, requests > 5 FROM cycle_sample")
        assert cycles.fetchall() == [("monitor", "", "", 1)]
        assert store.execute("SELECT count(*) FROM outbox").fetchone()[0] > 5
    assert command(tmp_path, "status", "--site", "prod")["license"]["state"] == "valid"
    assert memory < SMALL


def test_a_child_stops_before_its_next_delete_when_its_parent_is_killed(
    site: ServedSite, tmp_path: Path
) -> None:
    with a_daemon(tmp_path, large=1) as daemon:
        plan_id, child = applying(daemon, site, tmp_path)
        daemon.kill()
        at_the_kill = deletes(site)
        wait_until(lambda: gone(child), daemon.said, 20)
    after = deletes(site)
    site.faults()

    with a_daemon(tmp_path, large=1) as again:
        again.wait_for("job.ended", kind="monitor")
        wait_until(lambda: status_of(tmp_path, plan_id) == "partly_applied", again.said)
        time.sleep(2.5)
        released_at_the_start = deletes(site) - after
        again.end()

    assert after - at_the_kill <= 1
    assert released_at_the_start == 0
    assert command(tmp_path, "ledger", "verify")["ok"]


def test_a_killed_child_is_recovered_and_releases_nothing_more(
    site: ServedSite, tmp_path: Path
) -> None:
    with a_daemon(tmp_path, large=1) as daemon:
        plan_id, child = applying(daemon, site, tmp_path)
        child.kill()
        failure = daemon.wait_for("job.failed", kind="apply")
        at_the_kill = deletes(site)
        site.faults()
        daemon.wait_for("job.recovered", kind="apply")
        time.sleep(2.5)
        after = deletes(site)
        daemon.end()

    assert "killed by signal 9" in failure["error"]
    assert after == at_the_kill
    assert status_of(tmp_path, plan_id) == "partly_applied"


def test_ctrl_c_for_both_processes_ends_in_time_and_records_what_was_done(
    site: ServedSite, tmp_path: Path
) -> None:
    with a_daemon(tmp_path, large=1) as daemon:
        plan_id, child = applying(daemon, site, tmp_path)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        daemon.process.send_signal(signal.SIGINT)
        code = daemon.wait()
        seconds = time.monotonic() - began
        ended = daemon.events("job.ended", kind="apply")
    site.faults()

    assert seconds < 15
    assert code == 0
    assert gone(child)
    assert "released" in ended[0]["result"]
    assert status_of(tmp_path, plan_id) == "partly_applied"


def test_a_reading_in_hand_does_not_hold_up_the_end(site: ServedSite, tmp_path: Path) -> None:
    site.faults("latency=5000")

    with a_daemon(tmp_path) as daemon:
        daemon.wait_for("job.started", kind="monitor")
        code, seconds = daemon.end()
        put_off = daemon.events("job.put_off", kind="monitor")

    assert (code, len(put_off)) == (0, 1)
    assert seconds < 8


def test_seats_are_given_back_when_somebody_asks_the_daemon(
    site: ServedSite, tmp_path: Path
) -> None:
    with a_daemon(tmp_path) as daemon:
        daemon.wait_for("job.ended", kind="monitor")
        plan_id = command(tmp_path, "plan", "--site", "prod")["plan_id"]
        process("approve", plan_id, "--by", "Jane", "--reason", "fine", cwd=tmp_path)
        applied = daemon.wait_for("job.ended", kind="apply")
        words = ("--plan", plan_id, "--queue", "--yes", "--by", "Anna", "--reason", "she called")
        (asked,) = command(tmp_path, "undo", *words)["requests"]
        undone = daemon.wait_for("job.ended", kind="undo")
        known = command(tmp_path, "status", "--site", "prod")["requests"]
        daemon.end()

    released = int(applied["result"].split()[0])
    assert undone["result"] == f"{released} restored"
    assert (undone["request"], undone["by"]) == (asked["id"], "Anna")
    assert [(r["id"], r["state"]) for r in known] == [(asked["id"], "done")]
    restored = site.simulator.requests.count(method="POST", path_contains="accesstype")
    assert restored == released


def test_a_run_can_be_asked_for(site: ServedSite, tmp_path: Path) -> None:
    assert site.url

    with a_daemon(tmp_path) as daemon:
        daemon.wait_for("job.ended", kind="monitor")
        command(tmp_path, "run", "--queue", "--site", "prod")
        ran = daemon.wait_for("job.ended", kind="release")
        daemon.end()

    assert "seats may go; mode approve" in ran["result"]


def test_a_job_is_started_by_the_daemon_alone(site: ServedSite, tmp_path: Path) -> None:
    assert site.url

    ran = process("job", cwd=tmp_path)

    assert ran.code == 2
    assert "started by the daemon alone" in ran.err
