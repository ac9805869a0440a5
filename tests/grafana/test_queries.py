"""Every query of every panel has an answer on a real InfluxDB and a real Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import pytest

from grafana_asking import Series, from_influx, from_prometheus, panels, range_of
from grafana_points import PRICE, TOTALS, line_protocol, open_metrics, this_minute
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


def has_numbers(series: Series) -> bool:
    """Whether a series has values, at most one for each time."""
    times = [row[0] for row in series.values]
    once = len(set(times)) == len(times) or "User" in series.columns
    return once and any(row[-1] is not None for row in series.values)


@pytest.mark.parametrize(("dashboard", "panel"), CASES["influxdb"])
def test_influxdb_answers(influx: Influx, end: datetime, dashboard: dict, panel: dict) -> None:
    for answer in from_influx(influx, panel, range_of(dashboard, end)):
        assert answer
        assert all(has_numbers(series) for series in answer)


@pytest.mark.parametrize(("dashboard", "panel"), CASES["prometheus"])
def test_prometheus_answers(
    prometheus: Prometheus, end: datetime, dashboard: dict, panel: dict
) -> None:
    for answer in from_prometheus(prometheus, panel, range_of(dashboard, end)):
        assert answer
        assert all(has_numbers(series) for series in answer)


def money(panel_title: str, flavour: str) -> tuple[dict, dict]:
    found = {param.values[1]["title"]: param.values for param in CASES[flavour]}
    dashboard, panel = found[panel_title]
    return dashboard, panel


def test_the_parts_of_the_spend_are_the_spend_on_every_day(
    influx: Influx, prometheus: Prometheus, end: datetime
) -> None:
    spend = sum(total * PRICE[kind] for (_, kind), total in TOTALS.items())
    title = "Where does the money go, month after month?"

    for flavour, ask in (
        ("influxdb", partial(from_influx, influx)),
        ("prometheus", partial(from_prometheus, prometheus)),
    ):
        dashboard, panel = money(title, flavour)
        (used,), (idle,), _budget = ask(panel, range_of(dashboard, end))
        both = dict(used.values)
        assert len(both) > 150
        assert {at: both[at] + value for at, value in idle.values} == {
            at: pytest.approx(spend) for at in both
        }


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.influx], ids=lambda r: r.name)
def test_influxdb_answers_an_alert_rule(influx: Influx, rule: Rule) -> None:
    assert influx.ask(rule.influx.replace("$timeFilter", "time > now() - 1d"), "butler")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_prometheus_understands_an_alert_rule(prometheus: Prometheus, rule: Rule) -> None:
    prometheus.ask("query", query=rule.expr)
