"""What the flow needs from the world, as Protocols; `wiring` hands over what fulfils them.

What telling somebody needs stands in `telling_ports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from seatkeeper.core.changes import ChangeCounts
from seatkeeper.core.facts import Facts
from seatkeeper.core.model import (
    Allocation,
    LicenseType,
    Overview,
    ServerLicense,
    Snapshot,
    User,
    Witness,
)
from seatkeeper.core.outcome import ActionOutcome, Answer, GrantResult
from seatkeeper.core.plan import Action, Plan
from seatkeeper.core.record import (
    Actor,
    Baseline,
    CycleSample,
    Freeze,
    Intent,
    OpenReturn,
    Override,
    PlanLine,
    Released,
    StoredPlan,
)
from seatkeeper.core.request import Request, RequestKind
from seatkeeper.core.rules import Verdict
from seatkeeper.core.summary import Summary

RELEASE_TURN = timedelta(seconds=2)
"""How long a releaser may wait before its request leaves; later it says that it was not sent."""


class Clock(Protocol):
    """The only source of the time."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""


class LicenseReader(Protocol):
    """Reads one site; every method retries, and raises QrsError when the site stays silent."""

    @property
    def requests(self) -> int:
        """Requests sent so far, further tries included."""

    @property
    def skew(self) -> timedelta | None:
        """The site's clock minus ours, from the newest answer; None without a `Date` header."""

    async def server_license(self) -> ServerLicense | None:
        """Read the license of the site; None when none is installed."""

    async def overview(self) -> Overview:
        """Read the pools."""

    async def users(self) -> dict[str, User]:
        """Read every user, keyed by QRS id."""

    async def count_users(self) -> int:
        """Count the users the site would list."""

    async def allocations(self, license_type: LicenseType) -> list[Allocation]:
        """Read every seat of a type."""

    async def count_allocations(self, license_type: LicenseType) -> int:
        """Count the seats of a type the site would list."""

    async def witness(
        self,
        users: dict[str, User],
        allocations: Sequence[Allocation],
        overview: Overview,
        since: datetime | None = None,
    ) -> Witness:
        """Read activity beside the seats: usage rows, token seats; `since` narrows where it can."""

    async def allocations_by_id(
        self, license_type: LicenseType, ids: Sequence[str]
    ) -> list[Allocation]:
        """Read these seats afresh; a seat that is gone is missing from the list."""

    async def allocations_of_users(
        self, license_type: LicenseType, user_ids: Sequence[str]
    ) -> list[Allocation]:
        """Read every seat of these users afresh."""

    async def active_since(self, license_type: LicenseType, since: datetime) -> list[Allocation]:
        """Read the seats used at or after `since`, or whose last use cannot be understood.

        The answer may hold more, never less.
        """

    async def users_by_id(self, ids: Sequence[str]) -> dict[str, User]:
        """Read these users afresh, keyed by QRS id; a user that is gone is missing."""


class LicenseReleaser(Protocol):
    """Releases one seat. Only `flow/apply` is ever given one."""

    async def release(self, license_type: LicenseType, allocation_id: str) -> Answer:
        """Send one DELETE, once, within RELEASE_TURN or not at all.

        Never raises for what the site does with it.
        """


class SeatGranter(Protocol):
    """Gives one seat. Only `flow/undo` is ever given one."""

    async def grant(self, license_type: LicenseType, user_id: str) -> Answer:
        """Send one POST, once; never raises for what the site does with it."""


class Held(Protocol):
    """The lease on a site, while it is ours."""

    @property
    def site(self) -> str:
        """The site held."""

    @property
    def fence(self) -> int:
        """The number that every write of this holder carries."""

    def check(self) -> None:
        """Raise LeaseLost when the lease may be over."""


