"""An answer to Prometheus after years of releases: no scrape may have to look at each of them."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from builders import a_summary
from seatkeeper.core.changes import ChangeKind
from seatkeeper.core.cost import SeatGroup, SeatGroups
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.scrape import Counted
from seatkeeper.settings import Settings
from seatkeeper.store import Store, open_store
from seatkeeper.store.counters import Count, count_up
from seatkeeper.store.tables import PLAN, PLAN_ACTION
from seatkeeper.store.watch_tables import SEAT_EVENT
from seatkeeper.wiring.costing import bill
from seatkeeper.wiring.exposing import Exposed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TYPES = tuple(kind.value for kind in LicenseType)
PER_PLAN = 250
"""Releases of one plan; the plans lie in the last year, one beside the other."""

SETTINGS = {
    "sites": [
        {
            "name": "prod",
            "qrs": {"url": "https://qlik.example:4242/qrs", "user": "INTERNAL\\sa_api"}
            | {f"{name}_file": "unused.pem" for name in ("ca", "cert", "key")},
        }
    ],
    "cost": {
        "currency": "EUR",
        "professional": {"per_seat_month": 60},
        "analyzer": {"per_seat_month": 30},
    },
}


def _plan(number: int, at: datetime) -> dict[str, Any]:
    words = dict.fromkeys(
        ("policy_digest", "approve_reason", "note", "first_status", "violations", "digest"), ""
    )
    return words | {
        "plan_id": f"plan-{number}",
        "site": "prod",
        "body": b"",
        "status": "applied",
        "created_at": at,
        "expires_at": at,
        "actions": PER_PLAN,
        "deferred": 0,
        "overridden": False,
    }


def _actions(number: int, at: datetime) -> Iterator[dict[str, Any]]:
    for n in range(PER_PLAN):
        yield {
            "plan_id": f"plan-{number}",
            "allocation_id": f"{number:08x}-{n:04x}-4000-8000-000000000000",
            "run_id": f"run-{number}",
            "site": "prod",
            "license_type": LicenseType.ANALYZER if n % 5 else LicenseType.PROFESSIONAL,
            "person": f"EXAMPLE\\user{number}-{n}",
            "person_key": f"example\\user{number}-{n}",
            "user_id": "",
            "reason": "idle" if n % 3 else "never_used",
            "intended_at": at,
            "outcome": Outcome.RELEASED if n % 50 else Outcome.CHANGED,
            "detail": "",
            "settled_at": at,
        }


def _event(action: dict[str, Any], kind: ChangeKind) -> dict[str, Any]:
    of_action = {k: action[k] for k in ("site", "license_type", "allocation_id", "plan_id")}
    return {**of_action, "at": NOW, "kind": kind, "through": "somebody"}


async def fill(store: Store, releases: int) -> None:
    """Write so many releases of the last year; one in twenty came back."""
    plans = releases // PER_PLAN
    with store._db.writing() as conn:  # noqa: SLF001 - years of cycles take too long
        for number in range(plans):
            at = NOW - timedelta(days=365 * (plans - number) / (plans + 1))
            rows = list(_actions(number, at))
            conn.execute(sa.insert(PLAN).values(_plan(number, at)))
            conn.execute(sa.insert(PLAN_ACTION), rows)
            conn.execute(sa.insert(SEAT_EVENT), [_event(row, ChangeKind.RELEASED) for row in rows])
            back = [_event(row, ChangeKind.CAME_BACK) for row in rows[::20]]
            conn.execute(sa.insert(SEAT_EVENT), back)
            outcomes = (Counted("prod", r["license_type"], r["outcome"], r["reason"]) for r in rows)
            count_up(conn, Count.RELEASES, Counter(outcomes))
            count_up(conn, Count.REGRETS, Counter(Counted("prod", r["license_type"]) for r in back))
    await store.summaries.keep(a_summary(at=NOW))
    seats = SeatGroup(
        department="IT", license_type=LicenseType.ANALYZER, allocated=80_000, idle=9_000
    )
    cost = {kind: dict.fromkeys(("spend", "idle_spend", "savings"), Decimal(1)) for kind in TYPES}
    await store.costs.keep(SeatGroups(site="prod", at=NOW, groups=(seats,)))
    await store.costs.keep_amounts("prod", NOW, cost)


async def measure(releases: int) -> dict[str, float]:
    """Milliseconds of the first scrape of a process and of a later one; of the bill of a cycle."""
    settings = Settings.model_validate(SETTINGS)
    seconds = [0.0]
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/bench.db")
        await fill(store, releases)

        async def scrape(exposed: Exposed, after: float) -> float:
            seconds[0] += after
            began = time.perf_counter()
            await exposed("text/plain")
            return (time.perf_counter() - began) * 1000

        first, later = [], []
        for _ in range(7):
            exposed = Exposed(store, settings, lambda: NOW, lambda: seconds[0])
            first.append(await scrape(exposed, 2))
            later += [await scrape(exposed, 61) for _ in range(3)]
        began = time.perf_counter()
        await bill(store, settings, "prod", NOW)
        billed = (time.perf_counter() - began) * 1000
        store.close()
    return {
        "releases": releases,
        "first": max(first),
        "later": statistics.median(later),
        "longest": max(later),
        "bill": billed,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(measure(int(sys.argv[1])))) + "\n")
