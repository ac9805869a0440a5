"""The pools of a site as pages show them: the parts today, the days behind, the days ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from markupsafe import Markup

from seatkeeper.core.alert_pools import LowAvailability, share_of_month
from seatkeeper.core.changes import By, ChangeKind
from seatkeeper.core.day import PoolOutlook
from seatkeeper.core.durations import format_duration
from seatkeeper.core.forecast import SURE, Forecast, Outset, forecast
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Capacity, LicenseType, Pool
from seatkeeper.core.plan import Plan
from seatkeeper.core.plural import plural
from seatkeeper.core.summary import Summary
from seatkeeper.settings import Settings
from seatkeeper.web.charts.fuel import PAST, Fuel, fuel, sampled
from seatkeeper.web.charts.pool import PoolParts, pool_bar
from seatkeeper.web.charts.small import minutes_bar, spark
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import is_stale
from seatkeeper.web.render import day as day_words


@dataclass(frozen=True, slots=True)
class PoolView:
    """One pool: its numbers, its charts, and the sentence below them."""

    license_type: LicenseType
    name: str
    pool: Pool
    parts: PoolParts
    idle_after: str
    outlook: PoolOutlook
    bar: Markup
    chart: Markup
    spark: Markup
    tone: str
    tag: str
    says: str
    table: tuple[tuple[date, Mapping[str, float]], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class CapacityView:
    """The minutes of the month: used, left, expected at its end, and at an even pace.

    `expected` is None in the first days, which tell nothing of the whole; `over` is the share of
    the month that was over at the reading.
    """

    total: int
    used: int
    expected: int | None
    pace: int
    over: float
    month: str
    tone: str
    tag: str
    bar: Markup

    @property
    def left(self) -> int:
        """Minutes that nobody used yet."""
        return max(0, self.total - self.used)


async def pools_of(
    desk: Desk, summary: Summary, zone: tzinfo, waiting: Mapping[LicenseType, int]
) -> tuple[PoolView, ...]:
    """Return the pools of one site; `waiting`: seats that the waiting plan frees, by type."""
    known = await history_of(desk, summary, zone)
    return tuple(
        _pool(desk, summary, pool, _Around(known, waiting))
        for pool in summary.pools
        if pool.enabled
    )


@dataclass(frozen=True, slots=True)
class PoolHistory:
    """The days behind the pools of a site, by type and day; and what was freed on which."""

    zone: tzinfo
    today: date
    days: Mapping[LicenseType, Mapping[date, Mapping[str, float]]]
    freed: Mapping[tuple[LicenseType, date], int]

    def outsets(self, license_type: LicenseType) -> tuple[Outset, ...]:
        """Return the days of one pool as a forecast takes them, oldest first."""
        return tuple(
            Outset(
                day,
                values["available"],
                values.get("total", 0),
                self.freed.get((license_type, day), 0),
                values.get("quarantined", 0) - values.get("excess", 0),
            )
            for day, values in sorted(self.days.get(license_type, {}).items())
            if "available" in values
        )


async def history_of(desk: Desk, summary: Summary, zone: tzinfo) -> PoolHistory:
    """Read the days behind the pools of a site, as far back as charts show them."""
    today = desk.now().astimezone(zone).date()
    since, site = today - timedelta(days=PAST + 1), summary.site
    days: dict[LicenseType, dict[date, dict[str, float]]] = {}
    # A reading keeps its summary last: whoever knows that finds the days, too.
    for one in await desk.days.of(
        site, (since, summary.at), lambda: desk.store.past.pool_days(site, since)
    ):
        if one.license_type in _SEATS:
            kind = _SEATS[one.license_type]
            days.setdefault(kind, {}).setdefault(one.day, {})[one.name] = one.last
    freed: Counter[tuple[LicenseType, date]] = Counter()
    begin = desk.now() - timedelta(days=PAST + 1)
    for (day, change, by, of_type), times in (await desk.store.past.changes(site, begin)).items():
        if by is By.US:
            freed[of_type, day] += times * _FREES.get(change, 0)
    return PoolHistory(zone, today, days, freed)


_FREES = {ChangeKind.RELEASED: 1, ChangeKind.QUARANTINED: 1, ChangeKind.CAME_BACK: -1}
"""What a change of ours makes of the seats that are free or soon will be."""

_SEATS = {MeasuredType(kind.value): kind for kind in LicenseType}


@dataclass(frozen=True, slots=True)
class _Around:
    """The days behind the pools, and what waits to be freed of each."""

    history: PoolHistory
    waiting: Mapping[LicenseType, int]


@lru_cache(64)  # the same until the next reading
def forecast_of(known: tuple[Outset, ...]) -> Forecast | None:
    """Return what the days of a pool lead to; see `forecast`."""
    return forecast(known)


def _pool(desk: Desk, summary: Summary, pool: Pool, around: _Around) -> PoolView:
    history = around.history
    name = pool.license_type.value.capitalize()
    known = history.outsets(pool.license_type)
    days = history.days.get(pool.license_type, {})
    ahead = forecast_of(known)
    parts = parts_of(pool, summary)
    freed = parts.freed(around.waiting.get(pool.license_type, 0)).available - parts.available
    stale = is_stale(desk, summary.site, summary)
    below = alert_below(desk.settings, pool)
    chart = Fuel(name, history.today, known, ahead, freed, below, stale)
    tone, tag = _data_of(summary, around) if stale else _tag(pool, ahead, history.today)
    after = desk.sites[summary.site].policy.of(pool.license_type).release_after
    last = tuple(one.left for one in known[-30:])
    return PoolView(
        license_type=pool.license_type,
        name=name,
        pool=pool,
        parts=parts,
        idle_after=format_duration(after),
        outlook=PoolOutlook(pool.license_type, pool.available, pool.total, ahead, pool.excess or 0),
        bar=pool_bar(parts),
        chart=fuel(chart),
        spark=spark(_spark_words(name, last), last),
        tone=tone,
        tag=tag,
        says=_says(ahead, len(known), freed, is_stale=stale),
        table=tuple((one.day, days[one.day]) for one in sampled(known)),
    )


def parts_of(pool: Pool, summary: Summary) -> PoolParts:
    """Return the parts of a pool: in use and idle are counted from last-use dates."""
    seats = next((s for s in summary.seats if s.license_type is pool.license_type), None)
    live = pool.allocated if seats is None else seats.live
    excess = pool.excess or 0
    used = live if seats is None or seats.in_use is None else seats.in_use
    return PoolParts(
        name=pool.license_type.value.capitalize(),
        total=pool.total,
        in_use=min(used, max(0, live - excess)),
        idle=max(0, live - used - excess),
        quarantined=pool.quarantined,
        available=max(0, pool.available),
        excess=excess,
    )


def alert_below(settings: Settings, pool: Pool) -> float:
    """Return below how many free seats an alert fires, 0 when none does."""
    for rule in settings.alerts.to_rules():
        if isinstance(rule.kind, LowAvailability):
            limit = {
                LicenseType.PROFESSIONAL: rule.kind.professional,
                LicenseType.ANALYZER: rule.kind.analyzer,
            }[pool.license_type]
            return float(limit.of(pool.total))
    return 0


def _data_of(summary: Summary, around: _Around) -> tuple[str, str]:
    """Say of when the numbers are, where that is not now: then nothing else is worth a colour."""
    return "warn", f"Data of {day_words(summary.at.astimezone(around.history.zone))}"


def _tag(pool: Pool, ahead: Forecast | None, today: date) -> tuple[str, str]:
    if pool.total <= 0:
        return "", "No seats bought"
    if pool.available <= 0:
        return "bad", "Empty"
    if ahead is None:
        return "", "History too short to tell"
    dry, days = ahead.dry_on, ahead.days_left(today)
    if dry is None or days is None:
        return "good", "Not running dry within a year"
    return "warn" if days <= 90 else "good", f"Runs dry {day_words(dry)}"


def _says(ahead: Forecast | None, days: int, freed: int, *, is_stale: bool) -> str:
    if ahead is None:
        return f"A trend needs two weeks; {plural(days, 'day is', 'days are')} known."
    if is_stale:
        return (
            f"Nothing was read since {day_words(ahead.today)}: the line ends there, and the"
            f" forecast begins there. {_trend(ahead)}"
        )
    says = _trend(ahead)
    if freed:
        lifted = ahead.after(freed)
        if ahead.dry_on is not None and lifted.dry_on is not None:
            says += f" The waiting plan moves that to {day_words(lifted.dry_on)}."
        else:
            says += f" With the waiting plan {lifted.left:,.0f} would be left now."
    return says


def _trend(ahead: Forecast) -> str:
    dry = ahead.dry_on
    if ahead.left <= 0:
        return "No seat is left."
    if dry is None:
        if abs(ahead.per_day) < 0.02:
            return "The number of free seats stands still."
        way = "more" if ahead.per_day > 0 else "fewer"
        return f"About {_pace(abs(ahead.per_day))} {way}; it does not run dry within a year."
    earliest = day_words(ahead.earliest) if ahead.earliest else "a later day"
    latest = day_words(ahead.latest) if ahead.latest else "more than a year away"
    pace = f"At {-ahead.per_day:.1f} seats a day" if -ahead.per_day >= 0.05 else "At this pace"
    return (
        f"{pace} the pool is empty on {day_words(dry)} (about {SURE:.0%} sure: {earliest} to"
        f" {latest}). Seats that Seatkeeper released are no part of the pace."
    ).replace("%", "\u00a0%")


def _pace(per_day: float) -> str:
    if per_day >= 0.5:
        return f"{per_day:.1f} seats a day"
    return f"one seat in {1 / per_day:.0f} days"


def _spark_words(name: str, values: tuple[float, ...]) -> str:
    if not values:
        return ""
    return (
        f"{name} seats left over {len(values)} days, lowest {min(values):,.0f}, "
        f"now {values[-1]:,.0f}"
    )


def capacity_of(summary: Summary, now: datetime) -> CapacityView | None:
    """Return the minutes of the month, None where the site has none, or none of this month.

    Use is compared with the month as far as it was over at the reading.
    """
    capacity, at = summary.capacity, summary.at.astimezone(UTC)
    today = now.astimezone(UTC)
    if capacity is None or not capacity.enabled or capacity.allocated_minutes <= 0:
        return None
    if (at.year, at.month) != (today.year, today.month):
        return None
    total, used, over = capacity.allocated_minutes, capacity.used_minutes, share_of_month(at)
    expected = round(used / over) if at.day >= TELLING_DAY else None
    month, pace = f"{at:%B}", round(total * over)
    tone, tag = _minutes_tag(capacity, expected, month)
    label = f"Analyzer Capacity: {used:,} of {total:,} minutes used"
    if expected is not None:
        label += f", about {expected:,} expected at the end of the month"
    label += f"; an even pace would be {pace:,}"
    bar = minutes_bar(label, used / total, (used if expected is None else expected) / total, over)
    return CapacityView(total, used, expected, pace, over, month, tone, tag, bar)


TELLING_DAY = 4
"""The day of a month from which on its use tells what its end will be."""


def _minutes_tag(capacity: Capacity, expected: int | None, month: str) -> tuple[str, str]:
    if capacity.used_minutes >= capacity.allocated_minutes:
        return "bad", "No minute left"
    if expected is None:
        return "", f"Too early in {month} to tell"
    if expected > capacity.allocated_minutes:
        return "warn", f"Not enough for {month}"
    return "good", f"Enough for {month}"


def freed_by(plan: Plan) -> dict[LicenseType, int]:
    """Return how many seats of each type a plan releases."""
    found: dict[LicenseType, int] = {}
    for action in plan.actions:
        found[action.license_type] = found.get(action.license_type, 0) + 1
    return found
