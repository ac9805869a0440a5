"""One plan as a page shows it: what it breaks and the ways out, what changes, each seat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup

from seatkeeper.core.application import ActionProgress, Application, Pulse
from seatkeeper.core.durations import format_share
from seatkeeper.core.guard import shares_above
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome
from seatkeeper.core.plan import Action, Limit, Plan, PlanStatus, Violation
from seatkeeper.core.plan_difference import PlanDifference, difference
from seatkeeper.core.policy import Mode, Policy
from seatkeeper.core.record import Override, StoredPlan
from seatkeeper.core.roster import RosterLine
from seatkeeper.core.rules import Reason
from seatkeeper.core.summary import Summary
from seatkeeper.web.charts.pool import PoolParts, pool_bar
from seatkeeper.web.charts.small import meter
from seatkeeper.web.desk import Desk
from seatkeeper.web.views.pools import parts_of

SEATS = 100
"""So many seats one page shows."""

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
    """One limit that blocks the plan: title, numbers, a picture of them, and a way out."""

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
    """One action with its reason in words, and how far it has come.

    `name` and `department` are those of the newest reading, empty once the seat is gone.
    """

    action: Action
    reason: str
    progress: ActionProgress
    name: str = ""
    department: str = ""


@dataclass(frozen=True, slots=True)
class SeatPage:
    """Some of the seats of a plan, by type, and how many each type has in all.

    `first` counts from 1; `before` and `after` are where the pages beside this one begin.
    """

    seats: Mapping[LicenseType, tuple[Seat, ...]]
    of_type: Mapping[LicenseType, int]
    first: int
    total: int

    @property
    def last(self) -> int:
        """The number of the last seat shown."""
        return self.first - 1 + sum(len(seats) for seats in self.seats.values())

    @property
    def before(self) -> int | None:
        """Where the page before begins, None on the first."""
        return max(1, self.first - SEATS) if self.first > 1 else None

    @property
    def after(self) -> int | None:
        """Where the next page begins, None on the last."""
        return self.last + 1 if self.last < self.total else None


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who left seats out of the plan, when, why, and whose."""

    by: str
    at: datetime
    reason: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class PlanView:
    """Everything about one plan."""

    stored: StoredPlan
    broken: tuple[Broken, ...]
    passed: tuple[Override, ...]
    changes: tuple[Change, ...]
    page: SeatPage
    undoable: tuple[str, ...]
    left_out: tuple[Leaver, ...]
    kept: tuple[tuple[str, int], ...]
    pulse: Pulse
    compared: PlanDifference | None
    observed: bool
    """The site is in mode observe: nobody approves or releases anything."""

    @property
    def plan(self) -> Plan:
        """The plan itself."""
        return self.stored.plan

    @property
    def is_undecided(self) -> bool:
        """Whether nobody has decided, and it is not too late."""
        return self.stored.status in (PlanStatus.OPEN, PlanStatus.BLOCKED)

    @property
    def waits(self) -> bool:
        """Whether somebody can still decide."""
        return self.is_undecided and not self.observed

    @property
    def enough(self) -> Broken | None:
        """The first broken limit that holds once some of the least idle are left out."""
        return next((one for one in self.broken if one.enough), None)

    @property
    def is_large(self) -> bool:
        """Whether it has more seats than one page shows."""
        return self.page.total > SEATS

    @property
    def moves(self) -> bool:
        """Whether looking again soon will show something new."""
        return is_moving(self.pulse)

    @property
    def release_words(self) -> str:
        """How many seats of which type."""
        found = Counter(action.license_type for action in self.plan.actions)
        return ", ".join(f"{number} {kind.value}" for kind, number in sorted(found.items()))


def is_moving(pulse: Pulse) -> bool:
    """Whether looking at a plan again soon will show something new."""
    return pulse.is_moving or pulse.status is PlanStatus.APPROVED


