"""Command `history`: the numbers of each site day by day, from the store alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.lookback import Series, SiteHistory
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.sparkline import sparkline

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = ("site", "day", "license_type", "name", "last", "least", "most")
WIDTH, BESIDE = 60, 52
"""Columns of a sparkline where there is room, and of what stands beside it."""


def history(
    ctx: typer.Context,
    *,
    since: Annotated[
        str, typer.Option("--since", help="From a date, a time, or so long ago, as in 90d.")
    ] = "90d",
    license_type: Annotated[
        MeasuredType | None, typer.Option("--type", help="Only this license type.")
    ] = None,
    site: options.Site = None,
    config: options.Config = None,
    output: options.ListingOption = options.Listing.TABLE,
) -> None:
    """Show pools, active users, capacity minutes and changes of seats, day by day (UTC).

    Reads the store, not the site. Nobody is named.
    """
    from seatkeeper.cli import session as sessions
    from seatkeeper.cli.ledger import moment_since
    from seatkeeper.wiring.clock import SystemClock

    loaded = sessions.read_config(ctx, config)
    sites = sessions.settings_of(loaded, site)
    now = SystemClock().now()
    begin = moment_since(since, now)

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            found = [await store.past.history(s.name, begin, now, license_type) for s in sites]
        _write(found, output, single=site is not None)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _write(found: Sequence[SiteHistory], output: options.Listing, *, single: bool) -> None:
    from seatkeeper.cli import render

    if output is options.Listing.CSV:
        render.write_csv(COLUMNS, (row for one in found for row in _rows(one)))
        return
    form = options.Output.JSON if output is options.Listing.JSON else options.Output.TABLE
    render.show_all([HistoryView(one) for one in found], form, single=single)


def _rows(one: SiteHistory) -> Iterator[Sequence[Any]]:
    for series in one.series:
        for day in series.days:
            numbers = (day.last, day.least, day.most)
            yield (one.site, day.day.isoformat(), day.license_type.value, day.name, *numbers)


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The history of one site."""

    history: SiteHistory

    def data(self) -> Any:
        """Return the JSON contract."""
        one = self.history
        return {
            "site": one.site,
            "since": one.since,
            "until": one.until,
            "series": [
                {
                    "license_type": series.license_type,
                    "name": series.name,
                    "days": [
                        {"day": d.day, "last": d.last, "least": d.least, "most": d.most}
                        for d in series.days
                    ],
                }
                for series in one.series
            ],
            "license": [
                {
                    "at": change.at,
                    "state": change.license.state,
                    "valid_to": change.license.valid_to,
                    "allotments": dict(change.license.allotments),
                }
                for change in one.license
            ],
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return one line a number: its name, its course, where it stands and its bounds."""
        return list(self._lines())

    def _lines(self) -> Iterator[RenderableType]:
        from seatkeeper.cli.render import line, lines

        one = self.history
        yield lines("", f"site {one.site} · {one.first} to {one.until}, by day", style="bold")
        if not one.series:
            yield line("nothing yet; the history begins with the first monitoring cycle")
        earlier = None
        for series in one.series:
            if series.license_type is not earlier:
                yield line(series.license_type.value, style="bold")
                earlier = series.license_type
            yield line(self._line(series))
        for change in one.license:
            valid = change.license.valid_to or "cannot be told"
            state = change.license.state.value.replace("_", " ")
            yield line(f"license since {change.at:%Y-%m-%d}: {state}, valid to {valid}")

    def _line(self, series: Series) -> str:
        days = series.by_day(self.history.first, self.history.until)
        columns = shutil.get_terminal_size((WIDTH + BESIDE, 24)).columns
        width = max(10, min(WIDTH, columns - BESIDE, len(days)))
        course, name = sparkline(days, width), series.name.replace("_", " ")
        last = _number(series.days[-1].last)
        least = _number(min(day.least for day in series.days))
        most = _number(max(day.most for day in series.days))
        return f"  {name:<22}{course:<{width}}  {last:>9}  ({least} to {most})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
