"""Texts for lengths of time (`30d`, `12h`, `90s`) and shares (`20%`, `0.2`), both ways.

What could mean two things is refused with a ValueError whose sentence names the right spelling.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_DURATION = re.compile(r"([0-9]{1,12})\s*([wdhms])", re.IGNORECASE)
_SHOWN = ("d", "h", "m")
"""Units used for showing, largest first; weeks are read but never written, seconds are the rest."""


def parse_duration(text: str) -> timedelta:
    """Read `30d`, `12h`, `5m`, `90s` or `2w`; raises ValueError on everything else."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            "a length of time is a whole number and s, m, h, d or w, such as 30d or 12h"
        )
    try:
        return int(found[1]) * _UNITS[found[2].lower()]
    except OverflowError:
        raise ValueError("a length of time is at most some thousand years") from None


def format_duration(length: timedelta) -> str:
    """Write a length in the largest unit that leaves no rest; parts of a second are dropped."""
    seconds = int(length.total_seconds())
    for unit in _SHOWN:
        size = int(_UNITS[unit].total_seconds())
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def parse_share(value: str | float) -> float:
    """Read `20%`, `0.2` or the number 0.2 as a fraction of one; raises ValueError.

    A bare number of 1 or more is refused: it could be meant as percent or as a factor.
    """
    text = str(value).strip()
    percent = text.endswith("%")
    try:
        number = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        raise ValueError("a share is written as 20% or as 0.2") from None
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError("a share is written as 20% or as 0.2")
    if not percent and number >= 1:
        raise ValueError("a share without a percent sign is below 1: write 20% or 0.2")
    share = number / 100 if percent else number
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0% and 100%")
    return float(share)


def format_share(share: float) -> str:
    """Write a fraction of one as percent, exactly: 0.2 is `20%`, 0.015 is `1.5%`."""
    percent = Decimal(repr(share)) * 100
    return f"{percent.normalize():f}%"
