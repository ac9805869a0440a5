"""From the numbers of a reading to points of InfluxDB, named as `measures` names them.

Every number is a float: Butler writes floats, and a database keeps the type that came first. A
point is known by its series and its time, so putting the same one twice changes nothing. People
are never a tag, except on request where Butler has one; points that would fall on each other
without it are told apart by nanoseconds.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from seatkeeper.core.facts import Facts
from seatkeeper.core.measures import (
    ACTIVITY,
    BUTLER_LICENSE,
    BUTLER_RELEASE,
    BUTLER_SERVER_LICENSE,
    COST,
    HEALTH,
    LICENSE_TYPE,
    PLAN,
    SITE,
    USER,
    USER_ACTIVITY,
    MeasuredType,
    Measurement,
    idle_field,
)
from seatkeeper.core.model import LicenseType, Snapshot, person_key
from seatkeeper.core.summary import LicenseState, Summary

CANNOT_TELL = "cannot tell"
"""The text of `expiry_date` when the site says nothing of it; its number is then left out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Field = float | bool | str


class Users(StrEnum):
    """Whether there are points of individual users, and what stands for the person."""

    NONE = "none"
    PSEUDONYMOUS = "pseudonymous"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Point:
    """One point; `at` counts nanoseconds since 1970, and no field is an integer."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    fields: Mapping[str, Field]
    at: int

    @property
    def key(self) -> str:
        """What makes it the same point: its series and its time."""
        tags = ",".join(f"{name}={value}" for name, value in self.tags)
        return f"{self.measurement},{tags} {self.at}"


@dataclass(frozen=True, slots=True)
class ReleasedSeat:
    r"""A seat that was released; `days_idle` are whole days since its holder was last active.

    Of a seat never used they count from the day it was given. `user` is `DIR\id`.
    """

    allocation_id: str
    license_type: LicenseType
    user: str
    days_idle: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """What points say beside the summary; what is not known yet is left out."""

    releases: Sequence[ReleasedSeat] = ()
    active_users: Mapping[LicenseType, int] = field(default_factory=dict)
    regrets: Mapping[LicenseType, int] = field(default_factory=dict)
    cost: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Money by license type and field of `qlik_license_cost`."""
    budget: float | None = None
    """What all sites together may cost a month."""
    failed_cycles: int | None = None
    outbox: int | None = None
    set_aside: int | None = None
    dropped: int | None = None
    failed_releases: int | None = None


def nanoseconds(at: datetime) -> int:
    """Return a time as InfluxDB counts it."""
    return (at - _EPOCH) // _MICROSECOND * 1000


def when(point: Point) -> datetime:
    """Return the time of a point, to the microsecond."""
    return _EPOCH + point.at // 1000 * _MICROSECOND


def points_of(
    summary: Summary, beside: Beside | None = None, *, user_tag: bool = False
) -> list[Point]:
    """Return every point of a reading, at its own time; `user_tag`: releases as Butler tags them.

    What the site does not report gives no point, what cannot be told no field.
    """
    beside = beside or Beside()
    return [
        *_pools(summary),
        *_server_license(summary),
        *_activity(summary, beside),
        *_plan(summary),
        *_cost(summary, beside),
        *_health(summary, beside),
        *release_points(summary.site, beside.releases, user_tag=user_tag),
    ]


def release_points(
    site: str, releases: Iterable[ReleasedSeat], *, user_tag: bool = False
) -> list[Point]:
    """Return a point for each released seat, at the moment it was released.

    Seats of one type released at the same moment are a nanosecond apart, in the order of their
    ids: told twice, each falls on itself.
    """
    points, at_once = [], dict[tuple[LicenseType, int], int]()
    for seat in sorted(releases, key=lambda s: (s.at, s.allocation_id)):
        moment = (seat.license_type, nanoseconds(seat.at))
        after = at_once[moment] = at_once.get(moment, -1) + 1
        tags = {LICENSE_TYPE: seat.license_type.value} | ({USER: seat.user} if user_tag else {})
        fields = {"days_since_last_use": float(seat.days_idle)}
        points.append(_point(BUTLER_RELEASE, site, moment[1] + after, fields, **tags))
    return points


def user_points(
    snapshot: Snapshot, facts: Facts, now: datetime, name: Callable[[str], str]
) -> list[Point]:
    r"""Return a point for each live seat: what stands for its holder, and the days without use.

    `name` turns `DIR\id` into what is written; a seat never used has no days. The user is a
    field, so points of one type are a nanosecond apart.
    """
    points, at = [], nanoseconds(snapshot.taken_at)
    live = (s for s in snapshot.allocations if s.is_live)
    for number, seat in enumerate(sorted(live, key=lambda s: s.id)):
        user = snapshot.users.get(seat.user_id or "")
        fields: dict[str, Field] = {"user": name(user.label if user else seat.holder)}
        latest = facts.last_activity(seat)
        if latest is not None:
            fields["days_idle"] = float(max((now - latest).days, 0))
        tag = {LICENSE_TYPE: seat.license_type.value}
        points.append(_point(USER_ACTIVITY, snapshot.site, at + number, fields, **tag))
    return points


def pseudonym(key: bytes) -> Callable[[str], str]:
    r"""Return what stands for people: the same for `DIR\id` in any case, and no way back."""

    def hashed(label: str) -> str:
        return hmac.digest(key, person_key(label).encode("utf-8", "replace"), "sha256").hex()[:32]

    return hashed


