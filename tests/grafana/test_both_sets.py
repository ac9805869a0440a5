"""Both sets can be copied into one Grafana: nothing that it wants unique is in both."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from seatkeeper.grafana.export import Choices, files

FILES = files(Choices())
FLAVOURS = ("influxdb", "prometheus")


def provisioned(kind: str, key: str) -> Iterator[dict[str, Any]]:
    """Yield what the files of one kind hold under a key, of both sets."""
    for path, body in FILES.items():
        if f"/provisioning/{kind}/" in path:
            yield from YAML(typ="safe").load(body.decode()).get(key, [])


def test_no_file_of_one_set_is_written_over_by_the_other() -> None:
    copied = Counter(
        PurePosixPath(path).relative_to(f"{path.split('/')[0]}/provisioning")
        for path in FILES
        if "/provisioning/" in path
    )

    assert set(copied.values()) == {1}


def test_no_two_of_a_kind_share_a_name_or_an_identifier() -> None:
    groups = list(provisioned("alerting", "groups"))
    rules = [rule for group in groups for rule in group["rules"]]
    contacts = list(provisioned("alerting", "contactPoints"))
    kinds: dict[str, list[object]] = {
        "data source": [one["name"] for one in provisioned("datasources", "datasources")],
        "uid of a data source": [one["uid"] for one in provisioned("datasources", "datasources")],
        "provider": [one["name"] for one in provisioned("dashboards", "providers")],
        "folder": [one["folderUid"] for one in provisioned("dashboards", "providers")],
        "group": [one["name"] for one in groups],
        "uid of a rule": [rule["uid"] for rule in rules],
        "contact point": [one["name"] for one in contacts],
        "receiver": [receiver["uid"] for one in contacts for receiver in one["receivers"]],
    }

    twice = {kind: x for kind, of in kinds.items() for x, n in Counter(of).items() if n > 1}

    assert all(kinds.values())
    assert not twice


def test_no_title_is_twice_in_a_folder() -> None:
    folders = {
        flavour: provider["folder"]
        for flavour, provider in zip(FLAVOURS, provisioned("dashboards", "providers"), strict=True)
    }
    dashboards = [
        (folders[path.split("/")[0]], json.loads(body)["title"])
        for path, body in FILES.items()
        if path.endswith(".json")
    ]
    rules = [
        (group["folder"], rule["title"])
        for group in provisioned("alerting", "groups")
        for rule in group["rules"]
    ]

    assert len(set(dashboards)) == len(dashboards)
    assert len(set(rules)) == len(rules)


def test_rules_have_a_folder_of_their_own_because_grafana_gives_it_another_uid() -> None:
    of_dashboards = {one["folder"] for one in provisioned("dashboards", "providers")}
    of_rules = {one["folder"] for one in provisioned("alerting", "groups")}

    assert len(of_dashboards | of_rules) == 4
    assert not any("/" in folder for folder in of_dashboards | of_rules)
