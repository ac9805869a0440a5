"""The store in memory, by the rules of the real one: single claim, fence, freeze, unique intents.

A `FakeStore` outlives processes; `FakePlans`, `FakeHistory` and `FakeControl` are how one process
reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fake_site import Process
from seatkeeper.core.model import Snapshot, UsageList, person_key
from seatkeeper.core.outcome import ActionOutcome, GrantOutcome, GrantResult, Outcome
from seatkeeper.core.plan import Action, Plan, PlanStatus, plan_from_bytes
from seatkeeper.core.record import (
    BY_MODE,
    Actor,
    CycleSample,
    Freeze,
    Intent,
    Kind,
    OpenReturn,
    Override,
    PlanLine,
    Released,
    StoredPlan,
    line_of,
)
from seatkeeper.core.smaller import is_smaller
from seatkeeper.core.summary import Summary
from seatkeeper.errors import LeaseLost, NotAllowed, PlanStale, StoreError, UsageError
from seatkeeper.flow.ports import Held

DAY = timedelta(days=1)
WAITING = (PlanStatus.OPEN, PlanStatus.BLOCKED, PlanStatus.APPROVED)


@dataclass
class Record:
    """One line of the ledger."""

    kind: Kind
    at: datetime
    plan_id: str = ""
    run_id: str = ""
    allocation_id: str = ""
    outcome: str = ""
    detail: str = ""


@dataclass
class FakeStore:
    """What is durable."""

    plans: dict[str, StoredPlan] = field(default_factory=dict)
    intents: dict[tuple[str, str], Intent] = field(default_factory=dict)
    results: dict[tuple[str, str], ActionOutcome] = field(default_factory=dict)
    ledger: list[Record] = field(default_factory=list)
    grants: dict[tuple[str, str], GrantResult | None] = field(default_factory=dict)
    meant_back: dict[tuple[str, str], OpenReturn] = field(default_factory=dict)
    freeze: Freeze | None = None
    overrides: list[Override] = field(default_factory=list)
    fences: dict[str, int] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    summaries: dict[str, Summary] = field(default_factory=dict)
    cycles: list[CycleSample] = field(default_factory=list)
    usage_given: dict[str, frozenset[UsageList]] = field(default_factory=dict)
    released_by_others: list[tuple[str, datetime]] = field(default_factory=list)
    broken: dict[str, StoreError] = field(default_factory=dict)
    """Which writes fail now, by method name."""
    heal_after_failure: bool = False

    def take(self, site: str, process: Process) -> FakeHeld:
        """Give the lease of a site to a new holder; the former one's fence is over."""
        self.fences[site] = self.fences.get(site, 0) + 1
        return FakeHeld(site, self.fences[site], process)

    def kinds(self) -> list[Kind]:
        """Return the kinds of the ledger's records in order."""
        return [record.kind for record in self.ledger]

    def outcomes(self, plan_id: str) -> dict[str, Outcome]:
        """Return the outcome of each action of a plan, by allocation."""
        return {i: o.outcome for (plan, i), o in self.results.items() if plan == plan_id}


@dataclass
class FakeHeld:
    """A lease in hand."""

    site: str
    fence: int
    process: Process
    is_lost: bool = False
    checks_left: int | None = None
    """After so many more checks it is lost."""

    def check(self) -> None:
        """Raise LeaseLost when it is over."""
        self.process.step("check")
        if self.checks_left is not None:
            self.checks_left -= 1
            self.is_lost = self.is_lost or self.checks_left < 0
        if self.is_lost:
            raise LeaseLost("the hold on the site is over")


@dataclass
class Part:
    store: FakeStore
    process: Process

    def _begin(self, name: str) -> None:
        self.process.step(name)
        if name in self.store.broken:
            error = self.store.broken[name]
            if self.store.heal_after_failure:
                del self.store.broken[name]
            raise error

    def _fenced(self, held: Held) -> None:
        if self.store.fences.get(held.site) != held.fence:
            raise LeaseLost(f"another process holds {held.site}")


