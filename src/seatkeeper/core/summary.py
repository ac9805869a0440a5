"""The numbers of one reading of a site, computed once for metrics, alerts, console and commands.

No person is named here. A summary is kept as JSON and read by processes that never saw the
snapshot, so a scrape or a page costs the site nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import msgspec

from seatkeeper.core.model import Capacity, LicenseType, Pool, Tokens
from seatkeeper.core.plan import PlanStatus


class IdleBucket(StrEnum):
    """How long ago the holder of a seat was last active; the value is what people read."""

    WEEK = "0-7d"
    MONTH = "7-30d"
    QUARTER = "30-90d"
    HALF_YEAR = "90-180d"
    LONGER = "180d+"
    NEVER = "never"
    UNCLEAR = "unclear"

    __hash__ = str.__hash__  # enum's own hash is a Python function: 100,000 seats are counted

    @classmethod
    def of(cls, idle: timedelta) -> IdleBucket:
        """Return the bucket of a time without activity; a limit belongs to the longer one."""
        return next((bucket for bucket, below in _BELOW if idle < below), cls.LONGER)


_BELOW = (
    (IdleBucket.WEEK, timedelta(days=7)),
    (IdleBucket.MONTH, timedelta(days=30)),
    (IdleBucket.QUARTER, timedelta(days=90)),
    (IdleBucket.HALF_YEAR, timedelta(days=180)),
)


class LicenseState(StrEnum):
    """What is known of the license of the server."""

    VALID = "valid"
    EXPIRED = "expired"
    DENYLISTED = "denylisted"
    INVALID = "invalid"
    CANNOT_TELL = "cannot_tell"
    """Nothing speaks against it, and the site does not say in a readable way how long it runs."""
    NONE = "none"
    """No license is installed."""

    @property
    def is_refused(self) -> bool:
        """Whether there is a license that does not hold."""
        return self in (LicenseState.EXPIRED, LicenseState.DENYLISTED, LicenseState.INVALID)

    @property
    def is_unclear(self) -> bool:
        """Whether nobody can tell how long a license holds."""
        return self in (LicenseState.CANNOT_TELL, LicenseState.NONE)


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a summary."""


class SeatSummary(Value, frozen=True):
    """The seats of one type, counted from the rows.

    `idle` counts live seats by the latest activity of the holder anywhere; every bucket is there.
    Every row has one verdict: `releasable` are those that the policy would let go now, `kept`
    counts the others by reason. `excess` rows are live, `quarantined` ones are not. `in_use` are
    live seats whose holder was active within the policy's `release_after`; None in summaries of
    older versions.
    """

    license_type: LicenseType
    rows: int
    live: int
    quarantined: int
    excess: int
    idle: dict[IdleBucket, int]
    releasable: int
    kept: dict[str, int]
    in_use: int | None = None


class LicenseSummary(Value, frozen=True):
    """The license of the server.

    `days_left` counts whole days from today to the last valid day, negative after it; None with
    `valid_to`, which is not "for ever". `accepted`: its marks say that it is neither on the deny
    list nor invalid; None where the site shows no such marks.
    """

    state: LicenseState
    valid_to: date | None = None
    days_left: int | None = None
    allotments: tuple[tuple[str, int], ...] = ()
    accepted: bool | None = None


class Mismatch(Value, frozen=True):
    """The rows of a type and the overview disagree; a fact to report, not to repair.

    What `allocated` includes is not documented (QRS contract 2.3), so `rows` is the reading of
    the rows that comes nearest.
    """

    license_type: LicenseType
    overview: int
    rows: int
    count: str = "allocated"
    """Which number of the pool: `allocated` or `quarantined`."""


class ComplianceSummary(Value, frozen=True):
    """Seats and people that an auditor would ask about."""

    excess: int = 0
    """Seats above what the license grants; their holders are locked out."""
    both_types: int = 0
    """People who hold a professional and an analyzer seat."""
    removed: int = 0
    """Live seats of users removed from their directory."""
    blocked: int = 0
    inactive: int = 0
    deleted: int = 0
    """Seats of users who no longer exist."""
    above_allotment: int = 0
    """Seats allocated above what the license text grants, over all types it names."""
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def questions(self) -> int:
        """All of them but the seats in excess, of which the pools tell."""
        kinds = (self.both_types, self.removed, self.blocked, self.inactive, self.deleted)
        return sum(kinds) + self.above_allotment


class PlanSummary(Value, frozen=True):
    """The newest plan of a site."""

    plan_id: str
    status: str
    created_at: datetime
    actions: int
    deferred: int
    violations: tuple[str, ...] = ()

    @property
    def blocking(self) -> tuple[str, ...]:
        """The limits that keep it from being applied: none once it was let through or is over."""
        return self.violations if self.status == PlanStatus.BLOCKED else ()


class ReadingSummary(Value, frozen=True):
    """What the reading itself took; `skew_seconds` is the site's clock minus ours."""

    seconds: float
    requests: int
    users: int
    skew_seconds: float | None = None


class Summary(Value, frozen=True):
    """Everything counted from one whole reading of a site; times are aware UTC."""

    site: str
    at: datetime
    pools: tuple[Pool, ...]
    """As QRS gives them; a type the site does not report is missing."""
    seats: tuple[SeatSummary, ...]
    license: LicenseSummary
    compliance: ComplianceSummary
    reading: ReadingSummary
    capacity: Capacity | None = None
    tokens: Tokens | None = None
    plan: PlanSummary | None = None

    def pool(self, license_type: LicenseType) -> Pool | None:
        """Return the pool of that type, None where the site does not report it."""
        return next((p for p in self.pools if p.license_type is license_type), None)


def days_until(day: date, now: datetime) -> int:
    """Count whole days from today (UTC) to a day; negative after it."""
    return (day - now.astimezone(UTC).date()).days


def aged(summary: Summary, now: datetime) -> Summary:
    """Return a summary whose days left are those of now, not of its reading."""
    license_ = summary.license
    if license_.valid_to is None:
        return summary
    left = days_until(license_.valid_to, now)
    return msgspec.structs.replace(
        summary, license=msgspec.structs.replace(license_, days_left=left)
    )


_DECODER = msgspec.json.Decoder(Summary)


def summary_to_bytes(summary: Summary) -> bytes:
    """Return the summary as JSON."""
    return msgspec.json.encode(summary)


def summary_from_bytes(body: bytes) -> Summary:
    """Read a summary back; raises msgspec.ValidationError on anything else."""
    return _DECODER.decode(body)