async def plan_view(desk: Desk, stored: StoredPlan, now: datetime, first: int = 1) -> PlanView:
    """Gather the page of one plan, its seats from the one that is `first` on."""
    plan, site = stored.plan, desk.sites[stored.plan.site]
    passed = await desk.store.control.overrides(site.name, site.policy.digest, now, plan.plan_id)
    broken = _broken(stored, site.policy, {o.limit for o in passed})
    application = await desk.store.plans.application(plan.plan_id, now)
    previous = await desk.store.plans.previous(plan.plan_id, now)
    summary = await desk.store.summaries.newest(site.name)
    return PlanView(
        stored=stored,
        broken=broken,
        passed=tuple(passed),
        changes=() if summary is None else tuple(_changes(plan, summary)),
        page=await _named(desk, site.name, _seats(application, first)),
        undoable=_undoable(application),
        left_out=tuple(_leavers(plan)),
        kept=tuple(sorted(_kept(plan), key=lambda k: -k[1])),
        pulse=application.pulse,
        compared=None if previous is None else difference(plan, previous.plan),
        observed=site.policy.mode is Mode.OBSERVE,
    )


async def _named(desk: Desk, site: str, shown: SeatPage) -> SeatPage:
    """Add who holds each seat of a page, as the newest reading knows."""
    ids = [seat.action.allocation_id for seats in shown.seats.values() for seat in seats]
    holders = await desk.store.roster.holders(site, ids)
    named = {
        kind: tuple(_with(seat, holders) for seat in some) for kind, some in shown.seats.items()
    }
    return replace(shown, seats=named)


def _with(seat: Seat, holders: Mapping[str, RosterLine]) -> Seat:
    known = holders.get(seat.action.allocation_id)
    return seat if known is None else replace(seat, name=known.name, department=known.department)


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


def _changes(plan: Plan, summary: Summary) -> Iterator[Change]:
    freed = Counter(action.license_type for action in plan.actions)
    for pool in summary.pools:
        if pool.enabled and pool.total:
            before = parts_of(pool, summary)
            after = before.freed(freed[pool.license_type])
            bars = pool_bar(before, 10), pool_bar(after, 10)
            yield Change(before.name, before, after, bars)


def _seats(application: Application, first: int) -> SeatPage:
    """Return a page of seats; one type after the other, each in the order of the plan."""
    of_type = Counter(one.action.license_type for one in application.actions)
    kinds = list(of_type)
    ordered = sorted(application.actions, key=lambda one: kinds.index(one.action.license_type))
    begin = first - 1 if 1 <= first <= len(ordered) else 0
    found: dict[LicenseType, list[Seat]] = {}
    for one in ordered[begin : begin + SEATS]:
        action = one.action
        words = Reason(action.reason).words if action.reason in set(Reason) else action.reason
        found.setdefault(action.license_type, []).append(Seat(action, words, one))
    seats = {kind: tuple(some) for kind, some in found.items()}
    return SeatPage(seats, of_type, begin + 1, len(ordered))


def _undoable(application: Application) -> tuple[str, ...]:
    """Return the seats that were released and that nobody gave back, or is giving back."""
    return tuple(
        one.action.allocation_id
        for one in application.actions
        if one.outcome is not None and one.outcome.took_effect
        if one.given_back is None or one.given_back.outcome in _TRY_AGAIN
    )


_TRY_AGAIN = frozenset(
    {GrantOutcome.NO_FREE_SEAT, GrantOutcome.REFUSED, GrantOutcome.NOT_ATTEMPTED}
)
"""After these a person may ask again."""


def _leavers(plan: Plan) -> Iterator[Leaver]:
    """Give who left which seats out, the newest first."""
    found: dict[tuple[datetime, str, str], list[Action]] = {}
    for left in plan.left_out:
        found.setdefault((left.at, left.by, left.reason), []).append(left.action)
    for (at, by, reason), actions in sorted(found.items(), reverse=True):
        yield Leaver(by, at, reason, tuple(actions))


def _kept(plan: Plan) -> list[tuple[str, int]]:
    return [
        (Reason(reason).words if reason in set(Reason) else reason, number)
        for reason, number in plan.kept.items()
    ]
