"""What became of a run, as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.plan_view import PlanView, plan_data
from seatkeeper.cli.render import line, lines
from seatkeeper.core.outcome import (
    ActionOutcome,
    GrantOutcome,
    GrantResult,
    Outcome,
    RunResult,
    counted,
)
from seatkeeper.flow.cycle import CycleResult

if TYPE_CHECKING:
    from rich.console import RenderableType


def run_data(result: RunResult) -> dict[str, Any]:
    """Return the JSON contract of `apply`."""
    return {
        "plan_id": result.plan_id,
        "run_id": result.run_id,
        "outcomes": [_row(o) for o in result.outcomes],
        "counts": result.counts,
        "stopped": result.stopped,
    }


def _row(one: ActionOutcome | GrantResult) -> dict[str, Any]:
    return {
        "allocation_id": one.allocation_id,
        "user": one.user,
        "license_type": one.license_type,
        "outcome": one.outcome,
        "detail": one.detail or one.outcome.words,
    }


@dataclass(frozen=True, slots=True)
class RunView:
    """One applied plan."""

    result: RunResult

    def data(self) -> Any:
        """Return the JSON contract."""
        return run_data(self.result)

    def drawing(self) -> Sequence[RenderableType]:
        """Return one row a seat, and the sum."""
        result = self.result
        pieces: list[RenderableType] = [
            lines("", f"plan {result.plan_id} · run {result.run_id}", style="bold"),
            _outcomes(result.outcomes),
        ]
        if result.stopped:
            pieces.append(line(f"Stopped: {result.stopped}", style="yellow"))
        sums = [f"{n} {name}" for name, n in result.counts.items()]
        pieces.append(lines(", ".join(sums) or "nothing to do", "", style="bold"))
        return pieces


def _outcomes(rows: Sequence[ActionOutcome | GrantResult]) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("User", "Seat", "Outcome", ""):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            line(row.user),
            row.license_type.value,
            row.outcome.value,
            line(row.detail or row.outcome.words),
            style=_COLOURS.get(row.outcome, ""),
        )
    return table


_COLOURS = {
    Outcome.REFUSED: "red",
    Outcome.UNKNOWN: "red",
    Outcome.NOT_ATTEMPTED: "yellow",
    Outcome.CHANGED: "yellow",
    GrantOutcome.REFUSED: "red",
    GrantOutcome.UNKNOWN: "red",
    GrantOutcome.NO_FREE_SEAT: "red",
}


@dataclass(frozen=True, slots=True)
class CycleView:
    """One whole cycle: the plan, and what became of it."""

    run_id: str
    cycle: CycleResult

    def data(self) -> Any:
        """Return the JSON contract of `run`."""
        result = self.cycle.result
        return {
            "run_id": self.run_id,
            "site": self.cycle.stored.plan.site,
            "plan": plan_data(self.cycle.stored),
            "result": run_data(result) if result is not None else None,
            "held_back": self.cycle.held_back,
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return the plan, then its outcomes or why there are none."""
        pieces = list(PlanView(self.cycle.stored).drawing())
        if self.cycle.result is not None:
            return [*pieces, *RunView(self.cycle.result).drawing()]
        if self.cycle.held_back:
            pieces.append(lines(f"Nothing was released: {self.cycle.held_back}", ""))
        return pieces


@dataclass(frozen=True, slots=True)
class GrantView:
    """Seats given back."""

    run_id: str
    results: Sequence[GrantResult]

    def data(self) -> Any:
        """Return the JSON contract of `undo`."""
        return {
            "run_id": self.run_id,
            "outcomes": [_row(r) for r in self.results],
            "counts": counted(GrantOutcome, (r.outcome for r in self.results)),
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return one row a seat."""
        return [_outcomes(self.results)]
