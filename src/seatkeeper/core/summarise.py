"""From a snapshot to its numbers, in one pass over the seats.

Nothing is repaired here: pools stay as QRS gave them, and where the rows say something else, that
is one of the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from seatkeeper.core.judged import Judged
from seatkeeper.core.model import (
    Allocation,
    LicenseType,
    Overview,
    Pool,
    ServerLicense,
    User,
)
from seatkeeper.core.record import PlanLine
from seatkeeper.core.rules import AHEAD, Reason, Verdict
from seatkeeper.core.summary import (
    ComplianceSummary,
    IdleBucket,
    LicenseState,
    LicenseSummary,
    Mismatch,
    PlanSummary,
    ReadingSummary,
    SeatSummary,
    Summary,
    days_until,
)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a summary holds beside the snapshot.

    How long the reading took (seconds), the requests sent for it, the newest plan of the site.
    """

    seconds: float
    requests: int
    plan: PlanLine | None = None

    @classmethod
    def since(
        cls, began: datetime, now: datetime, requests: int, plan: PlanLine | None = None
    ) -> Beside:
        """Say what a reading took that began then and has ended now; a clock may be set back."""
        return cls(max(0.0, (now - began).total_seconds()), requests, plan)


def summarise(judged: Judged, beside: Beside) -> Summary:
    """Count everything about a snapshot."""
    snapshot, now = judged.snapshot, judged.now
    tally = _Tally(judged)
    for seat, verdict in zip(snapshot.allocations, judged.verdicts, strict=True):
        tally.add(seat, verdict)
    overview = snapshot.overview
    skew = snapshot.skew
    return Summary(
        site=snapshot.site,
        at=snapshot.taken_at,
        pools=overview.pools,
        seats=tuple(
            tally.counts[t].summed_up()
            for t in LicenseType
            if tally.counts[t].rows or overview.pool(t) is not None
        ),
        license=summarise_license(snapshot.server_license, now),
        compliance=_compliance(tally, overview, snapshot.server_license),
        reading=ReadingSummary(
            seconds=round(beside.seconds, 3),
            requests=beside.requests,
            users=len(snapshot.users),
            skew_seconds=None if skew is None else skew.total_seconds(),
        ),
        capacity=overview.capacity,
        tokens=overview.tokens,
        plan=None if beside.plan is None else summarise_plan(beside.plan),
    )


def summarise_license(license_: ServerLicense | None, now: datetime) -> LicenseSummary:
    """Say what is known of the license; its own flags decide, its last day only warns.

    Without a flag, a last day that has passed is all there is to go by.
    """
    if license_ is None:
        return LicenseSummary(state=LicenseState.NONE)
    valid_to = license_.valid_to
    days_left = None if valid_to is None else days_until(valid_to, now)
    if license_.expired or (license_.expired is None and days_left is not None and days_left < 0):
        state = LicenseState.EXPIRED
    elif license_.blacklisted:
        state = LicenseState.DENYLISTED
    elif license_.invalid:
        state = LicenseState.INVALID
    else:
        state = LicenseState.CANNOT_TELL if valid_to is None else LicenseState.VALID
    marks = (license_.blacklisted, license_.invalid)
    return LicenseSummary(
        state=state,
        valid_to=valid_to,
        days_left=days_left,
        allotments=license_.allotments,
        accepted=False if any(marks) else None if None in marks else True,
    )


def summarise_plan(plan: PlanLine) -> PlanSummary:
    """Keep the numbers of a plan."""
    return PlanSummary(
        plan_id=plan.plan_id,
        status=plan.status.value,
        created_at=plan.created_at,
        actions=plan.actions,
        deferred=plan.deferred,
        violations=tuple(sorted(limit.value for limit in plan.violations)),
    )


@dataclass(slots=True)
class _Count:
    """What is counted of one type; `quarantined` may include seats of deleted users."""

    license_type: LicenseType
    rows: int = 0
    live: int = 0
    quarantined: int = 0
    quarantined_deleted: int = 0
    quarantine_unknown: bool = False
    excess: int = 0
    releasable: int = 0
    in_use: int = 0
    idle: dict[IdleBucket, int] = field(default_factory=lambda: dict.fromkeys(IdleBucket, 0))
    kept: dict[Reason, int] = field(default_factory=dict)
    holders: set[str] = field(default_factory=set)

    def summed_up(self) -> SeatSummary:
        return SeatSummary(
            license_type=self.license_type,
            rows=self.rows,
            live=self.live,
            quarantined=self.quarantined,
            excess=self.excess,
            idle=self.idle,
            releasable=self.releasable,
            in_use=self.in_use,
            kept={r.value: self.kept[r] for r in Reason if r in self.kept},
        )


