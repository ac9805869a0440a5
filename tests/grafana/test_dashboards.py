"""The dashboards are what Grafana's own types accept, and what people can read."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana_asking import panels
from seatkeeper.core.measures import MEASUREMENTS, METRICS
from seatkeeper.grafana.export import Choices, files

DASHBOARDS = {
    path: json.loads(body)
    for path, body in files(Choices()).items()
    if "/dashboards/" in path and path.endswith(".json")
}

each = pytest.mark.parametrize("path", DASHBOARDS)


def test_each_flavour_has_the_same_dashboards() -> None:
    names = [path.split("/")[-1] for path in DASHBOARDS]
    half = len(names) // 2

    assert names[:half] == names[half:]
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == len(names)


@each
def test_the_types_of_grafana_read_a_dashboard_and_write_the_same(path: str) -> None:
    register_default_plugins()

    again = Dashboard.from_json(DASHBOARDS[path])

    assert json.loads(json.dumps(again, cls=JSONEncoder)) == DASHBOARDS[path]


@each
def test_every_panel_asks_a_question_and_explains_its_answer(path: str) -> None:
    for panel in panels(DASHBOARDS[path]):
        assert panel["title"].endswith("?")
        assert len(panel["description"]) > 30
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]


@each
def test_every_panel_stands_for_itself_on_the_grid(path: str) -> None:
    found = DASHBOARDS[path]["panels"]

    assert len({panel["id"] for panel in found}) == len(found)
    assert not any(panel.get("collapsed") or panel.get("panels") for panel in found)
    assert not [
        (one["title"], two["title"]) for one, two in combinations(found, 2) if _overlap(one, two)
    ]
    ends = [panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in found]
    tops = [panel["gridPos"]["y"] for panel in found]
    assert max(ends) == 24
    assert all(24 in [e for e, y in zip(ends, tops, strict=True) if y == top] for top in tops)


def _overlap(one: dict[str, Any], two: dict[str, Any]) -> bool:
    a, b = one["gridPos"], two["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    return not (beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])


@each
def test_every_query_asks_the_chosen_data_source(path: str) -> None:
    dashboard = DASHBOARDS[path]
    kind = path.split("/", maxsplit=1)[0]
    source = {"type": kind, "uid": "${datasource}"}

    for panel in panels(dashboard):
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@each
def test_site_and_license_type_can_be_chosen(path: str) -> None:
    names = [variable["name"] for variable in DASHBOARDS[path]["templating"]["list"]]

    assert names == ["datasource", "site", "license_type"]


@each
def test_a_dashboard_links_to_the_others_of_its_flavour(path: str) -> None:
    flavour = path.split("/", maxsplit=1)[0]
    uids = {d["uid"] for p, d in DASHBOARDS.items() if p.startswith(flavour)}

    links = {link["url"].removeprefix("/d/") for link in DASHBOARDS[path]["links"]}

    assert links == uids - {DASHBOARDS[path]["uid"]}


@each
def test_only_names_that_are_measured_are_asked(path: str) -> None:
    for panel in panels(DASHBOARDS[path]):
        for target in panel["targets"]:
            if "expr" in target:
                _assert_metrics(target["expr"])
            else:
                _assert_fields(target["query"])


def _assert_metrics(text: str) -> None:
    known = {metric.name: set(metric.labels) for metric in METRICS}
    for name, labels in re.findall(r"\b((?:qlik|seatkeeper)_\w+)(?:\{([^}]*)\})?", text):
        assert (
            set(re.findall(r"(\w+)\s*(?:=|!)", labels.replace("exported_", ""))) <= known[name]
        ), text


def _assert_fields(text: str) -> None:
    (name,) = set(re.findall(r'FROM "(\w+)"', text))
    (found,) = [measurement for measurement in MEASUREMENTS if measurement.name == name]
    own = {"site", *found.tags, *found.fields, *re.findall(r'AS "([^"]+)"', text), name}
    assert set(re.findall(r'"([^"]+)"', text)) <= own, text
