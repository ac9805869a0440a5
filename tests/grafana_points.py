"""Half a year of a company's numbers, as points of InfluxDB and as samples for Prometheus.

Two sites grow, are cleaned by releases every second week, and one outgrows its pool. Every name
is taken from core/measures, so what nobody measures cannot be filled in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from seatkeeper.core import measures
from seatkeeper.core.measures import MEASUREMENTS, METRICS, MetricKind
from seatkeeper.core.summary import IdleBucket, LicenseState

DAYS = 180
INFLUX_STEP = timedelta(hours=6)
PROMETHEUS_STEP = timedelta(days=1)
"""promtool writes a block for every two hours in which there is a sample; more would take long."""

TOTALS = {
    ("prod", "professional"): 400,
    ("prod", "analyzer"): 1500,
    ("test", "professional"): 60,
    ("test", "analyzer"): 120,
}
GROWTH = {
    ("prod", "professional"): (0.72, 0.14),
    ("prod", "analyzer"): (0.64, 0.30),
    ("test", "professional"): (0.9, 0.06),
    ("test", "analyzer"): (0.55, 0.02),
}
"""The share that is held at first, and how much it grows."""

PRICE = {"professional": 58.0, "analyzer": 33.0}
PER_1000_MINUTES = 40.0
BUDGET = 80_000.0
SHARES = {"0-7d": 0.52, "7-30d": 0.2, "30-90d": 0.12, "90-180d": 0.07, "180d+": 0.05, "never": 0.04}

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Moment:
    """One point of time on the way from 0 to 1 through the half year."""

    at: datetime
    day: float

    @property
    def week(self) -> float:
        """How busy the weekday is."""
        return 0.35 if self.at.weekday() >= 5 else 1.0 - 0.06 * abs(self.at.weekday() - 1)


def moments(end: datetime, step: timedelta) -> Iterator[Moment]:
    """Yield every moment up to the end, the last one at the end."""
    count = timedelta(days=DAYS) // step
    for number in range(count + 1):
        at = end - step * (count - number)
        yield Moment(at, number * step / timedelta(days=1))


def pool(site: str, kind: str, now: Moment) -> dict[str, float]:
    """Return the counts of a pool: growth, less the releases of each second week."""
    total = TOTALS[site, kind]
    start, more = GROWTH[site, kind]
    growth = start + more * now.day / DAYS + 0.012 * math.sin(now.day / 9)
    released = 0.035 * (1 - (now.day % 14) / 14)
    allocated = float(round(total * min(growth - released, 1.0)))
    quarantined = float(round(total * released / 6))
    return {
        "total": float(total),
        "allocated": allocated,
        "available": total - allocated - quarantined,
        "used": float(round(allocated * (0.86 + 0.05 * math.sin(now.day / 20)))),
        "quarantined": quarantined,
        "excess": 0.0,
    }


def minutes(now: Moment) -> dict[str, float]:
    """Return the Analyzer Capacity of the month so far."""
    gone = (now.at.day - 1 + now.at.hour / 24) / 30
    return {
        "allocated_minutes": 60_000.0,
        "used_minutes": float(round(66_000 * gone**1.1)),
        "unavailable_minutes": 0.0,
    }


def idle(site: str, kind: str, now: Moment) -> dict[str, float]:
    """Return seats by idle bucket; `unclear` is what rounding leaves."""
    allocated = pool(site, kind, now)["allocated"]
    found = {name: float(int(allocated * share)) for name, share in SHARES.items()}
    return found | {"unclear": allocated - sum(found.values())}


def cost(site: str, kind: str, now: Moment) -> dict[str, float]:
    """Return the money of a month."""
    price, buckets, seats = PRICE[kind], idle(site, kind, now), pool(site, kind, now)
    return {
        "spend": price * seats["allocated"],
        "shared_idle": price * max(0.0, seats["available"]),
        "idle_spend": price * (buckets["90-180d"] + buckets["180d+"] + buckets["never"]),
        "savings": price * still_free(site, kind, now),
        "saved_in_month": price * still_free(site, kind, now) * (now.at.day - 1) / 30,
    }


def released(site: str, kind: str, now: Moment) -> int:
    """Return the seats that were released until now, some every second week."""
    return (1 + int(now.day) // 14) * max(1, TOTALS[site, kind] // 60)


def came_back(now: Moment) -> int:
    """Return how many of them came back."""
    return int(now.day) // 21


def still_free(site: str, kind: str, now: Moment) -> float:
    """Return the released seats that save: they did not come back, and so many are free."""
    stayed = released(site, kind, now) - came_back(now)
    return max(0.0, min(float(stayed), pool(site, kind, now)["available"]))


def minutes_cost(now: Moment) -> dict[str, float]:
    """Return the money of the month's minutes so far; minutes do not lie idle."""
    spend = PER_1000_MINUTES * minutes(now)["used_minutes"] / 1000
    nothing = ("idle_spend", "shared_idle", "savings", "saved_in_month")
    return {"spend": spend} | dict.fromkeys(nothing, 0.0)


