"""The benchmark: every table in one run, on simulated sites of this machine."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from points import points
from rich.console import Console
from rich.table import Table
from site_process import a_site, worker

ROSTER = {
    "first": "keeping the first reading",
    "nothing": "a reading in which nothing changed",
    "tenth": "a reading in which a tenth was active",
}
SIZES = (1_000, 10_000, 100_000)
SEATS = (200, 1_000)
HISTORY = {
    "store_mib": "size of the store, MiB",
    "memory_mib": "memory of comparing and writing, MiB",
    "first_s": "first reading, s",
    "nothing_s": "a reading in which nothing changed, s",
    "everybody_s": "a reading in which everybody was active, s",
    "active_users_s": "query: active users of each day of the year, s",
    "active_days_s": "query: days of activity of one user, s",
    "top_idle_s": "query: the 100 users idle for longest, s",
}


def plans(console: Console, sizes: tuple[int, ...], repeat: int) -> None:
    """(a) against (c): planning beside the bare download and decoding of the same rows."""
    table = Table(title="Plan: read, judge, guard, record — beside bare download and decode")
    for name in ("Seats", "Users", "Plan s", "Bare s", "Ratio", "Requests", "Peak MiB", "May go"):
        table.add_column(name, justify="right")
    per_seat = []
    for size in sizes:
        users = size * 6 // 5
        with a_site(users, size) as site:
            worker("plain_download", site)  # the site builds its answers once
            bare = statistics.median(
                worker("plain_download", site)["seconds"] for _ in range(repeat)
            )
            ours = [worker("plan", site) for _ in range(repeat)]
        seconds = statistics.median(o["seconds"] for o in ours)
        per_seat.append(seconds / size)
        table.add_row(
            f"{size:,}",
            f"{users:,}",
            f"{seconds:.2f}",
            f"{bare:.2f}",
            f"{seconds / bare:.2f}",
            f"{max(o['requests'] for o in ours):.0f}",
            f"{max(o['peak'] for o in ours):.0f}",
            f"{ours[0]['eligible']:.0f}",
        )
    console.print(table)
    if len(per_seat) > 1:
        console.print(
            f"Time a seat, largest against smallest site: {per_seat[-1] / per_seat[0]:.2f} times"
        )


def releases(console: Console) -> None:
    """(b) beside releasing: a plain client that works one request at a time."""
    table = Table(title="Release, plan included — beside a plain client, one request at a time")
    for name in ("Seats", "Latency", "Ours s", "Plain s", "Times", "Requests", "Released"):
        table.add_column(name, justify="right")
    for latency in (0, 20):
        for seats in SEATS:
            with a_site(6_000, 5_000, latency=latency) as site:
                ours = worker("release", site, seats=seats, concurrency=8)
            with a_site(6_000, 5_000, latency=latency) as site:
                other = worker("plain_release", site, seats=seats)
            table.add_row(
                f"{seats:,}",
                f"{latency} ms",
                f"{ours['seconds']:.2f}",
                f"{other['seconds']:.2f}",
                f"{other['seconds'] / ours['seconds']:.1f}",
                f"{ours['requests']:.0f}",
                f"{ours['released']:.0f} of {ours['actions']:.0f}",
            )
    console.print(table)


def monitoring(console: Console, sizes: tuple[int, ...]) -> None:
    """A monitoring cycle: read whole, count, remember who was active, keep the summary.

    Beside it the answer to Prometheus from what the cycle left, which is to take 50 ms at most.
    """
    table = Table(title="Monitor: read, count, remember who was active, keep the summary")
    for name in (
        "Seats",
        "Users",
        "First s",
        "Usual s",
        "Requests",
        "Peak MiB",
        "Store MB",
        "Scrape ms",
    ):
        table.add_column(name, justify="right")
    for size in sizes:
        users = size * 6 // 5
        with a_site(users, size) as site:
            worker("plain_download", site)  # the site builds its answers once
            ours = worker("watch", site)
        if ours["troubles"]:
            raise SystemExit("a step of the monitoring cycle failed")
        table.add_row(
            f"{size:,}",
            f"{users:,}",
            f"{ours['first']:.2f}",
            f"{ours['usual']:.2f}",
            f"{ours['requests']:.0f}",
            f"{ours['peak']:.0f}",
            f"{ours['store']:.1f}",
            f"{ours['scrape']:.1f}",
        )
    console.print(table)


def history(console: Console, users: int) -> None:
    """(c) a year of everybody's daily activity: size of the store, queries, one cycle."""
    script = Path(__file__).with_name("history.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(users)], check=True, capture_output=True, text=True
    )
    found = json.loads(ran.stdout)
    table = Table(title=f"History: {users:,} users, a year in which everybody was active daily")
    table.add_column("What")
    table.add_column("Measured", justify="right")
    for name, words in HISTORY.items():
        table.add_row(words, f"{found[name]:.3f}" if name.endswith("_s") else f"{found[name]:.0f}")
    console.print(table)


