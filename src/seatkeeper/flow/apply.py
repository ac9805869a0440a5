"""Apply a plan: exactly that plan, only ever less, every step recorded before and after.

This is the only module that is given a LicenseReleaser. Per batch: look again, write the
intents, send the DELETEs, read back, write the outcomes. Whatever is not certain is left alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from seatkeeper.core.model import Allocation
from seatkeeper.core.outcome import (
    ActionOutcome,
    Answer,
    GrantOutcome,
    GrantResult,
    Outcome,
    RunResult,
)
from seatkeeper.core.plan import Action, Limit, Plan, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.readback import ReadBack, Told, tell
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import IncompleteRead, LeaseLost, NotAllowed, PlanStale, QrsError
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import Held, LicenseReleaser
from seatkeeper.flow.recover import read_rows
from seatkeeper.flow.reread import Look, SecondLook

FRESH = timedelta(seconds=5)
"""A DELETE follows its second look within this time, or it is not sent."""

FAILURES = 5
"""So many refused or unknown in a row, and the run ends."""

SENDING = 3.0
"""A batch is as large as can be sent in about so many seconds."""

GRACE = 8.0
"""Seconds that requests in flight get when the run is asked to end."""

READ_BACK_GRACE = 4.0
"""Seconds for the last reading back when the run is asked to end."""

FRUITLESS = 2
"""So many batches of which nothing could be sent in time, and the run ends."""

BATCHES = (35, 140, 280)
"""First, second and later batches at most: 35 ids fill one URL of 2 kB."""

GiveBack = Callable[[str, Action, str], Awaitable[GrantResult]]
"""Gives the seat of a plan's action back at once, because of a reason."""

Done = TypeVar("Done")


class _EndedOnRequest(Exception):
    """The run was asked to end while it waited for the site."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What apply may do to the site, and under which lease."""

    releaser: LicenseReleaser
    give_back: GiveBack
    held: Held
    concurrency: int


async def apply_plan(
    stored: StoredPlan,
    site: Site,
    partners: Sequence[Site],
    records: Records,
    run: Run,
    hands: Hands,
) -> RunResult:
    """Apply an approved plan and return one outcome for each of its actions.

    Raises PlanStale, NotAllowed, SiteBusy or LeaseLost before anything was done; once started it
    returns a result whatever the site does.
    """
    application = await _Application.prepare(stored, site, partners, records, run, hands)
    return await application.carry_out()


async def _refuse_if_not_allowed(
    stored: StoredPlan, site: Site, records: Records, now: datetime
) -> None:
    plan = stored.plan
    if stored.status is not PlanStatus.APPROVED:
        raise PlanStale(f"plan {plan.plan_id} is {stored.status}: {stored.status.words}")
    if now >= plan.expires_at:
        raise PlanStale(f"plan {plan.plan_id} expired at {plan.expires_at:%F %H:%M} UTC")
    if site.policy.mode is Mode.OBSERVE:
        raise NotAllowed(f"site {site.name} is in mode observe: nothing is released")
    if reason := await _held_back(site, records, now):
        raise NotAllowed(reason)


async def _held_back(site: Site, records: Records, now: datetime) -> str:
    """Say why nothing may be released at this moment, empty when nothing speaks against it."""
    if freeze := await records.control.frozen(now):
        return f"frozen by {freeze.by} since {freeze.at:%F %H:%M} UTC: {freeze.reason}"
    if pause := site.policy.pause_at(now):
        return f"releases pause until {pause.end:%F %H:%M} UTC: {pause.reason}"
    return ""


