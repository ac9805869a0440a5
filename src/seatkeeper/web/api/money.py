"""What a site costs: by license type and department, now or in a past month."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Request
from pydantic import Field

from seatkeeper.core.cost import Bill
from seatkeeper.core.cost_month import Month
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.money import money
from seatkeeper.web.api.shapes import UNCHANGED, Shape, SiteInPath
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.reach import READS, site_named
from seatkeeper.web.refusals import NotFound, Refusal
from seatkeeper.web.who import desk_of
from seatkeeper.wiring.costing import bill, month_bill

router = APIRouter(route_class=TaggedRoute, tags=["cost"])

Amount = Annotated[Decimal, Field(examples=["1234.50"])]


class MoneyOut(Shape):
    """Amounts a month as texts with two decimals; what they are stands in docs/cost.md."""

    spend: Amount
    idle_spend: Amount
    savings: Amount
    saved_in_month: Amount


class TypeMoneyOut(MoneyOut):
    """The money of one license type."""

    license_type: MeasuredType
    shared_idle: Amount


class DepartmentMoneyOut(MoneyOut):
    """The money of one department, and its seats."""

    department: str
    seats: int
    idle_seats: int


class CostOut(MoneyOut):
    """What a site costs; `cannot_tell` says what the history of a month does not know."""

    site: str
    at: datetime
    month: str | None
    currency: str
    shared_idle: Amount
    types: list[TypeMoneyOut]
    departments: list[DepartmentMoneyOut]
    cannot_tell: list[str]


class MonthUnclear(Refusal):
    """A month that is none, or not over."""

    status = 422
    title = "This month has no costs yet"


@router.get("/sites/{site}/cost", responses=UNCHANGED)
async def cost(
    request: Request,
    visitor: READS,
    site: SiteInPath,
    month: Annotated[
        str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}$", description="A month that is over.")
    ] = None,
) -> CostOut:
    """Tell what a site costs a month, what of it lies idle, and what releases save."""
    desk = desk_of(request)
    name = site_named(desk, visitor, site)
    if desk.settings.cost.to_prices() is None:
        raise NotFound("nothing has a price; write one into the configuration (cost)")
    if month is None:
        found = await bill(desk.store, desk.settings, name, desk.now())
        if found is None:
            raise NotFound("the site was not read yet; the first reading comes by itself")
        return _cost(found)
    wanted = _month(month, desk.now())
    past = await month_bill(desk.store, desk.settings, name, wanted)
    if past is None:
        raise NotFound(f"the site was not read in {month}")
    return _cost(past.bill, month, list(past.gaps))


def _month(text: str, now: datetime) -> Month:
    try:
        month = Month.parse(text)
    except ValueError as error:
        raise MonthUnclear(str(error)) from None
    if not month.is_over(now):
        raise MonthUnclear(f"{text} is not over; leave the month out for what things cost now")
    return month


class _Money(Protocol):
    """Amounts in cents."""

    @property
    def spend(self) -> int: ...
    @property
    def idle_spend(self) -> int: ...
    @property
    def savings(self) -> int: ...
    @property
    def saved(self) -> int: ...


def _amounts(told: _Money) -> dict[str, Decimal]:
    return {
        "spend": money(told.spend),
        "idle_spend": money(told.idle_spend),
        "savings": money(told.savings),
        "saved_in_month": money(told.saved),
    }


def _cost(told: Bill, month: str | None = None, gaps: list[str] | None = None) -> CostOut:
    return CostOut(
        **_amounts(told),
        site=told.site,
        at=told.at,
        month=month,
        currency=told.currency,
        shared_idle=money(told.free),
        types=[
            TypeMoneyOut(**_amounts(t), license_type=t.license_type, shared_idle=money(t.free))
            for t in told.types
        ],
        departments=[
            DepartmentMoneyOut(
                **_amounts(d), department=d.department, seats=d.allocated, idle_seats=d.idle
            )
            for d in told.departments
        ],
        cannot_tell=gaps or [],
    )
