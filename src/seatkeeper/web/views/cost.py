"""What seats cost, as pages show it: now, by type and department, and the months behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from markupsafe import Markup

from seatkeeper.core.cost import AllSites, Bill, DepartmentCost, departments_together
from seatkeeper.core.cost_month import Month, MonthBill
from seatkeeper.core.money import money
from seatkeeper.core.summary import Summary
from seatkeeper.web.charts.small import columns
from seatkeeper.web.desk import Desk
from seatkeeper.wiring.costing import bill_of_reading, month_bill

MONTHS = 6
"""Months that are looked back at, the running one among them."""

MOST_DEPARTMENTS = 100


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of one or more sites, in cents."""

    name: str
    spend: int
    idle_spend: int
    saved: int


@dataclass(frozen=True, slots=True)
class CostView:
    """Everything on the page; no `bills` where nothing was read since prices were set."""

    priced: bool
    bills: tuple[Bill, ...] = ()
    sums: AllSites | None = None
    """What these sites cost together, without the budget, which is of all sites."""
    everything: AllSites | None = None
    """What all sites cost beside their budget; None for who does not see all, or without one."""
    departments: tuple[DepartmentCost, ...] = ()
    months: tuple[MonthRow, ...] = ()
    gaps: tuple[str, ...] = ()
    chart: Markup = field(default_factory=Markup)


async def cost_view(
    desk: Desk, sites: Sequence[str], summaries: Mapping[str, Summary], *, everything: bool
) -> CostView:
    """Gather what these sites cost; the budget, which is of all, only for who sees `everything`."""
    prices, now = desk.settings.cost.to_prices(), desk.now()
    bills = await _bills(desk, sites, summaries)
    if prices is None or not bills:
        return CostView(prices is not None)
    sums = AllSites.of(bills, prices)
    shown = everything and prices.budget is not None
    whole = await _bills(desk, desk.sites, summaries) if shown else []
    past, gaps = await _months(desk, sites)
    running = MonthRow(f"{now:%B}", sums.spend, sums.idle_spend, sums.saved)
    months = (*past, running)
    return CostView(
        priced=True,
        bills=tuple(bills),
        sums=sums,
        everything=AllSites.of(whole, prices) if shown else None,
        departments=departments_together(bills)[:MOST_DEPARTMENTS],
        months=months,
        gaps=gaps,
        chart=_chart(months, prices.currency),
    )


async def _bills(desk: Desk, sites: Iterable[str], summaries: Mapping[str, Summary]) -> list[Bill]:
    found = [
        await bill_of_reading(desk.store, desk.settings, summaries.get(site), desk.now())
        for site in sites
    ]
    return [one for one in found if one is not None]


async def _months(desk: Desk, sites: Sequence[str]) -> tuple[list[MonthRow], tuple[str, ...]]:
    month = Month.of(desk.now().astimezone(UTC).date())
    rows: list[MonthRow] = []
    gaps: dict[str, None] = {}
    for _ in range(MONTHS - 1):
        month = month.before
        found: list[MonthBill] = []
        for site in sites:
            one = await month_bill(desk.store, desk.settings, site, month)
            if one is not None:
                found.append(one)
        if not found:
            break
        gaps |= {f"{month}: {gap}": None for one in found for gap in one.gaps}
        told = [one.bill for one in found]
        spend, idle = sum(b.spend for b in told), sum(b.idle_spend for b in told)
        rows.append(MonthRow(f"{month.begin:%B}", spend, idle, sum(b.saved for b in told)))
    return rows[::-1], tuple(gaps)


def _chart(months: Sequence[MonthRow], currency: str) -> Markup:
    values = [(row.name[:3], float(money(row.saved)), f"{money(row.saved):,.0f}") for row in months]
    told = ", ".join(f"{row.name} {money(row.saved):,.2f}" for row in months)
    return columns(f"Saved by releases that stayed free, in {currency}: {told}", values)