Point = tuple[str, dict[str, str], dict[str, Any]]


def points(now: Moment) -> Iterator[Point]:
    """Yield measurement, tags and fields of one moment."""
    for (site, kind), total in TOTALS.items():
        tags = {"site": site, "license_type": kind}
        yield measures.BUTLER_LICENSE.name, tags, dict(pool(site, kind, now))
        buckets = {
            measures.idle_field(bucket): idle(site, kind, now)[bucket.value]
            for bucket in IdleBucket
        }
        counted = {
            "releasable": buckets["idle_90_180d"] + buckets["idle_180d_plus"],
            "active_users": float(round(total * 0.4 * now.week)),
            "regrets": 1.0 if now.day % 14 == 3 else 0.0,
        }
        yield measures.ACTIVITY.name, tags, buckets | counted
        yield measures.COST.name, tags, dict(cost(site, kind, now))
        if now.day % 14 == 0:
            for number in range(max(1, total // 60)):
                fields: dict[str, float | bool | str] = {"days_since_last_use": 90.0 + 7 * number}
                yield measures.BUTLER_RELEASE.name, tags | {"user": f"n{number}"}, fields
    for site in ("prod", "test"):
        yield from _site_points(site, now)
    capacity = {"site": "prod", "license_type": "analyzer_capacity"}
    yield measures.BUTLER_LICENSE.name, capacity, dict(minutes(now))
    yield measures.COST.name, capacity, dict(minutes_cost(now))
    yield measures.COST.name, {}, {"budget": BUDGET}
    tokens = {"site": "prod", "license_type": "tokens_available"}
    left = {"available_tokens": 40.0 - now.day // 20, "total_tokens": 100.0}
    yield measures.BUTLER_LICENSE.name, tokens, dict(left)
    person = {"site": "prod", "license_type": "analyzer"}
    for number, user in enumerate(("9f2c41", "07be9d", "c3310a", "e81f5c", "5d20b7")):
        days = {"days_idle": float(int(now.day) + 9 * number), "user": user}
        yield measures.USER_ACTIVITY.name, person, days


def _site_points(site: str, now: Moment) -> Iterator[Point]:
    tags = {"site": site}
    yield (
        measures.BUTLER_SERVER_LICENSE.name,
        tags,
        {
            "license_expired": False,
            "expiry_date": "2027-01-20",
            "days_until_expiry": days_left(now),
        },
    )
    yield (
        measures.PLAN.name,
        tags,
        {
            "actions": 31.0 - now.day % 14,
            "deferred": 4.0,
            "violations": 1.0 if now.day % 30 == 12 else 0.0,
        },
    )
    yield measures.HEALTH.name, tags, health(site, now)


def days_left(now: Moment) -> float:
    """Return the days until the server license ends."""
    return float(round(240 - now.day))


def health(site: str, now: Moment) -> dict[str, float | bool | str]:
    """Return Seatkeeper's own numbers."""
    wave = math.sin(now.day * 1.7)
    return {
        "cycle_seconds": (9.0 if site == "prod" else 2.5) * (1 + 0.15 * wave),
        "requests": 74.0 if site == "prod" else 22.0,
        "failed_cycles": 2.0 if 60 < now.day % 90 < 61 else 0.0,
        "outbox": 420.0 if 60 < now.day % 90 < 60.6 else 0.0,
        "skew_seconds": 0.4 + 0.2 * wave,
        "users": (2600.0 if site == "prod" else 240.0) + now.day,
        "mismatched_seats": 0.0,
        "set_aside": 0.0,
        "dropped": 0.0,
        "compliance": 3.0 if site == "prod" else 0.0,
        "failed_releases": 0.0,
        "license_refused": 0.0,
        "license_unclear": 0.0,
    }


def line_protocol(end: datetime) -> Iterator[str]:
    """Yield every point as a line of InfluxDB's protocol, with nanoseconds."""
    known = {measurement.name: measurement for measurement in MEASUREMENTS}
    for now in moments(end, INFLUX_STEP):
        for number, (name, tags, fields) in enumerate(points(now)):
            assert set(fields) <= set(known[name].fields), (name, fields)
            keys = "".join(f",{key}={value}" for key, value in sorted(tags.items()))
            values = ",".join(f"{key}={_literal(value)}" for key, value in fields.items())
            at = int(now.at.timestamp()) * 1_000_000_000 + number % 1000
            yield f"{name}{keys} {values} {at}"


def _literal(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def samples(now: Moment) -> Iterator[tuple[str, Labels, float]]:
    """Yield metric, labels and value of one moment."""
    for site, kind in TOTALS:
        here = (("site", site), ("license_type", kind))
        for state, value in pool(site, kind, now).items():
            yield "qlik_license_seats", (*here, ("state", state)), value
        buckets = idle(site, kind, now)
        for bucket, value in buckets.items():
            yield "qlik_license_idle_seats", (*here, ("bucket", bucket)), value
        waiting = buckets["90-180d"] + buckets["180d+"]
        yield "qlik_license_releasable_seats", here, waiting
        for money, value in cost(site, kind, now).items():
            yield "qlik_license_monthly_cost", (*here, ("kind", money)), value
        outcome = (("outcome", "released"), ("reason", "idle"))
        yield "qlik_license_releases_total", (*here, *outcome), released(site, kind, now)
        failed = (("outcome", "refused"), ("reason", "idle"))
        yield "qlik_license_releases_total", (*here, *failed), now.day // 60
        yield "qlik_license_regrets_total", here, came_back(now)
    for site in ("prod", "test"):
        yield from _site_samples(site, now)
    for name, value in minutes(now).items():
        state = name.removesuffix("_minutes")
        labels = (("site", "prod"), ("state", state))
        yield "qlik_license_capacity_seconds", labels, value * 60
    for money, value in minutes_cost(now).items():
        of = (("site", "prod"), ("license_type", "analyzer_capacity"), ("kind", money))
        yield "qlik_license_monthly_cost", of, value
    yield "qlik_license_monthly_budget", (), BUDGET
    for state, value in (("available", 40 - now.day // 20), ("total", 100)):
        of = (("site", "prod"), ("license_type", "tokens_available"), ("state", state))
        yield "qlik_license_tokens", of, value
    yield from _own_samples(now)


def _site_samples(site: str, now: Moment) -> Iterator[tuple[str, Labels, float]]:
    here: Labels = (("site", site),)
    fields = {key: float(value) for key, value in health(site, now).items()}
    expiry = now.at.timestamp() + days_left(now) * 86_400
    yield "qlik_license_expiry_timestamp_seconds", here, expiry
    for known in LicenseState:
        yield "qlik_license_state", (*here, ("state", known)), float(known is LicenseState.VALID)
    for number, kind in enumerate(("excess", "both_types", "removed", "blocked", "inactive")):
        yield "qlik_license_compliance", (*here, ("kind", kind)), (number * now.day) // 90
    actions = (31 if site == "prod" else 9) - now.day % 14 // 2
    yield "qlik_license_plan_seats", (*here, ("kind", "actions")), actions
    yield "qlik_license_plan_seats", (*here, ("kind", "deferred")), 4 if site == "prod" else 0
    yield "qlik_license_plan_violations", here, float(now.day % 30 == 12)
    yield "qlik_license_cycle_seconds", here, fields["cycle_seconds"]
    yield "qlik_license_cycle_requests", here, fields["requests"]
    for job in ("monitor", "release"):
        labels = (*here, ("job", job))
        yield "qlik_license_last_success_timestamp_seconds", labels, now.at.timestamp() - 240
    for severity in ("warning", "critical"):
        labels = (*here, ("severity", severity), ("state", "firing"))
        yield "seatkeeper_alerts", labels, float(severity == "warning" and 26 < now.day % 30 < 29)


def _own_samples(now: Moment) -> Iterator[tuple[str, Labels, float]]:
    for severity in ("warning", "critical"):
        ours = (("site", ""), ("severity", severity), ("state", "firing"))
        yield "seatkeeper_alerts", ours, float(severity == "critical" and now.day > DAYS - 3)
    for state, value in (("waiting", health("prod", now)["outbox"]), ("set_aside", 0)):
        labels = (("target", "influxdb:main"), ("state", state))
        yield "seatkeeper_outbox_entries", labels, float(value)
    yield "seatkeeper_build_info", (("version", "0.1.0"),), 1


def open_metrics(end: datetime) -> str:
    """Return every sample as OpenMetrics text with timestamps, for promtool's backfill."""
    known = {metric.name: metric for metric in METRICS}
    found: dict[str, list[str]] = {}
    for now in moments(end, PROMETHEUS_STEP):
        at = int(now.at.timestamp())
        for name, labels, value in samples(now):
            keys = {key for key, _ in labels}
            assert keys <= set(known[name].labels), (name, keys)
            text = ",".join(f'{key}="{value_}"' for key, value_ in labels)
            found.setdefault(name, []).append(f"{name}{{{text}}} {value} {at}")
    parts: list[str] = []
    for name, lines in found.items():
        counter = known[name].kind is MetricKind.COUNTER
        family = name.removesuffix("_total") if counter else name
        parts += [f"# TYPE {family} {'counter' if counter else 'gauge'}", *lines]
    return "\n".join([*parts, "# EOF", ""])


def this_minute() -> datetime:
    """Return the end of the half year: a full minute, just past."""
    return datetime.now(UTC).replace(second=0, microsecond=0)