@dataclass(slots=True)
class _Application:
    """One application of one plan."""

    plan: Plan
    site: Site
    records: Records
    run: Run
    hands: Hands
    second: SecondLook
    room: int
    """How many seats the limits leave for now; fewer than the plan when others released too."""
    outcomes: dict[str, ActionOutcome] = field(default_factory=dict)
    bad_answers: int = 0
    """Answers in a row that look like a failure; ends the sending at once."""
    failures: int = 0
    """Failures in a row as the reading back tells them."""
    fruitless: int = 0
    """Batches in a row of which nothing could be sent in time."""
    stopped: str = ""
    seconds_a_seat: float = 0.0

    @classmethod
    async def prepare(
        cls,
        stored: StoredPlan,
        site: Site,
        partners: Sequence[Site],
        records: Records,
        run: Run,
        hands: Hands,
    ) -> _Application:
        now = run.clock.now()
        await _refuse_if_not_allowed(stored, site, records, now)
        plan, limits = stored.plan, site.policy.limits
        baseline = await records.history.baseline(site.name, site.policy.digest, now)
        second = SecondLook(
            site,
            tuple(partners),
            plan,
            await site.reader.overview(),
            usage_expected=baseline.usage_given_before,
        )
        await records.plans.start(plan.plan_id, run.run_id, run.actor, hands.held, now)
        room = min(limits.max_per_run, max(0, limits.max_per_day - baseline.released_last_day))
        return cls(plan, site, records, run, hands, second, room)

    async def carry_out(self) -> RunResult:
        """Work through the batches, then say what became of everything."""
        pending = deque(self.plan.actions[: self.room])
        if self.room < len(self.plan.actions):
            self.stopped = f"max_per_run and max_per_day leave {self.room} seats for now"
        batch_number = 0
        try:
            while pending and not await self._must_stop():
                batch = [
                    pending.popleft() for _ in range(min(len(pending), self._size(batch_number)))
                ]
                pending.extendleft(reversed(await self._batch(batch)))
                batch_number += 1
                self.run.progress("releasing", len(self.outcomes), len(self.plan.actions))
        except (QrsError, IncompleteRead, LeaseLost) as error:
            self.stopped = f"ended early: {error}"
        except _EndedOnRequest:
            self.stopped = "ended on request"
        return await self._finish()

    async def _must_stop(self) -> bool:
        """Look for a reason to end before the next batch."""
        now = self.run.clock.now()
        self.hands.held.check()
        if self.run.stop.is_set():
            self.stopped = "ended on request"
        elif max(self.failures, self.bad_answers) >= FAILURES:
            self.stopped = f"{FAILURES} failures in a row"
        elif self.fruitless >= FRUITLESS:
            self.stopped = (
                f"the site answers too slowly: nothing could be released within "
                f"{FRESH.total_seconds():.0f} s of looking at it again"
            )
        elif now >= self.plan.expires_at:
            self.stopped = "the plan expired while it was applied"
        elif reason := await _held_back(self.site, self.records, now):
            self.stopped = reason
        else:
            return await self._clocks_differ()
        return True

    async def _clocks_differ(self) -> bool:
        skew, allowed = self.site.reader.skew, self.site.policy.limits.clock_skew
        if skew is None or abs(skew) <= allowed:
            return False
        passed = await self.records.control.overrides(
            self.site.name, self.plan.policy_digest, self.run.clock.now(), self.plan.plan_id
        )
        if any(o.limit is Limit.CLOCK_SKEW for o in passed):
            return False
        self.stopped = f"the site's clock differs from ours by {abs(skew).total_seconds():.0f} s"
        return True

    def _size(self, batch_number: int) -> int:
        most = BATCHES[min(batch_number, len(BATCHES) - 1)]
        if not self.seconds_a_seat:
            return most
        return max(self.hands.concurrency, min(most, int(SENDING / self.seconds_a_seat)))

    async def _batch(self, batch: Sequence[Action]) -> list[Action]:
        """Look again, intend, release, read back, record; return what must be looked at anew."""
        looked_at = self.run.clock.now()
        look = await self._unless_stopped(self.second.look(batch, self.site.policy, looked_at))
        going = self._still_going(batch, look)
        answers: dict[str, Answer] = {}
        try:
            if going:
                await self._intend(going)
                await self._release(going, answers, look)
        finally:
            # Whatever ended the sending, what was sent is read back and recorded.
            await self._read_back([a for a in going if a.allocation_id in answers], answers, look)
            ids = [a.allocation_id for a in batch]
            await self._settle([self.outcomes[i] for i in ids if i in self.outcomes])
        self.fruitless = self.fruitless + 1 if going and not answers else 0
        return [a for a in going if a.allocation_id not in answers]

    async def _unless_stopped(self, reading: Coroutine[Any, Any, Done]) -> Done:
        """Await a reading, or end it when the run is asked to end."""
        task = asyncio.ensure_future(reading)
        stop = asyncio.ensure_future(self.run.stop.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise _EndedOnRequest
        finally:
            stop.cancel()
            task.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    def _still_going(self, batch: Sequence[Action], look: Look) -> list[Action]:
        """Leave out what is gone or judged otherwise now, and say so."""
        going = []
        for action in batch:
            verdict = look.verdicts.get(action.allocation_id)
            row = look.rows.get(action.allocation_id)
            if verdict is None or row is None:
                self._note(action, Outcome.ALREADY_GONE, "the seat no longer exists")
            elif row.user_id != action.user_id:
                self._note(action, Outcome.CHANGED, "the seat belongs to somebody else now")
            elif not verdict.releases:
                note = f" ({verdict.note})" if verdict.note else ""
                self._note(
                    action, Outcome.CHANGED, f"now {verdict.reason}: {verdict.reason.words}{note}"
                )
            else:
                going.append(action)
        return going

    def _note(self, action: Action, outcome: Outcome, detail: str = "") -> None:
        self.outcomes[action.allocation_id] = ActionOutcome(
            allocation_id=action.allocation_id,
            user=action.user,
            license_type=action.license_type,
            outcome=outcome,
            detail=detail,
        )

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

    async def _release(
        self, going: Sequence[Action], answers: dict[str, Answer], look: Look
    ) -> None:
        """Send the DELETEs, a few at a time; end early when asked to or when too many fail."""
        queue = deque(going)
        began = self.run.clock.now()
        workers = [
            asyncio.create_task(self._worker(queue, answers, look), name=f"release-{n}")
            for n in range(min(self.hands.concurrency, len(queue)))
        ]
        stop = asyncio.create_task(self.run.stop.wait(), name="stop")
        try:
            await _until(workers, stop)
        finally:
            stop.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, stop, return_exceptions=True)
        if answers:
            self.seconds_a_seat = (self.run.clock.now() - began).total_seconds() / len(answers)

    async def _worker(self, queue: deque[Action], answers: dict[str, Answer], look: Look) -> None:
        while queue and self.bad_answers < FAILURES and not self.run.stop.is_set():
            self.hands.held.check()
            if self.run.clock.now() - look.at > FRESH:
                return
            action = queue.popleft()
            # Until the answer is there, no answer is what we know of it.
            answers[action.allocation_id] = Answer(status=None, text="interrupted")
            answer = await self.hands.releaser.release(action.license_type, action.allocation_id)
            answers[action.allocation_id] = answer
            failed = not (answer.is_success or answer.status == 404)
            self.bad_answers = self.bad_answers + 1 if failed else 0

    async def _read_back(
        self, sent: Sequence[Action], answers: dict[str, Answer], look: Look
    ) -> None:
        rows = await self._rows_after(sent)
        for action in sent:
            row_before = look.rows[action.allocation_id]
            back = ReadBack(known=rows is not None, row=(rows or {}).get(action.allocation_id))
            told = tell(answers[action.allocation_id], back, row_before.last_used)
            if told.give_back:
                told = await self._give_back(action, told)
            self._note(action, told.outcome, told.detail)
            self._count_failures(told.outcome)

    def _count_failures(self, outcome: Outcome) -> None:
        """Five failures in a row stay five, whatever came after them in the same batch."""
        if self.failures < FAILURES:
            self.failures = self.failures + 1 if outcome.is_failure else 0

    async def _give_back(self, action: Action, told: Told) -> Told:
        given = await self.hands.give_back(self.plan.plan_id, action, told.detail)
        restored = given.outcome is GrantOutcome.RESTORED
        return Told(
            Outcome.CHANGED if restored else told.outcome,
            f"{told.detail}; given back: {given.outcome} ({given.detail})",
        )

    async def _rows_after(self, sent: Sequence[Action]) -> dict[str, Allocation] | None:
        """Read what was sent again; None when that fails too."""
        wanted = [(a.license_type, a.allocation_id) for a in sent]
        if not wanted:
            return {}
        limit = READ_BACK_GRACE if self.run.stop.is_set() else None
        try:
            async with asyncio.timeout(limit):
                return await read_rows(self.site.reader, wanted)
        except (QrsError, TimeoutError):
            return None

    async def _settle(self, settled: Sequence[ActionOutcome]) -> None:
        await self.records.plans.settle(
            self.plan.plan_id, self.run.run_id, self.run.actor, settled, self.run.clock.now()
        )

    async def _finish(self) -> RunResult:
        left = [a for a in self.plan.actions if a.allocation_id not in self.outcomes]
        for action in left:
            self._note(action, Outcome.NOT_ATTEMPTED, self.stopped)
        if left:
            await self._settle([self.outcomes[a.allocation_id] for a in left])
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
            interrupted=self.run.stop.is_set() and bool(left),
        )


async def _until(workers: Sequence[asyncio.Task[None]], stop: asyncio.Task[bool]) -> None:
    """Wait for the workers; once asked to stop, only for GRACE seconds. Re-raises LeaseLost."""
    waiting = asyncio.gather(*workers)
    try:
        await asyncio.wait((waiting, stop), return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            waiting.result()
            return
        async with asyncio.timeout(GRACE):
            await waiting
    except TimeoutError:
        return
