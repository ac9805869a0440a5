"""Every query of every panel has an answer on a real InfluxDB and a real Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from builders import a_summary
from grafana_asking import Series, everything_chosen, from_influx, from_prometheus, panels
from grafana_points import (
    DAYS,
    INFLUX_STEP,
    PRICE,
    PROMETHEUS_STEP,
    TOTALS,
    Moment,
    line_protocol,
    minutes_cost,
    moments,
    open_metrics,
    pool,
    this_minute,
)
from influx import Influx, an_influx
from prometheus_server import Prometheus, a_prometheus
from seatkeeper.core.model import Tokens
from seatkeeper.core.scrape import Scrape
from seatkeeper.grafana.export import Choices, files
from seatkeeper.grafana.rules import RULES, Rule
from seatkeeper.outlets.prometheus import expose

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
    return once and any(row[-1] is not None and str(row[-1]) != "nan" for row in series.values)


@pytest.mark.parametrize(("dashboard", "panel"), CASES["influxdb"])
def test_influxdb_answers(influx: Influx, end: datetime, dashboard: dict, panel: dict) -> None:
    for answer in from_influx(influx, panel, everything_chosen(influx, dashboard, end)):
        assert answer
        assert all(has_numbers(series) for series in answer)


@pytest.mark.parametrize(("dashboard", "panel"), CASES["prometheus"])
def test_prometheus_answers(
    prometheus: Prometheus, end: datetime, dashboard: dict, panel: dict
) -> None:
    for answer in from_prometheus(prometheus, panel, everything_chosen(prometheus, dashboard, end)):
        assert answer
        assert all(has_numbers(series) for series in answer)


def asked_of(panel_title: str, flavour: str) -> tuple[dict, dict]:
    found = {param.values[1]["title"]: param.values for param in CASES[flavour]}
    dashboard, panel = found[panel_title]
    return dashboard, panel


def test_the_parts_of_the_spend_are_the_spend_on_every_day(
    influx: Influx, prometheus: Prometheus, end: datetime
) -> None:
    title = "Where does the money go, month after month?"

    for flavour, server, ask in (
        ("influxdb", influx, partial(from_influx, influx)),
        ("prometheus", prometheus, partial(from_prometheus, prometheus)),
    ):
        dashboard, panel = asked_of(title, flavour)
        after = end + timedelta(minutes=1)
        chosen = replace(everything_chosen(server, dashboard, after), types=tuple(PRICE))
        (used,), (idle,), _budget = ask(panel, chosen)
        both = dict(used.values)
        assert len(both) > 150
        assert {at: both[at] + value for at, value in idle.values} == {
            at: pytest.approx(seats_spend(end, flavour, at / 1000)) for at in both
        }


def seats_spend(end: datetime, flavour: str, at: float) -> float:
    """Return what all seats cost that were held when a value was taken, told with that time.

    A day of InfluxDB is named after its beginning and has the numbers of its end.
    """
    is_influx = flavour == "influxdb"
    until = at + (86_400 if is_influx else 0)
    every = moments(end, INFLUX_STEP if is_influx else PROMETHEUS_STEP)
    *_, now = (moment for moment in every if moment.at.timestamp() <= until)
    return sum(pool(site, kind, now)["allocated"] * PRICE[kind] for site, kind in TOTALS)


@pytest.mark.parametrize("flavour", ["influxdb", "prometheus"])
def test_the_tile_of_the_spend_is_the_whole_bill_minutes_of_capacity_included(
    influx: Influx, prometheus: Prometheus, end: datetime, flavour: str
) -> None:
    dashboard, panel = asked_of("What do the seats cost a month?", flavour)
    after = end + timedelta(minutes=1)
    if flavour == "influxdb":
        (answer,) = from_influx(influx, panel, everything_chosen(influx, dashboard, after))
    else:
        chosen = everything_chosen(prometheus, dashboard, after)
        (answer,) = from_prometheus(prometheus, panel, chosen)

    (told,) = [series.values[-1][1] for series in answer]

    of_minutes = minutes_cost(Moment(end, DAYS))["spend"]
    assert of_minutes > 0
    assert told == pytest.approx(seats_spend(end, flavour, end.timestamp()) + of_minutes)


def test_a_site_with_tokens_alone_can_be_chosen() -> None:
    tokens = Tokens(total=50.0, available=20.0, user=None, login=None)
    off = tuple(replace(pool, enabled=False) for pool in a_summary().pools)
    summary = a_summary(site="tokens", pools=off, seats=(), capacity=None, tokens=tokens)
    exposed = expose(Scrape(summaries={"tokens": summary})).body.decode()
    (selector,) = {
        variable["query"]["query"].removeprefix("label_values(").removesuffix(", site)")
        for path, body in FILES.items()
        if path.startswith("prometheus/dashboards/")
        for variable in json.loads(body)["templating"]["list"]
        if variable["name"] == "site"
    }

    assert f'\n{selector}{{site="tokens"}} ' in exposed
    assert "\nqlik_license_seats{" not in exposed


def test_an_alert_on_seatkeeper_itself_is_shown_beside_those_of_the_sites(
    prometheus: Prometheus, end: datetime
) -> None:
    dashboard, panel = asked_of("Which of Seatkeeper's own alerts are firing?", "prometheus")

    (answer,) = from_prometheus(prometheus, panel, everything_chosen(prometheus, dashboard, end))

    firing = {series.name for series in answer if series.values[-1][1] > 0}
    assert firing == {"Seatkeeper critical"}
    assert {series.name.split()[0] for series in answer} == {"prod", "test", "Seatkeeper"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.influx], ids=lambda r: r.name)
def test_influxdb_answers_an_alert_rule(influx: Influx, rule: Rule) -> None:
    assert influx.ask(rule.influx.replace("$timeFilter", "time > now() - 1d"), "butler")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_prometheus_understands_an_alert_rule(prometheus: Prometheus, rule: Rule) -> None:
    prometheus.ask("query", query=rule.expr)