class FakePlans(Part):
    """Plans and what became of them."""

    async def record(self, plan: Plan, actor: Actor, run_id: str, *, approve: bool = False) -> None:
        """Keep a new plan."""
        self._begin("record")
        stored = StoredPlan(plan_from_bytes(plan.canonical), plan.first_status, digest=plan.digest)
        self._note(Kind.PLAN_PROPOSED, plan.created_at, plan.plan_id, run_id)
        self.store.plans[plan.plan_id] = stored
        if approve:
            assert not plan.violations
            nobody = replace(actor, by=BY_MODE)
            self._approve(stored, nobody, f"mode {plan.mode.value}", plan.created_at)
        self.process.step("record done")

    def _approve(self, stored: StoredPlan, actor: Actor, reason: str, now: datetime) -> StoredPlan:
        stored = replace(
            stored,
            status=PlanStatus.APPROVED,
            approved_by=actor.by,
            approved_at=now,
            approve_reason=reason,
        )
        self.store.plans[stored.plan.plan_id] = stored
        self._note(Kind.PLAN_APPROVED, now, stored.plan.plan_id)
        self._supersede(stored.plan, now, only_earlier=True)
        return stored

    def _supersede(self, plan: Plan, now: datetime, *, only_earlier: bool) -> None:
        for other_id, other in list(self.store.plans.items()):
            waits = other.plan.site == plan.site and other.status in WAITING
            earlier = other.plan.created_at <= plan.created_at or not only_earlier
            if waits and earlier and other_id != plan.plan_id:
                self.store.plans[other_id] = replace(
                    other, status=PlanStatus.SUPERSEDED, ended_at=now
                )
                self._note(Kind.PLAN_SUPERSEDED, now, other_id)

    def _note(
        self,
        kind: Kind,
        at: datetime,
        plan_id: str = "",
        run_id: str = "",
        result: ActionOutcome | None = None,
        allocation_id: str = "",
    ) -> None:
        record = Record(kind, at, plan_id, run_id, allocation_id)
        if result is not None:
            record.allocation_id = result.allocation_id
            record.outcome, record.detail = result.outcome.value, result.detail
        self.store.ledger.append(record)

    async def load(self, plan_id: str, now: datetime) -> StoredPlan:
        """Return a plan."""
        self._begin("load")
        return self._at(plan_id, now)

    def _at(self, plan_id: str, now: datetime) -> StoredPlan:
        if plan_id not in self.store.plans:
            raise UsageError(f"there is no plan {plan_id}")
        stored = self.store.plans[plan_id]
        if stored.status in WAITING and stored.plan.expires_at <= now:
            return replace(stored, status=PlanStatus.EXPIRED)
        return stored

    async def newest(self, site: str, now: datetime) -> StoredPlan | None:
        """Return the newest plan of a site."""
        self._begin("newest")
        ids = [i for i, s in self.store.plans.items() if s.plan.site == site]
        return self._at(ids[-1], now) if ids else None

    async def lines(
        self, now: datetime, site: str | None = None, limit: int = 20
    ) -> list[PlanLine]:
        """Return plans in short, newest first."""
        self._begin("lines")
        ids = [i for i, s in self.store.plans.items() if site in (None, s.plan.site)]
        return [line_of(self._at(i, now)) for i in reversed(ids)][:limit]

    async def approved(self, site: str, now: datetime) -> StoredPlan | None:
        """Return the newest plan of a site that waits to be applied."""
        self._begin("approved")
        return next(iter(self._of(site, PlanStatus.APPROVED, now)), None)

    async def interrupted(self, site: str, now: datetime) -> list[StoredPlan]:
        """Return plans of a site that are being applied."""
        self._begin("interrupted")
        return self._of(site, PlanStatus.APPLYING, now)

    def _of(self, site: str, status: PlanStatus, now: datetime) -> list[StoredPlan]:
        found = [self._at(i, now) for i, s in self.store.plans.items() if s.plan.site == site]
        return [s for s in reversed(found) if s.status is status]

    async def approve(
        self,
        plan_id: str,
        actor: Actor,
        reason: str,
        now: datetime,
        passing: Sequence[Override] | None = None,
    ) -> StoredPlan:
        """Approve an open plan, or with `passing` a blocked one."""
        self._begin("approve")
        stored = self._at(plan_id, now)
        if stored.status.is_over or stored.status is PlanStatus.APPROVED:
            raise PlanStale(f"plan {plan_id} is {stored.status.value}")
        if stored.status is PlanStatus.BLOCKED and passing is None:
            raise NotAllowed(f"plan {plan_id} is blocked")
        self.store.overrides.extend(passing or ())
        return self._approve(stored, actor, reason, now)

    async def leave_out(
        self,
        smaller: Plan,
        actor: Actor,
        reason: str,
        now: datetime,
        passing: Sequence[Override] | None = None,
    ) -> StoredPlan:
        """Keep a smaller plan, and approve it with `passing`."""
        self._begin("leave_out")
        assert smaller.made_from is not None
        stored = self._at(smaller.made_from.plan_id, now)
        if stored.status not in (PlanStatus.OPEN, PlanStatus.BLOCKED):
            raise PlanStale(f"plan {stored.plan.plan_id} is {stored.status.value}")
        assert is_smaller(smaller, stored)
        self._note(Kind.PLAN_PROPOSED, now, smaller.plan_id)
        kept = StoredPlan(smaller, smaller.first_status, digest=smaller.digest)
        self.store.plans[smaller.plan_id] = kept
        self.store.overrides.extend(passing or ())
        return kept if passing is None else self._approve(kept, actor, reason, now)

    async def reject(self, plan_id: str, actor: Actor, reason: str, now: datetime) -> StoredPlan:
        """Close a plan that waits."""
        self._begin("reject")
        stored = self._at(plan_id, now)
        if stored.status.is_over:
            raise PlanStale(f"plan {plan_id} is {stored.status.value}")
        note = f"rejected by {actor.by}: {reason}"
        stored = replace(stored, status=PlanStatus.REJECTED, ended_at=now, note=note)
        self.store.plans[plan_id] = stored
        self._note(Kind.PLAN_REJECTED, now, plan_id)
        return stored

    async def start(
        self, plan_id: str, run_id: str, actor: Actor, held: Held, now: datetime
    ) -> None:
        """Claim an approved plan for one run."""
        self._begin("start")
        self._fenced(held)
        stored = self._at(plan_id, now)
        if stored.status is not PlanStatus.APPROVED:
            raise PlanStale(f"plan {plan_id} is {stored.status.value}, by {actor.by}")
        self.store.plans[plan_id] = replace(stored, status=PlanStatus.APPLYING, run_id=run_id)
        self._note(Kind.APPLY_STARTED, now, plan_id, run_id)
        self._supersede(stored.plan, now, only_earlier=False)
        self.process.step("start done")

    async def intend(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,  # noqa: ARG002 - the fake ledger names nobody
        held: Held,
        batch: Sequence[Action],
        now: datetime,
    ) -> None:
        """Write the intents of a batch, or none of them."""
        self._begin("intend")
        self._fenced(held)
        stored = self.store.plans[plan_id]
        if stored.status is not PlanStatus.APPLYING or stored.run_id != run_id:
            raise PlanStale(f"plan {plan_id} is no longer applied by run {run_id}")
        if (freeze := self._frozen(now)) is not None:
            raise NotAllowed(f"every release is frozen by {freeze.by}")
        ids = [a.allocation_id for a in batch]
        assert len(set(ids)) == len(ids), "a seat twice in one batch"
        if any(not self._may_intend(plan_id, run_id, i) for i in ids):
            raise PlanStale("a seat is released once at most")
        for action in batch:
            self.store.intents[plan_id, action.allocation_id] = Intent(
                plan_id=plan_id,
                run_id=run_id,
                site=stored.plan.site,
                allocation_id=action.allocation_id,
                license_type=action.license_type,
                user=action.user,
                user_id=action.user_id,
                seat_last_used=action.seat_last_used,
                reason=action.reason,
                at=now,
            )
            self._note(
                Kind.RELEASE_INTENT, now, plan_id, run_id, allocation_id=action.allocation_id
            )
        self.process.step("intend done")

    def _may_intend(self, plan_id: str, run_id: str, allocation_id: str) -> bool:
        known = self.store.intents.get((plan_id, allocation_id))
        settled = (plan_id, allocation_id) in self.store.results
        return not settled and (known is None or known.run_id == run_id)

    def _frozen(self, now: datetime) -> Freeze | None:
        freeze = self.store.freeze
        return None if freeze is None or (freeze.until and freeze.until <= now) else freeze

    async def settle(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,  # noqa: ARG002 - the fake ledger names nobody
        results: Sequence[ActionOutcome],
        now: datetime,
        *,
        later: bool = False,
    ) -> None:
        """Write outcomes; a final one stays."""
        self._begin("settle")
        for result in results:
            before = self.store.results.get((plan_id, result.allocation_id))
            was_unknown = before is not None and before.outcome is Outcome.UNKNOWN
            if before is not None and (not was_unknown or result.outcome is Outcome.UNKNOWN):
                continue
            self.store.results[plan_id, result.allocation_id] = result
            is_settled = (later or was_unknown) and result.outcome is not Outcome.UNKNOWN
            kind = Kind.RELEASE_SETTLED if is_settled else Kind.RELEASE_OUTCOME
            self._note(kind, now, plan_id, run_id, result)
        self.process.step("settle done")

    async def finish(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,  # noqa: ARG002 - the fake ledger names nobody
        now: datetime,
        *,
        complete: bool,
        note: str = "",
    ) -> None:
        """Close a run."""
        self._begin("finish")
        stored = self.store.plans[plan_id]
        if stored.status is PlanStatus.APPLYING:
            status = PlanStatus.APPLIED if complete else PlanStatus.PARTLY_APPLIED
            self.store.plans[plan_id] = replace(stored, status=status, ended_at=now, note=note)
            self._note(Kind.APPLY_FINISHED, now, plan_id, run_id)
        self.process.step("finish done")

    async def outcomes(self, plan_id: str) -> list[ActionOutcome]:
        """Return what became of each action so far."""
        self._begin("outcomes")
        return [o for (plan, _), o in self.store.results.items() if plan == plan_id]

    async def unsettled(self, site: str) -> list[Intent]:
        """Return intents without an outcome, or with `unknown`."""
        self._begin("unsettled")
        found = []
        for key, intent in self.store.intents.items():
            result = self.store.results.get(key)
            if intent.site == site and (result is None or result.outcome is Outcome.UNKNOWN):
                found.append(replace(intent, outcome=result.outcome if result else None))
        return found

    async def released(
        self, *, plan_id: str | None = None, user: str | None = None
    ) -> list[Released]:
        """Return releases that took effect or may have."""
        self._begin("released")
        found = []
        for (plan, allocation_id), result in self.store.results.items():
            intent = self.store.intents.get((plan, allocation_id))
            asked = plan_id in (None, plan) and (
                user is None or person_key(user) == person_key(result.user)
            )
            if result.outcome.took_effect and intent is not None and asked:
                found.append(self._released(intent, result))
        return found

    def _released(self, intent: Intent, result: ActionOutcome) -> Released:
        key = (intent.plan_id, intent.allocation_id)
        given = self.store.grants.get(key)
        unknown = GrantOutcome.UNKNOWN if key in self.store.grants else None
        return Released(
            plan_id=intent.plan_id,
            allocation_id=intent.allocation_id,
            license_type=intent.license_type,
            user=intent.user,
            user_id=intent.user_id,
            outcome=result.outcome,
            at=intent.at,
            given_back=given.outcome if given else unknown,
            site=intent.site,
        )

    async def open_returns(self, site: str) -> list[OpenReturn]:
        """Return give-backs left open, and those whose release is still unsettled."""
        self._begin("open_returns")
        found = []
        for key, one in self.store.meant_back.items():
            given, release = self.store.grants[key], self.store.results.get(key)
            outcome = given.outcome if given else None
            unsettled = release is None or release.outcome is Outcome.UNKNOWN
            held = outcome in (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)
            is_open = outcome in (None, GrantOutcome.UNKNOWN)
            if self.store.intents[key].site == site and (is_open or (held and unsettled)):
                found.append(replace(one, outcome=outcome))
        return found

    async def intend_grants(
        self,
        run_id: str,
        actor: Actor,  # noqa: ARG002 - the fake ledger names nobody
        held: Held,
        seats: Sequence[Released],
        why: str,  # noqa: ARG002 - as above
        now: datetime,
    ) -> None:
        """Write that these seats are about to be given back."""
        self._begin("intend_grants")
        self._fenced(held)
        for seat in seats:
            key = seat.plan_id, seat.allocation_id
            self.store.grants[key] = None
            self.store.meant_back[key] = OpenReturn(run_id, seat, now)
            self._note(
                Kind.GRANT_INTENT, now, seat.plan_id, run_id, allocation_id=seat.allocation_id
            )
        self.process.step("intend_grants done")

    async def settle_grants(
        self,
        run_id: str,
        actor: Actor,  # noqa: ARG002 - the fake ledger names nobody
        site: str,  # noqa: ARG002 - as above
        results: Sequence[GrantResult],
        now: datetime,
    ) -> None:
        """Write what became of giving seats back."""
        self._begin("settle_grants")
        for result in results:
            for key in self.store.grants:
                if key[1] == result.allocation_id:
                    self.store.grants[key] = result
            record = Record(Kind.GRANT_OUTCOME, now, "", run_id, result.allocation_id)
            record.outcome, record.detail = result.outcome.value, result.detail
            self.store.ledger.append(record)
        self.process.step("settle_grants done")
