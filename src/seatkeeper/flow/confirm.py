"""What became of what was sent: read the rows again and tell, from row and answer together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from seatkeeper.core.model import Allocation
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Action
from seatkeeper.core.readback import ReadBack, Told, tell
from seatkeeper.errors import Interrupted, QrsError, SeatkeeperError
from seatkeeper.flow.context import Run
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.recover import read_rows
from seatkeeper.flow.reread import Look
from seatkeeper.flow.sending import Hands, Sent
from seatkeeper.flow.stopping import until_stopped

READ_BACK_GRACE = 4.0
"""Seconds for the reading back when the run ends early."""

GIVE_BACK_GRACE = 2.0
"""Seconds for giving seats back when the run ends early."""

KEPT_IT = (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)


@dataclass(frozen=True, slots=True)
class Confirming:
    """What telling the outcomes of a batch needs; `hurried` when the run is ending already."""

    reader: LicenseReader
    run: Run
    hands: Hands
    hurried: bool = False

    async def tell(
        self, going: Sequence[Action], sent: Sent, look: Look
    ) -> list[tuple[Action, Told]]:
        """Tell what became of each action that was sent, in the order of the answers."""
        by_id = {action.allocation_id: action for action in going}
        actions = [by_id[allocation_id] for allocation_id in sent.answers]
        rows = await self._rows_after(actions)
        return [(action, _told(action, sent, look, rows)) for action in actions]

    async def _rows_after(self, actions: Sequence[Action]) -> dict[str, Allocation] | None:
        """Read these seats again; None when that fails too."""
        if not actions:
            return {}
        reading = read_rows(self.reader, [(a.license_type, a.allocation_id) for a in actions])
        try:
            async with asyncio.timeout(READ_BACK_GRACE if self.hurried else None):
                return await until_stopped(reading, self.run.stop, READ_BACK_GRACE)
        except (QrsError, Interrupted, TimeoutError):
            return None

    async def give_back(
        self, plan_id: str, wronged: Sequence[tuple[Action, Told]]
    ) -> list[tuple[Action, Told]]:
        """Give back the seats of people who turned out to be active (design rule 22)."""
        given: dict[str, Told] = {}
        try:
            async with asyncio.timeout(GIVE_BACK_GRACE if self.hurried else None):
                await until_stopped(
                    self._give_each(plan_id, wronged, given), self.run.stop, GIVE_BACK_GRACE
                )
        except (Interrupted, TimeoutError):
            pass  # who was not served in time is told so below
        return [
            (action, given.get(action.allocation_id) or _kept(told, plan_id, "the run ended"))
            for action, told in wronged
        ]

    async def _give_each(
        self, plan_id: str, wronged: Sequence[tuple[Action, Told]], given: dict[str, Told]
    ) -> None:
        for action, told in wronged:
            try:
                result = await self.hands.give_back(plan_id, action, told.detail)
            except SeatkeeperError as error:
                given[action.allocation_id] = _kept(told, plan_id, str(error))
                continue
            if result.outcome in KEPT_IT:
                detail = f"{told.detail}; given back: {result.outcome.words}"
                given[action.allocation_id] = Told(Outcome.CHANGED, detail)
            else:
                why = f"{result.outcome.value}, {result.detail}"
                given[action.allocation_id] = _kept(told, plan_id, why)


def _told(action: Action, sent: Sent, look: Look, rows: dict[str, Allocation] | None) -> Told:
    back = ReadBack(known=rows is not None, row=(rows or {}).get(action.allocation_id))
    judged = look.rows[action.allocation_id]
    return tell(sent.answers[action.allocation_id], back, judged.last_used)


def _kept(told: Told, plan_id: str, why: str) -> Told:
    return Told(
        told.outcome,
        f"{told.detail}; the seat could not be given back ({why}): "
        f"try `seatkeeper undo --plan {plan_id}`",
    )
