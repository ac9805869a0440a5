r"""A smaller plan: another one without some of its seats, and with nothing that it had not.

What was read stays as old as it was, and so does the end of the plan. The limits that depend on
how many seats may go are judged anew; all others speak of the reading, and stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

import msgspec

from seatkeeper.core.guard import grown_above, shares_above
from seatkeeper.core.model import LicenseType, person_key
from seatkeeper.core.plan import (
    Action,
    LeftOut,
    Limit,
    MadeFrom,
    OverrideNote,
    Plan,
    TypeCount,
    Violation,
    named,
)
from seatkeeper.core.policy import Policy
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import UsageError


@dataclass(frozen=True, slots=True)
class Leaving:
    r"""Who leaves which seats out, and why; a seat is named by its id or by its user, `DIR\id`."""

    seats: tuple[str, ...]
    by: str
    reason: str = ""


def without(stored: StoredPlan, leaving: Leaving, policy: Policy, now: datetime) -> Plan:
    """Return the smaller plan; raises UsageError for seats it has not, or when none is left.

    `policy` is the one of today. Where it is not the one of the plan, a limit that cannot be
    judged anew stays broken.
    """
    plan = stored.plan
    chosen = _chosen(plan, leaving.seats)
    kept = tuple(a for a in plan.actions if a.allocation_id not in chosen)
    if not kept:
        raise UsageError(
            f"plan {plan.plan_id} releases nothing but these {len(plan.actions)} seats: "
            "reject it instead"
        )
    gone = [a for a in plan.actions if a.allocation_id in chosen]
    left = [LeftOut(action=a, by=leaving.by, at=now, reason=leaving.reason) for a in gone]
    counts = _counts(plan.counts, gone)
    smaller = msgspec.structs.replace(
        plan,
        actions=kept,
        counts=counts,
        violations=tuple(_violations(plan, counts, policy)),
        overridden=tuple(_overridden(plan, counts, policy)),
        made_from=MadeFrom(plan_id=plan.plan_id, digest=stored.recorded_digest, at=now),
        left_out=(*plan.left_out, *left),
    )
    return named(smaller, now)


def is_smaller(smaller: Plan, stored: StoredPlan) -> bool:
    """Tell whether the one is the other without some seats, and nothing more can be done by it."""
    plan = stored.plan
    left = {one.action.allocation_id for one in smaller.left_out[len(plan.left_out) :]}
    kept = tuple(a for a in plan.actions if a.allocation_id not in left)
    of_itself = msgspec.structs.replace(
        smaller,
        plan_id=plan.plan_id,
        actions=plan.actions,
        counts=plan.counts,
        violations=plan.violations,
        overridden=plan.overridden,
        made_from=plan.made_from,
        left_out=plan.left_out,
    )
    source = smaller.made_from
    return (
        source is not None
        and (source.plan_id, source.digest) == (plan.plan_id, stored.recorded_digest)
        and bool(left)
        and smaller.actions == kept
        and len(kept) == len(plan.actions) - len(left)
        and {v.limit for v in smaller.violations} <= {v.limit for v in plan.violations}
        and of_itself == plan
    )


def least_idle(plan: Plan, license_type: LicenseType | None, number: int) -> tuple[Action, ...]:
    """Return so many seats of a type, those of people who were active last first."""
    of_type = [a for a in plan.actions if a.license_type is license_type]
    return tuple(sorted(of_type, key=lambda a: a.idle_days)[:number])


def _chosen(plan: Plan, seats: Iterable[str]) -> set[str]:
    """Return the ids of the seats that are meant; a user may hold two."""
    ids = {a.allocation_id for a in plan.actions}
    of_person: dict[str, set[str]] = {}
    for action in plan.actions:
        of_person.setdefault(person_key(action.user), set()).add(action.allocation_id)
    chosen: set[str] = set()
    for said in seats:
        name = said.strip()
        chosen |= of_person.get(person_key(name)) or _by_id(plan, name, ids)
    if not chosen:
        raise UsageError(f"nothing is left out of plan {plan.plan_id}: name at least one user")
    return chosen


def _by_id(plan: Plan, name: str, ids: Collection[str]) -> set[str]:
    if name in ids:
        return {name}
    if any(person_key(a.user) == person_key(name) for a in plan.deferred):
        raise UsageError(f"plan {plan.plan_id} does not release the seat of {name}: it is deferred")
    users = {person_key(a.user): a.user for a in plan.actions}
    near = get_close_matches(person_key(name), users, n=1)
    meant = f"; did you mean {users[near[0]]}?" if near else ""
    raise UsageError(f"plan {plan.plan_id} releases no seat of {name}{meant}")


def _counts(counts: Sequence[TypeCount], gone: Iterable[Action]) -> tuple[TypeCount, ...]:
    fewer = Counter(action.license_type for action in gone)
    return tuple(
        msgspec.structs.replace(c, eligible=c.eligible - fewer[c.license_type]) for c in counts
    )


def _violations(plan: Plan, counts: Sequence[TypeCount], policy: Policy) -> Iterator[Violation]:
    """Give what the smaller plan still breaks, with its own numbers."""
    eligible = sum(count.eligible for count in counts)
    for violation in plan.violations:
        allowed = violation.allowed
        if violation.limit is Limit.MAX_SHARE and allowed is not None:
            same_type = [c for c in counts if c.license_type is violation.license_type]
            yield from shares_above(same_type, allowed)
        elif violation.limit is Limit.GROWN and allowed is not None:
            yield from _still_grown(violation, eligible, plan, policy)
        else:
            yield violation


def _still_grown(
    violation: Violation, eligible: int, plan: Plan, policy: Policy
) -> Iterable[Violation]:
    """Judge `grown` by what was usual then; under another policy only its number tells."""
    allowed = violation.allowed or 0.0
    if policy.digest == plan.policy_digest:
        return grown_above(eligible, allowed / policy.limits.grown, policy.limits.grown)
    return [violation] if eligible > allowed else []


def _overridden(plan: Plan, counts: Sequence[TypeCount], policy: Policy) -> Iterator[OverrideNote]:
    """Give the limits that were passed and would still have to be, with the numbers of now."""
    if policy.digest != plan.policy_digest:
        yield from plan.overridden
        return
    share = policy.limits.max_share
    types = {v.message: v.license_type for v in shares_above(plan.counts, share)}
    broken = {v.license_type: v.message for v in shares_above(counts, share)}
    for note in plan.overridden:
        if note.limit is not Limit.MAX_SHARE or note.message not in types:
            yield note
        elif (message := broken.get(types[note.message])) is not None:
            yield msgspec.structs.replace(note, message=message)
