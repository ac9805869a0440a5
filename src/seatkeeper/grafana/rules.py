"""Alert rules for Prometheus and for Grafana, said once: what is asked, the limit, what to do.

They are a second net beside Seatkeeper's own alerts: they fire when Seatkeeper itself is gone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from seatkeeper.core.durations import format_duration
from seatkeeper.core.measures import (
    BUTLER_LICENSE,
    BUTLER_SERVER_LICENSE,
    COST,
    HEALTH,
    PLAN,
    Measurement,
)
from seatkeeper.grafana import promql
from seatkeeper.grafana.influxql import field, last, ours, tags_of, until_zero

DAY = 86_400
USUAL = timedelta(minutes=15)
"""How often a site is read unless the schedule says otherwise."""


class Severity(StrEnum):
    """How soon somebody has to act."""

    WARNING = "warning"
    CRITICAL = "critical"


class Limit(StrEnum):
    """On which side of its bound a number is an alert."""

    ABOVE = ">"
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert: it fires while the number is beyond the bound for `lasting`.

    Without `influx` the rule is there for Prometheus only, and `only_prometheus` says why. `what`
    is the summary, with labels as `{site}` and the number as `{value}`; `runbook` is the page of
    docs/runbooks.
    """

    name: str
    runbook: str
    prometheus: str
    influx: str
    limit: Limit
    bound: float
    lasting: str
    severity: Severity
    what: str
    todo: str
    influx_limit: tuple[Limit, float] | None = None
    """The side and bound for InfluxDB, where something else is counted there."""
    influx_lasting: str = ""
    influx_what: str = ""
    """The summary for InfluxDB, where a label is missing there."""
    only_prometheus: str = ""
    no_data_is_bad: bool = False
    looks_back: int = DAY
    """The seconds of the past that Grafana asks for."""

    @property
    def expr(self) -> str:
        """The condition for Prometheus."""
        return f"{self.prometheus} {self.limit} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A number that several rules and people ask for, computed once."""

    name: str
    expr: str


def _seats(state: str) -> str:
    return promql.seats(state, chosen=False)


def _metric(name: str, **labels: str) -> str:
    return promql.metric(name, chosen=False, **labels)


SHARE = "site_license_type:qlik_license_seats:allocated_ratio"
DAYS_LEFT = "site_license_type:qlik_license_seats:days_to_empty"

_GONE = f"deriv({_seats('available')}[30d])"

RECORDINGS = (
    Recording(SHARE, f"{_seats('allocated')} / ignoring(state) ({_seats('total')} > 0)"),
    Recording(DAYS_LEFT, f"sum without (state) ({_seats('available')} / (-{_GONE} > 0) / 86400)"),
)


def _newest(measurement: Measurement, value: str) -> str:
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    table = measurement.name
    return f'SELECT {value} FROM "{table}" WHERE {ours()} GROUP BY {tags}'  # noqa: S608


_POOLS = BUTLER_LICENSE
_USED = promql.capacity("used", chosen=False)
_GRANTED = promql.capacity("allocated", chosen=False)
_ELAPSED = "scalar((day_of_month() - 1 + hour() / 24) / days_in_month())"
_SPEND = f"sum({_metric('qlik_license_monthly_cost', kind='spend')})"
_BUDGET = f"(sum({_metric('qlik_license_monthly_budget')}) > 0)"
_SUCCESS = promql.success("monitor", chosen=False)
_DAYS_VALID = promql.days_valid(chosen=False)
_BAD_RELEASES = _metric("qlik_license_releases_total", outcome='=~"refused|unknown"')
_MONEY = (
    'SELECT sum("s") / sum("b") FROM (SELECT '  # noqa: S608 - names from core/measures
    f'{last(COST, "spend")} AS "s", {last(COST, "budget")} AS "b" FROM "{COST.name}" '
    'WHERE $timeFilter GROUP BY "site", "license_type") WHERE $timeFilter'
)
_FREE = (
    f'SELECT last("free") FROM (SELECT {last(_POOLS, "available")} AS "free", '  # noqa: S608
    f'{last(_POOLS, "total")} AS "size" FROM "{_POOLS.name}" WHERE {ours()} '
    'GROUP BY "site", "license_type") WHERE "size" > 0 GROUP BY "site", "license_type"'
)
"""Free seats of pools that have any: no seat is free where nobody bought one."""

_DAYS_OF_SERVER = _newest(BUTLER_SERVER_LICENSE, last(BUTLER_SERVER_LICENSE, "days_until_expiry"))


def rules(read_every: timedelta = USUAL) -> tuple[Rule, ...]:
    """Return every rule; `read_every` is the longest time between two readings of any site."""
    two = int(2 * read_every.total_seconds())
    found = (_stale(read_every) if rule is _STALE else rule for rule in _RULES)
    return tuple(replace(rule, looks_back=max(rule.looks_back, two)) for rule in found)