def roster(console: Console, users: int) -> None:
    """What keeping the roster adds to a cycle, and how long a page of users takes."""
    script = Path(__file__).with_name("roster.py")
    ran = subprocess.run(
        [sys.executable, str(script), str(users)], check=True, capture_output=True, text=True
    )
    found = json.loads(ran.stdout)
    table = Table(title=f"Roster: {users:,} seats; processor time, for the first time and again")
    for name in ("What", "Rows", "First", "Again"):
        table.add_column(name, justify="left" if name == "What" else "right")
    for name, words in ROSTER.items():
        table.add_row(words, f"{found[name]['rows']:,.0f}", f"{found[name]['cpu']:.2f} s", "")
    for name, (first, again, total) in found["pages"].items():
        table.add_row(name, f"{total:,.0f}", f"{first:.0f} ms", f"{again:.0f} ms")
    table.add_row("a person", "", f"{found['person']:.0f} ms", "")
    table.add_row("departments", "", f"{found['departments']:.0f} ms", "")
    table.add_row("size of the store", "", f"{found['mb']:.0f} MB", "")
    console.print(table)


def scrapes(console: Console, sizes: tuple[int, ...]) -> None:
    """Show the answer to Prometheus after years of releases: 50 ms at most, however many."""
    table = Table(title="Scrape after releases; beside it the bill, once a cycle")
    for name in ("Releases", "First ms", "Later ms", "Longest ms", "Bill ms"):
        table.add_column(name, justify="right")
    here = Path(__file__).parent
    for size in sizes:
        ran = subprocess.run(
            [sys.executable, str(here / "scrapes.py"), str(size)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent / 'tests'}"},
        )
        found = json.loads(ran.stdout.splitlines()[-1])
        times = (f"{found[name]:.1f}" for name in ("first", "later", "longest", "bill"))
        table.add_row(f"{size:,}", *times)
    console.print(table)


def pages(console: Console, users: int) -> None:
    """Show how long pages of the console take: 200 ms at the 95th percentile.

    The daemon that serves them may hold 160 MiB at rest and 250 meanwhile.
    """
    here = Path(__file__).parent
    ran = subprocess.run(
        [sys.executable, str(here / "console.py"), str(users)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(here)},
    )
    found = json.loads(ran.stdout)
    memory = f"{found['rest']:.0f} MiB at rest, {found['busy']:.0f} now"
    title = f"Console: {users:,} users, 20 clients of a page a second beside the daemon; {memory}"
    table = Table(title=title)
    for name in ("Page", "Median ms", "95th ms", "Longest ms"):
        table.add_column(name, justify="left" if name == "Page" else "right")
    for page, times in found["pages"].items():
        table.add_row(page, *(f"{ms:.0f}" for ms in times))
    console.print(table)


def main() -> None:
    """Measure what was asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 10,000 seats, one try each")
    parser.add_argument(
        "--only",
        choices=("plan", "monitor", "release", "history", "roster", "points", "scrape", "console"),
        help="one table",
    )
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 110)
    if given.only in (None, "plan"):
        plans(console, SIZES[:2] if given.quick else SIZES, 1 if given.quick else 3)
    if given.only in (None, "monitor"):
        monitoring(console, SIZES[1:2] if given.quick else SIZES[1:])
    if given.only in (None, "release"):
        releases(console)
    if given.only in (None, "history"):
        history(console, SIZES[1] if given.quick else SIZES[2])
    if given.only in (None, "roster"):
        roster(console, SIZES[1] if given.quick else SIZES[2])
    if given.only in (None, "points"):
        points(console, quick=given.quick)
    if given.only in (None, "scrape"):
        scrapes(console, SIZES[:2] if given.quick else SIZES)
    if given.only in (None, "console"):
        pages(console, SIZES[1] if given.quick else SIZES[2])


if __name__ == "__main__":
    main()
