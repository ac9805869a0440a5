"""Small charts in a terminal: averages for a sparkline, and a bar."""

from __future__ import annotations

from collections.abc import Sequence


def thinned(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` averages of numbers that follow each other, each of as many."""
    size = -(-len(values) // width) if width else 0
    parts = [values[end - size : end] if end > size else values[:end]
             for end in range(len(values), 0, -size)] if size else []  # fmt: skip
    return [sum(part) / len(part) for part in reversed(parts)]


def bar(value: float, whole: float, width: int) -> str:
    """Draw a share of a whole as a bar of that width."""
    filled = round(min(1.0, value / whole) * width) if whole > 0 else 0
    return "█" * filled + "░" * (width - filled)
