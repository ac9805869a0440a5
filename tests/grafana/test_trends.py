"""What is told of the days to come, from histories whose trend is known, on both servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import pytest

from builders import a_summary
from grafana_asking import Range, Series, from_influx, from_prometheus, panels
from grafana_points import this_minute
from influx import Influx, an_influx
from prometheus_server import Prometheus, a_prometheus
from seatkeeper.core.scrape import Scrape
from seatkeeper.core.summary import LicenseState, LicenseSummary
from seatkeeper.grafana.export import Choices, files
from seatkeeper.grafana.rules import RULES
from seatkeeper.outlets.prometheus import expose

PANELS = {
    (path.split("/")[0], panel["title"]): panel
    for path, body in files(Choices()).items()
    if path.endswith("planning.json")
    for panel in panels(json.loads(body))
}
EMPTY, IN_90_DAYS = "In how many days is each pool empty?", "How many seats are free in 90 days?"


@dataclass(frozen=True)
class Pool:
    """So many hours of readings, each so many hours after the one before; free seats by day."""

    hours: int
    step: int
    free: Callable[[float], float]
    gap: tuple[float, float] = (0, 0)

    def readings(self, end: datetime) -> Iterator[tuple[float, float]]:
        """Yield time and free seats."""
        for gone in range(self.hours, -1, -self.step):
            day = (self.hours - gone) / 24
            if not self.gap[0] < day < self.gap[1]:
                yield (end - timedelta(hours=gone)).timestamp(), self.free(day)


POOLS = {
    "three_days": Pool(72, 1, lambda day: 100 - 5 * day),
    "forty_days": Pool(960, 1, lambda day: 400 - 5 * day),
    "nightly": Pool(960, 24, lambda day: 400 - 5 * day),
    "interrupted": Pool(960, 1, lambda day: 400 - 5 * day, gap=(20, 30)),
    "given_back_yesterday": Pool(960, 1, lambda day: 300 - 5 * day + (60 if day > 39 else 0)),
    "growing": Pool(960, 1, lambda day: 100 + 2 * day),
    "still": Pool(960, 1, lambda _: 50),
}
"""Free seats of seven pools of one site."""

DAYS_VALID = {"soon": 30, "today": 0, "over": -1}
"""Whole days for which the server licenses of three sites are valid, as status tells them."""


@pytest.fixture(scope="module")
def end() -> datetime:
    return this_minute()


@pytest.fixture(scope="module")
def influx(end: datetime) -> Iterator[Influx]:
    with an_influx() as server:
        server.ask("CREATE DATABASE butler")
        server.write(
            "\n".join(
                f"qlik_sense_license,site=prod,license_type={name} available={free},total=500.0 "
                f"{int(at)}000000000"
                for name, pool in POOLS.items()
                for at, free in pool.readings(end)
            )
        )
        yield server


@pytest.fixture(scope="module")
def prometheus(end: datetime) -> Iterator[Prometheus]:
    name = "qlik_license_seats"
    lines = [
        f'{name}{{site="prod",license_type="{kind}",state="available"}} {free} {at}'
        for kind, pool in POOLS.items()
        for at, free in pool.readings(end)
    ]
    expiry = "qlik_license_expiry_timestamp_seconds"
    lines.append(f"# TYPE {expiry} gauge")
    for site, days in DAYS_VALID.items():
        last_day = end.date() + timedelta(days=days)
        license_ = LicenseSummary(state=LicenseState.VALID, valid_to=last_day, days_left=days)
        summary = a_summary(site=site, license=license_)
        exposed = expose(Scrape({site: summary})).body.decode()
        (told,) = [one for one in exposed.splitlines() if one.startswith(f"{expiry}{{")]
        lines.append(f"{told} {end.timestamp()}")
    with a_prometheus("\n".join([f"# TYPE {name} gauge", *lines, "# EOF", ""])) as server:
        yield server


@pytest.fixture
def told(
    influx: Influx, prometheus: Prometheus, end: datetime
) -> Callable[[str, str], dict[str, float]]:
    """Return what a panel says of each pool."""
    asking = {
        "influxdb": partial(from_influx, influx),
        "prometheus": partial(from_prometheus, prometheus),
    }

    def ask(flavour: str, title: str) -> dict[str, float]:
        chosen = Range(end - timedelta(days=180), end, ("prod",), tuple(POOLS))
        (answer,) = asking[flavour](PANELS[flavour, title], chosen)
        return numbers(answer)

    return ask


def numbers(answer: list[Series]) -> dict[str, float]:
    return {one.labels["license_type"]: float(one.values[-1][1]) for one in answer}


Told = Callable[[str, str], dict[str, float]]
flavours = pytest.mark.parametrize("flavour", ["influxdb", "prometheus"])


@flavours
def test_the_days_left_are_those_of_the_time_that_has_numbers(told: Told, flavour: str) -> None:
    days = told(flavour, EMPTY)

    assert days["three_days"] == pytest.approx(17, rel=0.03)
    assert days["forty_days"] == pytest.approx(40, rel=0.03)
    assert days["nightly"] == pytest.approx(40, rel=0.03)
    assert days["interrupted"] == pytest.approx(40, rel=0.03)
    assert {"growing", "still"}.isdisjoint(days)


@flavours
def test_the_free_seats_in_90_days_go_below_zero_where_the_pool_empties(
    told: Told, flavour: str
) -> None:
    free = told(flavour, IN_90_DAYS)

    assert free["three_days"] == pytest.approx(85 - 450, rel=0.03)
    assert free["forty_days"] == pytest.approx(200 - 450, rel=0.03)
    assert free["growing"] == pytest.approx(180 + 180, rel=0.03)
    assert free["still"] == pytest.approx(50)


def test_the_days_of_the_server_license_are_whole_at_any_time_of_the_day(
    prometheus: Prometheus, end: datetime
) -> None:
    panel = PANELS["prometheus", "For how many days is the server license valid?"]

    (answer,) = from_prometheus(
        prometheus, panel, Range(end - timedelta(days=1), end, tuple(DAYS_VALID))
    )

    assert {one.name: one.values[-1][1] for one in answer} == DAYS_VALID


@flavours
def test_seats_given_back_yesterday_are_no_trend(told: Told, flavour: str) -> None:
    assert told(flavour, EMPTY)["given_back_yesterday"] == pytest.approx(160 / 4.5, rel=0.1)


def test_the_alert_of_a_pool_that_empties_knows_three_days_are_enough(influx: Influx) -> None:
    (rule,) = [rule for rule in RULES if rule.name == "SeatsRunOut"]

    found = influx.rows(rule.influx)

    assert {row["license_type"] for row in found if row["last"] < rule.bound} == {"three_days"}
