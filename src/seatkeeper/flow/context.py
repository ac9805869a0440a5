"""What the steps of a run share: the site, the records, and the run itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from seatkeeper.core.policy import Policy
from seatkeeper.core.record import Actor
from seatkeeper.flow.ports import (
    Activity,
    Clock,
    Control,
    Cycles,
    Follower,
    History,
    LicenseReader,
    Plans,
    Summaries,
)

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, of how much (0: not known)."""


def no_progress(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Site:
    """One site as the flow sees it: its rules, how to read it, how long it may take to answer."""

    name: str
    policy: Policy
    reader: LicenseReader
    timeout: timedelta = timedelta(seconds=60)
    four_eyes: bool = False
    """Whoever asked for a plan, or left seats out of it, may not approve it."""


@dataclass(frozen=True, slots=True)
class Records:
    """Where plans, history and what people said are kept, and what follows a reading."""

    plans: Plans
    history: History
    control: Control
    summaries: Summaries
    cycles: Cycles
    activity: Activity | None = None
    followers: tuple[Follower, ...] = ()
    """Told of every monitoring cycle, in this order."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: who acts, by which clock, and the wish to end early."""

    run_id: str
    actor: Actor
    clock: Clock
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress = no_progress
    asked_by: str = ""
    """The person who asked for it; empty for a run on schedule."""
    by_request: bool = False
    """Somebody asked the engine for it: it makes a plan and never approves one, for whoever may
    ask for a run may not decide."""
