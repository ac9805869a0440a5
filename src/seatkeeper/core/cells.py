"""Cells of a table that leaves Seatkeeper for a spreadsheet."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

_FORMULA = re.compile(r'(^|[;,\t|])(?=[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20])')
"""A sign that begins a formula, full width or not, at the start of a cell.

A spreadsheet may part cells by another sign than the file does, and does not ask first.
"""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def cell(value: Any) -> str:
    """Write a value so that no spreadsheet takes it for a formula, and no line breaks.

    Names come from the site: one that begins with `=`, or goes on with it behind a semicolon, would
    be carried out when the file is opened. A quote before the sign makes it a text.
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    plain = "".join(c if c.isprintable() else "·" for c in text)
    if not isinstance(value, str) and _NUMBER.fullmatch(plain):
        return plain
    starts_badly = bool(text[:1]) and not text[0].isprintable()
    safe = _FORMULA.sub(r"\1'", plain)
    return f"'{safe}" if starts_badly and not safe.startswith("'") else safe
