"""The console of a large site, served by the daemon itself: how long each page takes, and memory.

The site is simulated in a process of its own; the twenty people who look are in the process that
measures, all on one machine. Measured are the daemon at rest, after its first reading and check,
and while people look and no cycle runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from site_process import BenchSite, a_site

from seatkeeper.core.model import Capacity, LicenseType, Overview, Pool, Snapshot
from seatkeeper.core.roles import Grant, Identity, Role, SignIn
from seatkeeper.store import Store, open_store

CLIENTS, SECONDS = 20, 30
REST = 20
"""Seconds from the end of the first reading to the look at the memory."""

PAGES = (
    "/",
    "/users",
    "/users?view=idle",
    "/users?sort=department",
    "/plans",
    "/ledger",
    "/alerts",
    "/cost",
    "/settings",
)
CONFIG = """\
sites:
  - name: bench
    qrs: {{url: '{url}', ca_file: {ca}, cert_file: {cert}, key_file: {key}}}
    license_shared_with: []
    schedule: {{monitor: every 6 hours, release: '0 3 * * *', timezone: UTC}}
cost: {{currency: EUR, professional: {{per_seat_month: 40}}, analyzer: {{per_seat_month: 15}}}}
console: {{listen: '127.0.0.1:{port}'}}
store: {{url: 'sqlite:///{store}'}}
"""


async def fill(store: Store, users: int, now: datetime) -> str:
    """Fill a store with ninety days of pools; returns the secret of a session."""
    pools = tuple(
        Pool(kind, True, users, users // 2, users // 2, users // 3, 0, 0) for kind in LicenseType
    )
    overview = Overview(pools, Capacity(True, 20_000, 5_000, 0))
    for back in range(90, 0, -1):
        day = Snapshot("bench", now - timedelta(days=back), {}, [], overview, None)
        await store.history.observe(day)
    who = Identity("Bench", SignIn.LINK, (Grant(Role.ADMIN),))
    return await store.sessions.begin(who, timedelta(days=1), now)


async def first_reading(store: Store, began: datetime) -> None:
    """Wait until the daemon has read the site and said what `check` finds."""
    for _ in range(600):
        summary = await store.summaries.newest("bench")
        if summary is not None and summary.at >= began and await store.connections.all():
            return
        await asyncio.sleep(0.5)
    raise SystemExit("the daemon did not read the site in five minutes")


async def look(port: int, secret: str, taken: dict[str, list[float]], number: int) -> None:
    """Ask for a page each second, as one person would."""
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, cookies={"seatkeeper": secret}) as client:
        await asyncio.sleep(number / CLIENTS)
        for turn in range(SECONDS):
            page, began = PAGES[(number + turn) % len(PAGES)], time.perf_counter()
            found = await client.get(page, timeout=30)
            took = time.perf_counter() - began
            found.raise_for_status()
            taken[page].append(took * 1000)
            await asyncio.sleep(max(0.0, 1 - took))


async def measure(users: int, site: BenchSite, folder: Path) -> dict[str, Any]:
    """Return the milliseconds of each page, and the memory of the daemon in MiB."""
    port, database = free_port(), folder / "bench.db"
    config = folder / "seatkeeper.yaml"
    config.write_text(
        CONFIG.format(url=site.url, port=port, store=database, **site.certificates), "utf-8"
    )
    began = datetime.now(UTC)
    with closing(open_store(f"sqlite:///{database}")) as store:
        secret = await fill(store, users, began)
        daemon = subprocess.Popen(  # noqa: ASYNC220 - it is the thing that is measured
            [sys.executable, "-m", "seatkeeper", "serve", "--config", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1"},
        )
        try:
            await first_reading(store, began)
            await asyncio.sleep(REST)
            rest = memory_of(daemon.pid)
            taken: dict[str, list[float]] = {page: [] for page in PAGES}
            await asyncio.gather(*(look(port, secret, taken, n) for n in range(CLIENTS)))
            busy = memory_of(daemon.pid)
        finally:
            daemon.kill()
            daemon.wait()
    pages = {
        page: [statistics.median(ms), statistics.quantiles(ms, n=20)[-1], max(ms)]
        for page, ms in taken.items()
    }
    return {"pages": pages, "rest": rest, "busy": busy}


def memory_of(pid: int) -> float:
    """Return what a process and its children hold, in MiB."""
    daemon = psutil.Process(pid)
    each = (daemon, *daemon.children(recursive=True))
    return float(sum(one.memory_info().rss for one in each)) / 2**20


def free_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main() -> None:
    """Measure and print JSON."""
    users = int(sys.argv[1])
    with a_site(users, users) as site, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(users, site, Path(folder)))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
