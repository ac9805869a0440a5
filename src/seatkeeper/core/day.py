"""Is today a good day: one answer for the sites somebody looks at, and what waits for them.

Old data never look like good data: whoever cannot tell says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Alert, AlertState
from seatkeeper.core.forecast import Forecast
from seatkeeper.core.model import LicenseType
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import PlanLine
from seatkeeper.core.summary import Summary

SOON = 45
"""A pool that runs dry within so many days waits for somebody."""

MOST = 3
"""So much that waits is shown; the pages behind show the rest."""


class Answer(StrEnum):
    """The four answers."""

    QUIET = "quiet"
    NEEDS_YOU = "needs_you"
    ACT_NOW = "act_now"
    CANNOT_TELL = "cannot_tell"

    @property
    def words(self) -> str:
        """The answer in two words."""
        return self.value.replace("_", " ").capitalize()


class Where(StrEnum):
    """Where something that waits is done."""

    PLAN = "plan"
    IDLE = "idle"
    ALERTS = "alerts"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that waits: the fact, the numbers behind it, and where it is done."""

    urgent: bool
    title: str
    says: str
    where: Where
    site: str
    what: str = ""
    """The plan, or the license type."""


@dataclass(frozen=True, slots=True)
class PoolOutlook:
    """One pool of a site: what is left, and what becomes of it."""

    license_type: LicenseType
    available: int
    total: int
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True)
class SiteDay:
    """What is known of one site today; `summary` None: it was never read whole."""

    site: str
    summary: Summary | None
    stale: bool
    pools: tuple[PoolOutlook, ...] = ()
    waiting: tuple[PlanLine, ...] = ()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """The answer, its sentence, and what waits, worst first."""

    answer: Answer
    sentence: str
    todo: tuple[Todo, ...]


def judge_day(sites: Sequence[SiteDay], now: datetime) -> Day:
    """Answer for these sites."""
    todo = sorted(
        (one for site in sites for one in _waits(site, now)), key=lambda one: not one.urgent
    )
    blind = [s.site for s in sites if s.summary is None or s.stale]
    locked = [p for s in sites for p in s.pools if p.total and p.available <= 0]
    if locked:
        answer = Answer.ACT_NOW
    elif blind:
        answer = Answer.CANNOT_TELL
    elif any(one.urgent for one in todo):
        answer = Answer.ACT_NOW
    else:
        answer = Answer.NEEDS_YOU if todo else Answer.QUIET
    return Day(answer, _sentence(answer, sites, locked, blind, len(todo)), tuple(todo))


def _sentence(
    answer: Answer,
    sites: Sequence[SiteDay],
    locked: Sequence[PoolOutlook],
    blind: Sequence[str],
    todo: int,
) -> str:
    waits = f"{_number(todo)} {'thing waits' if todo == 1 else 'things wait'} for you."
    if locked:
        kind = locked[0].license_type.value
        return f"No {kind} seat is left: the next user without one is locked out."
    if answer is Answer.CANNOT_TELL:
        if not any(site.summary for site in sites):
            return "Nobody can tell yet: nothing was read."
        return f"Nobody can tell: {' and '.join(blind)} gave no new numbers."
    if answer is Answer.QUIET:
        return "All quiet. Nobody is locked out, and nothing waits for you."
    if answer is Answer.ACT_NOW:
        return f"Something needs you now. {waits.capitalize()}"
    return f"Nobody is locked out. {waits.capitalize()}"


def _number(count: int) -> str:
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return small[count] if count < len(small) else str(count)


def _waits(site: SiteDay, now: datetime) -> Iterator[Todo]:
    yield from (_plan(line, now) for line in site.waiting)
    for pool in site.pools:
        if (day := _soon(pool)) is not None:
            yield _dry(site, pool, day)
    told = [a for a in site.alerts if a.state is AlertState.FIRING and not _said(a, site)]
    critical = [a for a in told if a.severity is Severity.CRITICAL]
    warnings = [a for a in told if a.severity is Severity.WARNING]
    if critical or warnings:
        yield _alerts(site.site, critical, warnings)


def _said(alert: Alert, site: SiteDay) -> bool:
    """Whether something above says what the alert says."""
    if alert.key.rule == "blocked_plan":
        return bool(site.waiting)
    if alert.key.rule == "pool_empty_soon":
        said = [p.license_type.value for p in site.pools if _soon(p) is not None]
        return alert.key.subject in said
    return False


def _soon(pool: PoolOutlook) -> date | None:
    """Return the day on which the pool runs dry, if that is soon."""
    known = pool.forecast
    days = known.days_left() if known is not None and pool.available > 0 else None
    return known.dry_on if known is not None and days is not None and days <= SOON else None


def _plan(line: PlanLine, now: datetime) -> Todo:
    left = line.expires_at - now
    ends = f"It expires in {_hours(left)}."
    seats = f"{line.actions} seat{'s' if line.actions != 1 else ''}"
    if line.status is PlanStatus.BLOCKED:
        limits = ", ".join(limit.value for limit in line.violations)
        count = len(line.violations)
        title = f"A plan for {line.site} breaks {_number(count)} limit{'s' if count > 1 else ''}"
        says = f"It would release {seats} and breaks {limits}. Leave seats out, or pass the limit"
        return Todo(
            False, title, f"{says} with a reason. {ends}", Where.PLAN, line.site, line.plan_id
        )
    title = f"A plan for {line.site} waits for approval"
    says = f"It would release {seats} that nobody uses. {ends}"
    return Todo(False, title, says, Where.PLAN, line.site, line.plan_id)


def _hours(left: timedelta) -> str:
    hours = max(0, int(left.total_seconds() // 3600))
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def _dry(site: SiteDay, pool: PoolOutlook, day: date) -> Todo:
    kind, per_day = pool.license_type.value, 0.0 if pool.forecast is None else pool.forecast.per_day
    left = f"{pool.available} of {pool.total} seats are left, and {-per_day:.1f} go each day."
    title = f"{kind.capitalize()} at {site.site} runs dry on {day.day} {day:%B}"
    urgent = pool.forecast is not None and (day - pool.forecast.today).days <= 3
    return Todo(urgent, title, left, Where.IDLE, site.site, kind)


def _alerts(site: str, critical: Sequence[Alert], warnings: Sequence[Alert]) -> Todo:
    worst = [*critical, *warnings]
    count = len(worst)
    title = f"{count} alert{'s are' if count > 1 else ' is'} firing at {site}"
    return Todo(bool(critical), title, worst[0].says + ".", Where.ALERTS, site)
