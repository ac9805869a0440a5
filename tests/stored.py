"""Values for tests of the store: plans made directly, who acts, and a hold on a site."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import ActionOutcome, GrantOutcome, GrantResult, Outcome
from seatkeeper.core.plan import Action, Limit, Plan, TypeCount, Violation
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import Actor, Freeze, Kind, LedgerEntry, Override, Released
from seatkeeper.store import Held, Store

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
JANE = Actor(by="Jane Doe", os_account="jdoe", host="qlik-1")
ENGINE = Actor(by="engine", os_account="svc", host="qlik-1")
ANNA = r"EXAMPLE\anna.berg"

_numbers = itertools.count(1)


def later(hours: float = 0, *, minutes: float = 0) -> datetime:
    """Return the moment so long after NOW."""
    return NOW + timedelta(hours=hours, minutes=minutes)


def an_action(user: str = ANNA, **changes: Any) -> Action:
    """Return the release of a seat that a person has not used for 120 days."""
    told: dict[str, Any] = {
        "allocation_id": f"seat-of-{user.partition(chr(92))[2]}",
        "license_type": LicenseType.PROFESSIONAL,
        "user": user,
        "user_id": f"id-of-{user.casefold()}",
        "reason": "idle",
        "created": NOW - timedelta(days=400),
        "last_used": NOW - timedelta(days=120),
        "seat_last_used": NOW - timedelta(days=120),
        "idle_days": 120,
    }
    return Action(**{**told, **changes})


def some_actions(number: int, prefix: str = "u") -> tuple[Action, ...]:
    r"""Return releases of `EXAMPLE\u0`, `EXAMPLE\u1`, and so on."""
    return tuple(an_action(rf"EXAMPLE\{prefix}{n}") for n in range(number))


def a_plan(*actions: Action, at: datetime = NOW, **changes: Any) -> Plan:
    """Return a plan of `prod` with these actions (one, of Anna, without any)."""
    actions = actions or (an_action(),)
    told: dict[str, Any] = {
        "plan_id": f"plan-{next(_numbers)}",
        "site": "prod",
        "mode": Mode.APPROVE,
        "policy_digest": "policy-1",
        "created_at": at,
        "expires_at": at + timedelta(hours=72),
        "actions": actions,
        "deferred": (),
        "kept": {"active": 10},
        "counts": (TypeCount(license_type=LicenseType.PROFESSIONAL, rows=20, live=20, eligible=1),),
        "users": 40,
    }
    return Plan(**{**told, **changes})


def a_violation(limit: Limit = Limit.MAX_SHARE) -> Violation:
    """Return a broken limit."""
    return Violation(limit=limit, message="too many", way_out="look at the plan")


def an_outcome(
    action: Action | str = ANNA, outcome: Outcome = Outcome.RELEASED, detail: str = ""
) -> ActionOutcome:
    """Return what became of an action."""
    if isinstance(action, str):
        action = an_action(action)
    return ActionOutcome(
        allocation_id=action.allocation_id,
        user=action.user,
        license_type=action.license_type,
        outcome=outcome,
        detail=detail,
    )


def a_grant(seat: Released, outcome: GrantOutcome = GrantOutcome.RESTORED) -> GrantResult:
    """Return what became of giving a seat back."""
    return GrantResult(
        allocation_id=seat.allocation_id,
        user=seat.user,
        license_type=seat.license_type,
        outcome=outcome,
        new_allocation_id="new-seat" if outcome is GrantOutcome.RESTORED else None,
    )


def an_override(limit: Limit = Limit.MAX_SHARE, **changes: Any) -> Override:
    """Return an override of a limit for `prod` under `policy-1`, for 30 days."""
    told: dict[str, Any] = {
        "site": "prod",
        "limit": limit,
        "by": "Jane Doe",
        "reason": "looked at it",
        "at": NOW,
        "until": NOW + timedelta(days=30),
        "policy_digest": "policy-1",
    }
    return Override(**{**told, **changes})


def an_entry(number: int = 0, **changes: Any) -> LedgerEntry:
    """Return a ledger entry that differs with its number."""
    told: dict[str, Any] = {
        "kind": Kind.RELEASE_OUTCOME,
        "at": NOW + timedelta(seconds=number),
        "actor": JANE,
        "site": "prod",
        "why": f"reason {number}",
        "plan_id": f"plan {number // 3}",
        "run_id": "run-1",
        "policy_digest": "policy-1",
        "person": rf"EXAMPLE\user{number % 7}",
        "evidence": {"allocation_id": f"seat-{number}", "idle_days": number},
    }
    return LedgerEntry(**{**told, **changes})


async def hold(store: Store, site: str = "prod", kind: str = "apply") -> Held:
    """Take the lease of a site."""
    return await store.leases.claim_site(site, kind, NOW)


async def applying(store: Store, plan: Plan, run_id: str = "run-1") -> Held:
    """Record, approve and start a plan; returns the hold on its site."""
    await store.plans.record(plan, ENGINE, "run-0")
    await store.plans.approve(plan.plan_id, JANE, "fine", plan.created_at)
    held = await hold(store, plan.site)
    await store.plans.start(plan.plan_id, run_id, ENGINE, held, plan.created_at)
    return held


async def applied(
    store: Store, plan: Plan, outcome: Outcome = Outcome.RELEASED, run_id: str = "run-1"
) -> None:
    """Carry a plan through: every action is intended and ends with this outcome."""
    held = await applying(store, plan, run_id)
    now = plan.created_at
    await store.plans.intend(plan.plan_id, run_id, ENGINE, held, plan.actions, now)
    results = [an_outcome(a, outcome) for a in plan.actions]
    await store.plans.settle(plan.plan_id, run_id, ENGINE, results, now)
    await store.plans.finish(plan.plan_id, run_id, ENGINE, now, complete=True)
    await store.leases.release(held)


async def refused(store: Store, plan: Plan, said: str) -> None:
    """Carry a plan through whose every release the site refused with these words."""
    held = await applying(store, plan)
    now = plan.created_at
    await store.plans.intend(plan.plan_id, "run-1", ENGINE, held, plan.actions, now)
    results = [an_outcome(a, Outcome.REFUSED, said) for a in plan.actions]
    await store.plans.settle(plan.plan_id, "run-1", ENGINE, results, now)
    await store.plans.finish(plan.plan_id, "run-1", ENGINE, now, complete=True)
    await store.leases.release(held)


def changed(value: Any, **changes: Any) -> Any:
    """Return a struct with other fields."""
    return msgspec.structs.replace(value, **changes)


def a_freeze(**changes: Any) -> Freeze:
    """Return the freeze that Jane set at NOW."""
    told: dict[str, Any] = {"by": "Jane Doe", "reason": "audit", "at": NOW, "until": None}
    return Freeze(**{**told, **changes})
