"""A plan as people and programs see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from seatkeeper.cli.render import day, line, lines, moment
from seatkeeper.core.plan import Action, LeftOut, Plan, PlanStatus
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import StoredPlan
from seatkeeper.core.rules import Reason

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_ROWS = 50


def action_data(action: Action) -> dict[str, Any]:
    """Return one action as the JSON contract has it."""
    return {
        "allocation_id": action.allocation_id,
        "license_type": action.license_type,
        "user": action.user,
        "reason": action.reason,
        "created": action.created,
        "last_used": action.last_used,
        "idle_days": action.idle_days,
    }


def left_data(left: LeftOut) -> dict[str, Any]:
    """Return a seat that was left out as the JSON contract has it."""
    about = {"left_out_by": left.by, "left_out_at": left.at, "why": left.reason}
    return action_data(left.action) | about


def plan_data(stored: StoredPlan) -> dict[str, Any]:
    """Return a plan as the JSON contract has it."""
    plan = stored.plan
    return {
        "plan_id": plan.plan_id,
        "digest": stored.recorded_digest,
        "site": plan.site,
        "status": stored.status,
        "mode": plan.mode,
        "created_at": plan.created_at,
        "expires_at": plan.expires_at,
        "asked_by": plan.asked_by or None,
        "approved_by": stored.approved_by,
        "made_from": None if plan.made_from is None else plan.made_from.plan_id,
        "left_out": [left_data(left) for left in plan.left_out],
        "actions": [action_data(a) for a in plan.actions],
        "deferred": [action_data(a) for a in plan.deferred],
        "kept": plan.kept,
        "counts": msgspec.to_builtins(plan.counts),
        "violations": msgspec.to_builtins(plan.violations),
        "overridden": msgspec.to_builtins(plan.overridden),
        "warnings": msgspec.to_builtins(plan.warnings),
    }


@dataclass(frozen=True, slots=True)
class PlanView:
    """One plan."""

    stored: StoredPlan

    def data(self) -> Any:
        """Return the JSON contract."""
        return plan_data(self.stored)

    def drawing(self) -> Sequence[RenderableType]:
        """Return headline, actions, what is kept and why, violations and the next step."""
        return list(self._pieces())

    def _pieces(self) -> Iterator[RenderableType]:
        plan = self.stored.plan
        yield lines("", f"{plan.site} · plan {plan.plan_id}", style="bold")
        yield lines(_headline(self.stored), "")
        if plan.actions:
            yield _table(plan.actions)
        if len(plan.actions) > MOST_ROWS:
            yield line(f"… and {len(plan.actions) - MOST_ROWS} more; --output json has them all")
        for left in plan.left_out[:MOST_ROWS]:
            yield line(_left_words(left), style="yellow")
        for violation in plan.violations:
            yield line(f"BLOCKED by {violation.limit.value}: {violation.message}", style="bold red")
            yield line(f"  way out: {violation.way_out}", style="red")
        for note in plan.overridden:
            yield line(
                f"passed: {note.limit.value} by {note.by} until {day(note.until)} "
                f"({note.reason}): {note.message}",
                style="yellow",
            )
        for warning in plan.warnings:
            yield line(f"note: {warning.message}", style="yellow")
        yield _kept(plan.kept)
        yield line(_next_step(self.stored), style="bold")


def _headline(stored: StoredPlan) -> str:
    plan = stored.plan
    rows = sum(c.rows for c in plan.counts)
    if not plan.eligible:
        return f"Nobody holds an idle seat: all {rows} seats stay."
    if not plan.actions:
        return f"No seat can go now; {len(plan.deferred)} of {rows} wait for later runs."
    later = f", {len(plan.deferred)} more later" if plan.deferred else ""
    found = f"{len(plan.actions)} of {rows} seats would be released{later}"
    if stored.status is PlanStatus.BLOCKED:
        return f"{found}, but the plan is blocked."
    return f"{found}. Status {stored.status.value}: {stored.status.words}."


def _table(actions: Sequence[Action]) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("User", "Seat", "Reason", "Granted", "Last used"):
        table.add_column(name, overflow="fold")
    table.add_column("Idle", justify="right")
    for action in actions[:MOST_ROWS]:
        table.add_row(
            line(action.user),
            action.license_type.value,
            action.reason,
            day(action.created, none="unknown"),
            day(action.last_used),
            f"{action.idle_days} d",
        )
    return table


def _left_words(left: LeftOut) -> str:
    why = f" ({left.reason})" if left.reason else ""
    seat = left.action.license_type.value
    return f"left out: {left.action.user}, {seat}, by {left.by}{why}"


def _kept(kept: dict[str, int]) -> RenderableType:
    if not kept:
        return lines("", "Kept: none")
    rows = [f"  {count:>6}  {name:<17} {Reason(name).words}" for name, count in kept.items()]
    return lines("", "Kept", *rows, "")


def _next_step(stored: StoredPlan) -> str:
    plan = stored.plan
    if not plan.actions:
        return "Nothing to do."
    if plan.mode is Mode.OBSERVE:
        return "Mode observe: nothing is released. Set policy.mode to approve when you are ready."
    if stored.status is PlanStatus.OPEN:
        until = moment(plan.expires_at)
        return f"Next: seatkeeper approve {plan.plan_id}  (valid until {until} UTC)"
    if stored.status is PlanStatus.APPROVED:
        return f"Next: seatkeeper apply {plan.plan_id}"
    if stored.status is PlanStatus.BLOCKED:
        return _way_past(plan)
    return f"Status: {stored.status.value}, {stored.status.words}."


def _way_past(plan: Plan) -> str:
    """The words that pass every limit at once, where a person may."""
    limits = sorted({v.limit for v in plan.violations})
    if not all(limit.overridable for limit in limits):
        return "Nothing to do until the block is over; the next plan tells."
    words = " ".join(f"--override {limit.value}" for limit in limits)
    return (
        "Is the list right? Then: "
        f"seatkeeper approve {plan.plan_id} {words} --by NAME --reason TEXT"
    )