def _stale(read_every: timedelta) -> Rule:
    """Return the rule for numbers that are old: more than one reading is missing.

    Grafana counts readings in spans of InfluxDB, three times as long as the time between two; the
    newest may be empty until the next reading.
    """
    late = max(timedelta(hours=1), 2.5 * read_every)
    span = max(3, math.ceil(3 * read_every / timedelta(hours=1)))
    return Rule(
        "NumbersStale",
        "stale_data",
        f"time() - {_SUCCESS}",
        f'SELECT count({field(HEALTH, "cycle_seconds")}) FROM "{HEALTH.name}" '  # noqa: S608
        f'WHERE {ours()} GROUP BY time({span}h), "site" fill(0)',
        Limit.ABOVE,
        int(late.total_seconds()),
        "15m",
        Severity.CRITICAL,
        f"{{site}}: not read for more than {format_duration(late)}, so every other number is old",
        "Run seatkeeper check on the server, and look at its log.",
        influx_limit=(Limit.BELOW, 1),
        influx_lasting=format_duration(max(timedelta(hours=1), read_every)),
        no_data_is_bad=True,
        looks_back=max(DAY, 2 * span * 3600),
    )


_STALE = _stale(USUAL)

_RULES = (
    Rule(
        "SeatsUsedUp",
        "low_availability",
        f"({_seats('available')} and ignoring(state) {_seats('total')} > 0)",
        _FREE,
        Limit.BELOW,
        1,
        "15m",
        Severity.CRITICAL,
        "{site}: no {license_type} seat is free; whoever needs one is turned away",
        "Release idle seats (seatkeeper plan), or order more.",
    ),
    Rule(
        "SeatsNearlyUsedUp",
        "high_utilization",
        SHARE,
        _newest(_POOLS, f"{last(_POOLS, 'allocated')} / {last(_POOLS, 'total')}"),
        Limit.ABOVE,
        0.95,
        "1h",
        Severity.WARNING,
        "{site}: {value} of all {license_type} seats are allocated",
        "Look at what a plan would release (seatkeeper plan).",
    ),
    Rule(
        "SeatsRunOut",
        "pool_empty_soon",
        DAYS_LEFT,
        until_zero(_POOLS, "available", days=30, variables=False).text,
        Limit.BELOW,
        30,
        "6h",
        Severity.WARNING,
        "{site}: at the trend of 30 days the {license_type} seats are used up in {value} days",
        "Order in time, or let the policy release earlier.",
    ),
    Rule(
        "SeatsPredictedToRunOut",
        "pool_empty_soon",
        f"predict_linear({_seats('available')}[14d], 14 * 86400)",
        until_zero(_POOLS, "available", days=14, variables=False).text,
        Limit.BELOW,
        0,
        "6h",
        Severity.WARNING,
        "{site}: the {license_type} seats are used up within 14 days at the trend of 14 days",
        "Release idle seats now (seatkeeper plan), and order.",
        influx_limit=(Limit.BELOW, 14),
    ),
    Rule(
        "CapacityMinutesNearlySpent",
        "capacity_ahead",
        f"{_USED} / ignoring(state) ({_GRANTED} > 0)",
        _newest(_POOLS, f"{last(_POOLS, 'used_minutes')} / {last(_POOLS, 'allocated_minutes')}"),
        Limit.ABOVE,
        0.9,
        "30m",
        Severity.CRITICAL,
        "{site}: {value} of the month's Analyzer Capacity minutes are spent",
        "Give heavy users an Analyzer seat, or buy minutes: the pool locks out all at once.",
    ),
    Rule(
        "CapacityMinutesAhead",
        "capacity_ahead",
        f"{_USED} / ignoring(state) ({_GRANTED} > 0) - {_ELAPSED}",
        "",
        Limit.ABOVE,
        0.15,
        "6h",
        Severity.WARNING,
        "{site}: Analyzer Capacity minutes are spent faster than the month passes",
        "See who works on minutes, and whether a seat is cheaper.",
        only_prometheus="InfluxQL cannot tell how much of the month has passed; Seatkeeper's own"
        " alert `capacity_ahead` can",
    ),
    Rule(
        "ServerLicenseExpires",
        "license_expiry",
        _DAYS_VALID,
        _DAYS_OF_SERVER,
        Limit.BELOW,
        30,
        "1h",
        Severity.WARNING,
        "{site}: the server license is valid for {value} more days",
        "Renew it and enter the new key in the management console.",
    ),
    Rule(
        "ServerLicenseExpiresNow",
        "license_expiry",
        _DAYS_VALID,
        _DAYS_OF_SERVER,
        Limit.BELOW,
        7,
        "15m",
        Severity.CRITICAL,
        "{site}: the server license is valid for {value} more days; then nobody can work",
        "Renew it and enter the new key in the management console.",
    ),
    Rule(
        "ServerLicenseNotValid",
        "license_refused",
        _metric("qlik_license_state", state='=~"expired|denylisted|invalid"'),
        _newest(HEALTH, last(HEALTH, "license_refused")),
        Limit.ABOVE,
        0,
        "15m",
        Severity.CRITICAL,
        "{site}: the server license is {state}",
        "Look at the license in the management console.",
        influx_what="{site}: the server license is expired, denylisted or invalid",
    ),
    Rule(
        "ServerLicenseUnclear",
        "license_unclear",
        _metric("qlik_license_state", state='=~"cannot_tell|none"'),
        _newest(HEALTH, last(HEALTH, "license_unclear")),
        Limit.ABOVE,
        0,
        "6h",
        Severity.WARNING,
        "{site}: it cannot be told how long the server license is valid",
        "Look it up in the management console and note the date.",
    ),
    _STALE,
    Rule(
        "Gone",
        "stale_data",
        "absent(seatkeeper_build_info)",
        "",
        Limit.ABOVE,
        0,
        "15m",
        Severity.CRITICAL,
        "nobody exposes Seatkeeper's numbers",
        "See whether the service runs and Prometheus reaches it.",
        only_prometheus="nobody asks Seatkeeper for the points in InfluxDB; when none come any"
        " more, `SeatkeeperNumbersStale` fires there",
    ),
    Rule(
        "OverBudget",
        "over_budget",
        f"{_SPEND} / {_BUDGET}",
        _MONEY,
        Limit.ABOVE,
        1,
        "6h",
        Severity.WARNING,
        "the seats of all sites cost {value} of the budget",
        "See the dashboard of costs for what lies idle.",
    ),
    Rule(
        "ExcessSeats",
        "excess_users",
        _seats("excess"),
        _newest(_POOLS, last(_POOLS, "excess")),
        Limit.ABOVE,
        0,
        "1h",
        Severity.CRITICAL,
        "{site}: {value} {license_type} seats are above what the license grants",
        "Their holders are locked out: release seats or extend the license.",
    ),
    Rule(
        "ComplianceQuestion",
        "seats_of_gone_users",
        _metric("qlik_license_compliance", kind='!="excess"'),
        _newest(HEALTH, last(HEALTH, "compliance")),
        Limit.ABOVE,
        0,
        "1d",
        Severity.WARNING,
        "{site}: {value} times {kind}",
        "seatkeeper status names the numbers, seatkeeper explain the reasons.",
        influx_what="{site}: {value} seats and people an auditor would ask about",
    ),
    Rule(
        "PlanBlocked",
        "blocked_plan",
        _metric("qlik_license_plan_violations"),
        _newest(PLAN, last(PLAN, "violations")),
        Limit.ABOVE,
        0,
        "1h",
        Severity.WARNING,
        "{site}: {value} limits block the newest plan, so it releases nothing",
        "seatkeeper plan tells which limits and what they mean.",
    ),
    Rule(
        "ReleasesFail",
        "release_failures",
        f"sum by (site, license_type) (increase({_BAD_RELEASES}[1d]))",
        _newest(HEALTH, last(HEALTH, "failed_releases")),
        Limit.ABOVE,
        0,
        "15m",
        Severity.WARNING,
        "{site}: releases of {license_type} seats were refused or had no clear end",
        "seatkeeper ledger show has every step of the run.",
        influx_what="{site}: {value} releases were refused or had no clear end within a day",
    ),
    Rule(
        "OutboxGrows",
        "outbox_growing",
        f"sum by (target) ({_metric('seatkeeper_outbox_entries', state='waiting')})",
        _newest(HEALTH, last(HEALTH, "outbox")),
        Limit.ABOVE,
        1000,
        "1h",
        Severity.WARNING,
        "{value} points or messages wait in the outbox",
        "See whether the receiver is up; what waits is sent when it is, for 30 days by default.",
    ),
    Rule(
        "OutboxRefused",
        "outbox_growing",
        f"sum by (target) ({_metric('seatkeeper_outbox_entries', state='set_aside')})",
        _newest(HEALTH, last(HEALTH, "set_aside")),
        Limit.ABOVE,
        0,
        "15m",
        Severity.WARNING,
        "{target}: {value} points or messages were refused for good and set aside",
        "seatkeeper outbox show tells why the receiver refuses them.",
        influx_what="{value} points or messages were refused for good and set aside",
    ),
    Rule(
        "OutboxDrops",
        "outbox_growing",
        f"increase({_metric('seatkeeper_outbox_dropped_total')}[1d])",
        _newest(HEALTH, f"spread({field(HEALTH, 'dropped')})"),
        Limit.ABOVE,
        0,
        "15m",
        Severity.CRITICAL,
        "{target}: {value} points or messages were dropped within a day: they waited too long",
        "Bring the receiver up; retention.outbox says how much may wait.",
        influx_what="{value} points or messages were dropped within a day: they waited too long",
    ),
)

RULES = rules()
