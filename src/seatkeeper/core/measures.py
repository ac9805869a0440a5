"""The name, unit and labels of every number that leaves Seatkeeper, once.

InfluxDB measurements of the first group are Butler's, so that the dashboards of its users keep
working (they gain the tag `site`); every number is a float there. No user is ever a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seatkeeper.core.summary import IdleBucket


class MeasuredType(StrEnum):
    """The values of the tag and label `license_type`."""

    PROFESSIONAL = "professional"
    ANALYZER = "analyzer"
    ANALYZER_CAPACITY = "analyzer_capacity"
    TOKEN_LOGIN = "token_login"  # noqa: S105 - a license type
    TOKEN_USER = "token_user"  # noqa: S105 - a license type
    TOKENS_AVAILABLE = "tokens_available"


SITE, LICENSE_TYPE, USER = "site", "license_type", "user"
"""Tags of InfluxDB; `user` only where Butler's own tag is asked for."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement of InfluxDB: its tags beside `site`, and its fields with what they hold."""

    name: str
    help: str
    fields: dict[str, str]
    tags: tuple[str, ...] = (LICENSE_TYPE,)


SEATS = "license seats"
MINUTES = "minutes"
TOKENS = "tokens"

BUTLER_LICENSE = Measurement(
    "qlik_sense_license",
    "Pools as the site reports them, named as Butler names them.",
    {
        "total": SEATS,
        "allocated": SEATS,
        "available": SEATS,
        "used": SEATS,
        "quarantined": SEATS,
        "excess": SEATS,
        "allocated_minutes": MINUTES,
        "used_minutes": MINUTES,
        "unavailable_minutes": MINUTES,
        "allocated_tokens": TOKENS,
        "used_tokens": TOKENS,
        "quarantined_tokens": TOKENS,
        "unavailable_tokens": TOKENS,
        "token_cost": TOKENS,
        "available_tokens": TOKENS,
        "total_tokens": TOKENS,
    },
)

BUTLER_RELEASE = Measurement(
    "qlik_sense_license_release",
    "One point a released seat, named as Butler names it.",
    {"days_since_last_use": "days"},
)

BUTLER_SERVER_LICENSE = Measurement(
    "qlik_sense_server_license",
    "The license of the server, named as Butler names it.",
    {
        "license_expired": "true or false",
        "expiry_date": "text",
        "days_until_expiry": "days, negative after expiry",
    },
    tags=(),
)


def idle_field(bucket: IdleBucket) -> str:
    """Return the field of an idle bucket: `idle_0_7d`, `idle_180d_plus`, `idle_never`."""
    return "idle_" + bucket.value.replace("-", "_").replace("+", "_plus")


ACTIVITY = Measurement(
    "qlik_license_activity",
    "Seats by how long ago their holders were last active.",
    {
        **{idle_field(bucket): SEATS for bucket in IdleBucket},
        "releasable": SEATS,
        "active_users": "users active on that day",
        "regrets": "seats that came back after a release, since the last point",
    },
)

PLAN = Measurement(
    "qlik_license_plan",
    "The newest plan.",
    {
        "actions": SEATS,
        "deferred": SEATS,
        "violations": "limits that block it; 0 once it is let through or is over",
    },
    tags=(),
)

COST = Measurement(
    "qlik_license_cost",
    "Money a month, in the currency of the configuration; the budget is for all sites together.",
    {
        "spend": "currency",
        "idle_spend": "currency",
        "shared_idle": "currency",
        "savings": "currency",
        "saved_in_month": "currency, in the calendar month until now",
        "budget": "currency, at a point without tags",
    },
)

HEALTH = Measurement(
    "qlik_license_health",
    "Seatkeeper itself.",
    {
        "cycle_seconds": "seconds",
        "requests": "QRS requests of the cycle",
        "failed_cycles": "cycles failed since the last success",
        "outbox": "points and messages not delivered yet",
        "set_aside": "points and messages refused for good",
        "dropped": "points and messages dropped until now: they waited too long, or were too many",
        "skew_seconds": "seconds the site's clock is ahead",
        "users": "users of the site",
        "mismatched_seats": "seats by which rows and overview differ",
        "compliance": "seats and people an auditor would ask about, without seats in excess",
        "failed_releases": "releases of the last 24 hours refused, or without a clear end",
        "license_refused": "1 while the server license is expired, denylisted or invalid, else 0",
        "license_unclear": "1 while it cannot be told how long it is valid, else 0",
    },
    tags=(),
)

