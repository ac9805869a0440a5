"""Give seats back: by POST, one outcome a seat, each step recorded before and after.

This is the only module that is given a SeatGranter. Nothing is granted twice: what the user
holds already is left alone, and an answer that did not come is settled by reading again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatkeeper.core.model import Allocation, User
from seatkeeper.core.outcome import Answer, GrantOutcome, GrantResult, Outcome
from seatkeeper.core.plan import Action
from seatkeeper.core.record import Released
from seatkeeper.errors import Interrupted, LeaseLost, QrsError
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.ports import Held, SeatGranter
from seatkeeper.flow.stopping import until_stopped

READING_GRACE = 2.0
"""Seconds for the reading before a POST when the run is asked to end."""

POST_GRACE = 5.0
"""Seconds for a POST in flight then."""

READ_BACK_GRACE = 4.0
"""Seconds for the reading after it then."""

FAILURES = 5
"""So many seats in a row of which nothing could be learnt, and the rest is left alone."""

_BLIND = (GrantOutcome.NOT_ATTEMPTED, GrantOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Granting:
    """What giving back needs: the hand, the lease, and why it is done."""

    granter: SeatGranter
    held: Held
    why: str


async def undo(
    seats: Sequence[Released], site: Site, records: Records, run: Run, granting: Granting
) -> list[GrantResult]:
    """Give seats back, one after the other, and return what became of each.

    Raises LeaseLost before the first seat only; afterwards it returns results.
    """
    granting.held.check()
    results: list[GrantResult] = []
    left_alone: list[GrantResult] = []
    for seat in seats:
        if why := _reason_to_end(run, granting, results):
            left_alone.append(_result(seat, GrantOutcome.NOT_ATTEMPTED, why))
            continue
        try:
            results.append(await _one(seat, site, records, run, granting))
        except LeaseLost as error:
            left_alone.append(_result(seat, GrantOutcome.NOT_ATTEMPTED, str(error)))
        run.progress("giving back", len(results), len(seats))
    if left_alone:
        now = run.clock.now()
        await records.plans.settle_grants(run.run_id, run.actor, site.name, left_alone, now)
    return results + left_alone


def _reason_to_end(run: Run, granting: Granting, results: Sequence[GrantResult]) -> str:
    if run.stop.is_set():
        return "the command ended before its turn"
    try:
        granting.held.check()
    except LeaseLost as error:
        return str(error)
    newest = [r.outcome for r in results[-FAILURES:]]
    if len(newest) == FAILURES and all(outcome in _BLIND for outcome in newest):
        return f"the site gave no answer {FAILURES} times in a row"
    return ""


async def _one(
    seat: Released, site: Site, records: Records, run: Run, granting: Granting
) -> GrantResult:
    granting.held.check()
    try:
        known = await until_stopped(_what_stands_against(seat, site), run.stop, READING_GRACE)
    except (QrsError, Interrupted) as error:
        known = _result(seat, GrantOutcome.NOT_ATTEMPTED, f"the site could not be read: {error}")
    if known is None:
        now = run.clock.now()
        await records.plans.intend_grants(
            run.run_id, run.actor, granting.held, [seat], granting.why, now
        )
        answer = await _post(seat, run, granting)
        known = await _told(seat, answer, site, run)
    await records.plans.settle_grants(run.run_id, run.actor, site.name, [known], run.clock.now())
    return known


async def _post(seat: Released, run: Run, granting: Granting) -> Answer:
    posting = granting.granter.grant(seat.license_type, seat.user_id)
    try:
        return await until_stopped(posting, run.stop, POST_GRACE)
    except Interrupted:
        return Answer(status=None, text="interrupted")


async def _what_stands_against(seat: Released, site: Site) -> GrantResult | None:
    users: dict[str, User] = await site.reader.users_by_id([seat.user_id])
    if seat.user_id not in users:
        return _result(seat, GrantOutcome.USER_GONE)
    held = await _live_seat(seat, site)
    if held is not None:
        return _result(seat, GrantOutcome.ALREADY_HELD, new=held.id)
    pool = (await site.reader.overview()).pool(seat.license_type)
    if pool is not None and pool.available <= 0 and seat.outcome is not Outcome.QUARANTINED:
        return _result(
            seat,
            GrantOutcome.NO_FREE_SEAT,
            f"0 of {pool.total} {seat.license_type.value} seats are free",
        )
    return None


async def _live_seat(seat: Released, site: Site) -> Allocation | None:
    rows = await site.reader.allocations_of_users(seat.license_type, [seat.user_id])
    return next((r for r in rows if r.user_id == seat.user_id and r.is_live), None)


async def _told(seat: Released, answer: Answer, site: Site, run: Run) -> GrantResult:
    """Tell what became of a POST, from the answer and from reading the user's seats again."""
    try:
        held = await until_stopped(_live_seat(seat, site), run.stop, READ_BACK_GRACE)
    except (QrsError, Interrupted):
        return _without_read_back(seat, answer)
    if held is not None:
        return _result(seat, GrantOutcome.RESTORED, new=held.id)
    if not answer.sent:
        return _result(seat, GrantOutcome.NOT_ATTEMPTED, answer.text)
    if answer.status is None:
        return _result(seat, GrantOutcome.UNKNOWN, _said(answer))
    return await _refused(seat, answer, site, run)


def _without_read_back(seat: Released, answer: Answer) -> GrantResult:
    if answer.is_success:
        return _result(seat, GrantOutcome.RESTORED, new=answer.created_id)
    if not answer.sent:
        return _result(seat, GrantOutcome.NOT_ATTEMPTED, answer.text)
    return _result(seat, GrantOutcome.UNKNOWN, _said(answer))


async def _refused(seat: Released, answer: Answer, site: Site, run: Run) -> GrantResult:
    """The site said no; a dry pool is the usual reason and has an outcome of its own."""
    try:
        overview = await until_stopped(site.reader.overview(), run.stop)
    except (QrsError, Interrupted):
        return _result(seat, GrantOutcome.REFUSED, _said(answer))
    pool = overview.pool(seat.license_type)
    if pool is not None and pool.available <= 0 and answer.status == 400:
        return _result(seat, GrantOutcome.NO_FREE_SEAT, _said(answer))
    return _result(seat, GrantOutcome.REFUSED, _said(answer))


def _said(answer: Answer) -> str:
    if answer.status is None:
        return f"no clear answer: {answer.text}" if answer.text else "no clear answer"
    said = f"status {answer.status}" + (f": {answer.text}" if answer.text else "")
    return f"{said}, yet the user holds no seat" if answer.is_success else said


def _result(
    seat: Released, outcome: GrantOutcome, detail: str = "", *, new: str | None = None
) -> GrantResult:
    return GrantResult(
        allocation_id=seat.allocation_id,
        user=seat.user,
        license_type=seat.license_type,
        outcome=outcome,
        detail=detail or outcome.words,
        new_allocation_id=new,
    )


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Gives one seat back at once when its user turned out to be active (design rule 22)."""

    site: Site
    records: Records
    run: Run
    granter: SeatGranter
    held: Held

    async def __call__(self, plan_id: str, action: Action, why: str) -> GrantResult:
        """Give the seat of this action back and return what became of it."""
        seat = Released(
            plan_id=plan_id,
            allocation_id=action.allocation_id,
            license_type=action.license_type,
            user=action.user,
            user_id=action.user_id,
            outcome=Outcome.QUARANTINED,
            at=self.run.clock.now(),
        )
        granting = Granting(self.granter, self.held, why)
        return await _one(seat, self.site, self.records, self.run, granting)
