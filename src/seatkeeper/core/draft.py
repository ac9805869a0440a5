"""From a snapshot to a plan: judge every seat, sort, keep within the counts, seal with a digest.

Equal input gives equal bytes, in whatever order its rows come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.facts import LONG_AGO, Facts
from seatkeeper.core.model import Allocation, LicenseType, Snapshot, UsageState
from seatkeeper.core.plan import Action, Notice, OverrideNote, Plan, TypeCount, Violation, named
from seatkeeper.core.policy import Policy
from seatkeeper.core.rules import Reason, Verdict, idle_time, judge

MOST_UNCLEAR_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything decided about one snapshot, before the limits look at it."""

    actions: tuple[Action, ...]
    deferred: tuple[Action, ...]
    kept: dict[str, int]
    counts: tuple[TypeCount, ...]
    unclear: tuple[str, ...]
    """The first few seats whose facts are not certain, in words."""

    @property
    def eligible(self) -> int:
        """Seats that may go."""
        return len(self.actions) + len(self.deferred)


def draft_plan(
    snapshot: Snapshot, facts: Facts, policy: Policy, now: datetime, *, released_last_day: int
) -> Draft:
    """Judge every seat of a snapshot and sort those that may go by how long they are idle.

    The first `max_per_run`, and no more than `max_per_day` leaves after the `released_last_day`
    seats of the last 24 hours, are actions; the rest is deferred.
    """
    eligible: list[Action] = []
    kept: Counter[Reason] = Counter()
    unclear: list[str] = []
    for seat in snapshot.allocations:
        verdict = judge(seat, facts, policy, now)
        reason = verdict.reason
        if reason.releases:
            eligible.append(_action(seat, facts, verdict, now))
            continue
        kept[reason] += 1
        if reason is Reason.UNCLEAR:
            unclear.append(f"{seat.holder or seat.id} ({seat.license_type.value}): {verdict.note}")
    eligible.sort(key=_order)
    room = _room(policy, released_last_day)
    return Draft(
        actions=tuple(eligible[:room]),
        deferred=tuple(eligible[room:]),
        kept={r.value: kept[r] for r in Reason if kept[r]},
        counts=_counts(snapshot, eligible),
        unclear=tuple(
            sorted(unclear, key=lambda text: (text.casefold(), text))[:MOST_UNCLEAR_SHOWN]
        ),
    )


def _room(policy: Policy, released_last_day: int) -> int:
    left_today = max(0, policy.limits.max_per_day - released_last_day)
    return min(policy.limits.max_per_run, left_today)


def _action(seat: Allocation, facts: Facts, verdict: Verdict, now: datetime) -> Action:
    user = facts.users[str(seat.user_id)]
    last_used = None if verdict.reason is Reason.NEVER_USED else verdict.last_activity
    since = last_used or seat.created or now
    return Action(
        allocation_id=seat.id,
        license_type=seat.license_type,
        user=user.label,
        user_id=user.id,
        reason=verdict.reason.value,
        created=seat.created,
        last_used=last_used,
        seat_last_used=seat.last_used,
        idle_days=idle_time(since, now, facts.pauses) // timedelta(days=1),
    )


def _order(action: Action) -> tuple[datetime, str, str, str]:
    """Longest idle first; then by name, type and id, so that no two rows tie."""
    since = action.last_used or action.created or LONG_AGO
    return since, action.user.casefold(), action.license_type.value, action.allocation_id


def _counts(snapshot: Snapshot, eligible: Sequence[Action]) -> tuple[TypeCount, ...]:
    rows = Counter(seat.license_type for seat in snapshot.allocations)
    live = Counter(seat.license_type for seat in snapshot.allocations if seat.is_live)
    going = Counter(action.license_type for action in eligible)
    return tuple(
        TypeCount(license_type=t, rows=rows[t], live=live[t], eligible=going[t])
        for t in LicenseType
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """What the limits say of a draft."""

    violations: tuple[Violation, ...] = ()
    warnings: tuple[Notice, ...] = ()
    overridden: tuple[OverrideNote, ...] = ()
    shared_with: tuple[str, ...] = ()
    """Sites under the same license whose activity was counted."""


def seal(
    draft: Draft, findings: Findings, snapshot: Snapshot, policy: Policy, now: datetime
) -> Plan:
    """Make the plan: its id holds the moment and the start of its digest."""
    plan = Plan(
        plan_id="",
        site=snapshot.site,
        mode=policy.mode,
        policy_digest=policy.digest,
        created_at=now,
        expires_at=now + policy.limits.plan_max_age,
        actions=draft.actions,
        deferred=draft.deferred,
        kept=draft.kept,
        counts=draft.counts,
        users=len(snapshot.users),
        violations=findings.violations,
        warnings=findings.warnings,
        overridden=findings.overridden,
        shared_with=findings.shared_with,
        usage_lists=tuple(sorted(snapshot.witness.which(UsageState.GIVEN, UsageState.EMPTY))),
    )
    return named(plan, now)