class Plans(Protocol):
    """Plans and what became of them; each method is one transaction with its ledger records."""

    async def record(self, plan: Plan, actor: Actor, run_id: str, *, approve: bool = False) -> None:
        """Keep a new plan (open or blocked; `approve`: approved by the mode) and say so."""

    async def load(self, plan_id: str, now: datetime) -> StoredPlan:
        """Return a plan; raises UsageError if unknown, PlanAltered if its bytes changed."""

    async def newest(self, site: str, now: datetime) -> StoredPlan | None:
        """Return the newest plan of a site."""

    async def lines(
        self, now: datetime, site: str | None = None, limit: int = 20
    ) -> list[PlanLine]:
        """Return plans in short, newest first."""

    async def approved(self, site: str, now: datetime) -> StoredPlan | None:
        """Return the plan of a site that waits to be applied, approved by a person or the mode."""

    async def approve(
        self,
        plan_id: str,
        actor: Actor,
        reason: str,
        now: datetime,
        passing: Sequence[Override] | None = None,
    ) -> StoredPlan:
        """Approve an open plan, with `passing` also a blocked one; supersedes earlier ones.

        What is passed is kept in the same step. Raises PlanStale when somebody decided meanwhile.
        """

    async def leave_out(
        self,
        smaller: Plan,
        actor: Actor,
        reason: str,
        now: datetime,
        passing: Sequence[Override] | None = None,
    ) -> StoredPlan:
        """Keep a smaller plan, made from one that still waits; with `passing` approve it at once.

        Raises PlanStale when somebody decided about the other one meanwhile.
        """

    async def reject(self, plan_id: str, actor: Actor, reason: str, now: datetime) -> StoredPlan:
        """Close a plan that waits; raises PlanStale when it is over already."""

    async def start(
        self, plan_id: str, run_id: str, actor: Actor, held: Held, now: datetime
    ) -> None:
        """Claim an approved plan for one run; raises PlanStale when somebody else had it."""

    async def intend(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,
        held: Held,
        batch: Sequence[Action],
        now: datetime,
    ) -> None:
        """Write the intents of a batch, fenced and durable: no intent, no DELETE.

        A seat meant before by this very run, and without an outcome, may be meant again. Raises
        LeaseLost without the fence, NotAllowed under a freeze, PlanStale when the plan is not
        applied by this run or a seat of it was taken up before.
        """

    async def settle(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,
        results: Sequence[ActionOutcome],
        now: datetime,
        *,
        later: bool = False,
    ) -> None:
        """Write outcomes; one that is final already stays. Needs no fence: it is the truth.

        `later`: settled by a fresh reading after the run, not by the run itself.
        """

    async def finish(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,
        now: datetime,
        *,
        complete: bool,
        note: str = "",
    ) -> None:
        """Close a run: the plan is applied or partly applied."""

    async def outcomes(self, plan_id: str) -> list[ActionOutcome]:
        """Return what became of each action of a plan so far."""

    async def unsettled(self, site: str) -> list[Intent]:
        """Return intents without an outcome, or with `unknown`."""

    async def interrupted(self, site: str, now: datetime) -> list[StoredPlan]:
        """Return plans of a site that are being applied, by a process that may be gone."""

    async def released(
        self, *, plan_id: str | None = None, user: str | None = None
    ) -> list[Released]:
        r"""Return releases that took effect, of a plan or of a person (`DIR\id`, any case)."""

    async def open_returns(self, site: str) -> list[OpenReturn]:
        """Return give-backs left open, and those whose release is still unsettled."""

    async def intend_grants(
        self,
        run_id: str,
        actor: Actor,
        held: Held,
        seats: Sequence[Released],
        why: str,
        now: datetime,
    ) -> None:
        """Write that these seats are about to be given back, fenced and durable."""

    async def settle_grants(
        self, run_id: str, actor: Actor, site: str, results: Sequence[GrantResult], now: datetime
    ) -> None:
        """Write what became of giving seats back."""


class Requests(Protocol):
    """What people ask of the engine."""

    async def ask(
        self, kind: RequestKind, site: str, payload: Mapping[str, Any], actor: Actor, now: datetime
    ) -> Request:
        """Put a request into the queue, with its ledger record."""


class History(Protocol):
    """What earlier readings said, as far as limits need it."""

    async def observe(self, snapshot: Snapshot) -> None:
        """Remember a reading: who is marked since when, pools, license number."""

    async def baseline(self, site: str, policy_digest: str, now: datetime) -> Baseline:
        """Return what the limits compare with."""

    async def license_numbers(self) -> dict[str, str]:
        """Return the last known license number of each site."""


class Summaries(Protocol):
    """The newest summary of each site."""

    async def keep(self, summary: Summary) -> None:
        """Keep a summary in place of an older one."""


class Cycles(Protocol):
    """How each cycle went."""

    async def add(self, sample: CycleSample) -> None:
        """Keep how a cycle went, unless that is known already."""


class Activity(Protocol):
    """Who used what on which day, and what became of seats."""

    async def observe(self, snapshot: Snapshot, now: datetime) -> ChangeCounts:
        """Compare a reading with the one before, write what differs, and count the changes."""

    async def latest(self, sites: Sequence[str]) -> dict[str, datetime]:
        """Return when people were last active on any of these sites, by person key."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a monitoring cycle knows once it has counted; `changes` is what `Activity` returned.

    `verdicts` are those on the seats of the snapshot, in its order.
    """

    snapshot: Snapshot
    facts: Facts
    summary: Summary
    now: datetime
    changes: ChangeCounts | None = None
    verdicts: Sequence[Verdict] = ()


class Follower(Protocol):
    """Does something with what every monitoring cycle observed: points, alerts."""

    @property
    def step(self) -> str:
        """What it does, in a word."""

    async def follow(self, observed: Observed) -> None:
        """Take what was observed, once its summary is kept.

        What it raises is logged, told by the command, and stops no other follower.
        """


class Control(Protocol):
    """What people have said about releasing: freezes and overrides."""

    async def frozen(self, now: datetime) -> Freeze | None:
        """Return the freeze that holds now."""

    async def overrides(
        self, site: str, policy_digest: str, now: datetime, plan_id: str | None = None
    ) -> list[Override]:
        """Return overrides that hold for this site and policy, or for this very plan."""
