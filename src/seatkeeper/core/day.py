"""Is today a good day: one answer for the sites somebody looks at, and what waits for them.

Each site is judged by itself, and the worst answer wins. Old data never look like good data:
whoever cannot tell says so, and what old data tell is told with their age.
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
from seatkeeper.core.plural import plural
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
    """One pool of a site: what is left, what becomes of it, and who is above the license."""

    license_type: LicenseType
    available: int
    total: int
    forecast: Forecast | None = None
    excess: int = 0


@dataclass(frozen=True, slots=True)
class SiteDay:
    """What is known of one site today; `summary` None: it was never read whole.

    `minutes` of Analyzer Capacity are left: whoever has no analyzer seat can still work.
    `releases`: the policy of the site lets a plan be approved.
    """

    site: str
    summary: Summary | None
    stale: bool
    pools: tuple[PoolOutlook, ...] = ()
    waiting: tuple[PlanLine, ...] = ()
    alerts: tuple[Alert, ...] = ()
    minutes: int = 0
    releases: bool = True

    @property
    def is_blind(self) -> bool:
        """Whether nobody can tell how the site is now."""
        return self.summary is None or self.stale

    @property
    def locked(self) -> tuple[PoolOutlook, ...]:
        """The pools that lock somebody out: those above the license, or whoever comes next."""
        return tuple(p for p in self.pools if p.excess > 0 or self._is_full(p))

    def _is_full(self, pool: PoolOutlook) -> bool:
        spared = pool.license_type is LicenseType.ANALYZER and self.minutes > 0
        return pool.total > 0 and pool.available <= 0 and not spared


@dataclass(frozen=True, slots=True)
class Day:
    """The answer, its sentence, and what waits, worst first."""

    answer: Answer
    sentence: str
    todo: tuple[Todo, ...]


def judge_day(sites: Sequence[SiteDay], now: datetime, own: Sequence[Alert] = ()) -> Day:
    """Answer for these sites, and for Seatkeeper itself: `own` are the alerts of no site."""
    found = [(site, tuple(_waits(site, now))) for site in sites]
    waiting = [*_own(own), *(one for _, waits in found for one in waits)]
    todo = tuple(sorted(waiting, key=lambda one: not one.urgent))
    answers = [_answer(site, waits) for site, waits in found]
    answers.append(_answer(None, tuple(_own(own))))
    answer = max(answers, key=_WORSE.index)
    return Day(answer, " ".join(_says(answer, sites, todo, now)), todo)


_WORSE = (Answer.QUIET, Answer.NEEDS_YOU, Answer.CANNOT_TELL, Answer.ACT_NOW)
"""The answers, the worst last."""


def _answer(site: SiteDay | None, waits: Sequence[Todo]) -> Answer:
    if any(one.urgent for one in waits):
        return Answer.ACT_NOW
    if site is not None and site.is_blind:
        return Answer.CANNOT_TELL
    return Answer.NEEDS_YOU if waits else Answer.QUIET


def _says(
    answer: Answer, sites: Sequence[SiteDay], todo: Sequence[Todo], now: datetime
) -> Iterator[str]:
    """Say the answer in a sentence or two: who is locked out, whom nobody knows, what waits."""
    locked = [(site, pool) for site in sites for pool in site.locked]
    blind = [site for site in sites if site.is_blind]
    waits = [one for one in todo if one.where is not Where.SETTINGS]
    count = f"{_number(len(waits))} {'thing waits' if len(waits) == 1 else 'things wait'} for you."
    if locked:
        site, pool = locked[0]
        yield _locked_words(site, pool, now)
        if len(locked) > 1:
            yield f"The same is true of {plural(len(locked) - 1, 'more pool')}."
    elif answer is Answer.ACT_NOW:
        yield f"Something needs you now. {count.capitalize()}"
    if blind and (not locked or any(site not in [s for s, _ in locked] for site in blind)):
        yield _blind_words(blind, len(sites), now)
    if answer is Answer.QUIET:
        yield "All quiet. Nobody is locked out, and nothing waits for you."
    if answer is Answer.NEEDS_YOU:
        yield f"Nobody is locked out. {count.capitalize()}"


def _locked_words(site: SiteDay, pool: PoolOutlook, now: datetime) -> str:
    kind = pool.license_type.value
    if pool.excess > 0:
        out = f"{plural(pool.excess, 'person is', 'people are')} locked out at {site.site}"
        why = f"more {kind} seats are held than the license grants"
    else:
        out = f"No {kind} seat is left at {site.site}"
        why = "the next user without one is locked out"
    if site.stale:
        return f"{out}, as far as was read {_age(site, now)} ago: {why}."
    return f"{out}: {why}."


def _blind_words(blind: Sequence[SiteDay], sites: int, now: datetime) -> str:
    if len(blind) == sites and not any(site.summary for site in blind):
        return "Nobody can tell yet: nothing was read."
    if len(blind) > 1:
        return f"Nobody can tell of {len(blind)} of {sites} sites."
    return f"Nobody can tell: {_blind_since(blind[0], now)}."


def _blind_since(site: SiteDay, now: datetime) -> str:
    if site.summary is None:
        return f"{site.site} was never read"
    return f"{site.site} gave no new numbers for {_age(site, now)}"


def _age(site: SiteDay, now: datetime) -> str:
    return "" if site.summary is None else _span(now - site.summary.at)


def _number(count: int) -> str:
    small = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return small[count] if count < len(small) else str(count)


def _waits(site: SiteDay, now: datetime) -> Iterator[Todo]:
    if site.releases:
        yield from (_plan(line, now) for line in site.waiting)
    yield from (_locked(site, pool, now) for pool in site.locked)
    for pool in site.pools:
        if (day := _soon(site, pool)) is not None:
            yield _dry(site, pool, day, now)
    if site.is_blind:
        yield _blind(site, now)
    told = [a for a in site.alerts if a.state is AlertState.FIRING and not _said(a, site)]
    yield from _alerts(told, f"firing at {site.site}", site.site)


def _own(alerts: Sequence[Alert]) -> Iterator[Todo]:
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    return _alerts(firing, "firing about Seatkeeper itself", "")


def _said(alert: Alert, site: SiteDay) -> bool:
    """Whether something above says what the alert says."""
    rule, subject = alert.key.rule, alert.key.subject
    if rule == "blocked_plan":
        return bool(site.waiting) and site.releases
    if rule == "stale_data":
        return site.is_blind
    if rule in ("low_availability", "excess_users"):
        return subject in [p.license_type.value for p in site.locked]
    if rule == "pool_empty_soon":
        return subject in [p.license_type.value for p in site.pools if _soon(site, p) is not None]
    return False


def _soon(site: SiteDay, pool: PoolOutlook) -> date | None:
    """Return the day on which the pool runs dry, if that is soon; old data foretell nothing."""
    known = pool.forecast
    if known is None or pool.available <= 0 or site.is_blind:
        return None
    days = known.days_left()
    return known.dry_on if days is not None and days <= SOON else None


def _plan(line: PlanLine, now: datetime) -> Todo:
    ends = f"It expires in {_span(line.expires_at - now)}."
    seats = plural(line.actions, "seat")
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


def _span(left: timedelta) -> str:
    """Say how long something is, in its largest unit."""
    minutes = max(0, int(left.total_seconds() // 60))
    if minutes < 120:
        return plural(minutes, "minute")
    return plural(minutes // 60, "hour") if minutes < 48 * 60 else plural(minutes // 1440, "day")


def _locked(site: SiteDay, pool: PoolOutlook, now: datetime) -> Todo:
    kind = pool.license_type.value
    if pool.excess > 0:
        title = f"{plural(pool.excess, f'{kind} seat')} at {site.site} above the license"
        says = "Their holders are locked out. A plan that releases idle seats lets them in."
    else:
        title = f"No {kind} seat is left at {site.site}"
        says = f"All {pool.total:,} are held. Releasing idle ones makes room."
    if site.stale:
        says += f" This was read {_age(site, now)} ago."
    return Todo(True, title, says, Where.IDLE, site.site, kind)


def _dry(site: SiteDay, pool: PoolOutlook, day: date, now: datetime) -> Todo:
    kind, per_day = pool.license_type.value, 0.0 if pool.forecast is None else pool.forecast.per_day
    left = plural(pool.available, "seat is", "seats are")
    title = f"{kind.capitalize()} at {site.site} runs dry on {day.day} {day:%B}"
    urgent = (day - now.date()).days <= 3
    says = f"{left} left of {pool.total:,}, and {_pace(-per_day)}."
    return Todo(urgent, title, says, Where.IDLE, site.site, kind)


def _pace(per_day: float) -> str:
    """Say how fast seats go, in the unit in which they are whole."""
    if per_day >= 1.5:
        return f"about {per_day:.1f} go each day"
    week = round(7 * per_day)
    if week > 1:
        return f"about {week} go each week"
    return f"about one goes every {plural(max(1, round(1 / per_day)), 'day')}"


def _blind(site: SiteDay, now: datetime) -> Todo:
    never = site.summary is None
    title = _blind_since(site, now)
    says = "Settings show what fails. Nothing is released on old data."
    if never:
        says = "The first reading begins as soon as the service starts; Settings show what fails."
    return Todo(False, title, says, Where.SETTINGS, site.site)


def _alerts(alerts: Sequence[Alert], where: str, site: str) -> Iterator[Todo]:
    critical = [a for a in alerts if a.severity is Severity.CRITICAL]
    worst = [*critical, *(a for a in alerts if a.severity is Severity.WARNING)]
    if worst:
        title = f"{plural(len(worst), 'alert is', 'alerts are')} {where}"
        yield Todo(bool(critical), title, worst[0].says + ".", Where.ALERTS, site)
