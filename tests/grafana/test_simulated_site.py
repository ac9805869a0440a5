"""Dashboards over half a year of a simulated site: read, released, written and asked for real."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from grafana_asking import from_influx, from_prometheus, panels, range_of
from influx import Influx, an_influx
from prometheus_server import Prometheus, a_prometheus
from seatkeeper.cli.demo_past import DAYS, HalfYear, live_half_year, settings_in
from seatkeeper.core.measures import COST, MEASUREMENTS
from seatkeeper.core.rules import Reason
from seatkeeper.core.scrape import Counted, Scrape
from seatkeeper.flow.tell import deliver
from seatkeeper.grafana.export import Choices, files
from seatkeeper.outlets.prometheus import expose
from seatkeeper.settings import Settings
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.serve import Simulator
from seatkeeper.wiring.clock import SystemClock
from seatkeeper.wiring.readers import open_records
from seatkeeper.wiring.telling import open_sinks

BUDGET = 4000

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
cost:
  currency: EUR
  professional: {{per_seat_month: 60}}
  analyzer: {{per_seat_month: 25}}
  budget_month: {budget}
retention: {{outbox: 366d}}
metrics:
  influxdb: [{{name: main, url: '{influx}', database: butler, users: pseudonymous}}]
"""

CASES = {
    flavour: [
        pytest.param(dashboard, panel, id=f"{dashboard['title']}: {panel['title']}")
        for path, body in files(Choices()).items()
        if path.startswith(f"{flavour}/dashboards/")
        for dashboard in [json.loads(body)]
        for panel in panels(dashboard)
    ]
    for flavour in ("influxdb", "prometheus")
}

MAY_BE_EMPTY = {"In how many days is each pool empty?"}
"""A pool that is cleaned up every four weeks may not be getting empty."""


@dataclass(frozen=True)
class Lived:
    """Half a year of a site, and what it cost at each reading, as its points say."""

    half: HalfYear
    costs: Mapping[datetime, Mapping[tuple[str, str, str], Decimal]]


async def half_a_year(folder: Path, influx: Influx, end: datetime) -> Lived:
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
        text = CONFIG.format(url=simulator.url, influx=influx.url, budget=BUDGET)
        (folder / "seatkeeper.yaml").write_text(text)
        settings = settings_in(folder)
        half = await live_half_year(simulator, settings, "someone", lambda _: None, asyncio.Event())
    await deliver_everything(settings)
    return Lived(half, costs_of(influx))


def scraped(lived: Lived) -> str:
    """Return what the daemon would have exposed on every second day, with its time."""
    found, half = dict[str, list[str]](), lived.half
    for summary in half.summaries[::-2][::-1]:
        scrape = Scrape(
            summaries={"prod": summary},
            releases=released_until(half, summary.at),
            successes={("prod", job): summary.at for job in ("monitor", "release")},
            outbox={("influx:main", "waiting"): 0},
            costs=lived.costs[summary.at],
            budget=Decimal(BUDGET),
        )
        text = expose(scrape, "application/openmetrics-text").body.decode()
        for family in text_string_to_metric_families(text):
            if family.name.startswith("process"):
                continue
            lines = found.setdefault(family.name, [f"# TYPE {family.name} {family.type}"])
            at = summary.at.timestamp()
            lines += [
                f"{one.name}{{{labels_of(one.labels)}}} {one.value} {at}" for one in family.samples
            ]
    return "\n".join([*chain.from_iterable(found.values()), "# EOF", ""])


def costs_of(influx: Influx) -> dict[datetime, dict[tuple[str, str, str], Decimal]]:
    """Return what each reading told InfluxDB of money, as the daemon exposes it."""
    found: dict[datetime, dict[tuple[str, str, str], Decimal]] = {}
    of_sites = "SELECT * FROM qlik_license_cost WHERE site != '' GROUP BY site, license_type"
    rows = influx.rows(of_sites)
    for row in rows:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row["time"] // 1000)
        found.setdefault(at, {}).update(
            {
                (row["site"], row["license_type"], kind): Decimal(str(row[kind]))
                for kind in COST.fields
                if row.get(kind) is not None
            }
        )
    return found


def labels_of(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def released_until(half: HalfYear, at: datetime) -> Counter[Counted]:
    """Count the seats of the clean-ups so far, one every four weeks, all for the same reason."""
    days = (at - half.summaries[0].at).days
    return Counter(
        Counted("prod", done.license_type, done.outcome, Reason.IDLE)
        for run in half.past.runs[: days // 28]
        for done in run.outcomes
    )


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
def influx() -> Iterator[Influx]:
    with an_influx() as server:
        yield server


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, influx: Influx, end: datetime) -> Lived:
    return asyncio.run(half_a_year(tmp_path_factory.mktemp("half"), influx, end))


@pytest.fixture(scope="module")
def prometheus(lived: Lived) -> Iterator[Prometheus]:
    with a_prometheus(scraped(lived), lookback="49h") as server:
        yield server


@pytest.fixture(scope="module")
def measured(influx: Influx, lived: Lived) -> set[str]:
    assert len(lived.half.summaries) >= DAYS
    return {row["name"] for row in influx.rows("SHOW MEASUREMENTS")}


@pytest.mark.parametrize(("dashboard", "panel"), CASES["influxdb"])
def test_a_panel_shows_what_happened_at_the_site(
    influx: Influx, measured: set[str], end: datetime, dashboard: dict, panel: dict
) -> None:
    assert asked_of(panel) <= measured
    chosen = replace(range_of(dashboard, end + timedelta(minutes=5)), sites=("prod",))

    answers = list(from_influx(influx, panel, chosen))

    if panel["title"] in MAY_BE_EMPTY:
        return
    assert all(answers)
    assert any(value is not None for (series, *_) in answers for value in series.values[-1][1:])


@pytest.mark.parametrize(("dashboard", "panel"), CASES["prometheus"])
def test_a_panel_shows_what_the_daemon_would_have_exposed(
    prometheus: Prometheus, end: datetime, dashboard: dict, panel: dict
) -> None:
    chosen = replace(range_of(dashboard, end + timedelta(minutes=5)), sites=("prod",))

    answers = list(from_prometheus(prometheus, panel, chosen))

    assert all(answers) or panel["title"] in MAY_BE_EMPTY


def test_the_money_on_prometheus_changes_as_the_site_does(
    prometheus: Prometheus, end: datetime
) -> None:
    cases = {param.values[1]["title"]: param.values for param in CASES["prometheus"]}
    dashboard, panel = cases["Where does the money go, month after month?"]
    chosen = replace(range_of(dashboard, end + timedelta(minutes=5)), sites=("prod",))

    in_use, idle, *_ = from_prometheus(prometheus, panel, chosen)

    for (series,) in (in_use, idle):
        assert len({value for _, value in series.values}) > 10


def test_everything_is_measured(measured: set[str]) -> None:
    assert {measurement.name for measurement in MEASUREMENTS} <= measured


def asked_of(panel: dict) -> set[str]:
    queries = " ".join(target["query"] for target in panel["targets"])
    return set(re.findall(r'FROM "(\w+)"', queries))
