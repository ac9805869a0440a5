"""A plan: the sorted list of releases of one site at one moment, with a digest.

Only values and their canonical form live here; `core/draft` decides what goes into one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from seatkeeper.core.canonical import canonical_bytes
from seatkeeper.core.model import LicenseType, UsageList
from seatkeeper.core.policy import Mode


class PlanStatus(StrEnum):
    """The life of a plan."""

    OPEN = "open"
    BLOCKED = "blocked"
    APPROVED = "approved"
    APPLYING = "applying"
    APPLIED = "applied"
    PARTLY_APPLIED = "partly_applied"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"

    @property
    def words(self) -> str:
        """The status in a sentence."""
        return _STATUS_WORDS[self]

    @property
    def is_over(self) -> bool:
        """Whether the plan can never be applied (again)."""
        return self not in (PlanStatus.OPEN, PlanStatus.BLOCKED, PlanStatus.APPROVED)


_STATUS_WORDS = {
    PlanStatus.OPEN: "waits for an approval",
    PlanStatus.BLOCKED: "breaks a limit; override it, or wait for a plan that breaks none",
    PlanStatus.APPROVED: "approved, not applied yet",
    PlanStatus.APPLYING: "being applied now",
    PlanStatus.APPLIED: "applied to the end",
    PlanStatus.PARTLY_APPLIED: "applied in part; the rest returns in the next plan",
    PlanStatus.EXPIRED: "too old to be applied; make a new plan",
    PlanStatus.SUPERSEDED: "another plan of the site was approved or applied",
    PlanStatus.REJECTED: "rejected by a person",
}


class Limit(StrEnum):
    """What a plan may break; `overridable` ones can be passed by a person for a while."""

    MAX_SHARE = "max_share"
    DIRECTORY_JUMP = "directory_jump"
    GROWN = "grown"
    STALE_ACTIVITY = "stale_activity"
    INCOMPLETE = "incomplete"
    CLOCK_SKEW = "clock_skew"
    BLIND_EXEMPTION = "blind_exemption"
    SHARED_LICENSE = "shared_license"
    PAUSE = "pause"

    @property
    def overridable(self) -> bool:
        """A pause is lifted in the configuration, not passed."""
        return self is not Limit.PAUSE


def is_quiet(broken: Iterable[str]) -> bool:
    """Tell whether stale activity alone blocks: told once, tried again at the next schedule.

    `broken` are the limits, or their values. A site on holiday is no news every few days.
    """
    return set(broken) == {Limit.STALE_ACTIVITY}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    r"""One seat to release, with the facts it was decided on.

    `user` is `DIR\id`, `user_id` the QRS id. `last_used` is the person's latest activity known
    anywhere, None for a seat never used; `seat_last_used` is the seat's own. `idle_days` are whole
    days since `last_used`, else since `created`; days of pauses do not count.
    """

    allocation_id: str
    license_type: LicenseType
    user: str
    user_id: str
    reason: str
    created: datetime | None
    last_used: datetime | None
    seat_last_used: datetime | None
    idle_days: int


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that the plan breaks: what, by which numbers, and the way out."""

    limit: Limit
    message: str
    way_out: str
    value: float | None = None
    allowed: float | None = None
    license_type: LicenseType | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know that blocks nothing; `code` is constant, `message` for people."""

    code: str
    message: str


class OverrideNote(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that would have blocked the plan and was passed by a person."""

    limit: Limit
    by: str
    reason: str
    until: datetime
    message: str


class TypeCount(msgspec.Struct, frozen=True, kw_only=True):
    """Of one license type: rows read, live seats, and seats that may go (actions + deferred)."""

    license_type: LicenseType
    rows: int
    live: int
    eligible: int


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A release that a person took out of the plan: who, when and why."""

    action: Action
    by: str
    at: datetime
    reason: str = ""


class MadeFrom(msgspec.Struct, frozen=True, kw_only=True):
    """The larger plan that this one was made from, and the moment at which it was."""

    plan_id: str
    digest: str
    at: datetime


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be released on one site, decided at `created_at` on what was read then."""

    plan_id: str
    site: str
    mode: Mode
    policy_digest: str
    created_at: datetime
    expires_at: datetime
    actions: tuple[Action, ...]
    deferred: tuple[Action, ...]
    kept: dict[str, int]
    counts: tuple[TypeCount, ...]
    users: int
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Notice, ...] = ()
    overridden: tuple[OverrideNote, ...] = ()
    shared_with: tuple[str, ...] = ()
    """Sites under the same license whose activity was counted."""
    usage_lists: tuple[UsageList, ...] = ()
    """Lists of usage rows of the site that answered, with rows or without."""
    asked_by: str = ""
    """The person who asked for the run; empty for one on schedule."""
    made_from: MadeFrom | None = None
    """Of a smaller plan, which has every other fact, `created_at` and end of the one before it."""
    left_out: tuple[LeftOut, ...] = ()
    """Everything left out of it since the site was read, also by those who came before."""

    @property
    def canonical(self) -> bytes:
        """The bytes over which the digest is made and which the store keeps."""
        return canonical_bytes(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, in hex."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def eligible(self) -> int:
        """Seats that may go: actions and deferred."""
        return len(self.actions) + len(self.deferred)

    @property
    def first_status(self) -> PlanStatus:
        """A plan starts open, or blocked when it breaks a limit."""
        return PlanStatus.BLOCKED if self.violations else PlanStatus.OPEN


def named(plan: Plan, at: datetime) -> Plan:
    """Return the plan under its own id, which holds this moment and the start of its digest."""
    nameless = msgspec.structs.replace(plan, plan_id="")
    plan_id = f"{at.astimezone(UTC):%Y%m%d-%H%M%S}-{nameless.digest[:8]}"
    return msgspec.structs.replace(plan, plan_id=plan_id)


def plan_from_bytes(body: bytes) -> Plan:
    """Read a plan back from its canonical bytes; raises msgspec.ValidationError on others."""
    return msgspec.json.decode(body, type=Plan)
