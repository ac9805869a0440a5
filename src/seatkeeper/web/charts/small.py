"""Small charts: a curve beside a number, columns of months, a share against its limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import svg
from markupsafe import Markup

from seatkeeper.web.charts.drawing import box, drawing, level, path, upright, words


@lru_cache(256)  # the same until the next reading
def spark(label: str, values: tuple[float, ...]) -> Markup:
    """Draw a curve of 80 by 20; the label says what it shows."""
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    rise = (high - low) or 1
    points = [
        (76 * index / (len(values) - 1), 17 - 14 * (value - low) / rise)
        for index, value in enumerate(values)
    ]
    last = points[-1]
    elements: list[svg.Element] = [
        path("area", [*points, (76, 20), (0, 20)], close=True),
        path("line", points),
        svg.Circle(class_=["dot"], cx=round(last[0], 2), cy=round(last[1], 2), r=2.5),
    ]
    return drawing(label, elements, kind="spark", height=20, width=80, box=(80, 20))


def month_bars(label: str, months: Sequence[int | None]) -> Markup:
    """Draw the active days of months as bars; nothing is drawn where nobody watched."""
    bars = list[svg.Element]()
    for index, days in enumerate(months):
        tall = 0 if days is None else max(1.0, 20 * min(days, FULL_MONTH) / FULL_MONTH)
        kind = "bar-month" if days else "bar-none"
        if tall:
            bars.append(
                svg.Rect(class_=[kind], x=6 * index, y=round(20 - tall, 2), width=5, height=tall)
            )
    size = (6 * len(months) - 1, 20)
    return drawing(label, bars, kind="months", height=20, width=size[0], box=size)


FULL_MONTH = 22
"""Active days of somebody who works every working day: the height of a bar."""


@lru_cache(64)
def band_bar(share: float) -> Markup:
    """Draw the bar of one band of a histogram, which stands beside its number."""
    tall = max(share * BAND_HEIGHT, 1.0)
    parts: list[svg.Element] = [box("band-bar", 0, 100, BAND_HEIGHT - tall, tall)]
    root = svg.SVG(
        class_=["band-plot"],
        width=svg.Length(100, "%"),
        height=BAND_HEIGHT,
        extra={"aria-hidden": "true"},
        elements=parts,
    )
    return Markup(str(root))  # noqa: S704 - no text in it


BAND_HEIGHT = 48


def columns(label: str, values: Sequence[tuple[str, float, str]], height: int = 132) -> Markup:
    """Draw columns, each its name, value and the words above it; the last one is now."""
    return drawing(label, _columns(values, height), kind="chart cols", height=height)


def _columns(values: Sequence[tuple[str, float, str]], height: int) -> Iterator[svg.Element]:
    floor, most = height - 24.0, max((value for _, value, _ in values), default=0) or 1
    each = 100 / max(len(values), 1)
    for index, (name, value, says) in enumerate(values):
        tall = (floor - 20) * max(value, 0) / most
        is_now = index == len(values) - 1
        yield box(
            "col-now" if is_now else "col",
            each * index + each * 0.14,
            each * 0.72,
            floor - tall,
            tall,
        )
        strong = "strong" if is_now else ""
        middle = each * (index + 0.5)
        yield words(says, middle, floor - tall - 5, strong, "middle")
        yield words(name, middle, floor + 17, strong, "middle")
    yield level("axis", floor)


def meter(label: str, share: float, limit: float, says: tuple[str, str]) -> Markup:
    """Draw a share against its limit; `says`: the words at the limit and at the share."""
    return drawing(label, _meter(share, limit, says), kind="chart meter", height=52)


def _meter(share: float, limit: float, says: tuple[str, str]) -> Iterator[svg.Element]:
    most = max(share, limit) * 1.4 or 1
    at, end = 100 * limit / most, 100 * share / most
    yield box("meter-bed", 0, 100, 20, 14)
    yield box("meter-fill", 0, min(at, end), 20, 14)
    if end > at:
        yield box("meter-over", at, end - at, 20, 14)
    yield upright("meter-limit", at, 14, 40)
    yield words(says[0], at - 1, 12, "strong", "end")
    yield words(says[1], at + 1, 12, "strong dry")
    yield words("0 %", 0, 50)
    yield words(f"{most * 100:.0f} %", 100, 50, anchor="end")


def minutes_bar(label: str, used: float, expected: float, pace: float) -> Markup:
    """Draw the minutes of a month as shares of the pool: used, expected at its end, even pace."""
    parts: list[svg.Element] = [
        box("seat-available", 0, 100, 4, 14),
        box("bar-forecast", 0, 100 * min(expected, 1), 4, 14),
        box("seat-used", 0, 100 * min(used, 1), 4, 14),
        box("bar-edge", 0, 100, 4, 14),
        upright("pace", 100 * min(pace, 1), 0, 22),
    ]
    return drawing(label, parts, kind="bar", height=22)
