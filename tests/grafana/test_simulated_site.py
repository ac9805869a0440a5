"""Dashboards over half a year of a simulated site: read, released, written and asked for real."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grafana_asking import from_influx, panels, range_of
from influx import Influx, an_influx
from seatkeeper.cli.demo_past import DAYS, live_half_year, settings_in
from seatkeeper.core.measures import COST, MEASUREMENTS
from seatkeeper.flow.tell import deliver
from seatkeeper.grafana.export import Choices, files
from seatkeeper.settings import Settings
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from seatkeeper.wiring.clock import SystemClock
from seatkeeper.wiring.readers import open_records
from seatkeeper.wiring.telling import open_sinks

CONFIG = """\
sites:
  - name: prod
    qrs:
      url: {url}
      ca_file: site/root.pem
      cert_file: site/client.pem
      key_file: site/client_key.pem
    license_shared_with: []
    policy:
      mode: approve
      agreement_reviewed: {{by: someone, on: 2026-01-01}}
      professional: {{enabled: true, release_after: 60d}}
      analyzer: {{enabled: true, release_after: 60d}}
store: {{url: sqlite:///seatkeeper.db}}
metrics:
  influxdb: [{{name: main, url: '{influx}', database: butler, users: pseudonymous}}]
"""

CASES = [
    pytest.param(dashboard, panel, id=f"{dashboard['title']}: {panel['title']}")
    for path, body in files(Choices()).items()
    if path.startswith("influxdb/dashboards/")
    for dashboard in [json.loads(body)]
    for panel in panels(dashboard)
]

MAY_BE_EMPTY = {"In how many days is each pool empty?"}
"""A pool that is cleaned up every four weeks may not be getting empty."""


async def half_a_year(folder: Path, influx: Influx, end: datetime) -> None:
    """Let the site live, watched and cleaned up, and deliver every point to influxd."""
    options = SimOptions(
        users=120,
        tokens=100,
        state_dir=folder / "site",
        now=end - timedelta(days=DAYS),
        speed=0,
        license_days=DAYS + 60,
    )
    async with Simulator(options) as simulator:
        text = CONFIG.format(url=simulator.url, influx=influx.url)
        (folder / "seatkeeper.yaml").write_text(text)
        settings = settings_in(folder)
        await live_half_year(simulator, settings, "someone", end, lambda _: None)
    await deliver_everything(settings)


async def deliver_everything(settings: Settings) -> None:
    clock = SystemClock()
    store, _ = open_records(settings)
    try:
        async with open_sinks(settings, clock) as sinks:
            ((target, sink),) = sinks.items()
            limit = timedelta(seconds=60)
            told = await deliver(target, sink, store.outbox, clock, limit=limit)
    finally:
        store.close()
    assert (told.error, told.set_aside) == ("", 0)
    assert told.delivered > DAYS


@pytest.fixture(scope="module")
def end() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory, end: datetime) -> Iterator[Influx]:
    with an_influx() as server:
        asyncio.run(half_a_year(tmp_path_factory.mktemp("half"), server, end))
        yield server


@pytest.fixture(scope="module")
def measured(influx: Influx) -> set[str]:
    return {row["name"] for row in influx.rows("SHOW MEASUREMENTS")}


@pytest.mark.parametrize(("dashboard", "panel"), CASES)
def test_a_panel_shows_what_happened_at_the_site(
    influx: Influx, measured: set[str], end: datetime, dashboard: dict, panel: dict
) -> None:
    if not asked_of(panel) <= measured:
        pytest.skip("the site has no prices")
    chosen = replace(range_of(dashboard, end + timedelta(minutes=5)), sites=("prod",))

    answers = list(from_influx(influx, panel, chosen))

    if panel["title"] in MAY_BE_EMPTY:
        return
    assert all(answers)
    assert any(value is not None for (series, *_) in answers for value in series.values[-1][1:])


def test_only_prices_are_missing_from_what_is_measured(measured: set[str]) -> None:
    known = {measurement.name for measurement in MEASUREMENTS}

    assert known - measured <= {COST.name}


def asked_of(panel: dict) -> set[str]:
    queries = " ".join(target["query"] for target in panel["targets"])
    return set(re.findall(r'FROM "(\w+)"', queries))
