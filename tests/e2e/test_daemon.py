from __future__ import annotations

import contextlib
import json
import random
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2e_desk import Desk, Place, a_desk, a_place
from e2e_kills import heal
from e2e_processes import Running, running, wait_until
from e2e_truth import everything_adds_up, the_ledger_verifies
from postgres import PostgresServer

PROMPT = 15.0
"""Seconds within which an approval is carried out; it is meant to be five."""


def _has_read(desk: Desk) -> None:
    wait_until(lambda: desk.rows("SELECT site FROM site") and not desk.holder(), "the site is read")


def _approve(desk: Desk) -> dict[str, object]:
    plan = desk.plan()
    desk.run("approve", plan["plan_id"], "--by", "Jane Doe").expect(0)
    return plan


def _is(desk: Desk, plan: dict[str, object], *statuses: str) -> bool:
    return desk.status_of(str(plan["plan_id"])) in statuses


def _applied(desk: Desk, plan: dict[str, object], seconds: float) -> None:
    wait_until(lambda: _is(desk, plan, "applied"), "the plan is applied", seconds)


def _degraded(desk: Desk) -> str:
    answer = desk.health("readyz")
    return "\n".join(answer[1]["degraded"]) if answer else ""


def test_the_daemon_tells_that_it_lives_and_is_ready_and_reads_the_site_at_once(desk: Desk) -> None:
    daemon = desk.serve()
    assert desk.health("healthz") is not None
    _has_read(desk)
    wait_until(lambda: (desk.health("readyz") or (0,))[0] == 200, "it is ready", 10)
    assert desk.health("readyz") == (200, {"status": "ready", "degraded": []})
    assert desk.health("healthz")[0] == 200  # type: ignore[index]
    assert not desk.site.deletes()
    daemon.end().expect(0)
    assert desk.health("healthz") is None
    assert desk.holder() is None


def _start_and_end(folder: Path, seed: int, times: int) -> None:
    """Start a daemon that has every reason to release, and end it soon, again and again."""
    rng = random.Random(seed)  # noqa: S311 - moments, no secrets
    schedule = {"release": "every 6 hours"}
    with a_desk(folder, schedule=schedule, seed=seed) as desk:
        desk.serve().end().expect(0)
        _approve(desk)
        desk.place.policy = {"mode": "auto"}
        _make_overdue(folder / "seatkeeper.db")
        for _ in range(times):
            daemon = desk.serve()
            time.sleep(rng.uniform(0.0, 2.5))
            if rng.random() < 0.5:
                daemon.kill()
            else:
                daemon.end().expect(0)
        assert not desk.site.deletes()
        assert desk.rows("SELECT COUNT(*) FROM plan_action") == [(0,)]


def _make_overdue(store: Path) -> None:
    """Let the release by elapsed time have been due long ago, as after a long standstill."""
    with contextlib.closing(sqlite3.connect(store)) as connection:
        connection.execute(
            "UPDATE job SET due = '2026-01-02T00:00:00.000000Z', "
            "last_run = '2026-01-01T18:00:00.000000Z' WHERE kind = 'release'"
        )
        connection.commit()


def test_twenty_starts_with_an_overdue_release_and_an_approved_plan_release_nothing(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_start_and_end, tmp_path / f"lane{n}", 70 + n, 10) for n in range(2)]
        for job in jobs:
            job.result()


def test_an_approval_is_carried_out_within_seconds(desk: Desk) -> None:
    daemon = desk.serve()
    _has_read(desk)
    for _ in range(2):
        desk.site.forget()
        plan = _approve(desk)
        _applied(desk, plan, PROMPT)
        everything_adds_up(desk, plan)
        assert len(desk.site.deletes()) == 6
    daemon.end().expect(0)
    the_ledger_verifies(desk)


