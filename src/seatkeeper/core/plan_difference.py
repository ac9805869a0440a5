"""Two plans of a site held side by side: which seats came, which went, and why they differ.

A seat is the same seat by its id. What is compared are the releases; of a seat that only one plan
releases, the other may still say something: it was deferred there, or left out by a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from seatkeeper.core.plan import Action, Limit, Plan


class Elsewhere(StrEnum):
    """What the other plan says of a seat that it does not release."""

    ABSENT = "absent"
    DEFERRED = "deferred"
    LEFT_OUT = "left_out"

    @property
    def words(self) -> str:
        """The same, for people."""
        return _WORDS[self]


_WORDS = {
    Elsewhere.ABSENT: "not due in the other plan",
    Elsewhere.DEFERRED: "deferred in the other plan",
    Elsewhere.LEFT_OUT: "left out of the other plan by a person",
}


@dataclass(frozen=True, slots=True)
class OneSided:
    """A seat that only one of the plans releases, and what the other one says of it."""

    action: Action
    elsewhere: Elsewhere


@dataclass(frozen=True, slots=True)
class ChangedReason:
    """A seat that both plans release, for different reasons."""

    before: Action
    after: Action


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """What is new in a plan against an older one; seats stand in the order of their plan."""

    plan_id: str
    other_id: str
    only_new: tuple[OneSided, ...]
    only_old: tuple[OneSided, ...]
    both: tuple[Action, ...]
    """As the new plan has them."""
    changed: tuple[ChangedReason, ...]
    new_limits: tuple[Limit, ...]
    """Limits that the new plan breaks and the old one did not."""
    past_limits: tuple[Limit, ...]
    same_policy: bool


def difference(new: Plan, old: Plan) -> PlanDifference:
    """Compare two plans; raises ValueError for plans of two sites."""
    if new.site != old.site:
        raise ValueError(f"{new.plan_id} is of {new.site}, {old.plan_id} of {old.site}")
    before = {a.allocation_id: a for a in old.actions}
    after = {a.allocation_id: a for a in new.actions}
    both = tuple(a for a in new.actions if a.allocation_id in before)
    pairs = [(before[a.allocation_id], a) for a in both]
    broken, was_broken = _limits(new), _limits(old)
    return PlanDifference(
        plan_id=new.plan_id,
        other_id=old.plan_id,
        only_new=_one_sided((a for a in new.actions if a.allocation_id not in before), old),
        only_old=_one_sided((a for a in old.actions if a.allocation_id not in after), new),
        both=both,
        changed=tuple(ChangedReason(b, a) for b, a in pairs if b.reason != a.reason),
        new_limits=tuple(limit for limit in broken if limit not in was_broken),
        past_limits=tuple(limit for limit in was_broken if limit not in broken),
        same_policy=new.policy_digest == old.policy_digest,
    )


def _one_sided(actions: Iterable[Action], other: Plan) -> tuple[OneSided, ...]:
    said = {a.allocation_id: Elsewhere.DEFERRED for a in other.deferred}
    said |= {left.action.allocation_id: Elsewhere.LEFT_OUT for left in other.left_out}
    return tuple(OneSided(a, said.get(a.allocation_id, Elsewhere.ABSENT)) for a in actions)


def _limits(plan: Plan) -> list[Limit]:
    return list(dict.fromkeys(v.limit for v in plan.violations))
