"""The console of a large site: how long each page takes while twenty people look, and its memory.

Started as a program it is the server; the clients are in the process that measures, on one machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import psutil
from roster import NOW, a_reading, judged

from seatkeeper.config import load
from seatkeeper.core.health import Heartbeat
from seatkeeper.core.model import Capacity, LicenseType, Overview, Pool, Snapshot
from seatkeeper.core.roles import Grant, Identity, Role, SignIn
from seatkeeper.core.roster import lines_of
from seatkeeper.core.summarise import Beside, summarise
from seatkeeper.flow.context import Site
from seatkeeper.store import open_store
from seatkeeper.web.app import make_app
from seatkeeper.web.desk import Desk
from seatkeeper.web.render import compile_templates
from seatkeeper.web.server import bind, serve
from seatkeeper.wiring.readers import records_of

CLIENTS, SECONDS = 20, 30
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
  - {name: bench, qrs: {url: 'https://127.0.0.1:4242/qrs'}, license_shared_with: []}
cost: {currency: EUR, professional: {per_seat_month: 40}, analyzer: {per_seat_month: 15}}
"""


async def fill(folder: Path, users: int) -> str:
    """Fill a store with a reading and ninety days of pools; returns the secret of a session."""
    store = open_store(f"sqlite:///{folder}/console.db")
    reading = a_reading(users, NOW)
    pools = tuple(
        Pool(kind, True, users, users // 2, users // 2, users // 3, 0, 0) for kind in LicenseType
    )
    overview = Overview(pools, Capacity(True, 20_000, 5_000, 0))
    whole = Snapshot("bench", NOW, reading.users, reading.allocations, overview, None)
    known = judged(whole, NOW)
    await store.roster.keep("bench", NOW, lines_of(known, "department"))
    beside = Beside(seconds=3.8, requests=11, plan=None)
    await store.summaries.keep(summarise(known, beside))
    for back in range(90, -1, -1):
        at = NOW - timedelta(days=back)
        day = Snapshot("bench", at, {}, [], overview, None)
        await store.history.observe(day)
    who = Identity("Bench", SignIn.LINK, (Grant(Role.ADMIN),))
    secret = await store.sessions.begin(who, timedelta(days=1), NOW)
    store.close()
    return secret


async def answer(folder: Path) -> None:
    """Serve the console on a free port, which is printed, until killed."""
    (folder / "seatkeeper.yaml").write_text(CONFIG, encoding="utf-8")
    settings = load(folder / "seatkeeper.yaml", {}).settings
    store = open_store(f"sqlite:///{folder}/console.db")
    one = settings.sites[0]
    desk = Desk(
        settings=settings,
        store=store,
        records=records_of(store),
        sites={one.name: Site(one.name, one.to_policy(), cast("Any", None))},
        now=lambda: NOW,
        beat=lambda: Heartbeat(started=NOW, last_look=NOW),
    )
    with bind("127.0.0.1:0") as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        app = make_app(desk, await store.pseudonyms.key())
        await asyncio.to_thread(compile_templates)  # as the daemon does, beside its first readings
        await serve(app, listener, asyncio.Event())


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


async def measure(users: int, folder: Path) -> dict[str, Any]:
    """Return the milliseconds of each page, and the memory of the server in MiB."""
    secret = await fill(folder, users)
    server = subprocess.Popen(  # noqa: ASYNC220 - it is the thing that is measured
        [sys.executable, __file__, "--serve", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    try:
        port = int((server.stdout or sys.stdin).readline())
        taken: dict[str, list[float]] = {page: [] for page in PAGES}
        await asyncio.gather(*(look(port, secret, taken, n) for n in range(CLIENTS)))
        memory = psutil.Process(server.pid).memory_info().rss / 2**20
    finally:
        server.kill()
        server.wait()
    pages = {
        page: [statistics.median(ms), statistics.quantiles(ms, n=20)[-1], max(ms)]
        for page, ms in taken.items()
    }
    return {"pages": pages, "memory": memory}


def main() -> None:
    """Serve, or measure and print JSON."""
    if sys.argv[1] == "--serve":
        asyncio.run(answer(Path(sys.argv[2])))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(int(sys.argv[1]), Path(folder)))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
