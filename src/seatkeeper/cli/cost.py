"""Command `cost`: what seats cost a month, from the newest reading and the configured prices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.cli import options
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.running import carry_out
from seatkeeper.core.cost import AllSites, Bill
from seatkeeper.core.cost_month import Month, MonthBill
from seatkeeper.core.departments import EVERY_SITE, SHARED_IDLE, TOTAL
from seatkeeper.core.money import Prices, money
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType

    from seatkeeper.settings import Settings
    from seatkeeper.store import Store

TYPE_COLUMNS = (
    "site",
    "license_type",
    "currency",
    "spend",
    "idle_spend",
    "shared_idle",
    "savings",
    "saved_in_month",
    "budget",
)
"""The budget stands in the last row, which is for all sites."""
DEPARTMENT_COLUMNS = (
    "site",
    "department",
    "currency",
    "seats",
    "idle_seats",
    "spend",
    "idle_spend",
    "shared_idle",
    "savings",
    "saved_in_month",
)
_WORDS = {"month", "site", "license_type", "department", "currency"}


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
    month: Annotated[
        str | None,
        typer.Option("--month", help="What a month that is over (YYYY-MM, UTC) has cost."),
    ] = None,
    site: options.Site = None,
    config: options.Config = None,
    output: options.ListingOption = options.Listing.TABLE,
) -> None:
    """Tell what seats cost a month, what of it lies idle, and what releases have saved.

    Reads the store, not the site. Nobody is named.
    """
    from seatkeeper.cli import session as sessions
    from seatkeeper.wiring.clock import SystemClock

    loaded = sessions.read_config(ctx, config)
    names = [s.name for s in sessions.settings_of(loaded, site)]
    settings, now = loaded.settings, SystemClock().now()
    prices = _required_prices(settings, by)
    chosen = None if month is None else _month(month, now)

    async def command(_stop: asyncio.Event) -> Exit:
        with sessions.open_store_of(loaded) as store:
            told = (
                [_Told(one) for one in await _bills(store, settings, names, now)]
                if chosen is None
                else [
                    _Told(one.bill, one) for one in await _bills_of(store, settings, names, chosen)
                ]
            )
        together = AllSites.of([one.bill for one in told], prices) if site is None else None
        _write(told, together, by, output)
        return Exit.DONE

    raise typer.Exit(carry_out(command))


def _required_prices(settings: Settings, by: Grouping) -> Prices:
    prices = settings.cost.to_prices()
    if prices is None:
        raise UsageError("nothing has a price; write cost: {professional: {per_seat_month: …}}")
    if by is Grouping.DEPARTMENT and settings.cost.attribute is None:
        raise UsageError(
            "cost.attribute is missing: it names the custom property or attribute of users that"
            " tells their department"
        )
    return prices


def _month(text: str, now: datetime) -> Month:
    """Read a month that is over; raises UsageError."""
    last = Month.of(now.astimezone(UTC).date()).before
    try:
        month = Month.parse(text)
    except ValueError as error:
        raise UsageError(f"--month: {error}; write year and month, such as {last}") from None
    if not month.is_over(now):
        raise UsageError(
            f"--month: {month} is not over (UTC); the newest whole month is {last}, and without"
            " --month the costs of now are told"
        )
    return month


async def _bills(
    store: Store, settings: Settings, names: Sequence[str], now: datetime
) -> list[Bill]:
    from seatkeeper.cli import render
    from seatkeeper.wiring.costing import bill

    found = []
    for name in names:
        if (one := await bill(store, settings, name, now)) is not None:
            found.append(one)
        else:
            render.say(f"{name}: not read since prices were set; run seatkeeper monitor")
    return found


async def _bills_of(
    store: Store, settings: Settings, names: Sequence[str], month: Month
) -> list[MonthBill]:
    """Return the bills of a month, and say what they cannot tell; UsageError without any."""
    from seatkeeper.cli import render
    from seatkeeper.wiring.costing import month_bill

    found, unknown = [], []
    for name in names:
        if (one := await month_bill(store, settings, name, month)) is None:
            since = await store.costs.known_since(name)
            begins = "there is none" if since is None else f"it begins on {since}"
            unknown.append(f"the history of {name} knows nothing of {month}: {begins}")
            continue
        found.append(one)
    if not found:
        cure = "choose a month in which the site was read; seatkeeper history shows the days"
        raise UsageError(f"--month: {'; '.join(unknown)}; {cure}")
    for words in unknown:
        render.say(words)
    for one in found:
        for gap in one.gaps:
            render.say(f"{one.bill.site}: {gap}")
    return found


@dataclass(frozen=True, slots=True)
class _Told:
    """The bill of a site; of a past month, with what is known of that."""

    bill: Bill
    month: MonthBill | None = None

    def data(self) -> dict[str, Any]:
        return bill_data(self.bill) if self.month is None else month_data(self.month)


def _write(
    told: Sequence[_Told], together: AllSites | None, by: Grouping, output: options.Listing
) -> None:
    from seatkeeper.cli import render

    if output is options.Listing.JSON:
        every = None if together is None else all_data(together)
        render.write_json({"sites": [one.data() for one in told], "all": every})
        return
    columns, rows = _table([one.bill for one in told], by)
    if told and together is not None:
        rows.append(_last_row([one.bill for one in told], together, by))
    if told and (of := told[0].month) is not None:
        columns, rows = ("month", *columns), [(str(of.month), *row) for row in rows]
    _write_rows(columns, rows, output)


def _table(bills: Sequence[Bill], by: Grouping) -> tuple[Sequence[str], list[Sequence[Any]]]:
    if by is Grouping.TYPE:
        return TYPE_COLUMNS, [row for one in bills for row in _type_rows(one)]
    return DEPARTMENT_COLUMNS, [row for one in bills for row in _department_rows(one)]


def _last_row(bills: Sequence[Bill], together: AllSites, by: Grouping) -> Sequence[Any]:
    amounts = map(_amount, _sums(together))
    if by is Grouping.TYPE:
        budget = None if together.budget is None else _amount(together.budget)
        return (EVERY_SITE, TOTAL, together.currency, *amounts, budget)
    every = [d for one in bills for d in one.departments]
    seats, idle = sum(d.allocated for d in every), sum(d.idle for d in every)
    return (EVERY_SITE, TOTAL, together.currency, seats, idle, *amounts)


def _write_rows(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], output: options.Listing
) -> None:
    from seatkeeper.cli import render

    if output is options.Listing.CSV:
        render.write_csv(columns, rows)
    else:
        render.show(CostTable(columns, rows), options.Output.TABLE)


def month_data(one: MonthBill) -> dict[str, Any]:
    """Return the JSON contract of what a month has cost."""
    return {
        "month": str(one.month),
        "days": one.month.days,
        "days_read": one.days_read,
        "days_by_department": one.days_by_department,
        "cannot_tell": list(one.gaps),
        **bill_data(one.bill),
    }


def bill_data(bill: Bill) -> dict[str, Any]:
    """Return the JSON contract of a bill; amounts are texts with two decimals."""
    return {
        "site": bill.site,
        "at": bill.at,
        "currency": bill.currency,
        "spend": money(bill.spend),
        "idle_spend": money(bill.idle_spend),
        "shared_idle": money(bill.free),
        "savings": money(bill.savings),
        "saved_in_month": money(bill.saved),
        "types": [
            {
                "license_type": t.license_type,
                "spend": money(t.spend),
                "idle_spend": money(t.idle_spend),
                "shared_idle": money(t.free),
                "savings": money(t.savings),
                "saved_in_month": money(t.saved),
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
                "savings": money(d.savings),
                "saved_in_month": money(d.saved),
            }
            for d in bill.departments
        ],
    }


def all_data(together: AllSites) -> dict[str, Any]:
    """Return the JSON contract of what all sites cost together."""
    return {
        "currency": together.currency,
        "budget": None if together.budget is None else money(together.budget),
        "spend": money(together.spend),
        "idle_spend": money(together.idle_spend),
        "shared_idle": money(together.free),
        "savings": money(together.savings),
        "saved_in_month": money(together.saved),
    }


def _amount(cents: int) -> str:
    return str(money(cents))


def _type_rows(bill: Bill) -> Iterator[tuple[Any, ...]]:
    for t in bill.types:
        amounts = (t.spend, t.idle_spend, t.free, t.savings, t.saved)
        yield (bill.site, t.license_type.value, bill.currency, *map(_amount, amounts), None)
    yield (bill.site, TOTAL, bill.currency, *map(_amount, _sums(bill)), None)


def _sums(bill: Bill | AllSites) -> tuple[int, ...]:
    return (bill.spend, bill.idle_spend, bill.free, bill.savings, bill.saved)


def _department_rows(bill: Bill) -> Iterator[tuple[Any, ...]]:
    """Tell departments; what nobody holds is of none and stands in a row of its own."""

    def row(name: str, seats: int, idle: int, *cents: int) -> tuple[Any, ...]:
        return (bill.site, name, bill.currency, seats, idle, *map(_amount, cents))

    every = bill.departments
    for d in every:
        yield row(d.department, d.allocated, d.idle, d.spend, d.idle_spend, 0, d.savings, d.saved)
    yield row(SHARED_IDLE, 0, 0, 0, 0, bill.free, 0, 0)
    seats, idle = sum(d.allocated for d in every), sum(d.idle for d in every)
    yield row(TOTAL, seats, idle, *_sums(bill))


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
        for name in self.columns:
            justify: JustifyMethod = "left" if name in _WORDS else "right"
            table.add_column(name.replace("_", " "), justify=justify)
        for row in self.rows:
            table.add_row(*(Text(safe("" if v is None else str(v))) for v in row))
        return [table]
