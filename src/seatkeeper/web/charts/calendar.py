"""The days of a year on which somebody used a seat: one small block a month, so that it wraps."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

import svg
from markupsafe import Markup

from seatkeeper.web.charts.drawing import drawing

CELL, GAP = 12, 2


@dataclass(frozen=True, slots=True)
class DaysOfUse:
    """What is known of each day; a day before `since` or after `today` is not drawn."""

    used: frozenset[date]
    without_seat: frozenset[date] = frozenset()
    noticed: frozenset[date] = frozenset()
    released: frozenset[date] = frozenset()


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


def _months_before(first: date, back: int) -> date:
    number = first.year * 12 + first.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _title(month: date, is_first: bool) -> str:
    return f"{month:%b %Y}" if is_first or month.month == 1 else f"{month:%b}"


def _block(days: DaysOfUse, month: date, today: date) -> Markup:
    length = monthrange(month.year, month.month)[1]
    shown = [date(month.year, month.month, n + 1) for n in range(length)]
    shown = [day for day in shown if day <= today]
    used = sum(day in days.used for day in shown)
    label = f"{month:%B %Y}: used on {used} of {len(shown)} days"
    side = 7 * CELL - GAP, 6 * CELL - GAP
    cells = [cell for day in shown for cell in _day(days, day)]
    return drawing(label, cells, kind="month", height=side[1], width=side[0], box=side)


def _day(days: DaysOfUse, day: date) -> Iterator[svg.Element]:
    row = (day.day - 1 + day.replace(day=1).weekday()) // 7
    x, y, size = day.weekday() * CELL, row * CELL, CELL - GAP
    if day in days.without_seat and day not in days.used:
        yield svg.Line(class_=["day-none"], x1=x + 2, x2=x + size - 2, y1=y + 5, y2=y + 5)
    else:
        kind = "day-on" if day in days.used else "day-off"
        yield svg.Rect(class_=[kind], x=x, y=y, width=size, height=size, rx=1)
    for kind, marked in (("mark-noticed", days.noticed), ("mark-released", days.released)):
        if _has(day, marked):
            yield svg.Rect(class_=[kind], x=x, y=y, width=size, height=size, rx=1)


def _has(day: date, marked: Collection[date]) -> bool:
    return day in marked
