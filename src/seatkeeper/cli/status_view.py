"""The state of one site as people and programs see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from seatkeeper.cli.queueing import request_data, request_words
from seatkeeper.cli.render import line, lines, moment
from seatkeeper.cli.summary_view import counted, pool_table, summary_data
from seatkeeper.core.alert_facts import Spend
from seatkeeper.core.cost import Bill
from seatkeeper.core.model import Pool
from seatkeeper.core.money import money
from seatkeeper.core.policy import Mode
from seatkeeper.core.progress import Step, next_step
from seatkeeper.core.record import Freeze, PlanLine
from seatkeeper.core.summary import Summary
from seatkeeper.store import Request

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds the site now: `words` for people."""

    kind: str
    since: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """Everything known about one site.

    `pools_at` is when the pools were read: now, or, with an `error`, at the last whole reading.
    """

    site: str
    mode: Mode
    zone: tzinfo
    pools: tuple[Pool, ...]
    pools_at: datetime | None
    last_reading: datetime | None
    newest_plan: PlanLine | None
    freeze: Freeze | None
    holder: Holding | None
    next_runs: dict[str, tuple[datetime, ...]]
    steps: tuple[Step, ...]
    error: str = ""
    last_runs: dict[str, datetime | None] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    summary: Summary | None = None
    bill: Bill | None = None
    spend: Spend | None = None
    """What was counted of the last whole reading."""

    def data(self) -> Any:
        """Return the JSON contract of `status`."""
        return {
            "site": self.site,
            "mode": self.mode,
            "reachable": not self.error,
            "error": self.error or None,
            "pools_at": self.pools_at,
            "pools": [_pool_data(pool) for pool in self.pools],
            "last_reading": self.last_reading,
            **_counted_data(self.summary),
            "cost": _cost_data(self.bill, self.spend),
            "newest_plan": _plan_data(self.newest_plan),
            "freeze": msgspec.to_builtins(self.freeze) if self.freeze else None,
            "holder": msgspec.to_builtins(self.holder) if self.holder else None,
            "requests": [request_data(request) for request in self.requests],
            "last_runs": self.last_runs,
            "next_runs": self.next_runs,
            "steps": [msgspec.to_builtins(step) for step in self.steps],
            "next_step": step.key if (step := next_step(self.steps)) else None,
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return pools, plan, what holds releases back, the next runs and the steps."""
        return list(self._pieces())

    def _pieces(self) -> Iterator[RenderableType]:
        yield lines("", f"site {self.site} · mode {self.mode.value}", style="bold")
        if self.error:
            yield line(f"The site does not answer: {self.error}", style="bold red")
            yield line("What follows is what was known before.", style="red")
        yield from self._pools()
        yield line(f"last reading  {moment(self.last_reading)}{_utc(self.last_reading)}")
        if self.summary is not None:
            yield from counted(self.summary)
        if self.bill is not None:
            yield line(f"cost          {cost_words(self.bill)}")
        if self.spend is not None:
            yield line(f"budget        {budget_words(self.spend)}")
        yield line(f"newest plan   {_plan_words(self.newest_plan)}")
        if self.freeze:
            yield line(f"frozen        {_freeze_words(self.freeze)}", style="bold yellow")
        yield line(f"held by       {self.holder.words if self.holder else 'nobody'}")
        for kind, times in self.next_runs.items():
            if times:
                yield line(f"next {kind:<9}{_local(times[0], self.zone)}")
        for request in self.requests:
            yield line(f"request       {request_words(request)}")
        yield from self._steps()

    def _pools(self) -> Iterator[RenderableType]:
        if not self.pools:
            yield line("seats         not known yet")
            return
        yield pool_table(self.pools, f"seats at {moment(self.pools_at)} UTC")

    def _steps(self) -> Iterator[RenderableType]:
        yield lines("", "From the first look to automatic release", style="bold")
        following = next_step(self.steps)
        for number, step in enumerate(self.steps, 1):
            mark = "done" if step.done else "next" if step is following else "    "
            note = f"  ({step.note})" if step.note else ""
            style = "green" if step.done else "bold" if step is following else "dim"
            yield line(f"  {number:>2}  {mark}  {step.title}{note}", style=style)
            if step is following:
                yield line(f"            {step.how}")


def _cost_data(bill: Bill | None, spend: Spend | None) -> dict[str, Any] | None:
    if bill is None:
        return None
    return {
        "currency": bill.currency,
        "spend": money(bill.spend),
        "idle_spend": money(bill.idle_spend),
        "shared_idle": money(bill.free),
        "savings": money(bill.savings),
        "saved_in_month": money(bill.saved),
        "all_sites": None if spend is None else {"spend": spend.spend, "budget": _whole(spend)},
    }


def budget_words(spend: Spend) -> str:
    """Say in one line how much of the budget all sites cost."""
    return f"all sites together {spend.spend} of {_whole(spend)} {spend.currency} a month"


def _whole(spend: Spend) -> str:
    return f"{spend.budget:.2f}"


def cost_words(bill: Bill) -> str:
    """Say what a site costs in one line."""
    return (
        f"{money(bill.spend)} {bill.currency} a month, {money(bill.idle_spend)} of it"
        f" idle; {money(bill.free)} for free seats; releases save {money(bill.savings)} a month,"
        f" {money(bill.saved)} in this one so far"
    )


def _counted_data(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"summary_at": None, "seats": [], "license": None, "compliance": None}
    data = summary_data(summary)
    return {"summary_at": summary.at} | {k: data[k] for k in ("seats", "license", "compliance")}


def _pool_data(pool: Pool) -> dict[str, Any]:
    return {
        "license_type": pool.license_type,
        "total": pool.total,
        "allocated": pool.allocated,
        "available": pool.available,
        "used": pool.used,
        "quarantined": pool.quarantined,
        "excess": pool.excess,
    }


def _plan_data(plan: PlanLine | None) -> dict[str, Any] | None:
    if plan is None:
        return None
    return {
        "plan_id": plan.plan_id,
        "status": plan.status,
        "created_at": plan.created_at,
        "expires_at": plan.expires_at,
        "actions": plan.actions,
        "deferred": plan.deferred,
        "violations": plan.violations,
        "approved_by": plan.approved_by,
    }


def _plan_words(plan: PlanLine | None) -> str:
    if plan is None:
        return "none yet"
    limits = ", ".join(limit.value for limit in plan.violations)
    blocked = f" by {limits}" if limits and plan.status.value == "blocked" else ""
    later = f", {plan.deferred} later" if plan.deferred else ""
    if not plan.actions:
        return f"{plan.plan_id}, nothing to release now{later}"
    return (
        f"{plan.plan_id}, {plan.actions} seats{later}, {plan.status.value}{blocked}: "
        f"{plan.status.words}"
    )


def _freeze_words(freeze: Freeze) -> str:
    until = f"until {moment(freeze.until)} UTC" if freeze.until else "until it is thawed"
    return f"{until} by {freeze.by} since {moment(freeze.at)} UTC: {freeze.reason}"


def _local(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def _utc(at: datetime | None) -> str:
    return " UTC" if at else ""
