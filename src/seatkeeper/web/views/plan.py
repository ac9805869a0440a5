"""One plan as a page shows it: what it breaks and the ways out, what changes, each seat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from seatkeeper.core.application import ActionProgress, Application, Pulse
from seatkeeper.core.durations import format_share
from seatkeeper.core.guard import shares_above
from seatkeeper.core.model import LicenseType
from seatkeeper.core.plan import Action, Limit, Plan, PlanStatus, Violation
from seatkeeper.core.plan_difference import PlanDifference, difference
from seatkeeper.core.policy import Policy
from seatkeeper.core.record import Override, StoredPlan
from seatkeeper.core.rules import Reason
from seatkeeper.core.summary import Summary
from seatkeeper.web.charts.pool import PoolParts, pool_bar
from seatkeeper.web.charts.small import meter
from seatkeeper.web.desk import Desk
from seatkeeper.web.views.pools import parts_of

TITLES = {
    Limit.MAX_SHARE: "It would take too large a share of a pool",
    Limit.DIRECTORY_JUMP: "Many users were newly marked in their directory",
    Limit.GROWN: "Far more seats may go than in the plans before",
    Limit.STALE_ACTIVITY: "Nobody in the whole site was active lately",
    Limit.INCOMPLETE: "The reading was not whole",
    Limit.CLOCK_SKEW: "The clocks of the site and of Seatkeeper differ",
    Limit.BLIND_EXEMPTION: "An exemption protects nobody",
    Limit.SHARED_LICENSE: "Other sites may share this license",
    Limit.PAUSE: "The policy pauses releases now",
}

WHY = {
    Limit.MAX_SHARE: "This limit stops a wrong setting from emptying a pool in one night.",
    Limit.DIRECTORY_JUMP: "An accident of a directory looks just like many people who left.",
    Limit.GROWN: "A sudden jump is more often a mistake than a change of habits.",
    Limit.STALE_ACTIVITY: "When nobody seems active, the dates of use are more likely wrong.",
    Limit.INCOMPLETE: "What was not read may be what would keep a seat.",
    Limit.CLOCK_SKEW: "Idle time is a difference of two clocks.",
    Limit.BLIND_EXEMPTION: "A tag that was renamed protects nobody any more, silently.",
    Limit.SHARED_LICENSE: "Somebody idle here may work on the other site.",
    Limit.PAUSE: "Days of pause are no idle days, and nothing is released in them.",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """One limit that blocks the plan: title, numbers, a picture of them, and what is ticked."""

    violation: Violation
    title: str
    why: str
    picture: Markup
    enough: int = 0
    """So many of the least idle seats of its type left out, and the limit holds."""


@dataclass(frozen=True, slots=True)
class Change:
    """One pool before and after the plan."""

    name: str
    before: PoolParts
    after: PoolParts
    bars: tuple[Markup, Markup]

    @property
    def from_excess(self) -> int:
        """Seats that go and leave none free: they were above the license."""
        return self.before.excess - self.after.excess

    @property
    def freed(self) -> int:
        """Seats that go, as far as the newest reading still has them idle."""
        return self.from_excess + self.after.available - self.before.available


@dataclass(frozen=True, slots=True)
class Seat:
    """One action with its reason in words, and how far it has come."""

    action: Action
    reason: str
    ticked: bool
    progress: ActionProgress | None = None


@dataclass(frozen=True, slots=True)
class PlanView:
    """Everything about one plan."""

    stored: StoredPlan
    broken: tuple[Broken, ...]
    passed: tuple[Override, ...]
    changes: tuple[Change, ...]
    seats: Mapping[LicenseType, tuple[Seat, ...]]
    kept: tuple[tuple[str, int], ...]
    pulse: Pulse
    compared: PlanDifference | None
    ticked: int

    @property
    def plan(self) -> Plan:
        """The plan itself."""
        return self.stored.plan

    @property
    def waits(self) -> bool:
        """Whether somebody can still decide."""
        return self.stored.status in (PlanStatus.OPEN, PlanStatus.BLOCKED)

    @property
    def moves(self) -> bool:
        """Whether looking again soon will show something new."""
        return self.pulse.is_moving or self.stored.status is PlanStatus.APPROVED

    @property
    def release_words(self) -> str:
        """How many seats of which type."""
        found = Counter(action.license_type for action in self.plan.actions)
        return ", ".join(f"{number} {kind.value}" for kind, number in sorted(found.items()))


async def plan_view(desk: Desk, stored: StoredPlan, now: datetime) -> PlanView:
    """Gather the page of one plan."""
    plan, site = stored.plan, desk.sites[stored.plan.site]
    passed = await desk.store.control.overrides(site.name, site.policy.digest, now, plan.plan_id)
    broken = _broken(stored, site.policy, {o.limit for o in passed})
    application = await desk.store.plans.application(plan.plan_id, now)
    previous = await desk.store.plans.previous(plan.plan_id, now)
    ticked = {
        action.allocation_id
        for one in broken
        for action in _least_idle(plan, one.violation.license_type, one.enough)
    }
    summary = await desk.store.summaries.newest(site.name)
    return PlanView(
        stored=stored,
        broken=broken,
        passed=tuple(passed),
        changes=() if summary is None else tuple(_changes(plan, summary)),
        seats=_seats(application, ticked),
        kept=tuple(sorted(_kept(plan), key=lambda k: -k[1])),
        pulse=application.pulse,
        compared=None if previous is None else difference(plan, previous.plan),
        ticked=len(ticked),
    )


def _broken(stored: StoredPlan, policy: Policy, passed: set[Limit]) -> tuple[Broken, ...]:
    """Return what blocks the plan: as it was found, and by the `max_share` of today."""
    if stored.status not in (PlanStatus.OPEN, PlanStatus.BLOCKED):
        return ()
    plan = stored.plan
    found = list(plan.violations)
    if all(v.limit is not Limit.MAX_SHARE for v in found):
        found += shares_above(plan.counts, policy.limits.max_share)
    return tuple(_one(v, plan) for v in found if v.limit not in passed)


def _one(violation: Violation, plan: Plan) -> Broken:
    picture, enough = Markup(""), 0
    if violation.value is not None and violation.allowed is not None:
        share, limit = violation.value, violation.allowed
        if violation.limit is Limit.MAX_SHARE:
            enough = _enough(violation, plan)
        if 0 < share <= 1 and 0 < limit <= 1:
            says = f"limit {format_share(limit)}", f"plan {format_share(round(share, 3))}"
            label = f"{says[1]} of the seats; {says[0]}"
            picture = meter(label, share, limit, says)
    title, why = TITLES[violation.limit], WHY[violation.limit]
    return Broken(violation, title, why, picture, enough)


def _enough(violation: Violation, plan: Plan) -> int:
    """Return how many seats have to be left out for the share to hold."""
    count = next((c for c in plan.counts if c.license_type is violation.license_type), None)
    if count is None or violation.allowed is None:
        return 0
    over = count.eligible - int(violation.allowed * count.live)
    actions = sum(a.license_type is violation.license_type for a in plan.actions)
    return over if 0 < over < actions else 0


def _least_idle(plan: Plan, kind: LicenseType | None, number: int) -> Sequence[Action]:
    of_kind = [a for a in plan.actions if a.license_type is kind]
    return sorted(of_kind, key=lambda a: a.idle_days)[:number]


def _changes(plan: Plan, summary: Summary) -> Iterator[Change]:
    freed = Counter(action.license_type for action in plan.actions)
    for pool in summary.pools:
        if pool.enabled and pool.total:
            before = parts_of(pool, summary)
            after = before.freed(freed[pool.license_type])
            bars = pool_bar(before, 10), pool_bar(after, 10)
            yield Change(before.name, before, after, bars)


def _seats(application: Application, ticked: set[str]) -> dict[LicenseType, tuple[Seat, ...]]:
    found: dict[LicenseType, list[Seat]] = {}
    for one in application.actions:
        action = one.action
        words = Reason(action.reason).words if action.reason in set(Reason) else action.reason
        seat = Seat(action, words, action.allocation_id in ticked, one)
        found.setdefault(action.license_type, []).append(seat)
    return {kind: tuple(seats) for kind, seats in found.items()}


def _kept(plan: Plan) -> list[tuple[str, int]]:
    return [
        (Reason(reason).words if reason in set(Reason) else reason, number)
        for reason, number in plan.kept.items()
    ]
