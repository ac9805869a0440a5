"""Pools of a site: seats by what they are doing, the days behind, and when a pool runs dry."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter, Request

from seatkeeper.core.durations import format_duration
from seatkeeper.core.forecast import SURE, Forecast, Outset
from seatkeeper.core.model import LicenseType, Pool
from seatkeeper.core.summary import Summary
from seatkeeper.web.api.shapes import UNCHANGED, Shape, SiteInPath
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import zone_of
from seatkeeper.web.reach import READS, site_named
from seatkeeper.web.views.pools import (
    alert_below,
    capacity_of,
    forecast_of,
    history_of,
    parts_of,
)
from seatkeeper.web.who import desk_of

router = APIRouter(route_class=TaggedRoute, tags=["pools"])


class ForecastOut(Shape):
    """Where a pool goes: seats a day (negative: fewer are left), and when none is left.

    `earliest` and `latest` bound the day as `sure` as that; null: more than a year away.
    """

    per_day: float
    least_per_day: float
    most_per_day: float
    runs_dry_on: date | None
    earliest: date | None
    latest: date | None
    days_left: int | None
    sure: float


class DayOut(Shape):
    """The end of one day: seats left, of how many, and how many Seatkeeper released on it.

    What it gave back is taken off, so that `released` can be negative.
    """

    day: date
    available: float
    total: float
    released: int


class PoolOut(Shape):
    """One license type; `in_use` and `idle` are counted from the last use of each seat's holder."""

    license_type: LicenseType
    enabled: bool
    total: int
    allocated: int
    available: int
    used: int
    quarantined: int
    excess: int | None
    in_use: int
    idle: int
    idle_after: str
    alert_below: float
    forecast: ForecastOut | None
    days: list[DayOut]


class CapacityOut(Shape):
    """Minutes of Analyzer Capacity this month: bought, used, expected at its end.

    `expected` is null in the first three days of a month.
    """

    total: int
    used: int
    expected: int | None


class PoolsOut(Shape):
    """The pools of a site at its newest reading."""

    site: str
    read_at: datetime | None
    pools: list[PoolOut]
    capacity: CapacityOut | None


@router.get("/sites/{site}/pools", responses=UNCHANGED)
async def pools(request: Request, visitor: READS, site: SiteInPath) -> PoolsOut:
    """Show the pools of a site, each with the days behind it and its forecast."""
    desk = desk_of(request)
    name = site_named(desk, visitor, site)
    summary = await desk.store.summaries.newest(name)
    if summary is None:
        return PoolsOut(site=name, read_at=None, pools=[], capacity=None)
    history = await history_of(desk, summary, zone_of(desk.settings.site(name)))
    capacity = capacity_of(summary, desk.now())
    return PoolsOut(
        site=name,
        read_at=summary.at,
        pools=[
            _pool(desk, summary, pool, history.outsets(pool.license_type)) for pool in summary.pools
        ],
        capacity=None if capacity is None else CapacityOut.model_validate(capacity),
    )


def _pool(desk: Desk, summary: Summary, pool: Pool, days: tuple[Outset, ...]) -> PoolOut:
    parts, ahead = parts_of(pool, summary), forecast_of(days)
    return PoolOut(
        license_type=pool.license_type,
        enabled=pool.enabled,
        total=pool.total,
        allocated=pool.allocated,
        available=pool.available,
        used=pool.used,
        quarantined=pool.quarantined,
        excess=pool.excess,
        in_use=parts.in_use,
        idle=parts.idle,
        idle_after=format_duration(
            desk.sites[summary.site].policy.of(pool.license_type).release_after
        ),
        alert_below=alert_below(desk.settings, pool),
        forecast=None if ahead is None else _forecast(ahead),
        days=[DayOut(day=d.day, available=d.left, total=d.total, released=d.freed) for d in days],
    )


def _forecast(ahead: Forecast) -> ForecastOut:
    return ForecastOut(
        per_day=ahead.per_day,
        least_per_day=ahead.least_per_day,
        most_per_day=ahead.most_per_day,
        runs_dry_on=ahead.dry_on,
        earliest=ahead.earliest,
        latest=ahead.latest,
        days_left=ahead.days_left(),
        sure=SURE,
    )