USER_ACTIVITY = Measurement(
    "qlik_license_user",
    "License usage by individual users; only where asked for, the user a field.",
    {"days_idle": "days", "user": "text: a keyed hash, or the name where asked for"},
)

MEASUREMENTS = (
    BUTLER_LICENSE,
    BUTLER_RELEASE,
    BUTLER_SERVER_LICENSE,
    ACTIVITY,
    PLAN,
    COST,
    HEALTH,
    USER_ACTIVITY,
)


class MetricKind(StrEnum):
    """How Prometheus understands a number."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of Prometheus; a counter's name has its `_total`."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...]


METRICS = (
    Metric(
        "qlik_license_seats",
        MetricKind.GAUGE,
        "License seats by state: total, allocated, available, used, quarantined, excess.",
        (SITE, LICENSE_TYPE, "state"),
    ),
    Metric(
        "qlik_license_capacity_seconds",
        MetricKind.GAUGE,
        "Analyzer capacity of the calendar month by state: allocated, used, unavailable.",
        (SITE, "state"),
    ),
    Metric(
        "qlik_license_tokens",
        MetricKind.GAUGE,
        "License tokens by state: total, available, and per license type allocated, used.",
        (SITE, LICENSE_TYPE, "state"),
    ),
    Metric(
        "qlik_license_expiry_timestamp_seconds",
        MetricKind.GAUGE,
        "Last second of the server license's last valid day; absent when it cannot be told.",
        (SITE,),
    ),
    Metric(
        "qlik_license_state",
        MetricKind.GAUGE,
        "1 for the state the server license is in, 0 for the others.",
        (SITE, "state"),
    ),
    Metric(
        "qlik_license_idle_seats",
        MetricKind.GAUGE,
        "Live seats by how long ago their holders were last active.",
        (SITE, LICENSE_TYPE, "bucket"),
    ),
    Metric(
        "qlik_license_releasable_seats",
        MetricKind.GAUGE,
        "Seats that the policy would let go now.",
        (SITE, LICENSE_TYPE),
    ),
    Metric(
        "qlik_license_compliance",
        MetricKind.GAUGE,
        "What an auditor would ask about, by kind: excess, both_types, removed, blocked, …",
        (SITE, "kind"),
    ),
    Metric(
        "qlik_license_plan_seats",
        MetricKind.GAUGE,
        "Seats in the newest plan by kind: actions, deferred.",
        (SITE, "kind"),
    ),
    Metric(
        "qlik_license_plan_violations",
        MetricKind.GAUGE,
        "Limits that block the newest plan; 0 once it is let through or is over.",
        (SITE,),
    ),
    Metric(
        "qlik_license_releases_total",
        MetricKind.COUNTER,
        "Releases by outcome and reason.",
        (SITE, LICENSE_TYPE, "outcome", "reason"),
    ),
    Metric(
        "qlik_license_regrets_total",
        MetricKind.COUNTER,
        "Seats that came back to the same user after a release.",
        (SITE, LICENSE_TYPE),
    ),
    Metric(
        "qlik_license_monthly_cost",
        MetricKind.GAUGE,
        "Money a month by kind: spend, idle_spend, shared_idle, savings; saved_in_month until now.",
        (SITE, LICENSE_TYPE, "kind"),
    ),
    Metric(
        "qlik_license_monthly_budget",
        MetricKind.GAUGE,
        "Money that all sites together may cost a month; absent without a budget.",
        (),
    ),
    Metric(
        "qlik_license_last_success_timestamp_seconds",
        MetricKind.GAUGE,
        "When a job last succeeded.",
        (SITE, "job"),
    ),
    Metric(
        "qlik_license_cycle_seconds",
        MetricKind.GAUGE,
        "How long the last reading of the site took.",
        (SITE,),
    ),
    Metric(
        "qlik_license_cycle_requests",
        MetricKind.GAUGE,
        "QRS requests of the last reading.",
        (SITE,),
    ),
    Metric(
        "seatkeeper_outbox_entries",
        MetricKind.GAUGE,
        "Points and messages not delivered yet, and those set aside, by target.",
        ("target", "state"),
    ),
    Metric(
        "seatkeeper_outbox_dropped_total",
        MetricKind.COUNTER,
        "Points and messages dropped: they waited too long, or were too many.",
        ("target",),
    ),
    Metric(
        "seatkeeper_alerts",
        MetricKind.GAUGE,
        "Alerts by severity and state.",
        (SITE, "severity", "state"),
    ),
    Metric("seatkeeper_build_info", MetricKind.INFO, "The version that runs.", ("version",)),
)
