"""What is new in a plan, as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.plan_view import MOST_ROWS, action_data
from seatkeeper.cli.render import line, lines
from seatkeeper.core.plan import Action, Limit
from seatkeeper.core.plan_difference import ChangedReason, OneSided, PlanDifference

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """Two plans held side by side."""

    found: PlanDifference

    def data(self) -> Any:
        """Return the JSON contract of `compare`."""
        found = self.found
        return {
            "plan_id": found.plan_id,
            "other_id": found.other_id,
            "only_new": [_one_sided_data(one) for one in found.only_new],
            "only_old": [_one_sided_data(one) for one in found.only_old],
            "both": [action_data(action) for action in found.both],
            "changed": [_changed_data(one) for one in found.changed],
            "new_limits": found.new_limits,
            "past_limits": found.past_limits,
            "same_policy": found.same_policy,
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return what came, what went, and what differs."""
        found = self.found
        pieces: list[RenderableType] = [
            lines("", f"plan {found.plan_id} against {found.other_id}", style="bold"),
            line(
                f"{len(found.only_new)} seats only in the new plan, {len(found.only_old)} only in "
                f"the old, {len(found.both)} in both"
            ),
        ]
        if not found.same_policy:
            pieces.append(line("They were made under different policies.", style="yellow"))
        pieces += _limits("newly broken", found.new_limits, "red")
        pieces += _limits("no longer broken", found.past_limits, "green")
        pieces += _one_sided("+", found.only_new)
        pieces += _one_sided("-", found.only_old)
        pieces += [line(_changed(one), style="yellow") for one in found.changed[:MOST_ROWS]]
        return [*pieces, lines("")]


def _one_sided_data(one: OneSided) -> dict[str, Any]:
    return action_data(one.action) | {"elsewhere": one.elsewhere}


def _changed_data(one: ChangedReason) -> dict[str, Any]:
    return action_data(one.after) | {"reason_before": one.before.reason}


def _limits(what: str, limits: Sequence[Limit], style: str) -> list[RenderableType]:
    return [line(f"{what}: {', '.join(limits)}", style=style)] if limits else []


def _one_sided(sign: str, found: Sequence[OneSided]) -> list[RenderableType]:
    rows = [line(f"{sign} {_seat(one.action)}: {one.elsewhere.words}") for one in found]
    if len(rows) > MOST_ROWS:
        left = line(f"… and {len(rows) - MOST_ROWS} more; --output json has them all")
        return [*rows[:MOST_ROWS], left]
    return [*rows]


def _changed(one: ChangedReason) -> str:
    return f"~ {_seat(one.after)}: was {one.before.reason}"


def _seat(action: Action) -> str:
    return f"{action.user}, {action.license_type.value}, {action.reason}, {action.idle_days} d"
