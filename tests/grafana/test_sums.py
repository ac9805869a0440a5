"""Sums over sites count each once: not yet read today, gone for weeks, both in the range."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from grafana_asking import from_influx, panels, range_of
from influx import Influx, an_influx
from seatkeeper.grafana.export import Choices, files

DASHBOARDS = [
    json.loads(body)
    for path, body in files(Choices()).items()
    if path.startswith("influxdb/dashboards/")
]
PANELS = {panel["title"]: (board, panel) for board in DASHBOARDS for panel in panels(board)}
SITES = ("prod", "test", "gone")

NOW = datetime.now(UTC).replace(microsecond=0)
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0)


def line(name: str, site: str, at: datetime, fields: str) -> str:
    stamp = int(at.timestamp())
    return f"{name},site={site},license_type=analyzer {fields} {stamp}000000000"


def money(site: str, at: datetime, spend: float) -> str:
    fields = f"spend={spend},idle_spend=100.0,savings=10.0"
    return line("qlik_license_cost", site, at, fields)


def seats(site: str, at: datetime, free: float) -> str:
    fields = f"total=200.0,allocated=150.0,available={free},excess=0.0,quarantined=7.0"
    return line("qlik_sense_license", site, at, fields)


def history() -> Iterator[str]:
    """Yield 80 days: prod read each midnight and now, test at noon, gone not for 60 days."""
    for days in range(80):
        at = MIDNIGHT - timedelta(days=days)
        yield money("prod", at, 1000.0)
        yield f"qlik_license_cost budget=9000.0 {int(at.timestamp())}000000000"
        yield money("test", at - timedelta(hours=12), 800.0)
        if days >= 60:
            yield money("gone", at, 5000.0)
            yield seats("gone", at, 99.0)
    yield money("prod", NOW, 1000.0)
    yield seats("prod", NOW, 12.0)
    yield seats("test", NOW, 0.0)


@pytest.fixture(scope="module")
def influx() -> Iterator[Influx]:
    with an_influx() as server:
        server.ask("CREATE DATABASE butler")
        server.write("\n".join(history()))
        yield server


Ask = Callable[[str, datetime], list[dict[str, list[tuple[float, float]]]]]


@pytest.fixture
def ask(influx: Influx) -> Ask:
    """Return the values over time of each series of each query of a panel."""

    def asked(title: str, end: datetime) -> list[dict[str, list[tuple[float, float]]]]:
        board, panel = PANELS[title]
        chosen = replace(range_of(board, end), sites=SITES)
        return [
            {one.name: [(row[0], row[1]) for row in one.values] for one in answer}
            for answer in from_influx(influx, panel, chosen)
        ]

    return asked


def test_a_site_that_is_gone_is_not_in_the_bill_of_now(ask: Ask) -> None:
    (spend,) = ask("What do the seats cost a month?", NOW)

    assert [value for _, value in spend["spend"]] == [1800.0]


def test_the_budget_is_that_of_all_sites_together_whichever_are_chosen(influx: Influx) -> None:
    board, panel = PANELS["How much of the budget is spent?"]

    for sites in (SITES, ("test",)):
        (answer,) = from_influx(influx, panel, replace(range_of(board, NOW), sites=sites))
        assert [one.values[-1][1] for one in answer] == [1800.0 / 9000.0]


def test_a_site_that_is_gone_has_no_free_seats(ask: Ask) -> None:
    (free,) = ask("How many seats are free now?", NOW)

    assert {name: values[-1][1] for name, values in free.items()} == {
        "prod analyzer": 12.0,
        "test analyzer": 0.0,
    }


def test_five_minutes_after_midnight_the_site_not_read_yet_is_still_in_the_sum(ask: Ask) -> None:
    used, idle, budget = ask(
        "Where does the money go, month after month?", MIDNIGHT + timedelta(minutes=5)
    )

    both = [a + b for (_, a), (_, b) in zip(used["in use"], idle["idle"], strict=True)]

    assert both[-30:] == [1800.0] * 30
    assert [value for _, value in budget["budget"]][-30:] == [9000.0] * 30


def test_a_table_of_pools_has_no_row_for_a_site_that_is_gone(influx: Influx) -> None:
    board, panel = PANELS["What does each pool look like now?"]

    (rows,) = from_influx(influx, panel, replace(range_of(board, NOW), sites=SITES))

    assert {row.labels["site"] for row in rows} == {"prod", "test"}
