"""What the store remembers and the flow asks for: who did what, plans with their life, intents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from seatkeeper.core.model import LicenseType, UsageList
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Limit, Plan, PlanStatus
from seatkeeper.core.policy import Mode


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the person named (`by`), and the account and host it was done from.

    `person` is who answers for it where `by` says more than a name (a token of theirs); `via` is
    how they signed in, empty for a command.
    """

    by: str
    os_account: str
    host: str
    person: str = ""
    via: str = ""

    @property
    def answers(self) -> str:
        """The person who answers for it, by name alone."""
        return self.person or self.by


BY_MODE = "mode auto"
"""What stands in place of a person where the mode approves a plan: nobody did."""


class Kind(StrEnum):
    """The kinds of ledger records; the word tells what happened."""

    PLAN_PROPOSED = "plan_proposed"
    PLAN_APPROVED = "plan_approved"
    PLAN_REJECTED = "plan_rejected"
    SEAT_LEFT_OUT = "seat_left_out"
    PLAN_SUPERSEDED = "plan_superseded"
    PLAN_EXPIRED = "plan_expired"
    LIMIT_OVERRIDDEN = "limit_overridden"
    APPLY_STARTED = "apply_started"
    RELEASE_INTENT = "release_intent"
    RELEASE_OUTCOME = "release_outcome"
    RELEASE_SETTLED = "release_settled"
    APPLY_FINISHED = "apply_finished"
    GRANT_INTENT = "grant_intent"
    GRANT_OUTCOME = "grant_outcome"
    RUN_ASKED = "run_asked"
    UNDO_ASKED = "undo_asked"
    CHECK_ASKED = "check_asked"
    FROZEN = "frozen"
    THAWED = "thawed"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    PERSON_ERASED = "person_erased"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_REMOVED = "account_removed"
    SESSIONS_ENDED = "sessions_ended"
    TOKEN_MADE = "token_made"  # noqa: S105 - a kind of record
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - as above
    LINK_USED = "link_used"
    NAMES_SEEN = "names_seen"


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with its life so far."""

    plan: Plan
    status: PlanStatus
    approved_by: str | None = None
    approved_at: datetime | None = None
    approve_reason: str = ""
    run_id: str | None = None
    ended_at: datetime | None = None
    note: str = ""
    """Why it was rejected, superseded or ended early."""
    digest: str = ""
    """The digest recorded when the plan was made; that of `plan` itself, unless `redacted`."""
    redacted: bool = False
    """A person was erased from it after it had ended: `plan` is no longer what was recorded."""

    @property
    def recorded_digest(self) -> str:
        """The digest that the ledger holds; of a plan of an earlier version it is not `plan`'s."""
        return self.digest or self.plan.digest

    @property
    def approved_by_mode(self) -> bool:
        """Whether the mode approved it at the moment it was made, and no person since."""
        return self.plan.mode is Mode.AUTO and self.approved_at == self.plan.created_at


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a list: its numbers, without its actions."""

    plan_id: str
    site: str
    status: PlanStatus
    created_at: datetime
    expires_at: datetime
    actions: int
    deferred: int
    violations: tuple[Limit, ...] = ()
    approved_by: str | None = None
    run_id: str | None = None
    ended_at: datetime | None = None
    note: str = ""
    asked_by: str = ""
    made_from: str | None = None
    """The plan it was made from by leaving seats out."""

    @property
    def waits(self) -> bool:
        """Whether it would release something, and waits for somebody to decide about it."""
        return self.actions > 0 and self.status in (PlanStatus.OPEN, PlanStatus.BLOCKED)


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run that applied a plan: by whom, and whether it came to the end; None: it goes on."""

    run_id: str
    plan_id: str
    site: str
    by: str
    started_at: datetime
    ended_at: datetime | None = None
    complete: bool | None = None
    note: str = ""


def line_of(stored: StoredPlan) -> PlanLine:
    """Return the numbers of a plan."""
    plan = stored.plan
    return PlanLine(
        plan_id=plan.plan_id,
        site=plan.site,
        status=stored.status,
        created_at=plan.created_at,
        expires_at=plan.expires_at,
        actions=len(plan.actions),
        deferred=len(plan.deferred),
        violations=tuple(v.limit for v in plan.violations),
        approved_by=stored.approved_by,
        run_id=stored.run_id,
        ended_at=stored.ended_at,
        note=stored.note,
        asked_by=plan.asked_by,
        made_from=None if plan.made_from is None else plan.made_from.plan_id,
    )


@dataclass(frozen=True, slots=True)
class CycleSample:
    """How one monitoring or release cycle of a site went; names nobody.

    `at` is when it began, `requests` how many were sent to QRS. `error` says why it failed, empty
    when it did not. `trouble` says what failed after the site was read whole.
    """

    site: str
    kind: str
    at: datetime
    seconds: float
    requests: int
    error: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class WaitingPlan:
    """An approved plan that nobody applies yet, in the few facts the engine looks at."""

    plan_id: str
    site: str
    approved_at: datetime


@dataclass(frozen=True, slots=True)
class Intent:
    """A release that was meant: written before its DELETE."""

    plan_id: str
    run_id: str
    site: str
    allocation_id: str
    license_type: LicenseType
    user: str
    user_id: str
    seat_last_used: datetime | None
    reason: str
    at: datetime
    outcome: Outcome | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Released:
    """A release that took effect and may be given back."""

    plan_id: str
    allocation_id: str
    license_type: LicenseType
    user: str
    user_id: str
    outcome: Outcome
    at: datetime
    given_back: GrantOutcome | None = None
    site: str = ""


@dataclass(frozen=True, slots=True)
class OpenReturn:
    """A give-back whose outcome, or whose release's outcome, was not written yet."""

    run_id: str
    seat: Released
    at: datetime
    outcome: GrantOutcome | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """A stop of every release on every site."""

    by: str
    reason: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A limit passed by a person: for one plan (`plan_id`) or for site and policy until `until`."""

    site: str
    limit: Limit
    by: str
    reason: str
    at: datetime
    until: datetime
    policy_digest: str
    plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the site looked like before, as far as the limits need it.

    `first_seen` None: the site was never read before. `newly_marked` are the users first seen
    removed externally or inactive within the last 14 days. `eligible_by_day` holds, for each of
    the last 14 days with one, the eligible seats of the first plan of that day (UTC) without a
    violation, under the same policy. `usage_lists` are the lists of usage rows that ever held one.
    """

    first_seen: datetime | None = None
    newly_marked: int = 0
    eligible_by_day: tuple[int, ...] = ()
    released_last_day: int = 0
    usage_lists: frozenset[UsageList] = frozenset()
    license_number: str | None = None

    @property
    def usage_given_before(self) -> bool:
        """Whether the site ever gave usage rows."""
        return bool(self.usage_lists)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    r"""One record to append to the ledger.

    `person` is the `DIR\id` it is about: the chain holds only a keyed hash of it. `evidence` is
    JSON-able and names no person.
    """

    kind: Kind
    at: datetime
    actor: Actor
    site: str = ""
    why: str = ""
    plan_id: str = ""
    run_id: str = ""
    policy_digest: str = ""
    person: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    r"""One record as the ledger holds it.

    `person` is the `DIR\id` behind `person_ref`, empty when the record is about nobody or the
    person was erased. `hash` covers every other column and the record before.
    """

    seq: int
    at: datetime
    kind: Kind
    site: str
    run_id: str
    plan_id: str
    by: str
    os_account: str
    host: str
    why: str
    policy_digest: str
    person_ref: str
    person: str
    evidence: dict[str, Any]
    hash: str
