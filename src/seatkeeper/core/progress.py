"""The way from a first look to automatic release, step by step, and which steps are done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.policy import Mode, SharedKind

WATCH = timedelta(days=14)
"""So long do the limits that compare with earlier days look back."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one site has come; moments are None for what has not happened yet."""

    mode: Mode
    agreement_by: str | None
    shared: SharedKind
    now: datetime
    first_read: datetime | None = None
    first_plan: datetime | None = None
    approved: datetime | None = None
    applied: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `key` names it to programs; `how` says what to do while it is not done."""

    key: str
    title: str
    done: bool
    how: str
    note: str = ""


def steps_to_auto(reached: Reached) -> tuple[Step, ...]:
    """Return every step in order; the first that is not done comes next."""
    return (*_looking(reached), *_deciding(reached))


def next_step(steps: tuple[Step, ...]) -> Step | None:
    """Return the first step that is not done, None at the end of the way."""
    return next((step for step in steps if not step.done), None)


def _looking(reached: Reached) -> Iterator[Step]:
    yield Step("configured", "the configuration is sound", done=True, how="seatkeeper check")
    yield Step(
        "read",
        "the site was read",
        done=reached.first_read is not None,
        how="seatkeeper plan",
        note=_since(reached.first_read),
    )
    yield Step(
        "planned",
        "a first plan was made",
        done=reached.first_plan is not None,
        how="seatkeeper plan, and look at who would lose a seat and why",
        note=_since(reached.first_plan),
    )
    yield _watched(reached)


def _watched(reached: Reached) -> Step:
    first = reached.first_read
    days = None if first is None else (reached.now - first) // timedelta(days=1)
    return Step(
        "watched",
        f"watched for {WATCH.days} days, so that the limits have something to compare with",
        done=first is not None and reached.now - first >= WATCH,
        how="let `seatkeeper serve` run, or make a plan every day",
        note="" if days is None else f"{days} days so far",
    )


def _deciding(reached: Reached) -> Iterator[Step]:
    yield Step(
        "agreement_reviewed",
        "somebody looked whether the Qlik agreement allows it",
        done=reached.agreement_by is not None,
        how="ask your Qlik account manager, then set policy.agreement_reviewed: {by, on}",
        note=reached.agreement_by or "",
    )
    yield Step(
        "mode_approve",
        "people may approve plans",
        done=reached.mode in (Mode.APPROVE, Mode.AUTO),
        how="set policy.mode: approve",
        note=f"mode {reached.mode.value}",
    )
    yield Step(
        "approved",
        "a person approved a plan",
        done=reached.approved is not None,
        how="seatkeeper approve PLAN_ID",
        note=_since(reached.approved),
    )
    yield Step(
        "applied",
        "a plan was applied",
        done=reached.applied is not None,
        how="seatkeeper apply PLAN_ID, or let `seatkeeper serve` do it",
        note=_since(reached.applied),
    )
    yield Step(
        "sharing_known",
        "it is known who shares the license",
        done=reached.shared in (SharedKind.NOBODY, SharedKind.SITES),
        how="set license_shared_with to the names of the other sites, or to []",
    )
    yield Step(
        "mode_auto",
        "plans without a violation are released by themselves",
        done=reached.mode is Mode.AUTO,
        how="set policy.mode: auto, once you trust what the plans say",
        note=f"mode {reached.mode.value}",
    )


def _since(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
