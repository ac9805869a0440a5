from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from seatkeeper.core.plan import PlanStatus
from seatkeeper.store import open_store

STEPS = (
    "Half a year passes",
    "  now: professional ",
    "Is everything in order?",
    "Which seats does nobody use",
    "Release exactly these seats",
    "The ledger is whole",
    "restored   the user holds the seat again",
    "What was recorded?",
    "180 days at a glance",
    "How long ago the holders of seats were last there",
    "seats in use",
    "came back       ",
    "cost   ",
    "the license of the server ends in",
)
WITHIN = 500
"""Seconds: a quarter of a minute on a quiet machine, much more on a busy one."""


@dataclass(frozen=True)
class Toured:
    """A demo that stayed until Ctrl-C: what it said, what it served meanwhile, how it ended."""

    folder: Path
    said: str
    health: str
    metrics: str
    code: int


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Toured:
    folder = tmp_path_factory.mktemp("demo")
    port, out = two_free_ports(), folder / "said.txt"
    words = ("demo", "--folder", str(folder), "--port", str(port))
    with out.open("wb") as sink:
        demo = subprocess.Popen(
            [sys.executable, "-m", "seatkeeper", *words], stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        health = answer(demo, out, f"http://127.0.0.1:{port}/healthz")
        metrics = answer(demo, out, f"http://127.0.0.1:{port + 1}/metrics")
        demo.send_signal(signal.SIGINT)
        code = demo.wait(60)
    finally:
        demo.kill()
        demo.wait()
    return Toured(folder, out.read_text(), health, metrics, code)


def two_free_ports() -> int:
    """Return a port that nobody listens on now, nor on the one above it."""
    while True:
        with socket.socket() as one, socket.socket() as above:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                above.bind(("127.0.0.1", port + 1))
                return port


def answer(demo: subprocess.Popen[bytes], out: Path, url: str) -> str:
    """Ask until the daemon of the demo answers."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        assert demo.poll() is None, out.read_text()[-2000:]
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10) as found:
            return str(found.read().decode())
        time.sleep(0.1)
    raise AssertionError(out.read_text()[-2000:])


def test_the_demo_stays_serves_the_numbers_and_ends_on_ctrl_c(toured: Toured) -> None:
    assert toured.health
    assert 'qlik_license_seats{license_type="analyzer"' in toured.metrics
    assert toured.code == 0
    assert "The daemon runs now (Ctrl-C ends it)" in toured.said
    assert "Traceback" not in toured.said


def test_what_fires_at_the_end_of_the_demo_says_what_to_do(toured: Toured) -> None:
    firing = toured.said.partition("alerts          ")[2].partition("Everything is in")[0]
    assert "Renew the license with Qlik" in " ".join(firing.split())


def test_the_demo_shows_every_step_in_order(toured: Toured) -> None:
    said = toured.said

    places = [said.find(step) for step in STEPS]
    assert -1 not in places, STEPS[places.index(-1)]
    assert places == sorted(places)
    assert "Traceback" not in said
    assert "warn" not in said.split("Which seats")[0].replace("0 warning", "")


async def test_the_demo_leaves_half_a_year_of_history(toured: Toured) -> None:
    store = open_store(f"sqlite:///{toured.folder}/seatkeeper.db", command="test")
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
