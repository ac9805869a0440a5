"""The table of individual users has the longest idle of all, not the last that were written."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from grafana_asking import from_influx, panels, range_of
from influx import an_influx
from seatkeeper.grafana.activity import LONGEST
from seatkeeper.grafana.export import Choices, files

BOARD = json.loads(files(Choices())["influxdb/dashboards/activity.json"])
(PANEL,) = [panel for panel in panels(BOARD) if panel["title"].startswith("Which seats of ind")]
SEATS = 6000
NOW = datetime.now(UTC)


def line(number: int, at: datetime, idle: str, kind: str = "analyzer") -> str:
    stamp = int(at.timestamp()) * 1_000_000_000 + number
    name = f'user="u{number}"'
    return f"qlik_license_user,site=prod,license_type={kind} {idle}{name} {stamp}"


def test_the_longest_idle_of_many_thousand_are_found_wherever_they_stand() -> None:
    today, yesterday = NOW - timedelta(hours=2), NOW - timedelta(hours=26)
    lines = [line(n, today, f"days_idle={float(SEATS - n)},") for n in range(SEATS)]
    lines += [line(n, yesterday, f"days_idle={float(SEATS - n - 1)},") for n in range(100)]
    lines += [line(SEATS, today, ""), line(0, today, "days_idle=7.0,", "professional")]
    lines += [line(0, NOW - timedelta(days=30), "days_idle=9999.0,")]
    with an_influx() as server:
        server.ask("CREATE DATABASE butler")
        server.write("\n".join(lines))
        (answer,) = from_influx(server, PANEL, range_of(BOARD, NOW))

    rows = [
        dict(zip(one.columns, row, strict=True)) | one.labels
        for one in answer
        for row in one.values
    ]
    analyzer = {r["User"]: r["Days idle"] for r in rows if r["license_type"] == "analyzer"}
    assert len(analyzer) >= LONGEST // 2
    assert {f"u{n}" for n in range(LONGEST // 2)} <= analyzer.keys()
    assert max(r["Days idle"] for r in rows) == SEATS
    assert [r["User"] for r in rows if r["license_type"] == "professional"] == ["u0"]


def test_a_person_with_two_seats_has_two_rows_and_one_that_was_counted_twice_has_one() -> None:
    by_id = {one["id"]: one["options"] for one in PANEL["transformations"]}

    fields = by_id["groupBy"]["fields"]

    once = {name for name, how in fields.items() if how["operation"] == "groupby"}
    assert once == {"site", "license_type", "User"}
    assert fields["Days idle"] == {"operation": "aggregate", "aggregations": ["max"]}
    assert by_id["sortBy"]["sort"] == [{"field": "Days idle (max)", "desc": True}]
    assert by_id["organize"]["renameByName"]["Days idle (max)"] == "Days idle"