def test_a_freeze_stops_the_daemon_before_the_next_batch_and_before_the_next_plan(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path, concurrency=1) as desk:
        daemon = desk.serve()
        _has_read(desk)
        desk.site.faults("latency=2500:method=DELETE")  # so slow that the batches are small
        plan = _approve(desk)
        wait_until(desk.site.deletes, "it releases")
        desk.run("freeze", "--by", "Jane Doe", "--reason", "audit").expect(0)
        wait_until(lambda: _is(desk, plan, "partly_applied"), "it stops")
        assert 0 < len(desk.site.deletes()) < 6
        everything_adds_up(desk, plan)
        desk.site.faults()
        desk.site.forget()
        later = desk.plan()
        desk.run("approve", later["plan_id"], "--by", "Jane Doe")
        wait_until(lambda: "releases are frozen" in _degraded(desk), "it says so", 10)
        desk.apply(later["plan_id"]).expect(3)
        daemon.end().expect(0)
        assert not desk.site.deletes()


def test_sites_that_cannot_be_read_are_tried_again_and_keep_no_other_from_its_work(
    tmp_path: Path,
) -> None:
    with a_desk(tmp_path / "desk", seed=3) as desk:
        down = _another_site(desk, "down", seed=4)
        broken = _another_site(desk, "broken", seed=5)
        down.site.stop()
        certificate = broken.site.folder / "client.pem"
        whole = certificate.read_bytes()
        certificate.write_bytes(b"this is no certificate")
        daemon = desk.serve()
        wait_until(lambda: "jobs fail" in _degraded(desk), "it tells that two fail", 60, 0.2)
        plan = _approve(desk)
        _applied(desk, plan, PROMPT)
        down.site.start()
        read = "SELECT site FROM site"
        wait_until(lambda: ("down",) in desk.rows(read), "it tries again", 90, 0.2)
        assert "fail" in _degraded(desk)
        daemon.end().expect(0)
        certificate.write_bytes(whole)


def _another_site(desk: Desk, name: str, **options: int) -> Place:
    place = a_place(desk.stack, desk.folder / name, **options)
    desk.places[name] = place
    return place


def test_an_address_that_is_taken_is_told_and_ends_the_daemon(desk: Desk) -> None:
    first = desk.serve()
    with running(desk.words("serve")) as second:
        ended = second.wait(20).expect(2)
    assert f"127.0.0.1:{desk.listen}" in ended.err
    assert "another" in ended.err
    first.end().expect(0)


def test_two_daemons_on_one_store_never_act_twice(tmp_path: Path, postgres: PostgresServer) -> None:
    with a_desk(tmp_path / "one", store_url=postgres.new_database()) as desk:
        daemons = [desk.serve()]
        other = Desk(tmp_path / "two", desk.places, desk.store_url, stack=desk.stack)
        other.folder.mkdir()
        daemons.append(other.serve())
        wait_until(lambda: not desk.holder(), "both have read")
        desk.site.faults("latency=40:method=DELETE")
        for _ in range(3):
            desk.site.forget()
            plan = _approve(desk)
            _applied(desk, plan, 2 * PROMPT)
            everything_adds_up(desk, plan)
            assert len(desk.site.deletes()) == 6
        left = _one_dies_while_it_releases(desk, daemons)
        left.end(signal.SIGINT).expect(0)
        the_ledger_verifies(desk)


def _one_dies_while_it_releases(desk: Desk, daemons: list[Running]) -> Running:
    """Kill whichever daemon releases: the other settles what it left. Give that other one."""
    desk.site.forget()
    desk.site.faults("hang=after:method=DELETE")
    plan = _approve(desk)
    wait_until(desk.site.deletes, "it releases")
    pid = json.loads(desk.rows("SELECT owner_facts FROM lease")[0][0])["pid"]
    dying = next(daemon for daemon in daemons if daemon.pid == pid)
    dying.kill()
    heal(desk)
    wait_until(lambda: _is(desk, plan, "partly_applied"), "the other one settles it", 40)
    everything_adds_up(desk, plan, open_too=True)
    return next(daemon for daemon in daemons if daemon is not dying)
