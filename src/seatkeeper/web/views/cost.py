"""What seats cost, as pages show it: now, by type and department, and the months behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from markupsafe import Markup

from seatkeeper.core.cost import Bill, DepartmentCost
from seatkeeper.core.cost_month import Month, MonthBill
from seatkeeper.core.money import money
from seatkeeper.web.charts.small import columns
from seatkeeper.web.desk import Desk
from seatkeeper.wiring.costing import bill, month_bill

MONTHS = 6
"""Months that are looked back at, the running one among them."""

MOST_DEPARTMENTS = 100


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of one or more sites, in cents; `running`: it is not over."""

    name: str
    spend: int
    idle_spend: int
    saved: int
    running: bool = False


@dataclass(frozen=True, slots=True)
class CostView:
    """Everything on the page; no `bills` where nothing was read since prices were set."""

    priced: bool
    currency: str
    bills: tuple[Bill, ...]
    departments: tuple[DepartmentCost, ...]
    months: tuple[MonthRow, ...]
    budget: int | None
    spend_of_all: int
    gaps: tuple[str, ...]
    chart: Markup

    @property
    def spend(self) -> int:
        """Cents a month for everything allocated or used."""
        return sum(one.spend for one in self.bills)

    @property
    def idle_spend(self) -> int:
        """Cents of it for seats that nobody uses."""
        return sum(one.idle_spend for one in self.bills)

    @property
    def free(self) -> int:
        """Cents for seats that nobody holds."""
        return sum(one.free for one in self.bills)

    @property
    def savings(self) -> int:
        """Cents a month that releases save."""
        return sum(one.savings for one in self.bills)

    @property
    def saved(self) -> int:
        """Cents saved in the calendar month until now."""
        return sum(one.saved for one in self.bills)


async def cost_view(desk: Desk, sites: Sequence[str], *, everything: bool) -> CostView:
    """Gather what these sites cost; the budget, which is of all, only for who sees `everything`."""
    prices, now = desk.settings.cost.to_prices(), desk.now()
    bills = [b for s in sites if (b := await bill(desk.store, desk.settings, s, now)) is not None]
    if prices is None or not bills:
        currency = "" if prices is None else prices.currency
        return CostView(prices is not None, currency, (), (), (), None, 0, (), Markup(""))
    of_all = [await bill(desk.store, desk.settings, s, now) for s in desk.sites if everything]
    past, gaps = await _months(desk, sites)
    running = MonthRow(
        f"{now:%B}",
        sum(b.spend for b in bills),
        sum(b.idle_spend for b in bills),
        sum(b.saved for b in bills),
        running=True,
    )
    months = (*past, running)
    has_budget = everything and prices.budget is not None
    return CostView(
        priced=True,
        currency=prices.currency,
        bills=tuple(bills),
        departments=_departments(bills),
        months=months,
        budget=round((prices.budget or 0) * 100) if has_budget else None,
        spend_of_all=sum(b.spend for b in of_all if b is not None),
        gaps=gaps,
        chart=_chart(months, prices.currency),
    )


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


def _departments(bills: Sequence[Bill]) -> tuple[DepartmentCost, ...]:
    """Add the departments of several sites up, the costliest first."""
    found: dict[str, DepartmentCost] = {}
    for one in (department for bill_ in bills for department in bill_.departments):
        known = found.get(one.department.casefold())
        found[one.department.casefold()] = one if known is None else _sum(known, one)
    return tuple(sorted(found.values(), key=lambda d: (-d.spend, d.department)))[:MOST_DEPARTMENTS]


def _sum(first: DepartmentCost, other: DepartmentCost) -> DepartmentCost:
    return DepartmentCost(
        department=first.department,
        allocated=first.allocated + other.allocated,
        idle=first.idle + other.idle,
        spend=first.spend + other.spend,
        idle_spend=first.idle_spend + other.idle_spend,
        savings=first.savings + other.savings,
        saved=first.saved + other.saved,
    )


def _chart(months: Sequence[MonthRow], currency: str) -> Markup:
    values = [(row.name[:3], float(money(row.saved)), f"{money(row.saved):,.0f}") for row in months]
    told = ", ".join(f"{row.name} {money(row.saved):,.2f}" for row in months)
    return columns(f"Saved by releases that stayed free, in {currency}: {told}", values)
