"""Rules on pools: how many seats are free, how long they last, minutes and money of the month."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from statistics import median
from typing import ClassVar

from seatkeeper.core.alert_facts import DayOfPool, Known
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rule import (
    About,
    Amount,
    Needs,
    Reading,
    Status,
    Unit,
    below,
    counted,
    setting,
)
from seatkeeper.core.model import LicenseType, Pool

_PROFESSIONAL = LicenseType.PROFESSIONAL
LEAST_DAYS = 7
"""A trend needs so many days."""
_RECENT = 3


@dataclass(frozen=True, slots=True)
class LowAvailability:
    """Few seats of a pool are free."""

    about: ClassVar[About] = About(
        name="low_availability",
        title="Few free seats",
        means="fewer seats of a pool are free than a count or a share of it; critical when none is",
        todo="See who could go (`seatkeeper plan`), approve a plan, or buy seats.",
        needs=Needs.READING,
    )
    professional: Amount = setting(
        Amount(share=0.05), Unit.AMOUNT, "Fires when fewer professional seats are free."
    )
    professional_clear: Amount | None = setting(
        None,
        Unit.AMOUNT,
        "Over when so many are free again. Default 1.4 times `professional`.",
        "professional",
    )
    analyzer: Amount = setting(
        Amount(share=0.05), Unit.AMOUNT, "Fires when fewer analyzer seats are free."
    )
    analyzer_clear: Amount | None = setting(
        None,
        Unit.AMOUNT,
        "Over when so many are free again. Default 1.4 times `analyzer`.",
        "analyzer",
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each pool."""
        for pool in _pools(known):
            limit, clear = self._limits(pool.license_type)
            least = limit.of(pool.total)
            enough = max(least, clear.of(pool.total))
            none = pool.available <= 0 and least > 0
            yield Reading(
                pool.license_type.value,
                Status.of(bad=pool.available < least or none, fine=pool.available >= enough),
                f"{pool.available} of {pool.total} {pool.license_type.value} seats are free",
                {"available": pool.available, "total": pool.total},
                step=2 if none else 1,
                severity=Severity.CRITICAL if none else None,
            )

    def _limits(self, license_type: LicenseType) -> tuple[Amount, Amount]:
        if license_type is _PROFESSIONAL:
            return self.professional, self.professional_clear or self.professional.eased()
        return self.analyzer, self.analyzer_clear or self.analyzer.eased()


@dataclass(frozen=True, slots=True)
class HighUtilization:
    """Nearly the whole pool is allocated."""

    about: ClassVar[About] = About(
        name="high_utilization",
        title="High utilization",
        means="a larger share of a pool is allocated for a while",
        todo="Plan ahead: release idle seats (`seatkeeper plan`), or order seats in time.",
        needs=Needs.READING,
        severity=Severity.INFO,
        hold=timedelta(hours=6),
        repeat=timedelta(days=30),
    )
    professional: float = setting(0.9, Unit.SHARE, "Fires when more of the pool is allocated.")
    professional_clear: float = below(
        0.87, Unit.SHARE, "Over when at most so much is.", "professional"
    )
    analyzer: float = setting(0.9, Unit.SHARE, "Fires when more of the pool is allocated.")
    analyzer_clear: float = below(0.87, Unit.SHARE, "Over when at most so much is.", "analyzer")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each pool that has seats."""
        for pool in _pools(known):
            if pool.license_type is _PROFESSIONAL:
                limit, clear = self.professional, self.professional_clear
            else:
                limit, clear = self.analyzer, self.analyzer_clear
            share = pool.allocated / pool.total
            yield Reading(
                pool.license_type.value,
                Status.of(bad=share > limit, fine=share <= clear),
                f"{pool.allocated} of {pool.total} {pool.license_type.value} seats"
                f" ({share:.0%}) are allocated",
                {"allocated": pool.allocated, "total": pool.total, "share": round(share, 4)},
            )


@dataclass(frozen=True, slots=True)
class PoolEmptySoon:
    """At the present trend a pool is empty in some days."""

    about: ClassVar[About] = About(
        name="pool_empty_soon",
        title="Pool empty soon",
        means="at the trend of the last weeks, and of the last one, no seat is left in some days",
        todo="Look at the trend, release idle seats, or order seats before the day comes.",
        needs=Needs.READING,
        hold=timedelta(hours=2),
        repeat=timedelta(days=3),
    )
    days: int = setting(14, Unit.DAYS, "Fires when the pool lasts fewer days.")
    clear_days: int = setting(21, Unit.DAYS, "Over when it lasts so many days again.", "days")
    trend_days: int = setting(
        28, Unit.TREND_DAYS, "How many days the trend is taken from, 7 at least."
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each pool whose history is long enough; one that is empty goes on as it was."""
        for pool in _pools(known):
            days = known.facts.days.get(pool.license_type, ())[-self.trend_days :]
            lasts = days_left(pool.available, days)
            kind = pool.license_type.value
            if pool.available <= 0:
                # That is for `low_availability` to tell; here it is no end of anything.
                yield Reading(kind, Status.BETWEEN, f"the {kind} pool is empty")
                continue
            if lasts is None:
                yield Reading(kind, Status.FINE, f"the {kind} pool is not running out")
                continue
            yield Reading(
                kind,
                Status.of(bad=lasts < self.days, fine=lasts >= self.clear_days),
                f"the last of {pool.available} free {kind} seats is taken in about"
                f" {counted(round(lasts), 'day')} at the present trend",
                {"available": pool.available, "days_left": round(lasts, 1)},
            )


