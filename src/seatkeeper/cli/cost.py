"""Command `cost`: what seats cost a month, from the newest reading and the configured prices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.cost import Bill, money
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

TYPE_COLUMNS = (
    "site",
    "license_type",
    "currency",
    "spend",
    "idle_spend",
    "shared_idle",
    "savings",
    "budget",
)
DEPARTMENT_COLUMNS = (
    "site",
    "department",
    "currency",
    "seats",
    "idle_seats",
    "spend",
    "idle_spend",
)
TOTAL = "(total)"


class Grouping(StrEnum):
    """By what money is told."""

    TYPE = "type"
    DEPARTMENT = "department"


def cost(
    ctx: typer.Context,
    *,
    by: Annotated[
        Grouping, typer.Option("--by", help="Told by license type or by department.")
    ] = Grouping.TYPE,
    site: options.Site = None,
    config: options.Config = None,
    output: options.ListingOption = options.Listing.TABLE,
) -> None:
    """Tell what seats cost a month, what of it lies idle, and what releases have saved.

    Reads the store, not the site. Nobody is named.
    """
    from seatkeeper.cli import render
    from seatkeeper.cli import session as sessions
    from seatkeeper.wiring.clock import SystemClock
    from seatkeeper.wiring.costing import bill

    loaded = sessions.read_config(ctx, config)
    names = [s.name for s in sessions.settings_of(loaded, site)]
    settings, now = loaded.settings, SystemClock().now()
    if settings.cost.to_prices() is None:
        raise UsageError("nothing has a price; write cost: {professional: {per_seat_month: …}}")
    if by is Grouping.DEPARTMENT and settings.cost.attribute is None:
        raise UsageError(
            "cost.attribute is missing: it names the custom property or attribute of users that"
            " tells their department"
        )

    async def command(_stop: asyncio.Event) -> Exit:
        found = []
        with sessions.open_store_of(loaded) as store:
            for name in names:
                if (one := await bill(store, settings, name, now)) is not None:
                    found.append(one)
                else:
                    render.say(f"{name}: not read since prices were set; run seatkeeper monitor")
        _write(found, by, output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _write(bills: Sequence[Bill], by: Grouping, output: options.Listing) -> None:
    from seatkeeper.cli import render

    by_type = by is Grouping.TYPE
    if output is options.Listing.JSON:
        render.write_json([bill_data(one) for one in bills])
        return
    columns = TYPE_COLUMNS if by_type else DEPARTMENT_COLUMNS
    rows = [row for one in bills for row in (_type_rows if by_type else _department_rows)(one)]
    if output is options.Listing.CSV:
        render.write_csv(columns, rows)
    else:
        render.show(CostTable(columns, rows), options.Output.TABLE)


def bill_data(bill: Bill) -> dict[str, Any]:
    """Return the JSON contract of a bill; amounts are texts with two decimals."""
    return {
        "site": bill.site,
        "at": bill.at,
        "currency": bill.currency,
        "budget": None if bill.budget is None else money(bill.budget),
        "spend": money(bill.spend),
        "idle_spend": money(bill.idle_spend),
        "shared_idle": money(bill.free),
        "savings": money(bill.saved),
        "types": [
            {
                "license_type": t.license_type,
                "spend": money(t.spend),
                "idle_spend": money(t.idle_spend),
                "shared_idle": money(t.free),
                "savings": money(t.saved),
            }
            for t in bill.types
        ],
        "departments": [
            {
                "department": d.department,
                "seats": d.allocated,
                "idle_seats": d.idle,
                "spend": money(d.spend),
                "idle_spend": money(d.idle_spend),
            }
            for d in bill.departments
        ],
    }


def _amount(cents: int) -> str:
    return str(money(cents))


def _type_rows(bill: Bill) -> Iterator[tuple[Any, ...]]:
    for t in bill.types:
        amounts = (t.spend, t.idle_spend, t.free, t.saved)
        yield (bill.site, t.license_type.value, bill.currency, *map(_amount, amounts), None)
    budget = None if bill.budget is None else _amount(bill.budget)
    total = map(_amount, (bill.spend, bill.idle_spend, bill.free, bill.saved))
    yield (bill.site, TOTAL, bill.currency, *total, budget)


def _department_rows(bill: Bill) -> Iterator[tuple[Any, ...]]:
    every = bill.departments
    for d in every:
        amounts = (_amount(d.spend), _amount(d.idle_spend))
        yield (bill.site, d.department, bill.currency, d.allocated, d.idle, *amounts)
    seats, idle = sum(d.allocated for d in every), sum(d.idle for d in every)
    amounts = (_amount(bill.spend), _amount(bill.idle_spend))
    yield (bill.site, TOTAL, bill.currency, seats, idle, *amounts)


@dataclass(frozen=True, slots=True)
class CostTable:
    """Rows of money for people."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def data(self) -> Any:
        """Return the rows."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def drawing(self) -> Sequence[RenderableType]:
        """Return one table."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        from seatkeeper.cli.render import safe

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for number, name in enumerate(self.columns):
            table.add_column(name.replace("_", " "), justify="left" if number < 3 else "right")
        for row in self.rows:
            table.add_row(*(Text(safe("" if v is None else str(v))) for v in row))
        return [table]
