"""One measurement in a process of its own: named on the command line, result as JSON."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import plain

from seatkeeper.core.policy import Agreement, Limits, Mode, Policy, Shared, SharedKind, TypePolicy
from seatkeeper.flow.apply import apply_plan
from seatkeeper.flow.approve import Approval, approve
from seatkeeper.flow.context import Run, Site
from seatkeeper.flow.monitor import monitor
from seatkeeper.flow.propose import propose
from seatkeeper.flow.sampling import sampled
from seatkeeper.qrs.client import Connection, QrsClient
from seatkeeper.qrs.reader import SiteReader
from seatkeeper.settings import Settings, SiteSettings
from seatkeeper.store import Store, open_store
from seatkeeper.wiring.clock import SystemClock, this_actor
from seatkeeper.wiring.hands import hands_of
from seatkeeper.wiring.readers import OpenSite, records_of
from seatkeeper.wiring.rostering import RosterKeeper

CLOCK = SystemClock()


def _peak() -> float:
    """Peak memory of this process so far, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmHWM: measure on Linux")


def _size(folder: str) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in Path(folder).iterdir())


def _policy(seats: int) -> Policy:
    return Policy(
        professional=TypePolicy(enabled=seats == 0, release_after=timedelta(days=90)),
        analyzer=TypePolicy(enabled=True, release_after=timedelta(days=7)),
        new_seat_grace=timedelta(days=7),
        mode=Mode.APPROVE,
        agreement=Agreement("bench", CLOCK.now().date()),
        shared=Shared(SharedKind.NOBODY),
        limits=Limits(max_per_run=seats or 50, max_per_day=seats or 50, max_share=0.5, grown=99),
    )


def _settings(options: dict[str, Any]) -> SiteSettings:
    return SiteSettings.model_validate(_site(options))


def _site(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "bench",
        "qrs": {
            "url": options["url"],
            "ca_file": options["ca"],
            "cert_file": options["cert"],
            "key_file": options["key"],
            "user": "INTERNAL\\sa_api",
            "concurrency": options.get("concurrency", 4),
        },
    }


async def _scrape(store: Store, options: dict[str, Any]) -> float:
    """Median milliseconds of an answer to Prometheus that nobody asked for just before."""
    settings = Settings.model_validate({"sites": [_site(options)]})
    taken = []
    for _ in range(21):
        from seatkeeper.wiring.exposing import Exposed  # noqa: PLC0415 - others need no such memory

        exposed = Exposed(store, settings, CLOCK.now)
        began = time.perf_counter()
        await exposed("text/plain")
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _connection(options: dict[str, Any]) -> Connection:
    return Connection(
        url=options["url"],
        ca_file=Path(options["ca"]),
        cert_file=Path(options["cert"]),
        key_file=Path(options["key"]),
        user="INTERNAL\\sa_api",
        concurrency=int(options.get("concurrency", 4)),
        timeout=timedelta(seconds=60),
    )


async def plan(options: dict[str, Any]) -> dict[str, float]:
    """Read, judge, guard and record a plan; time from the first request, certificates loaded."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        records = records_of(store)
        async with QrsClient(_connection(options), CLOCK.now) as client:
            site = Site("bench", _policy(0), SiteReader(client))
            before = _peak()
            began = time.perf_counter()
            run = Run("bench", this_actor(), CLOCK)
            stored = await propose(site, [], records, run, CLOCK.now())
            seconds = time.perf_counter() - began
            requests = client.requests
        store.close()
    return {
        "seconds": seconds,
        "requests": requests,
        "peak": _peak(),
        "before": before,
        "eligible": stored.plan.eligible,
    }


async def watch(options: dict[str, Any]) -> dict[str, float]:
    """Do two monitoring cycles: the first writes everybody's first day, the second is the usual."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        roster = RosterKeeper({"bench": _policy(0)}, "", store)
        records = records_of(store, (roster,) if options.get("roster", True) else ())
        async with QrsClient(_connection(options), CLOCK.now) as client:
            site = Site("bench", _policy(0), SiteReader(client))
            run = Run("bench", this_actor(), CLOCK)
            seconds, troubles = [], 0
            for _ in range(2):
                began, sent = time.perf_counter(), client.requests
                async with sampled("monitor", site, records, run):
                    done = await monitor(site, records, run)
                seconds.append(time.perf_counter() - began)
                requests = client.requests - sent
                troubles += len(done.troubles)
        scrape = await _scrape(store, options)
        store.close()
        size = _size(folder)
    return {
        "first": seconds[0],
        "usual": seconds[1],
        "requests": requests,
        "peak": _peak(),
        "store": size / 1e6,
        "scrape": scrape,
        "troubles": troubles,
    }


async def release(options: dict[str, Any]) -> dict[str, float]:
    """Plan, approve and apply so many releases, second look and read-back included."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        records = records_of(store)
        async with QrsClient(_connection(options), CLOCK.now) as client:
            site = Site("bench", _policy(int(options["seats"])), SiteReader(client))
            opened = OpenSite(site, client, _settings(options))
            run = Run("bench", this_actor("bench"), CLOCK)
            began = time.perf_counter()
            stored = await propose(site, [], records, run, CLOCK.now())
            limits = tuple({v.limit for v in stored.plan.violations})
            approval = Approval(run.actor, "bench", limits)
            async with store.leases.holding("bench", "apply") as held:
                ready = await approve(stored.plan.plan_id, site, records, approval, CLOCK.now())
                hands = hands_of(opened, records, run, held)
                result = await apply_plan(ready, site, [], records, run, hands)
            seconds = time.perf_counter() - began
            requests = client.requests
        store.close()
    return {
        "seconds": seconds,
        "requests": requests,
        "released": result.counts.get("released", 0),
        "actions": len(result.outcomes),
    }


WORKERS: dict[str, Callable[[dict[str, Any]], dict[str, float]]] = {
    "plan": lambda o: asyncio.run(plan(o)),
    "watch": lambda o: asyncio.run(watch(o)),
    "release": lambda o: asyncio.run(release(o)),
    "plain_release": lambda o: plain.release(o, int(o["seats"])),
    "plain_download": plain.run_download,
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(WORKERS[sys.argv[1]](json.loads(sys.argv[2]))) + "\n")
