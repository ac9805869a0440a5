"""Cells of a table that leaves Seatkeeper for a spreadsheet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

_FORMULA = ("=", "+", "-", "@")


def cell(value: Any) -> str:
    """Write a value so that no spreadsheet takes it for a formula, and no line breaks.

    Names come from the site: one that begins with `=` would be carried out when the file is
    opened. A quote before it makes it a text.
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    starts_badly = text.startswith(_FORMULA) or (text[:1] and not text[:1].isprintable())
    plain = "".join(c if c.isprintable() else "·" for c in text)
    return f"'{plain}" if starts_badly or plain.lstrip().startswith(_FORMULA) else plain
