"""How far a plan has come, as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.render import line, lines
from seatkeeper.core.application import ActionProgress, Application, Pulse, Return

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class ProgressView:
    """One plan as far as it was applied."""

    found: Application

    def data(self) -> Any:
        """Return the JSON contract of `progress`."""
        pulse = self.found.pulse
        return {
            "plan_id": pulse.plan_id,
            "site": pulse.site,
            "status": pulse.status,
            "run_id": pulse.run_id,
            "started_at": pulse.started_at,
            "started_by": pulse.started_by or None,
            "ended_at": pulse.ended_at,
            "note": pulse.note,
            "waiting": pulse.waiting,
            "intended": pulse.intended,
            "outcomes": pulse.outcomes,
            "returning": pulse.returning,
            "given_back": pulse.given_back,
            "actions": [_row(one) for one in self.found.actions],
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return the numbers, then one row a seat."""
        from rich import box
        from rich.table import Table

        pulse = self.found.pulse
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("User", "Seat", "Stands", "", "Given back"):
            table.add_column(name, overflow="fold")
        for one in self.found.actions:
            seat, said = one.action.license_type.value, one.detail
            if one.outcome is not None and not said:
                said = one.outcome.words
            stands = one.stage.value if one.outcome is None else one.outcome.value
            table.add_row(line(one.action.user), seat, stands, line(said), line(_return(one)))
        head = f"{pulse.site} · plan {pulse.plan_id}: {pulse.status.words}"
        return [lines("", head, style="bold"), table, lines(_numbers(pulse), "", style="bold")]


def _row(one: ActionProgress) -> dict[str, Any]:
    return {
        "allocation_id": one.action.allocation_id,
        "license_type": one.action.license_type,
        "user": one.action.user,
        "stage": one.stage,
        "at": one.at,
        "outcome": one.outcome,
        "detail": one.detail,
        "given_back": None if one.given_back is None else _return_data(one.given_back),
    }


def _return_data(given: Return) -> dict[str, Any]:
    return {
        "by": given.by,
        "why": given.why,
        "at": given.at,
        "outcome": given.outcome,
        "detail": given.detail,
    }


def _return(one: ActionProgress) -> str:
    given = one.given_back
    if given is None:
        return ""
    return f"{given.outcome.value if given.outcome else 'being given back'}, asked by {given.by}"


def _numbers(pulse: Pulse) -> str:
    by = f" by {pulse.started_by} since {pulse.started_at:%F %T} UTC" if pulse.started_at else ""
    counted = {"waiting": pulse.waiting, "intended": pulse.intended}
    counted |= {outcome.value: number for outcome, number in pulse.outcomes.items()}
    said = ", ".join(f"{number} {name}" for name, number in counted.items() if number)
    return f"{pulse.total} seats{by}: {said or 'none'}"
