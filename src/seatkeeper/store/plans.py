"""Plans and what became of them; each method is one transaction with its ledger records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from seatkeeper.core.application import ActionProgress, Application, Pulse
from seatkeeper.core.outcome import ActionOutcome, GrantResult
from seatkeeper.core.plan import Action, Plan, PlanStatus
from seatkeeper.core.record import (
    Actor,
    Intent,
    OpenReturn,
    Override,
    PlanLine,
    Released,
    RunLine,
    StoredPlan,
    WaitingPlan,
)
from seatkeeper.store import actions, following, grants, lifecycle, listed
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.fence import Fenced
from seatkeeper.store.lifecycle import Step
from seatkeeper.store.listed import PlanQuery, RunQuery
from seatkeeper.store.plan_rows import LINE_COLUMNS, find_row, plan_line, stored_plan
from seatkeeper.store.tables import PLAN

_NEWEST = (PLAN.c.created_at.desc(), PLAN.c.plan_id.desc())
"""The newest reading first; of plans of one reading, which were made smaller, the latest first."""


class Plans:
    """The plans of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def record(self, plan: Plan, actor: Actor, run_id: str, *, approve: bool = False) -> None:
        """Keep a new plan (open or blocked; `approve`: approved by the mode) and say so."""
        step = Step(actor, plan.created_at, run_id=run_id)
        lifecycle.propose(self._db, plan, step, approved=approve)

    @threaded
    def load(self, plan_id: str, now: datetime) -> StoredPlan:
        """Return a plan; raises UsageError if unknown, PlanAltered if its bytes changed."""
        with self._db.reading() as conn:
            return stored_plan(conn, find_row(conn, plan_id), now)

    @threaded
    def newest(self, site: str, now: datetime) -> StoredPlan | None:
        """Return the newest plan of a site."""
        found = self._find(PLAN.c.site == site, now, limit=1)
        return found[0] if found else None

    @threaded
    def previous(self, plan_id: str, now: datetime) -> StoredPlan | None:
        """Return the plan of the same site before this one; of a smaller one, what it came from."""
        with self._db.reading() as conn:
            row = find_row(conn, plan_id)
            if row.made_from is not None:
                return stored_plan(conn, find_row(conn, row.made_from), now)
            earlier = sa.select(PLAN).where(
                PLAN.c.site == row.site, PLAN.c.created_at < row.created_at
            )
            before = conn.execute(earlier.order_by(*_NEWEST).limit(1)).first()
            return None if before is None else stored_plan(conn, before, now)

    @threaded
    def pulse(self, plan_id: str, now: datetime) -> Pulse:
        """Return how far a plan has come, in numbers: cheap enough to ask every second."""
        with self._db.snapshot() as conn:
            return following.pulse(conn, plan_id, now)

    @threaded
    def application(self, plan_id: str, now: datetime) -> Application:
        """Return where each release of a plan stands, and what was given back."""
        with self._db.snapshot() as conn:
            return following.application(conn, plan_id, now)

    @threaded
    def progress_of(self, plan_id: str, actions: Sequence[Action]) -> tuple[ActionProgress, ...]:
        """Return where some releases of a plan stand, without reading the plan again."""
        with self._db.snapshot() as conn:
            return following.progress_of(conn, plan_id, actions)

    @threaded
    def approved(self, site: str, now: datetime) -> StoredPlan | None:
        """Return the plan of a site that waits to be applied, approved by a person or the mode."""
        waits = sa.and_(
            PLAN.c.site == site, PLAN.c.status == PlanStatus.APPROVED, PLAN.c.expires_at > now
        )
        found = self._find(waits, now, limit=1)
        return found[0] if found else None

    @threaded
    def waiting(self, now: datetime) -> Sequence[WaitingPlan]:
        """Return the plans of every site that a person approved and nobody applied, oldest first.

        What the mode approved is approved at the moment it was made, and is never waited for.
        """
        columns = (PLAN.c.plan_id, PLAN.c.site, PLAN.c.approved_at)
        found = sa.select(*columns).where(
            PLAN.c.status == PlanStatus.APPROVED,
            PLAN.c.expires_at > now,
            PLAN.c.approved_at > PLAN.c.created_at,
        )
        with self._db.reading() as conn:
            rows = conn.execute(found.order_by(PLAN.c.approved_at)).all()
        return [WaitingPlan(row.plan_id, row.site, row.approved_at) for row in rows]

    @threaded
    def interrupted(self, site: str, now: datetime) -> list[StoredPlan]:
        """Return plans of a site that are being applied, by a process that may be gone."""
        return self._find(sa.and_(PLAN.c.site == site, PLAN.c.status == PlanStatus.APPLYING), now)

    @threaded
    def lines(self, now: datetime, site: str | None = None, limit: int = 20) -> list[PlanLine]:
        """Return the newest plans, newest first, as numbers."""
        found = sa.select(*LINE_COLUMNS).order_by(*_NEWEST)
        if site is not None:
            found = found.where(PLAN.c.site == site)
        with self._db.reading() as conn:
            return [plan_line(row, now) for row in conn.execute(found.limit(limit))]

    @threaded
    def listed(self, query: PlanQuery, now: datetime, limit: int) -> list[PlanLine]:
        """Return a page of plans of some sites, newest first, as numbers."""
        with self._db.reading() as conn:
            return listed.plan_lines(conn, query, now, limit)

    @threaded
    def runs(self, query: RunQuery, limit: int) -> list[RunLine]:
        """Return a page of the runs that applied plans, newest first."""
        with self._db.reading() as conn:
            return listed.run_lines(conn, query, limit)

    @threaded
    def run(self, run_id: str) -> RunLine | None:
        """Return one run, None when there is none."""
        with self._db.reading() as conn:
            return listed.run_line(conn, run_id)

    @threaded
    def approve(
        self,
        plan_id: str,
        actor: Actor,
        reason: str,
        now: datetime,
        passing: Sequence[Override] | None = None,
    ) -> StoredPlan:
        """Approve an open plan; supersedes earlier ones.

        `passing` are overrides that are kept in the same step (or none): the caller has made sure
        that with them one stands for every limit the plan breaks, so that a blocked one may be
        approved too. Raises PlanStale for a plan that is past approving, NotAllowed for a blocked
        one; then no override is kept.
        """
        return lifecycle.approve(self._db, plan_id, Step(actor, now, why=reason), passing)

    @threaded
    def leave_out(
        self,
        smaller: Plan,
        actor: Actor,
        reason: str,
        now: datetime,
        passing: Sequence[Override] | None = None,
    ) -> StoredPlan:
        """Keep a smaller plan, made from one that still waits for an approval.

        With `passing` it is approved at once, past these limits (or none), and the one it was made
        from is superseded. Raises PlanStale when somebody else has approved, rejected or applied
        that meanwhile.
        """
        return lifecycle.leave_out(self._db, smaller, Step(actor, now, why=reason), passing)

    @threaded
    def reject(self, plan_id: str, actor: Actor, reason: str, now: datetime) -> StoredPlan:
        """Close a plan that waits; raises PlanStale when it is over already."""
        return lifecycle.reject(self._db, plan_id, Step(actor, now, why=reason))

    @threaded
    def start(self, plan_id: str, run_id: str, actor: Actor, held: Fenced, now: datetime) -> None:
        """Claim an approved plan for one run; raises PlanStale when somebody else had it."""
        lifecycle.start(self._db, plan_id, Step(actor, now, run_id=run_id), held)

    @threaded
    def intend(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,
        held: Fenced,
        batch: Sequence[Action],
        now: datetime,
    ) -> None:
        """Write the intents of a batch, fenced and durable: no intent, no DELETE.

        Raises LeaseLost when the site is no longer held, NotAllowed under a freeze, PlanStale
        when the plan is not applied by this run or one of the seats was taken up before.
        """
        actions.intend(self._db, plan_id, Step(actor, now, run_id=run_id), held, batch)

    @threaded
    def settle(
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

        `later`: found out by a later reading, after the run had ended without saying it.
        """
        step = Step(actor, now, run_id=run_id)
        actions.settle(self._db, plan_id, step, results, later=later)

    @threaded
    def finish(
        self,
        plan_id: str,
        run_id: str,
        actor: Actor,
        now: datetime,
        *,
        complete: bool,
        note: str = "",
    ) -> None:
        """Close a run: the plan is applied or partly applied. Closed already: nothing happens."""
        step = Step(actor, now, why=note, run_id=run_id)
        lifecycle.finish(self._db, plan_id, step, complete=complete)

    @threaded
    def outcomes(self, plan_id: str) -> list[ActionOutcome]:
        """Return what became of each action of a plan so far."""
        with self._db.reading() as conn:
            return actions.outcomes(conn, plan_id)

    @threaded
    def unsettled(self, site: str) -> list[Intent]:
        """Return intents without an outcome, or with `unknown`."""
        with self._db.reading() as conn:
            return actions.unsettled(conn, site)

    @threaded
    def released(self, *, plan_id: str | None = None, user: str | None = None) -> list[Released]:
        r"""Return releases that took effect or may have, of a plan or of a person (`DIR\id`)."""
        with self._db.reading() as conn:
            return actions.released(conn, plan_id, user)

    @threaded
    def open_returns(self, site: str) -> list[OpenReturn]:
        """Return give-backs left open, and those whose release is still unsettled."""
        with self._db.reading() as conn:
            return grants.open_returns(conn, site)

    @threaded
    def intend_grants(
        self,
        run_id: str,
        actor: Actor,
        held: Fenced,
        seats: Sequence[Released],
        why: str,
        now: datetime,
    ) -> None:
        """Write that these seats are about to be given back, fenced and durable."""
        grants.intend_grants(self._db, Step(actor, now, why=why, run_id=run_id), held, seats)

    @threaded
    def settle_grants(
        self,
        run_id: str,
        actor: Actor,
        site: str,
        results: Sequence[GrantResult],
        now: datetime,
    ) -> None:
        """Write what became of giving seats back."""
        grants.settle_grants(self._db, Step(actor, now, run_id=run_id), site, results)

    def _find(
        self, condition: sa.ColumnElement[bool], now: datetime, limit: int | None = None
    ) -> list[StoredPlan]:
        found = sa.select(PLAN).where(condition)
        found = found.order_by(*_NEWEST).limit(limit)
        with self._db.reading() as conn:
            return [stored_plan(conn, row, now) for row in conn.execute(found).all()]
