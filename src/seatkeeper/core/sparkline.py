"""A row of numbers as a row of bars that fits one line."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int, *, least: float | None = None) -> str:
    """Draw numbers as bars between their least and their largest; None is a blank.

    `least` is what the lowest bar stands for where no number is smaller. More numbers than
    columns share columns: each shows the last number that is known of its share.
    """
    shares = min(width, len(values))
    shown = [_last(values, n, shares) for n in range(shares)]
    known = [value for value in shown if value is not None]
    if not known:
        return " " * shares
    low = min(known) if least is None else min(least, *known)
    span = max(known) - low

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        return BARS[round((value - low) / span * (len(BARS) - 1))] if span else BARS[0]

    return "".join(map(bar, shown))


def _last(values: Sequence[float | None], share: int, shares: int) -> float | None:
    start, end = share * len(values) // shares, (share + 1) * len(values) // shares
    return next((v for v in reversed(values[start:end]) if v is not None), None)
