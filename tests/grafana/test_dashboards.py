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


WITHOUT_LIMIT = {
    "How many seats are held, of how many?": "the limit is the size of the pool, a dashed line",
    "How many Analyzer Capacity minutes are used this month?": "the limit is a dashed line, too",
    "How many more seats were held week by week?": "neither more nor less is bad",
    "What do the seats cost a month?": "the budget is a tile of its own",
    "What do seats cost that nobody holds?": "the pools have limits of their own for free seats",
    "Where does the money go, month after month?": "the budget is a dashed line",
    "Which seats lie idle at what price?": "money of different pools, compared with each other",
    "Do the savings grow?": "more is better, without an end",
    "How many seats could be released?": "how many is much depends on the site",
    "How long ago were the holders of seats last active?": "the colours are the buckets",
    "How many is that today?": "the colours are the buckets",
    "How many people worked on each day?": "how many is much depends on the site",
    "How many people were active within 7 days?": "how many is much depends on the site",
    "How many seats did each week's releases give back?": "how many is much depends on the site",
    "How long had released seats been idle?": "the limit is the policy's, which no data source has",
    "What became of the releases?": "the colours are the outcomes",
    "How many requests does a reading cost the site?": "it grows with the seats",
    "Did a job ever stop succeeding?": "each job has a schedule of its own",
    "What would the newest plan release?": "how many is much depends on the site",
    "Which version runs?": "a name is no number",
}
"""Panels whose number has no limit that could be known here, and why."""


def test_every_panel_has_thresholds_unless_no_limit_can_be_known() -> None:
    every = {p["title"]: p for dashboard in DASHBOARDS.values() for p in panels(dashboard)}

    plain = {title for title, panel in every.items() if not limits(panel)}

    assert plain == set(WITHOUT_LIMIT)


def limits(panel: dict[str, Any]) -> list[float]:
    """Return the limits of a panel, or of the columns of a table."""
    config = panel["fieldConfig"]
    found = [config["defaults"]["thresholds"]]
    found += [
        item["value"]
        for override in config["overrides"]
        for item in override["properties"]
        if item["id"] == "thresholds"
    ]
    return [step["value"] for of in found for step in of["steps"] if step["value"] is not None]


def test_when_a_site_was_read_stands_beside_its_name() -> None:
    (panel,) = [
        panel
        for path, dashboard in DASHBOARDS.items()
        if path.startswith("influxdb")
        for panel in panels(dashboard)
        if panel["title"] == "When was each site last read?"
    ]

    (shown,) = [one["options"] for one in panel["transformations"] if one["id"] == "organize"]

    assert panel["type"] == "table"
    assert shown["excludeByName"] == {"Time": False}
    assert shown["renameByName"]["Time"] == "Last read"
    assert 'GROUP BY "site"' in panel["targets"][0]["query"]


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
