from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from barriers import barriers
from browser import Watched, a_chromium, a_window, first_link, sign_in_first
from console_pages import AT_THE_DOOR, pages_of
from e2e_processes import wait_until
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
class Staying:
    """A demo that stays until Ctrl-C: where, and how to reach it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        """What it has said so far."""
        return (self.folder / "said.txt").read_text()

    @property
    def opened(self) -> str:
        """The address that it has opened a browser with."""
        file = self.folder / "opened.txt"
        return file.read_text().strip() if file.exists() else ""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staying]:
    folder = tmp_path_factory.mktemp("demo")
    port = two_free_ports()
    words = ("demo", "--folder", str(folder), "--port", str(port))
    with (folder / "said.txt").open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "seatkeeper", *words],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "BROWSER": f"{a_browser_that_notes(folder)} %s"},
        )
    try:
        staying = Staying(folder, port, process)
        wait_until(lambda: staying.opened or process.poll() is not None, "it stays", WITHIN)
        assert process.poll() is None, staying.said[-2000:]
        yield staying
    finally:
        process.kill()
        process.wait()


def a_browser_that_notes(folder: Path) -> Path:
    """Write a program that notes what it is to open."""
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened.txt\n')
    program.chmod(0o700)
    return program


def two_free_ports() -> int:
    """Return a port that nobody listens on now, nor on the one above it."""
    while True:
        with socket.socket() as one, socket.socket() as above:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                above.bind(("127.0.0.1", port + 1))
                return port


@pytest.fixture(scope="module")
def window(demo: Staying) -> Iterator[Watched]:
    """A browser in which somebody has opened the link of the demo."""
    with (
        a_chromium() as chromium,
        a_window(chromium, f"http://127.0.0.1:{demo.port}", expected=(403, 404)) as one,
    ):
        sign_in_first(one, first_link(demo.said))
        yield one


def test_what_fires_at_the_end_of_the_demo_says_what_to_do(demo: Staying) -> None:
    firing = demo.said.partition("alerts          ")[2].partition("Everything is in")[0]
    assert "Renew the license with Qlik" in " ".join(firing.split())


def test_the_demo_shows_every_step_in_order(demo: Staying) -> None:
    said = demo.said

    places = [said.find(step) for step in STEPS]
    assert -1 not in places, STEPS[places.index(-1)]
    assert places == sorted(places)
    assert "Traceback" not in said
    assert "warn" not in said.split("Which seats")[0].replace("0 warning", "")


async def test_the_demo_leaves_half_a_year_of_history(demo: Staying) -> None:
    store = open_store(f"sqlite:///{demo.folder}/seatkeeper.db", command="test")
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


def test_one_link_is_printed_and_opened_as_the_last_word(demo: Staying) -> None:
    assert demo.opened == first_link(demo.said)
    assert demo.said.count("/welcome?key=") == 1
    assert "A plan of 12 seats waits for you there." in demo.said.partition(demo.opened)[2]


def test_its_numbers_are_served(demo: Staying) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{demo.port + 1}/metrics") as answer:
        assert 'qlik_license_seats{license_type="analyzer"' in answer.read().decode()


def test_every_page_of_the_console_is_without_barriers_on_every_screen(window: Watched) -> None:
    for path in (*pages_of(window).values(), *AT_THE_DOOR.values()):
        assert barriers(window.open(path)) == []


def test_paper_is_light_and_shows_nothing_to_click(window: Watched) -> None:
    page = window.open("/plans")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.get_by_role("button", name="Make a plan now")).to_be_hidden()
    white = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(media="screen", color_scheme="light")

    assert white == "rgb(255, 255, 255)"


def test_alerts_have_come_and_gone(window: Watched) -> None:
    over = window.open("/alerts").get_by_role("region", name="Over")
    assert over.get_by_role("row").count() >= 2  # its head, and an alert


def test_a_newcomer_comes_from_the_link_to_applied_and_undone_in_five_clicks(
    window: Watched,
) -> None:
    page = window.open("/")
    page.get_by_role("link", name="Read the plan").click()
    page.get_by_role("button", name="Approve 12 seats").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("12 seats at demo, applied")
    page.get_by_role("textbox", name="Why").fill("they came back")
    page.get_by_role("button", name="Give back 12 seats").click()
    expect(page.get_by_text("Restored by Dana Demo")).to_have_count(12)


def test_it_ends_on_ctrl_c(demo: Staying) -> None:
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert "Traceback" not in demo.said
