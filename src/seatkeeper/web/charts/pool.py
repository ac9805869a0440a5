"""A pool as a bar: in use, idle, quarantined, available, and what is above the license."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import svg
from markupsafe import Markup

from seatkeeper.web.charts.drawing import box, drawing, upright


@dataclass(frozen=True, slots=True)
class PoolParts:
    """The seats of one pool; `in_use` and `idle` are our own count of the live seats."""

    name: str
    total: int
    in_use: int
    idle: int
    quarantined: int
    available: int
    excess: int

    @property
    def parts(self) -> tuple[tuple[str, str, int], ...]:
        """Class, word and number of each part, from left to right."""
        return (
            ("seat-used", "In use", self.in_use),
            ("seat-idle", "Idle", self.idle),
            ("seat-quarantined", "Quarantined", self.quarantined),
            ("seat-available", "Available", self.available),
            ("seat-excess", "Excess", self.excess),
        )

    def freed(self, seats: int) -> PoolParts:
        """Return the pool after so many seats went, no more than nobody uses.

        While more are held than the license grants, a seat that goes leaves none free.
        """
        gone = min(seats, self.idle + self.excess)
        lifted = min(gone, self.excess)
        return PoolParts(
            self.name,
            self.total,
            self.in_use,
            self.idle - (gone - lifted),
            self.quarantined,
            self.available + (gone - lifted),
            self.excess - lifted,
        )


@lru_cache(128)  # the same until the next reading
def pool_bar(pool: PoolParts, height: int = 30) -> Markup:
    """Draw the pool; the label names every part, also the zeros."""
    says = ", ".join(f"{number} {word.lower()}" for _, word, number in pool.parts)
    label = f"{pool.name}: {says}, {pool.total} in total"
    return drawing(label, _bar(pool, height), kind="bar", height=height)


@cache
def swatch(kind: str) -> Markup:
    """Draw the little square of a legend, which says nothing to those who listen."""
    parts: list[svg.Element] = [box(kind, 0, 100, 0, 12), box("bar-edge", 0, 100, 0, 12)]
    root = svg.SVG(
        width=12, height=12, class_=["swatch"], extra={"aria-hidden": "true"}, elements=parts
    )
    return Markup(str(root))  # noqa: S704 - no text in it


def _bar(pool: PoolParts, height: int) -> Iterator[svg.Element]:
    whole = max(sum(number for _, _, number in pool.parts), pool.total, 1)
    edges, at = [], 0.0
    for kind, _, number in pool.parts:
        if number <= 0:
            continue
        width = 100 * number / whole
        yield box(kind, at, width, 0, height)
        if at:
            edges.append(at)
        at += width
    for edge in edges:
        yield upright("bar-gap", edge, 0, height)
    yield box("bar-edge", 0, 100, 0, height)
    if pool.excess > 0:
        yield upright("bar-total", 100 * (whole - pool.excess) / whole, 0, height)
