from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seatkeeper.core.plan import PlanStatus
from seatkeeper.store import open_store

STEPS = (
    "Half a year passes",
    "Is everything in order?",
    "Which seats does nobody use",
    "Release exactly these seats",
    "The ledger is whole",
    "restored   the user holds the seat again",
    "What was recorded?",
    "180 days at a glance",
    "How long ago the holders of seats were last there",
    "people active",
    "came back       ",
    "cost   ",
    "the license of the server ends in",
)
WITHIN = 500
"""Seconds: a quarter of a minute on a quiet machine, much more on a busy one."""


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    ended = subprocess.run(
        [sys.executable, "-m", "seatkeeper", "demo", "--once", "--folder", str(folder)],
        capture_output=True,
        timeout=WITHIN,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return folder, ended.stdout


def test_the_demo_shows_every_step_in_order(toured: tuple[Path, str]) -> None:
    _, said = toured

    places = [said.find(step) for step in STEPS]
    assert -1 not in places, STEPS[places.index(-1)]
    assert places == sorted(places)
    assert "Traceback" not in said
    assert "warn" not in said.split("Which seats")[0].replace("0 warning", "")


async def test_the_demo_leaves_half_a_year_of_history(toured: tuple[Path, str]) -> None:
    folder, _ = toured
    store = open_store(f"sqlite:///{folder}/seatkeeper.db", command="test")
    try:
        newest = await store.summaries.newest("demo")
        assert newest is not None
        lines = await store.plans.lines(newest.at, "demo", limit=20)
        released = await store.plans.released()
    finally:
        store.close()

    applied = [line for line in lines if line.status is PlanStatus.APPLIED]
    assert len(applied) >= 5
    assert (applied[0].created_at - applied[-1].created_at).days > 120
    assert len(released) > 30
    assert any(seat.given_back for seat in released)