class _Tally:
    """Counts seats one after the other."""

    def __init__(self, judged: Judged) -> None:
        policy, now = judged.policy, judged.now
        self._facts, self._now = judged.facts, now
        self._horizon = now + AHEAD
        self.counts = {t: _Count(t) for t in LicenseType}
        self._since = {t: now - policy.of(t).release_after for t in LicenseType}
        self.marks: Counter[str] = Counter()
        """Live seats of users with a mark, and seats of users who are gone."""

    def add(self, seat: Allocation, verdict: Verdict) -> None:
        """Count a seat."""
        count = self.counts[seat.license_type]
        count.rows += 1
        reason = verdict.reason
        if reason.releases:
            count.releasable += 1
        else:
            count.kept[reason] = count.kept.get(reason, 0) + 1
        if not seat.is_live:
            self._add_gone(seat, count)
            return
        count.live += 1
        count.excess += seat.excess
        count.quarantine_unknown |= seat.quarantined is None
        count.holders.add(self._facts.holder_key(seat))
        looked_at = reason not in _NOT_LOOKED_AT
        latest = verdict.last_activity if looked_at else self._facts.last_activity(seat)
        count.idle[self._bucket(seat, latest)] += 1
        count.in_use += latest is not None and latest > self._since[seat.license_type]
        self._add_marks(self._facts.users.get(seat.user_id or ""))

    def _add_gone(self, seat: Allocation, count: _Count) -> None:
        if seat.quarantined:
            count.quarantined += 1
            count.quarantined_deleted += seat.deleted_user
        self.marks["deleted"] += seat.deleted_user

    def _add_marks(self, user: User | None) -> None:
        if user is None:
            return
        if user.removed_externally:
            self.marks["removed"] += 1
        if user.blocked:
            self.marks["blocked"] += 1
        if user.inactive:
            self.marks["inactive"] += 1

    def _bucket(self, seat: Allocation, latest: datetime | None) -> IdleBucket:
        if self._facts.is_use_unclear(seat) or (latest is not None and latest > self._horizon):
            return IdleBucket.UNCLEAR
        return IdleBucket.NEVER if latest is None else IdleBucket.of(self._now - latest)


_NOT_LOOKED_AT = frozenset({Reason.EXCESS, Reason.TYPE_DISABLED, Reason.DELETED_USER})
"""Verdicts that need no look at the person's activity."""


def _compliance(
    tally: _Tally, overview: Overview, license_: ServerLicense | None
) -> ComplianceSummary:
    counts, marks = tally.counts, tally.marks
    professional, analyzer = (counts[t].holders for t in LicenseType)
    excess = 0
    for license_type, count in counts.items():
        pool = overview.pool(license_type)
        excess += max(count.excess, (pool.excess or 0) if pool else 0)
    return ComplianceSummary(
        excess=excess,
        both_types=len(professional & analyzer),
        removed=marks["removed"],
        blocked=marks["blocked"],
        inactive=marks["inactive"],
        deleted=marks["deleted"],
        above_allotment=_above_allotment(counts, overview, license_),
        mismatches=tuple(
            m for c in counts.values() for m in _mismatches(c, overview.pool(c.license_type))
        ),
    )


def _above_allotment(
    counts: dict[LicenseType, _Count], overview: Overview, license_: ServerLicense | None
) -> int:
    """Count seats above the license text; a negative allotment is no limit (or not a number)."""
    above = 0
    for name, granted in license_.allotments if license_ else ():
        kind = _SEAT_NAMES.get(name.casefold())
        if kind is not None and granted >= 0:
            pool = overview.pool(kind)
            above += max(0, (pool.allocated if pool else counts[kind].live) - granted)
    return above


_SEAT_NAMES = {t.value: t for t in LicenseType}


def _mismatches(count: _Count, pool: Pool | None) -> Iterable[Mismatch]:
    """Compare the rows of a type with every reading that the overview's numbers may have."""
    if pool is None or not pool.enabled:
        if count.live:
            yield Mismatch(license_type=count.license_type, overview=0, rows=count.live)
        return
    live, quarantined = count.live, count.quarantined
    within = min(live, pool.total)  # rows of older sites do not say which are in excess
    allocated = (live, live + quarantined, live - count.excess, within, count.rows)
    yield from _mismatch(count.license_type, pool.allocated, allocated, "allocated")
    if not count.quarantine_unknown:
        readings = (quarantined, quarantined - count.quarantined_deleted, 0)
        yield from _mismatch(count.license_type, pool.quarantined, readings, "quarantined")


def _mismatch(
    license_type: LicenseType, told: int, readings: tuple[int, ...], count: str
) -> Iterable[Mismatch]:
    nearest = min(readings, key=lambda rows: abs(rows - told))
    if nearest != told:
        yield Mismatch(license_type=license_type, overview=told, rows=nearest, count=count)
