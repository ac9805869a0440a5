r"""The page on moving from Butler: every command, option, key, measurement and field it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from config_files import load_text
from seatkeeper.cli.main import app
from seatkeeper.core.measures import MEASUREMENTS
from seatkeeper.core.rules import Reason
from seatkeeper.settings.schema import json_schema

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "moving-from-butler.md").read_text(
    encoding="utf-8"
)
COMMANDS = sorted(
    {
        *re.findall(r"^(seatkeeper .+)$", PAGE, re.MULTILINE),
        *re.findall(r"`(seatkeeper [^`]+)`", PAGE),
    }
)
KEYS = sorted(
    set(re.findall(r"`((?:policy|schedule|qrs|metrics|alerts|limits)\.[a-z_.]+[a-z_])`", PAGE))
)
MEASURED = {m.name: m for m in MEASUREMENTS}


def test_there_is_something_to_check() -> None:
    assert len(COMMANDS) > 12
    assert len(KEYS) > 12


@pytest.mark.parametrize("text", COMMANDS)
def test_every_command_and_option_exists(text: str) -> None:
    words = shlex.split(text.partition(" > ")[0])[1:]
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, text
        command = command.commands[words.pop(0)]
    options = {name for p in command.params for name in [*p.opts, *p.secondary_opts]}
    assert {word for word in words if word.startswith("-")} <= options, text


@pytest.mark.parametrize("key", KEYS)
def test_every_key_exists(key: str) -> None:
    schema = json_schema()
    top = schema["properties"]
    start = schema if key.partition(".")[0] in top else _below(schema, top["sites"])
    for name in key.split("."):
        start = _below(schema, start)["properties"][name]


def _below(schema: Any, place: Any) -> Any:
    """Follow references and lists down to a block of properties."""
    while "properties" not in place:
        if "$ref" in place:
            place = schema["$defs"][place["$ref"].rpartition("/")[2]]
        elif "items" in place:
            place = place["items"]
        else:
            blocks = place.get("anyOf") or place.get("allOf") or place.get("oneOf")
            place = next(b for b in blocks if b.get("type") != "null")
    return place


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bqlik_[a-z_]+", PAGE))))
def test_every_measurement_exists(name: str) -> None:
    assert name in MEASURED


def test_the_query_asks_for_fields_that_are_written() -> None:
    fields = set(re.findall(r'last\("(\w+)"\)', PAGE))

    assert fields
    assert fields <= set(MEASURED["qlik_sense_license"].fields)
    assert "days_until_expiry" in MEASURED["qlik_sense_server_license"].fields


@pytest.mark.parametrize("reason", re.findall(r"\(`([a-z_]+)`\)", PAGE))
def test_every_reason_exists(reason: str) -> None:
    assert reason in set(Reason)


def test_what_it_says_to_write_can_be_loaded(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    ours = [block for block in blocks if not block.startswith("Butler")]

    loaded = load_text(tmp_path, "".join(ours))

    assert loaded.settings.metrics.influxdb[0].tags == {"butler_instance": "dev"}
    assert loaded.settings.sites[0].policy.mode.value == "approve"
