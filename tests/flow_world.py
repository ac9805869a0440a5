"""A small world for the flow: one site with idle people on it, its store, and processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from builders import (
    AGREEMENT,
    ANALYZER,
    a_policy,
    a_user,
    an_allocation,
    days_ago,
    some_limits,
    some_seats,
)
from fakes import (
    FakeClock,
    FakeControl,
    FakeCycles,
    FakeGranter,
    FakeHeld,
    FakeHistory,
    FakePlans,
    FakeReader,
    FakeReleaser,
    FakeSite,
    FakeStore,
    FakeSummaries,
    Process,
)
from seatkeeper.core.model import Allocation, User
from seatkeeper.core.outcome import ActionOutcome, Outcome, RunResult
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.policy import Mode, Policy
from seatkeeper.core.record import Actor, Freeze, Override, StoredPlan
from seatkeeper.flow.apply import Hands, apply_plan
from seatkeeper.flow.approve import Approval, approve, leave_out
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.cycle import CycleResult, release_cycle
from seatkeeper.flow.propose import propose
from seatkeeper.flow.recover import recover
from seatkeeper.flow.undo import GiveBack, Granting, undo

JANE = Actor(by="Jane Doe", os_account="jane", host="ops")
CONCURRENCY = 4


@dataclass
class Hand:
    """One process with the site in its hands."""

    site: Site
    records: Records
    run: Run
    hands: Hands
    granting: Granting
    held: FakeHeld
    process: Process


@dataclass
class World:
    """One site and one store; processes come and go."""

    fake: FakeSite
    policy: Policy
    name: str = "prod"
    store: FakeStore = field(default_factory=FakeStore)
    runs: int = 0
    four_eyes: bool = False

    @property
    def clock(self) -> FakeClock:
        """The clock of everything here."""
        return self.fake.clock

    def process(self, *, crash_at: int | None = None, concurrency: int = CONCURRENCY) -> Hand:
        """Start a process that takes the lease of the site."""
        process = Process(crash_at)
        self.runs += 1
        run = Run(f"r-{self.runs}", JANE, self.clock, asyncio.Event())
        reader = FakeReader(self.fake, process, concurrency)
        site = Site(self.name, self.policy, reader, four_eyes=self.four_eyes)
        records = Records(
            FakePlans(self.store, process),
            FakeHistory(self.store, process),
            FakeControl(self.store, process),
            FakeSummaries(self.store, process),
            FakeCycles(self.store, process),
        )
        held = self.store.take(self.name, process)
        granter = FakeGranter(self.fake, process)
        give_back = GiveBack(site, records, run, granter, held)
        hands = Hands(FakeReleaser(self.fake, process), give_back, held, concurrency)
        granting = Granting(granter, held, "undo")
        return Hand(site, records, run, hands, granting, held, process)

    async def plan(
        self, *, approved: bool = True, partners: Sequence[Site] = (), asked_by: str = ""
    ) -> StoredPlan:
        """Make a plan, and let Jane approve it."""
        hand = self.process()
        now = self.clock.now()
        run = replace(hand.run, asked_by=asked_by)
        stored = await propose(hand.site, partners, hand.records, run, now)
        if approved and stored.status is not PlanStatus.APPROVED:
            self.clock.advance(seconds=1)
            return await self.approve(stored)
        return stored

    async def approve(self, stored: StoredPlan, approval: Approval | None = None) -> StoredPlan:
        """Approve a plan."""
        hand, by = self.process(), approval or Approval(JANE)
        now = self.clock.now()
        return await approve(stored.plan.plan_id, hand.site, hand.records, by, now)

    async def leave_out(self, stored: StoredPlan, approval: Approval) -> StoredPlan:
        """Make a smaller plan."""
        hand, now = self.process(), self.clock.now()
        return await leave_out(stored.plan.plan_id, hand.site, hand.records, approval, now)

    async def apply(
        self, stored: StoredPlan, hand: Hand | None = None, partners: Sequence[Site] = ()
    ) -> RunResult:
        """Apply a plan in a new process, or in this one."""
        hand = hand or self.process()
        return await apply_plan(stored, hand.site, partners, hand.records, hand.run, hand.hands)

    async def recover(self) -> list[ActionOutcome]:
        """Recover in a new process."""
        hand = self.process()
        return await recover(hand.site, hand.records, hand.run)

    async def cycle(
        self, hand: Hand | None = None, sites: Iterable[Site] = (), *, by_request: bool = False
    ) -> CycleResult:
        """Run a release cycle in a new process, or in this one."""
        hand = hand or self.process()
        run, others = replace(hand.run, by_request=by_request), [hand.site, *sites]
        return await release_cycle(hand.site, others, hand.records, run, lambda: hand.hands)

    async def undo(self, plan_id: str, hand: Hand | None = None) -> dict[str, str]:
        """Give back what a plan took; returns the outcome of each seat."""
        hand = hand or self.process()
        seats = await hand.records.plans.released(plan_id=plan_id)
        results = await undo(seats, hand.site, hand.records, hand.run, hand.granting)
        return {r.allocation_id: r.outcome.value for r in results}

    def freeze(self) -> None:
        """Let Jane freeze everything."""
        self.store.freeze = Freeze("Jane Doe", "audit", self.clock.now())

    def override(self, limit: Limit) -> None:
        """Let Jane pass a limit for a month."""
        now = self.clock.now()
        self.store.overrides.append(
            Override(
                site=self.name,
                limit=limit,
                by="Jane Doe",
                reason="known",
                at=now,
                until=days_ago(-30, now),
                policy_digest=self.policy.digest,
            )
        )

    def in_mode(self, mode: Mode) -> None:
        """Change the mode of the site."""
        self.policy = replace(self.policy, mode=mode, agreement=AGREEMENT)


def idle_seats(number: int) -> list[Allocation]:
    """Return so many seats that were not used for 100 days."""
    return some_seats(number, last_used=days_ago(100))


def a_world(
    seats: Iterable[Allocation] | int = 5,
    users: Iterable[User] | None = None,
    policy: Policy | None = None,
    *,
    name: str = "prod",
    clock: FakeClock | None = None,
) -> World:
    """Return a world with these seats (or so many idle ones), and three times as many busy ones."""
    clock = clock or FakeClock()
    rows = idle_seats(seats) if isinstance(seats, int) else list(seats)
    busy = some_seats(max(3 * len(rows), 4), last_used=days_ago(1), prefix="busy")
    busy += some_seats(10, last_used=days_ago(1), prefix="viewer", license_type=ANALYZER)
    people = list(users) if users is not None else [a_user(s.holder) for s in rows if s.holder]
    people += [a_user(s.holder) for s in busy]
    site = FakeSite.of(clock, [*rows, *busy], people)
    return World(site, policy or a_policy(mode=Mode.APPROVE), name)


def limited(**limits: float) -> Policy:
    """Return the policy of most tests with other limits."""
    return a_policy(mode=Mode.APPROVE, limits=some_limits(**limits))


def seat_of(label: str, *, days: float = 100) -> Allocation:
    """Return the seat of one person, idle for so many days."""
    return an_allocation(label, last_used=days_ago(days))


def counted(result: RunResult) -> dict[str, int]:
    """Return how often each outcome occurred."""
    return result.counts


def details(result: RunResult, outcome: Outcome) -> list[str]:
    """Return what was said about every action with this outcome."""
    return [o.detail for o in result.outcomes if o.outcome is outcome]