def active_on(day: date, snapshot: Snapshot, facts: Facts) -> dict[LicenseType, int]:
    """Count the holders of live seats, by type, whose latest activity was on that day of UTC."""
    active: dict[LicenseType, set[str]] = {t: set() for t in LicenseType}
    begin = datetime.combine(day, time(), UTC)
    end = begin + timedelta(days=1)
    for seat in snapshot.allocations:
        if not seat.is_live:
            continue
        latest = facts.last_activity(seat)
        if latest is not None and begin <= latest < end:
            active[seat.license_type].add(facts.holder_key(seat))
    return {license_type: len(people) for license_type, people in active.items()}


def _pools(summary: Summary) -> Iterable[Point]:
    for pool in summary.pools:
        if pool.enabled:
            names = ("total", "allocated", "available", "used", "quarantined", "excess")
            fields = {name: getattr(pool, name) for name in names}
            yield from _of_type(BUTLER_LICENSE, summary, pool.license_type.value, fields)
    if (capacity := summary.capacity) is not None and capacity.enabled:
        minutes = {
            "allocated_minutes": capacity.allocated_minutes,
            "used_minutes": capacity.used_minutes,
            "unavailable_minutes": capacity.unavailable_minutes,
        }
        yield from _of_type(BUTLER_LICENSE, summary, MeasuredType.ANALYZER_CAPACITY, minutes)
    yield from _tokens(summary)


def _tokens(summary: Summary) -> Iterable[Point]:
    if (tokens := summary.tokens) is None:
        return
    for kind, access in (
        (MeasuredType.TOKEN_LOGIN, tokens.login),
        (MeasuredType.TOKEN_USER, tokens.user),
    ):
        if access is not None and access.enabled:
            spent = {
                "token_cost": access.cost,
                "allocated_tokens": access.allocated,
                "used_tokens": access.used,
                "quarantined_tokens": access.quarantined,
                "unavailable_tokens": access.unavailable,
            }
            yield from _of_type(BUTLER_LICENSE, summary, kind, spent)
    left = {"available_tokens": tokens.available, "total_tokens": tokens.total}
    yield from _of_type(BUTLER_LICENSE, summary, MeasuredType.TOKENS_AVAILABLE, left)


def _server_license(summary: Summary) -> Iterable[Point]:
    """Say whether the license has expired and when it does; no license, no point.

    What the site does not say is no number: then the text says so and the rest is left out.
    """
    license_ = summary.license
    if license_.state is LicenseState.NONE:
        return
    told = license_.valid_to.isoformat() if license_.valid_to is not None else CANNOT_TELL
    fields: dict[str, Field] = {"expiry_date": told}
    if license_.days_left is not None:
        fields["days_until_expiry"] = float(license_.days_left)
    if license_.state is not LicenseState.CANNOT_TELL:
        fields["license_expired"] = license_.state is LicenseState.EXPIRED
    yield _point(BUTLER_SERVER_LICENSE, summary.site, nanoseconds(summary.at), fields)


def _activity(summary: Summary, beside: Beside) -> Iterable[Point]:
    for seats in summary.seats:
        kind = seats.license_type
        fields: dict[str, float | None] = {idle_field(b): n for b, n in seats.idle.items()}
        fields["releasable"] = seats.releasable
        fields["active_users"] = beside.active_users.get(kind)
        fields["regrets"] = beside.regrets.get(kind)
        yield from _of_type(ACTIVITY, summary, kind.value, fields)


def _plan(summary: Summary) -> Iterable[Point]:
    if (plan := summary.plan) is not None:
        numbers = {
            "actions": plan.actions,
            "deferred": plan.deferred,
            "violations": len(plan.blocking),
        }
        fields = _floats(numbers)
        yield _point(PLAN, summary.site, nanoseconds(summary.at), fields)


def _cost(summary: Summary, beside: Beside) -> Iterable[Point]:
    """Tell the money of the site, and the budget of all sites, which has no tags."""
    if beside.budget is not None:
        yield Point(COST.name, (), {"budget": beside.budget}, nanoseconds(summary.at))
    for kind, money in sorted(beside.cost.items()):
        yield from _of_type(COST, summary, kind, money)


def _health(summary: Summary, beside: Beside) -> Iterable[Point]:
    reading, mismatches = summary.reading, summary.compliance.mismatches
    numbers = {
        "cycle_seconds": reading.seconds,
        "requests": reading.requests,
        "failed_cycles": beside.failed_cycles,
        "outbox": beside.outbox,
        "set_aside": beside.set_aside,
        "dropped": beside.dropped,
        "skew_seconds": reading.skew_seconds,
        "users": reading.users,
        "mismatched_seats": sum(abs(m.overview - m.rows) for m in mismatches),
        "compliance": summary.compliance.questions,
        "failed_releases": beside.failed_releases,
        "license_refused": summary.license.state.is_refused,
        "license_unclear": summary.license.state.is_unclear,
    }
    yield _point(HEALTH, summary.site, nanoseconds(summary.at), _floats(numbers))


def _of_type(
    measurement: Measurement, summary: Summary, kind: str, numbers: Mapping[str, float | None]
) -> Iterable[Point]:
    fields = _floats(numbers)
    if fields:
        at = nanoseconds(summary.at)
        yield _point(measurement, summary.site, at, fields, **{LICENSE_TYPE: str(kind)})


def _floats(numbers: Mapping[str, float | None]) -> dict[str, Field]:
    return {name: float(number) for name, number in numbers.items() if number is not None}


def _point(
    measurement: Measurement, site: str, at: int, fields: Mapping[str, Field], **tags: str
) -> Point:
    strange = fields.keys() - measurement.fields
    if strange:
        raise ValueError(f"{measurement.name} has no field {', '.join(sorted(strange))}")
    return Point(measurement.name, ((SITE, site), *tags.items()), fields, at)
