"""Configuration files for tests: a small sound one, ways to break it, the faults found in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from seatkeeper.config import Loaded, load
from seatkeeper.errors import ConfigError

URL = "https://sense.example.com:4242/qrs"

_FAULT = re.compile(
    r"^(?P<file>\S+):(?P<line>\d+)(?:  (?P<path>\S+))?\n  (?P<what>.*)\n  cure: (?P<cure>.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One fault as a person reads it."""

    line: int
    path: str
    what: str
    cure: str


def top(text: str) -> str:
    """Put text at the top level, from line 4 on."""
    return f"sites:\n  - name: prod\n    qrs: {{url: {URL}}}\n{text}\n"


def site(text: str) -> str:
    """Put text into the site, from line 4 on."""
    return top(textwrap.indent(text, " " * 4))


def policy(text: str) -> str:
    """Put text into the policy, from line 5 on."""
    return site("policy:\n" + textwrap.indent(text, "  "))


def never(text: str) -> str:
    """Put text into `never_release`, from line 6 on."""
    return policy("never_release:\n" + textwrap.indent(text, "  "))


def limits(text: str) -> str:
    """Put text into the limits, from line 6 on."""
    return policy("limits:\n" + textwrap.indent(text, "  "))


def qrs(text: str) -> str:
    """Put text into `qrs`, from line 5 on."""
    indented = textwrap.indent(text, " " * 6)
    return f"sites:\n  - name: prod\n    qrs:\n      url: {URL}\n{indented}\n"


def load_text(folder: Path, text: str | bytes, env: Mapping[str, str] | None = None) -> Loaded:
    """Save a configuration and load it."""
    file = folder / "seatkeeper.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, env or {})


def refusal(folder: Path, text: str | bytes, env: Mapping[str, str] | None = None) -> str:
    """Return what is said of a broken configuration."""
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, env)
    return str(caught.value)


def faults(folder: Path, text: str | bytes, env: Mapping[str, str] | None = None) -> list[Said]:
    """Return every fault of a broken configuration, in the order in which they are listed."""
    said = refusal(folder, text, env)
    found = [
        Said(int(f["line"]), f["path"] or "", f["what"], f["cure"])
        for f in _FAULT.finditer(said)
        if f["file"] == str(folder / "seatkeeper.yaml")
    ]
    count = int(said.split(" ", 1)[0])
    assert len(found) == count, said
    return found
