"""What the list of users shows beside its rows: seats by idle time, and the year of each person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from seatkeeper.core.idle_bands import IdleBand, IdleBands
from seatkeeper.core.plural import plural
from seatkeeper.core.roster import ActiveYear, RosterRow
from seatkeeper.core.rules import counted_days
from seatkeeper.web.charts.small import band_bar, month_bars
from seatkeeper.web.desk import Desk


@dataclass(frozen=True, slots=True)
class BandView:
    """One band of the histogram, its bar, and whether the list is narrowed to it."""

    band: IdleBand
    bar: Markup
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class YearView:
    """The active days of one person in the last months, in number and as bars."""

    days: int
    bars: Markup


def band_views(found: IdleBands, idle: int | None, below: int | None) -> tuple[BandView, ...]:
    """Return the bands; `idle` and `below` are the days that the list is narrowed to."""
    most = found.most
    if not most:
        return ()
    chosen = (idle or 0, below) if (idle, below) != (None, None) else None
    return tuple(
        BandView(band, band_bar(band.seats / most), (band.at_least, band.below) == chosen)
        for band in found.bands
    )


def year_views(
    years: Mapping[tuple[str, str], ActiveYear], now: datetime
) -> dict[tuple[str, str], YearView]:
    """Return the year of each person, by site and user."""
    return {
        who: YearView(year.days, month_bars(_said(year, now), year.months))
        for who, year in years.items()
    }


def year_of(years: Mapping[tuple[str, str], YearView], row: RosterRow) -> YearView | None:
    """Return the year of the holder of a row, None where nothing is kept of them."""
    return years.get((row.site, row.user))


def idle_days(desk: Desk, row: RosterRow) -> int | None:
    """Return the whole days that a seat is idle, as the rules count them; None: cannot tell."""
    if row.idle_since is None:
        return None
    return counted_days(row.idle_since, desk.now(), desk.sites[row.site].policy)


def _said(year: ActiveYear, now: datetime) -> str:
    watched = sum(days is not None for days in year.months)
    said = f"Active on {plural(year.days, 'day')} in {plural(watched, 'watched month')}"
    busy = [f"{name} {days}" for name, days in _named(year, now) if days]
    return f"{said}: {', '.join(busy)}" if busy else said


def _named(year: ActiveYear, now: datetime) -> Iterator[tuple[str, int | None]]:
    today = now.astimezone(UTC).date()
    last = today.year * 12 + today.month - 1
    first = last - len(year.months) + 1
    for number, days in enumerate(year.months, first):
        yield f"{today.replace(year=number // 12, month=number % 12 + 1, day=1):%B}", days
