"""The alert rules: promtool accepts and tries them, and Grafana can load their other form."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from seatkeeper.grafana.export import Choices, files
from seatkeeper.grafana.rules import RULES, Rule

FILES = files(Choices())
UNIT_TESTS = Path(__file__).with_name("seatkeeper.rules_test.yml")
DOCS = Path(__file__).parents[2] / "docs" / "monitoring.md"

FLAVOURS = ("influxdb", "prometheus")
flavours = pytest.mark.parametrize("flavour", FLAVOURS)


def promtool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def grafana_rules(flavour: str) -> list[dict[str, Any]]:
    body = FILES[f"{flavour}/provisioning/alerting/seatkeeper-{flavour}-rules.yaml"]
    (group,) = YAML(typ="safe").load(body.decode())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def test_promtool_accepts_the_rules_and_each_fires_when_it_should(tmp_path: Path) -> None:
    (tmp_path / "seatkeeper.rules.yml").write_bytes(FILES["prometheus/rules/seatkeeper.rules.yml"])
    shutil.copy(UNIT_TESTS, tmp_path)

    checked = promtool(tmp_path, "check", "rules", "seatkeeper.rules.yml")
    tried = promtool(tmp_path, "test", "rules", UNIT_TESTS.name)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_no_alert_is_left_untried_or_undocumented() -> None:
    for rule in RULES:
        assert f'alertname="Seatkeeper{rule.name}"' in UNIT_TESTS.read_text()
        assert f"| [`Seatkeeper{rule.name}`](runbooks/{rule.runbook}.md) |" in DOCS.read_text()
        assert (DOCS.parent / "runbooks" / f"{rule.runbook}.md").exists()


ONLY_PROMETHEUS = {"CapacityMinutesAhead", "Gone"}
"""What no measurement in InfluxDB can carry; the rules say why."""


def test_both_flavours_have_the_same_rules_but_two_that_say_why() -> None:
    titles = {flavour: {r["title"] for r in grafana_rules(flavour)} for flavour in FLAVOURS}
    alerts = YAML(typ="safe").load(FILES["prometheus/rules/seatkeeper.rules.yml"].decode())

    assert titles["prometheus"] - titles["influxdb"] == {f"Seatkeeper{n}" for n in ONLY_PROMETHEUS}
    assert titles["influxdb"] < titles["prometheus"]
    assert titles["prometheus"] == {r["alert"] for r in alerts["groups"][1]["rules"]}
    assert {r.name for r in RULES if r.only_prometheus} == ONLY_PROMETHEUS
    assert {r.name for r in RULES if not r.influx} == ONLY_PROMETHEUS


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_the_page_says_where_a_rule_is_and_why_it_is_not_elsewhere(rule: Rule) -> None:
    page = " ".join(DOCS.read_text().split())
    where = "both" if rule.influx else "Prometheus"
    row = f"| {rule.severity.value} | {rule.lasting} | {where} | {rule.todo} |"

    assert f"| [`Seatkeeper{rule.name}`](runbooks/{rule.runbook}.md) {row}" in page
    assert not rule.only_prometheus or f"* `Seatkeeper{rule.name}`: {rule.only_prometheus}" in page


def test_a_message_names_no_label_that_influxdb_has_not() -> None:
    for rule in grafana_rules("influxdb"):
        query = rule["data"][0]["model"]["query"]
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert f'"{label}"' in query.partition("GROUP BY")[2], rule["title"]


@flavours
def test_rules_of_grafana_have_short_fixed_uids_and_a_condition(flavour: str) -> None:
    rules = grafana_rules(flavour)

    assert len({rule["uid"] for rule in rules}) == len(rules)
    assert all(len(rule["uid"]) <= 40 for rule in rules)
    for rule in rules:
        steps = {step["refId"]: step for step in rule["data"]}
        assert steps[rule["condition"]]["model"]["expression"] == "B"
        assert steps["A"]["datasourceUid"] == f"seatkeeper-{flavour}"
        assert steps["A"]["model"]["refId"] == "A"


@flavours
def test_rules_know_no_variables_of_dashboards_and_need_no_recordings(flavour: str) -> None:
    for rule in grafana_rules(flavour):
        model = rule["data"][0]["model"]
        text = model.get("expr") or model["query"].replace("$timeFilter", "")
        assert "$" not in text
        assert "site_license_type:" not in text


@flavours
def test_the_contact_point_of_the_rules_is_provisioned(flavour: str) -> None:
    folder = f"{flavour}/provisioning/alerting"
    body = FILES[f"{folder}/seatkeeper-{flavour}-contact-points.yaml"].decode()
    (contact,) = YAML(typ="safe").load(body)["contactPoints"]

    names = {rule["notification_settings"]["receiver"] for rule in grafana_rules(flavour)}

    assert names == {contact["name"]}
