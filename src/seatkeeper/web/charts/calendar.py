"""The days of a year on which somebody used a seat: one small block a month, so that it wraps."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import svg
from markupsafe import Markup

from seatkeeper.web.charts.drawing import drawing

CELL, GAP = 12, 2

LOOKS = (
    ("day-on", "Used"),
    ("day-off", "Not used"),
    ("day-none", "No seat"),
    ("day-unwatched", "Not watched yet"),
    ("mark-released", "Released"),
)
"""The looks of a day, for the legend."""


@dataclass(frozen=True, slots=True)
class DaysOfUse:
    """What is known of each day (of UTC); a day after today is not drawn.

    On days before `since` nobody watched, so that a day without known use says nothing.
    """

    used: frozenset[date]
    since: date | None = None
    without_seat: frozenset[date] = frozenset()
    released: frozenset[date] = frozenset()

    def is_watched(self, day: date) -> bool:
        """Whether something is known of a day."""
        return day in self.used or (self.since is not None and day >= self.since)

    def look(self, day: date) -> str:
        """Return how a day looks."""
        if day in self.used:
            return "day-on"
        if not self.is_watched(day):
            return "day-unwatched"
        return "day-none" if day in self.without_seat else "day-off"


@dataclass(frozen=True, slots=True)
class MonthBlock:
    """One month: its title and its drawing."""

    title: str
    block: Markup


def year_of(days: DaysOfUse, today: date, months: int = 12) -> list[MonthBlock]:
    """Draw the last months, oldest first; a week is a row that begins on Monday."""
    first = today.replace(day=1)
    begun = [_months_before(first, back) for back in range(months - 1, -1, -1)]
    return [
        MonthBlock(_title(month, index == 0), _block(days, month, today))
        for index, month in enumerate(begun)
    ]


def day_swatch(look: str) -> Markup:
    """Draw the look of a day for a legend, which says nothing to those who listen."""
    size = CELL - GAP
    root = svg.SVG(
        width=size,
        height=size,
        class_=["swatch-day"],
        extra={"aria-hidden": "true"},
        elements=[_cell(look, 0, 0)],
    )
    return Markup(str(root))  # noqa: S704 - no text in it


def _months_before(first: date, back: int) -> date:
    number = first.year * 12 + first.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _title(month: date, is_first: bool) -> str:
    return f"{month:%b %Y}" if is_first or month.month == 1 else f"{month:%b}"


def _block(days: DaysOfUse, month: date, today: date) -> Markup:
    length = monthrange(month.year, month.month)[1]
    shown = [date(month.year, month.month, n + 1) for n in range(length)]
    shown = [day for day in shown if day <= today]
    watched = sum(days.is_watched(day) for day in shown)
    used = sum(day in days.used for day in shown)
    says = f"used on {used} of {watched} watched days" if watched else "not watched yet"
    side = 7 * CELL - GAP, 6 * CELL - GAP
    cells = [cell for day in shown for cell in _day(days, day)]
    label = f"{month:%B %Y}: {says}"
    return drawing(label, cells, kind="month", height=side[1], width=side[0], box=side)


def _day(days: DaysOfUse, day: date) -> Iterator[svg.Element]:
    row = (day.day - 1 + day.replace(day=1).weekday()) // 7
    x, y = day.weekday() * CELL, row * CELL
    yield _cell(days.look(day), x, y)
    if day in days.released:
        yield _cell("mark-released", x, y)


def _cell(look: str, x: int, y: int) -> svg.Element:
    size = CELL - GAP
    if look == "day-none":
        return svg.Line(class_=[look], x1=x + 2, x2=x + size - 2, y1=y + 5, y2=y + 5)
    if look == "day-unwatched":
        return svg.Circle(class_=[look], cx=x + 5, cy=y + 5, r=1.25)
    return svg.Rect(class_=[look], x=x, y=y, width=size, height=size, rx=1)
