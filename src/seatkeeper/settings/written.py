"""Plain values as they are written in a YAML file, so that the same values are read back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_./$+-](?:[A-Za-z0-9_./$%@+ -]|:(?=\S))*")
_MEANS_NOTHING = frozenset({"~", "null"})


def as_yaml(value: Any) -> str:
    """Write text, numbers, lists and blocks so that the same value is read back."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {as_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(str(value))


def as_lines(value: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """Write a block over several lines: keys below each other, list entries one a line."""
    indent = "  " * depth
    for key, below in value.items():
        if isinstance(below, dict) and below:
            yield f"{indent}{key}:"
            yield from as_lines(below, depth + 1)
        elif isinstance(below, (list, tuple)) and below:
            yield f"{indent}{key}:"
            for entry in below:
                yield f"{indent}  - {as_yaml(entry)}"
        else:
            yield f"{indent}{key}: {as_yaml(below)}"


def _text(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text == text.strip() and text[0] != "-"
    if plain and text.lower() not in _MEANS_NOTHING:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return (
        '"' + "".join(c if c.isprintable() and c not in '\\"' else _escaped(c) for c in text) + '"'
    )


def _escaped(character: str) -> str:
    return f"\\U{ord(character):08x}"
