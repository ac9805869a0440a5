"""Is the daemon well: judged from when what last worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOOP_STALLED = timedelta(seconds=30)
"""The engine looks for work every two seconds; so long without a look is a stall."""


@dataclass(frozen=True, slots=True)
class JobHealth:
    """How one job of one site went last: `failed` is the error, empty when it worked."""

    site: str
    kind: str
    last_success: datetime | None = None
    last_failure: datetime | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the engine knows of itself."""

    started: datetime
    last_look: datetime | None = None
    store_error: str = ""
    frozen_by: str = ""
    jobs: Mapping[tuple[str, str], JobHealth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """Ready to do its work; `degraded` says what does not work, one sentence each."""

    ready: bool
    degraded: tuple[str, ...]


def judge_health(beat: Heartbeat, now: datetime) -> Health:
    """Tell whether the daemon can do its work, and what is wrong even if it can.

    A site that is down leaves the daemon ready: it goes on trying.
    """
    fatal = []
    if beat.store_error:
        fatal.append(f"the store cannot be used: {beat.store_error}")
    if beat.last_look is None:
        fatal.append("the engine has not started yet")
    elif now - beat.last_look > LOOP_STALLED:
        fatal.append(f"the engine has not looked for work since {beat.last_look:%F %H:%M:%S} UTC")
    soft = [
        f"site {job.site}: {job.kind} fails: {job.failed}"
        for job in beat.jobs.values()
        if job.failed
    ]
    if beat.frozen_by:
        soft.append(f"releases are frozen by {beat.frozen_by}")
    return Health(ready=not fatal, degraded=(*fatal, *sorted(soft)))
