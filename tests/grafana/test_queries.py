"""Every query of every panel has an answer on a real InfluxDB and a real Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from grafana_asking import from_influx, from_prometheus, panels, range_of
from grafana_points import line_protocol, open_metrics, this_minute
from influx import Influx, an_influx
from prometheus_server import Prometheus, a_prometheus
from seatkeeper.grafana.export import Choices, files
from seatkeeper.grafana.rules import RULES, Rule

FILES = files(Choices())
CASES = {
    flavour: [
        pytest.param(dashboard, panel, id=f"{dashboard['title']}: {panel['title']}")
        for path, body in FILES.items()
        if path.startswith(f"{flavour}/dashboards/")
        for dashboard in [json.loads(body)]
        for panel in panels(dashboard)
    ]
    for flavour in ("influxdb", "prometheus")
}


@pytest.fixture(scope="module")
def end() -> datetime:
    return this_minute()


@pytest.fixture(scope="module")
def influx(end: datetime) -> Iterator[Influx]:
    with an_influx() as server:
        server.ask("CREATE DATABASE butler")
        server.write("\n".join(line_protocol(end)))
        yield server


@pytest.fixture(scope="module")
def prometheus(end: datetime) -> Iterator[Prometheus]:
    with a_prometheus(open_metrics(end)) as server:
        yield server


@pytest.mark.parametrize(("dashboard", "panel"), CASES["influxdb"])
def test_influxdb_answers(influx: Influx, end: datetime, dashboard: dict, panel: dict) -> None:
    for answer in from_influx(influx, panel, range_of(dashboard, end)):
        assert answer
        assert all(row[-1] is not None for series in answer for row in series.values[:1])


@pytest.mark.parametrize(("dashboard", "panel"), CASES["prometheus"])
def test_prometheus_answers(
    prometheus: Prometheus, end: datetime, dashboard: dict, panel: dict
) -> None:
    for answer in from_prometheus(prometheus, panel, range_of(dashboard, end)):
        assert answer
        assert all(series.values for series in answer)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.influx], ids=lambda r: r.name)
def test_influxdb_answers_an_alert_rule(influx: Influx, rule: Rule) -> None:
    assert influx.ask(rule.influx.replace("$timeFilter", "time > now() - 1d"), "butler")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_prometheus_understands_an_alert_rule(prometheus: Prometheus, rule: Rule) -> None:
    prometheus.ask("query", query=rule.expr)