def days_left(available: int, days: Sequence[DayOfPool]) -> float | None:
    """Return how many days the free seats last; None when they do not fall, or nobody can tell.

    The slope is the median over all pairs of days, so that one step, up or down, is no trend. The
    last week must fall as well, and the slower of the two counts. Only days since the pool last
    changed its size are looked at. What is free now counts as the last days show it: a sudden gap
    is for `low_availability` to tell.
    """
    same = _since_resized(days)
    if len(same) < LEAST_DAYS:
        return None
    falls = -max(_slope(same), _slope(same[-LEAST_DAYS:]))
    free = max(available, median(day.available for day in same[-_RECENT:]))
    return free / falls if falls > 0 else None


def _since_resized(days: Sequence[DayOfPool]) -> Sequence[DayOfPool]:
    first = len(days)
    while first > 0 and days[first - 1].total == days[-1].total:
        first -= 1
    return days[first:]


def _slope(days: Sequence[DayOfPool]) -> float:
    return median(
        (b.available - a.available) / (b.day - a.day).days for a, b in combinations(days, 2)
    )


@dataclass(frozen=True, slots=True)
class CapacityAhead:
    """Minutes of analyzer capacity are used faster than the month goes by."""

    about: ClassVar[About] = About(
        name="capacity_ahead",
        title="Capacity minutes ahead of the month",
        means="the share of minutes used is ahead of the share of the month that is over; critical"
        " when all are used",
        todo="See who uses the minutes; give frequent users a seat of their own, or buy minutes.",
        needs=Needs.READING,
        hold=timedelta(hours=2),
        repeat=timedelta(days=3),
    )
    ahead: float = setting(0.1, Unit.SHARE, "Fires when so much of the minutes is used too early.")
    ahead_clear: float = below(0.05, Unit.SHARE, "Over when at most so much is.", "ahead")
    from_used: float = setting(0.2, Unit.SHARE, "Says nothing before so much is used.")

    def read(self, known: Known) -> Iterable[Reading]:
        """Judge the minutes of the month."""
        capacity = known.summary.capacity if known.summary else None
        if capacity is None or not capacity.enabled or capacity.allocated_minutes <= 0:
            return
        total, used = capacity.allocated_minutes, capacity.used_minutes
        share, over = used / total, share_of_month(known.now)
        gone = used >= total
        bad = gone or (share >= self.from_used and share - over > self.ahead)
        fine = not gone and share - over <= self.ahead_clear
        yield Reading(
            "analyzer_capacity",
            # A site may count the month in another time zone: nothing begins on its first day.
            Status.BETWEEN if _is_first_day(known.now) else Status.of(bad=bad, fine=fine),
            f"{used} of {total} capacity minutes ({share:.0%}) are used, {over:.0%} of the month"
            " is over",
            {"used": used, "total": total, "share": round(share, 4), "month": round(over, 4)},
            step=2 if gone else 1,
            severity=Severity.CRITICAL if gone else None,
        )


def share_of_month(now: datetime) -> float:
    """Return how much of the calendar month (UTC) is over."""
    here = now.astimezone(UTC)
    length = calendar.monthrange(here.year, here.month)[1]
    return (here.day - 1 + (here.hour * 60 + here.minute) / 1440) / length


def _is_first_day(now: datetime) -> bool:
    return now.astimezone(UTC).day == 1


@dataclass(frozen=True, slots=True)
class OverBudget:
    """The seats of all sites cost more than their budget."""

    about: ClassVar[About] = About(
        name="over_budget",
        title="Cost over budget",
        means="the seats of all sites together cost more a month than the budget, where one is set",
        todo="See what is paid for and idle (`seatkeeper plan`); return seats at the next renewal.",
        needs=Needs.ALL,
        repeat=timedelta(days=7),
        where="all sites",
    )
    over: float = setting(1.0, Unit.SHARE, "Fires when more of the budget is spent.")
    over_clear: float = below(0.98, Unit.SHARE, "Over when at most so much is.", "over")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the month's spend, where a budget is set."""
        cost = known.spend
        if cost is None or cost.budget <= 0:
            return
        share = float(cost.spend / cost.budget)
        money = f" {cost.currency}" if cost.currency else ""
        yield Reading(
            "",
            Status.of(bad=share > self.over, fine=share <= self.over_clear),
            f"the seats of all sites cost {cost.spend:.2f} of a budget of {cost.budget:.2f}{money}"
            " a month",
            {"spend": float(cost.spend), "budget": float(cost.budget)},
        )


def _pools(known: Known) -> Iterator[Pool]:
    """Yield the pools in use; one without seats cannot run out."""
    for pool in known.summary.pools if known.summary else ():
        if pool.enabled and pool.total > 0:
            yield pool
