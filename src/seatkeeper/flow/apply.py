"""Apply a plan: exactly that plan, only ever less, every step recorded before and after.

Per batch: look again, write the intents, send the DELETEs, read back, write the outcomes.
Whatever is not certain is left alone. With `sending` the only module that is given a
LicenseReleaser.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from seatkeeper.core.outcome import ActionOutcome, Outcome, RunResult
from seatkeeper.core.plan import Action, Plan
from seatkeeper.core.readback import Told
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import Interrupted, SeatkeeperError
from seatkeeper.flow.confirm import Confirming
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.gate import clocks_differ, held_back, refuse_if_not_allowed, room
from seatkeeper.flow.reread import Look, SecondLook
from seatkeeper.flow.sending import (
    FAILURES,
    FRESH,
    SEND_WITHIN,
    GiveBack,
    Hands,
    Sent,
    is_fresh,
    send,
)
from seatkeeper.flow.stopping import until_stopped

__all__ = ["GiveBack", "Hands", "apply_plan"]

FRUITLESS = 2
"""So many batches in a row of which nothing could be sent, and the run ends."""

BATCHES = (8, 525)
"""First and later batches at most; 35 ids fill one URL of 2 kB.

The first is small: a site that says yes and does nothing shows it at the first reading back.
"""

LEAST_SENDING = 0.5
"""Seconds of sending for which a batch is cut, however long its second look takes."""

ON_REQUEST = "ended on request"

_NOT_SETTLED = Told(
    Outcome.NOT_ATTEMPTED,
    "an earlier release of this seat is not settled yet; if the user keeps it, a later plan "
    "has it again",
)


async def apply_plan(
    stored: StoredPlan,
    site: Site,
    partners: Sequence[Site],
    records: Records,
    run: Run,
    hands: Hands,
) -> RunResult:
    """Apply an approved plan and return one outcome for each of its actions.

    Raises PlanStale, NotAllowed, LeaseLost, QrsError or StoreError before anything was done: the
    plan stays approved. Once started it returns a result whatever the site does; only a store
    that cannot record ends it with StoreError, and then `recover` tells what became of the plan.
    """
    now = run.clock.now()
    await refuse_if_not_allowed(stored, site, partners, records, now)
    hands.held.check()
    plan = stored.plan
    baseline = await records.history.baseline(site.name, site.policy.digest, now)
    most = room(site, baseline.released_last_day)
    still_open = frozenset(i.allocation_id for i in await records.plans.unsettled(site.name))
    try:
        beginning = SecondLook.begin(
            site, partners, plan, usage_expected=baseline.usage_given_before
        )
        second = await until_stopped(beginning, run.stop)
    except Interrupted:
        return _not_begun(plan, run)
    await records.plans.start(plan.plan_id, run.run_id, run.actor, hands.held, run.clock.now())
    return await _Application(plan, site, records, run, hands, second, most, still_open).carry_out()


def _not_begun(plan: Plan, run: Run) -> RunResult:
    """Nothing was done, and the plan can still be applied."""
    told = Told(Outcome.NOT_ATTEMPTED, ON_REQUEST)
    return RunResult(
        plan_id=plan.plan_id,
        run_id=run.run_id,
        outcomes=tuple(_outcome(action, told) for action in plan.actions),
        stopped=ON_REQUEST,
        interrupted=True,
    )


@dataclass(slots=True)
class _Application:
    """One application of one plan."""

    plan: Plan
    site: Site
    records: Records
    run: Run
    hands: Hands
    second: SecondLook
    most: int
    """How many seats the limits leave for now; fewer than the plan when others released too."""
    still_open: frozenset[str]
    """Seats with a release that is not settled: a second DELETE could hit what came after it."""
    outcomes: dict[str, ActionOutcome] = field(default_factory=dict)
    recorded: set[str] = field(default_factory=set)
    """Of which actions the outcome is in the store."""
    failures: int = 0
    """Failures in a row, in the order of the answers."""
    fruitless: int = 0
    """Batches in a row of which nothing could be sent."""
    never_left: str = ""
    """Why, when it was not the time."""
    step: int = 0
    """How far batches have grown."""
    seconds_to_look: float = 0.0
    seconds_a_seat: float = 0.0
    stopped: str = ""
    cut: bool = False

    async def carry_out(self) -> RunResult:
        """Work through the batches, then say what became of everything."""
        pending = deque(self.plan.actions[: self.most])
        if self.most < len(self.plan.actions):
            self.stopped = f"max_per_run and max_per_day leave {self.most} seats for now"
        try:
            while pending and not await self._must_stop():
                batch = [pending.popleft() for _ in range(min(len(pending), self._size()))]
                pending.extendleft(reversed(await self._batch(batch)))
                self.run.progress("releasing", len(self.outcomes), len(self.plan.actions))
        except Interrupted:
            self.stopped = ON_REQUEST
        except SeatkeeperError as error:
            self.stopped = f"ended early: {error}"
        return await self._finish()

    async def _must_stop(self) -> bool:
        """Look for a reason to end before the next batch."""
        self.hands.held.check()
        reason = self._reason_in_hand()
        if not reason:
            now = self.run.clock.now()
            reason = await held_back(self.site, self.records, now) or await clocks_differ(
                self.plan, self.site, self.records, now
            )
        self.stopped = reason or self.stopped
        return bool(reason)

    def _reason_in_hand(self) -> str:
        if self.run.stop.is_set():
            return ON_REQUEST
        if self.failures >= FAILURES:
            return f"{FAILURES} failures in a row"
        if self.fruitless >= FRUITLESS:
            return self._nothing_sent()
        if self.run.clock.now() >= self.plan.expires_at:
            return "the plan expired while it was applied"
        return ""

    def _nothing_sent(self) -> str:
        if self.never_left:
            return f"{FRUITLESS} times in a row nothing could be sent: {self.never_left}"
        return (
            "the site answers too slowly: a DELETE has to follow the second look within "
            f"{FRESH.total_seconds():.0f} s, and {FRUITLESS} times in a row none could be sent"
        )

    def _size(self) -> int:
        """As many as can probably be sent while their second look is fresh."""
        most = BATCHES[min(self.step, len(BATCHES) - 1)]
        if self.seconds_a_seat:
            seconds = SEND_WITHIN.total_seconds() - self.seconds_to_look
            most = min(most, int(max(seconds, LEAST_SENDING) / self.seconds_a_seat))
        return max(self.hands.concurrency, most)

    async def _batch(self, batch: Sequence[Action]) -> list[Action]:
        """Look again, intend, release, read back, record; return what must be looked at anew."""
        look = await self._look(batch)
        going = self._still_going(batch, look)
        sent = Sent()
        if going and is_fresh(look.at, self.run.clock.now()):
            await self._intend(going)
            went_well = False
            try:
                await self._send(going, look, sent)
                went_well = True
            finally:
                # Whatever ended the sending, what was sent is read back and recorded.
                await self._confirm(going, sent, look, hurried=not went_well)
        await self._record()
        left = [action for action in going if action.allocation_id not in sent.answers]
        self._adapt(tried=len(going), left=len(left))
        return left

    async def _look(self, batch: Sequence[Action]) -> Look:
        began = self.run.clock.now()
        look = await until_stopped(self.second.look(batch, began), self.run.stop)
        self.seconds_to_look = (self.run.clock.now() - began).total_seconds()
        return look

    def _still_going(self, batch: Sequence[Action], look: Look) -> list[Action]:
        """Leave out what differs from the plan, and say so."""
        going = []
        for action in batch:
            change = look.change(action, self.plan)
            if change is None and action.allocation_id in self.still_open:
                change = _NOT_SETTLED
            if change is None:
                going.append(action)
            else:
                self._note(action, change)
        return going

    async def _intend(self, going: Sequence[Action]) -> None:
        self.hands.held.check()
        await self.records.plans.intend(
            self.plan.plan_id,
            self.run.run_id,
            self.run.actor,
            self.hands.held,
            going,
            self.run.clock.now(),
        )

    async def _send(self, going: Sequence[Action], look: Look, sent: Sent) -> None:
        began = self.run.clock.now()
        await send(going, look.at, self.hands, self.run, sent)
        self.cut, self.never_left = self.cut or sent.cut, sent.never_left
        if sent.answers:
            spent = (self.run.clock.now() - began).total_seconds()
            self.seconds_a_seat = max(spent, 0.0) / len(sent.answers)

    async def _confirm(
        self, going: Sequence[Action], sent: Sent, look: Look, *, hurried: bool
    ) -> None:
        """Read back, record, and give back at once what somebody active lost."""
        confirming = Confirming(self.site.reader, self.run, self.hands, hurried)
        told = await confirming.tell(going, sent, look)
        for action, one in told:
            self._count(one.outcome)
            if not one.give_back:
                self._note(action, one)
        await self._record()
        wronged = [(action, one) for action, one in told if one.give_back]
        if wronged:
            for action, one in await confirming.give_back(self.plan.plan_id, wronged):
                self._note(action, one)
            await self._record()

    def _count(self, outcome: Outcome) -> None:
        """Count failures in a row; only a release that worked breaks the row, and five stay."""
        if outcome.is_failure:
            self.failures += 1
        elif outcome.took_effect and self.failures < FAILURES:
            self.failures = 0

    def _adapt(self, *, tried: int, left: int) -> None:
        """Larger batches while whole ones can be sent, small ones when nothing could."""
        if not tried:
            return
        self.fruitless = self.fruitless + 1 if left == tried else 0
        if not left:
            self.step += 1
        elif self.fruitless:
            self.step = 0

    def _note(self, action: Action, told: Told) -> None:
        self.outcomes[action.allocation_id] = _outcome(action, told)

    async def _record(self) -> None:
        """Write what is known and not written yet."""
        news = [o for i, o in self.outcomes.items() if i not in self.recorded]
        if news:
            await self.records.plans.settle(
                self.plan.plan_id, self.run.run_id, self.run.actor, news, self.run.clock.now()
            )
            self.recorded.update(o.allocation_id for o in news)

    async def _finish(self) -> RunResult:
        left = [a for a in self.plan.actions if a.allocation_id not in self.outcomes]
        for action in left:
            self._note(action, Told(Outcome.NOT_ATTEMPTED, self.stopped))
        await self._record()
        ordered = tuple(self.outcomes[a.allocation_id] for a in self.plan.actions)
        clean = not any(o.outcome.is_failure or o.outcome is Outcome.NOT_ATTEMPTED for o in ordered)
        await self.records.plans.finish(
            self.plan.plan_id,
            self.run.run_id,
            self.run.actor,
            self.run.clock.now(),
            complete=clean,
            note=self.stopped,
        )
        return RunResult(
            plan_id=self.plan.plan_id,
            run_id=self.run.run_id,
            outcomes=ordered,
            stopped=self.stopped,
            interrupted=self.run.stop.is_set() and (bool(left) or self.cut),
        )


def _outcome(action: Action, told: Told) -> ActionOutcome:
    return ActionOutcome(
        allocation_id=action.allocation_id,
        user=action.user,
        license_type=action.license_type,
        outcome=told.outcome,
        detail=told.detail,
    )
