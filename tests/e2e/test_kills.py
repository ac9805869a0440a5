from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e_desk import a_desk
from e2e_kills import STEPS, Step, Tally, at_random, kill_apply, kill_serve, next_plan
from e2e_truth import the_ledger_verifies
from postgres import PostgresServer

EACH = 5
RANDOM = 25
LANES = 6
SPAN = 1.6
"""Seconds from taking the site until the last outcome is written, with the latency given."""

OF_THE_DAEMON = (
    "DELETE sent",
    "DELETE on the wire",
    "DELETE done, no answer",
    "answer received",
    "read-back under way",
    "outcome written",
)


def _lane(folder: Path, seed: int, steps: Sequence[Step], store_url: str = "") -> Tally:
    """Kill one `apply` after the other on one site and one store."""
    tally, users = Tally(), 24 * max(len(steps), 10)
    with a_desk(folder, store_url=store_url, concurrency=1, users=users, seed=seed) as desk:
        plan = desk.plan()
        for number, step in enumerate(steps):
            assert len(plan["actions"]) == 6, "the site ran out of idle seats"
            plan = kill_apply(desk, plan, step, tally, again=number % 2 == 0)
        the_ledger_verifies(desk)
    return tally


def _in_lanes(folder: Path, steps: Sequence[Step], lanes: int) -> Tally:
    """Share the kills among so many pairs of site and store that work side by side."""
    with ThreadPoolExecutor(lanes) as pool:
        jobs = [
            pool.submit(_lane, folder / f"lane{n}", 20 + n, steps[n::lanes]) for n in range(lanes)
        ]
        tallies = [job.result() for job in jobs]
    return sum(tallies, Tally())


Record = Callable[[str, object], None]


def test_a_killed_apply_never_releases_twice_and_the_ledger_tells_the_truth(
    tmp_path: Path, record_property: Record
) -> None:
    named = [step for step in STEPS for _ in range(EACH)]
    drawn = [at_random(1000 + n, SPAN) for n in range(RANDOM)]
    tally = _in_lanes(tmp_path, named + drawn, LANES)
    record_property("table", tally.table("apply on SQLite, killed at"))
    assert tally.kills == {**{step.name: EACH for step in STEPS}, "random moment": RANDOM}


@pytest.mark.long
def test_a_hundred_more_random_kills_change_nothing_about_that(
    tmp_path: Path, record_property: Record
) -> None:
    tally = _in_lanes(tmp_path, [at_random(5000 + n, SPAN) for n in range(120)], LANES)
    record_property("table", tally.table("apply on SQLite, killed at"))


def test_a_killed_apply_on_postgresql_is_settled_alike(
    tmp_path: Path, postgres: PostgresServer, record_property: Record
) -> None:
    urls = [postgres.new_database(), postgres.new_database()]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_lane, tmp_path / f"lane{n}", 40 + n, STEPS[n::2], url)
            for n, url in enumerate(urls)
        ]
        tally = sum((job.result() for job in jobs), Tally())
    record_property("table", tally.table("apply on PostgreSQL, killed at"))
    assert tally.kills == {step.name: 1 for step in STEPS}


def _daemon_lane(folder: Path, seed: int, steps: Sequence[Step]) -> Tally:
    tally = Tally()
    with a_desk(folder, concurrency=1, users=240, seed=seed) as desk:
        daemon = desk.serve()
        for step in steps:
            daemon = kill_serve(desk, daemon, step, tally)
        daemon.end().expect(0)
        assert next_plan(desk)["actions"]
        the_ledger_verifies(desk)
    return tally


def test_a_killed_daemon_settles_what_it_left_and_releases_nothing_more(
    tmp_path: Path, record_property: Record
) -> None:
    steps = [step for step in STEPS if step.name in OF_THE_DAEMON]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_daemon_lane, tmp_path / f"lane{n}", 50 + n, steps[n::2]) for n in range(2)
        ]
        tally = sum((job.result() for job in jobs), Tally())
    record_property("table", tally.table("serve on SQLite, killed at"))
    assert set(tally.kills) == set(OF_THE_DAEMON)
