"""Points through the outbox to a real influxd; a process of its own, results as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from seatkeeper.core.points import Point, nanoseconds, points_of
from seatkeeper.flow.tell import deliver
from seatkeeper.outlets.influxdb import InfluxSink, version_1
from seatkeeper.outlets.lines import encoder
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.clock import SystemClock

if TYPE_CHECKING:
    from influx import Influx

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
SITES = 20
OUTAGE = timedelta(hours=2)
EVERY = timedelta(minutes=5)


def points(console: Console, *, quick: bool) -> None:
    """Show points a second, and how long it takes to catch up after an outage."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, __file__, "10000" if quick else "100000"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent / 'tests'}"},
    )
    table = Table(title="InfluxDB: points through the outbox in SQLite to a real influxd 1.x")
    for name in ("What", "Points", "Put s", "Deliver s", "Points a second, both"):
        table.add_column(name, justify="left" if name == "What" else "right")
    for row in json.loads(done.stdout.splitlines()[-1]):
        both = row["points"] / (row["put"] + row["deliver"])
        table.add_row(
            row["what"],
            f"{row['points']:,}",
            f"{row['put']:.2f}",
            f"{row['deliver']:.2f}",
            f"{both:,.0f}",
        )
    console.print(table)


def _of_users(number: int) -> list[Point]:
    tags, at = (("site", "bench"), ("license_type", "analyzer")), nanoseconds(NOW)
    return [
        Point("qlik_license_user", tags, {"user": f"{n:032x}", "days_idle": float(n % 400)}, at + n)
        for n in range(number)
    ]


def _of_cycles() -> list[list[Point]]:
    from builders import a_summary  # noqa: PLC0415 - of the tests, on the path of this process alone

    return [
        points_of(a_summary(site=f"site-{site}", at=NOW + cycle * EVERY))
        for cycle in range(OUTAGE // EVERY)
        for site in range(SITES)
    ]


async def _measure(number: int) -> list[dict[str, object]]:
    from influx import an_influx  # noqa: PLC0415 - as above

    with an_influx() as influx, tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        users = await _through(store, influx, [_of_users(number)])
        influx.stop()
        cycles = await _through(store, influx, _of_cycles())
        store.close()
    down = f"two hours down, {SITES} sites every {EVERY.seconds // 60} min"
    return [{"what": "a point a user", **users}, {"what": down, **cycles}]


async def _through(store: Store, influx: Influx, parts: list[list[Point]]) -> dict[str, float]:
    """Put all parts, let the server come up if it is down, and deliver until nothing is left."""
    encode = encoder({})
    began = time.perf_counter()
    for part in parts:
        await store.outbox.put("influx:bench", encode(part))
    put = time.perf_counter() - began
    if not influx.is_up():
        influx.start()
    began = time.perf_counter()
    async with InfluxSink(version_1(influx.url, "bench")) as sink:
        told = await deliver("influx:bench", sink, store.outbox, SystemClock())
    seconds = time.perf_counter() - began
    number = sum(map(len, parts))
    assert (told.delivered, told.error) == (number, ""), told
    return {"points": number, "put": put, "deliver": seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_measure(int(sys.argv[1])))) + "\n")
