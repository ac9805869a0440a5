"""`seatkeeper grafana export` writes equal bytes, and never over what others wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from command_line import Command
from seatkeeper.grafana.export import Choices, files
from seatkeeper.grafana.spec import Flavour


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_both_sets_are_exported_and_a_second_export_changes_nothing(
    seatkeeper: Command, tmp_path: Path
) -> None:
    first = seatkeeper("grafana", "export", str(tmp_path / "out"))
    before = tree(tmp_path / "out")

    second = seatkeeper("grafana", "export", str(tmp_path / "out"))

    assert (first.code, second.code) == (0, 0)
    assert tree(tmp_path / "out") == before
    assert ", 0 of them new or changed" in second.err
    assert {path.split("/")[0] for path in before} >= {"influxdb", "prometheus"}


def test_a_file_that_somebody_changed_is_left_alone(seatkeeper: Command, tmp_path: Path) -> None:
    seatkeeper("grafana", "export", str(tmp_path))
    mine = tmp_path / "influxdb/dashboards/utilization.json"
    mine.write_text("{}")

    refused = seatkeeper("grafana", "export", str(tmp_path))

    assert refused.code == 2
    assert "influxdb/dashboards/utilization.json" in refused.err
    assert mine.read_text() == "{}"
    assert seatkeeper("grafana", "export", str(tmp_path), "--force").code == 0
    assert mine.read_bytes() == files(Choices())["influxdb/dashboards/utilization.json"]


def test_nothing_is_written_when_one_file_is_foreign(seatkeeper: Command, tmp_path: Path) -> None:
    foreign = tmp_path / "prometheus/provisioning/datasources/seatkeeper-prometheus.yaml"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("apiVersion: 1\n")

    assert seatkeeper("grafana", "export", str(tmp_path)).code == 2
    assert list(tree(tmp_path)) == [foreign.relative_to(tmp_path).as_posix()]


def test_amounts_of_money_stand_in_the_currency_that_is_asked_for(
    seatkeeper: Command, tmp_path: Path
) -> None:
    seatkeeper("grafana", "export", str(tmp_path), "--currency", "EUR")

    for flavour in Flavour:
        board = json.loads((tmp_path / flavour / "dashboards/cost.json").read_text())
        units = {
            panel["title"]: panel["fieldConfig"]["defaults"]["unit"]
            for panel in board["panels"]
            if panel["type"] != "row"
        }
        assert {title for title, unit in units.items() if unit != "suffix: EUR"} == {
            "How many seats could be released?",
            "How much of the budget is spent?",
            "Is the idle share of the money getting smaller?",
        }


def test_numbers_of_a_site_that_is_read_at_night_are_not_stale_by_day(
    seatkeeper: Command, tmp_path: Path
) -> None:
    refused = seatkeeper("grafana", "export", str(tmp_path), "--read-every", "nightly")
    done = seatkeeper("grafana", "export", str(tmp_path), "--read-every", "1d")
    rules = (tmp_path / "prometheus/rules/seatkeeper.rules.yml").read_text()
    alerting = tmp_path / "influxdb/provisioning/alerting/seatkeeper-influxdb-rules.yaml"
    (group,) = YAML(typ="safe").load(alerting.read_text())["groups"]
    (stale,) = [rule for rule in group["rules"] if rule["title"] == "SeatkeeperNumbersStale"]

    assert (refused.code, done.code) == (2, 0)
    assert "--read-every nightly: a length of time is" in refused.err
    assert f"> {int(2.5 * 86_400)}\n" in rules
    assert "not read for more than 60h," in rules
    assert "GROUP BY time(72h)" in stale["data"][0]["model"]["query"]
    assert stale["data"][0]["relativeTimeRange"]["from"] == 144 * 3600
    assert stale["for"] == "1d"


def test_a_file_in_the_place_of_the_folder_is_told_with_its_cure(
    seatkeeper: Command, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("")

    refused = seatkeeper("grafana", "export", str(tmp_path / "out"))

    assert refused.code == 1
    assert "Not a directory; name a folder that can" in refused.err


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_data_source_fits_the_version(version: int) -> None:
    body = files(Choices(influx_version=version))
    text = body["influxdb/provisioning/datasources/seatkeeper-influxdb.yaml"].decode()

    (source,) = YAML(typ="safe").load(text)["datasources"]

    assert source["uid"] == Flavour.INFLUXDB.uid
    assert source["jsonData"]["version"] == "InfluxQL"
    if version == 1:
        assert source["user"] == "$SEATKEEPER_INFLUXDB_USER"
        assert source["secureJsonData"] == {"password": "$SEATKEEPER_INFLUXDB_PASSWORD"}
    else:
        assert source["jsonData"]["httpHeaderName1"] == "Authorization"
        token = {"httpHeaderValue1": "Token $SEATKEEPER_INFLUXDB_TOKEN"}
        assert source["secureJsonData"] == token


def test_no_other_command_waits_for_the_sdk_of_grafana() -> None:
    code = "import sys, seatkeeper.cli.main; print('grafana_foundation_sdk' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
