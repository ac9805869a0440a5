from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from config_files import limits, load_text, never, policy, qrs, site, top
from seatkeeper.settings import Settings
from seatkeeper.settings.example import example_text
from seatkeeper.settings.keys import walk
from seatkeeper.settings.schema import json_schema

SCHEMA = json_schema()
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def complaints(schema: dict[str, Any], value: Any) -> Iterator[str]:
    """Say what an editor would: the few words of JSON Schema that ours uses."""
    if "$ref" in schema:
        yield from complaints(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value)
    if "anyOf" in schema and all(any(complaints(s, value)) for s in schema["anyOf"]):
        yield f"{value!r} fits none"
    if "const" in schema and value != schema["const"]:
        yield f"{value!r} is not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is not in {schema['enum']}"
    if "type" in schema and not is_of(value, schema["type"]):
        yield f"{value!r} is no {schema['type']}"
    yield from out_of_bounds(schema, value)
    if isinstance(value, list):
        for entry in value:
            yield from complaints(schema.get("items", {}), entry)
    if isinstance(value, dict) and "properties" in schema:
        yield from wrong_keys(schema, value)


def is_of(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def out_of_bounds(schema: dict[str, Any], value: Any) -> Iterator[str]:
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{value!r} has another form"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{value!r} is out of bounds"
        if value >= schema.get("exclusiveMaximum", value + 1):
            yield f"{value!r} is too large"


def wrong_keys(schema: dict[str, Any], value: dict[str, Any]) -> Iterator[str]:
    for key in schema.get("required", []):
        if key not in value:
            yield f"{key} is missing"
    for key, below in value.items():
        if key not in schema["properties"]:
            yield f"{key} is unknown"
        else:
            yield from complaints(schema["properties"][key], below)


def in_an_editor(text: str) -> list[str]:
    return list(complaints(SCHEMA, plain(YAML(typ="safe", pure=True).load(text))))


def plain(value: Any) -> Any:
    """Give days as text, as the readers of editors do."""
    if isinstance(value, dict):
        return {key: plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [plain(below) for below in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_the_schema_names_its_dialect() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    "text",
    [
        example_text(),
        top("store: {url: 'sqlite:///x.db'}\nconsole: {listen: 'a:1'}\nlog: {format: json}"),
        site("license_shared_with: others\nschedule: {release: every 6 hours}"),
        policy("mode: auto\nagreement_reviewed: {by: Jane, on: 2026-11-01}"),
        policy("pause: [{from: 2026-12-20, to: 2027-01-06}]\nbuilt_in_protection: no"),
        limits("max_share: 0.2\ngrown: 2.5\nmax_per_run: 5\nincomplete: 1%"),
        never(r"users: ['A\b', {match: 'A\c', owner: HR, expires: 2027-01-31}]" + "\ninactive: no"),
        never("custom_properties: [{name: a, value: b, allow_empty: true}]\nblocked: true"),
        qrs("timeout: 60s\nconcurrency: 8\nverify_host_name: false\nkey_password_file: x"),
    ],
)
def test_an_editor_accepts_what_seatkeeper_accepts(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text("secret")

    assert load_text(tmp_path, text)
    assert in_an_editor(text) == []


@pytest.mark.parametrize(
    "text",
    [
        top("stor: {}"),
        policy("mode: allways"),
        policy("analyzer: {release_after: 30}"),
        policy("analyzer: {release_after: thirty}"),
        limits("max_share: 20"),
        limits("max_per_run: many"),
        never("tags: sales"),
        never("tags: [{owner: HR}]"),
        never("custom_properties: [x]"),
        qrs("concurrency: 99"),
        "sites:\n  - name: prod\n",
        "sites: {}\n",
    ],
)
def test_an_editor_marks_what_is_wrong(text: str) -> None:
    assert in_an_editor(text) != []


def test_an_editor_shows_what_every_key_means_and_its_default() -> None:
    described = [
        (name, below)
        for block in [SCHEMA, *SCHEMA["$defs"].values()]
        for name, below in block["properties"].items()
    ]

    assert all(below["description"] for _, below in described)
    assert dict(described)["new_seat_grace"]["default"] == "30d"
    assert dict(described)["max_share"]["default"] == "20%"
    assert "default" not in dict(described)["agreement_reviewed"]


def test_every_key_is_in_the_schema() -> None:
    known = {n for block in [SCHEMA, *SCHEMA["$defs"].values()] for n in block["properties"]}

    assert {key.name for key in walk(Settings)} == known
