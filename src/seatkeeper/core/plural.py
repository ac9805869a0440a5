"""Counts with their word, for people."""

from __future__ import annotations


def plural(number: int, one: str, many: str = "") -> str:
    """Return a count with its word, as in `1 seat`; `many` where an s makes no plural."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
