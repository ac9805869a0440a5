"""Small charts in a terminal: a line of blocks, a bar."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], *, least: float | None = None) -> str:
    """Draw numbers as blocks, the largest as the highest; `least` is what the lowest stands for."""
    if not values:
        return ""
    low = min(values) if least is None else min(least, *values)
    span = max(values) - low
    if span == 0:
        return BLOCKS[0 if low == 0 else 3] * len(values)
    return "".join(BLOCKS[round((value - low) / span * (len(BLOCKS) - 1))] for value in values)


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
