"""Is the daemon well: judged from when what last worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOOP_STALLED = timedelta(seconds=30)
"""The engine looks for work every two seconds; so long without a look is a stall."""

MOST_SENTENCES = 50
"""So much that does not work is listed; of the rest only the number is told."""


@dataclass(frozen=True, slots=True)
class JobHealth:
    """How one job of one site went last.

    `failed` is the error, empty when it worked; `in_a_row` counts the failures since it worked.
    """

    site: str
    kind: str
    last_success: datetime | None = None
    last_failure: datetime | None = None
    failed: str = ""
    in_a_row: int = 0

    @property
    def words(self) -> str:
        """What does not work, in a sentence."""
        times = f", {self.in_a_row} times in a row" if self.in_a_row > 1 else ""
        return f"site {self.site}: {self.kind} fails{times}: {self.failed}"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the engine knows of itself; `last_look` is when it last looked without an error."""

    started: datetime
    last_look: datetime | None = None
    store_error: str = ""
    frozen_by: str = ""
    jobs: Mapping[tuple[str, str], JobHealth] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """Ready to do its work; `degraded` says what does not work, one sentence each.

    `openly` says as much of it as anybody may read: no site, no person, no error.
    """

    ready: bool
    degraded: tuple[str, ...]
    openly: tuple[str, ...]


def judge_health(beat: Heartbeat, now: datetime) -> Health:
    """Tell whether the daemon can do its work, and what is wrong even if it can.

    A site that is down leaves the daemon ready: it goes on trying.
    """
    stalled = _stalled(beat, now)
    fatal = [f"the store cannot be used: {beat.store_error}"] if beat.store_error else []
    fatal += stalled
    openly = (["the store cannot be used"] if beat.store_error else []) + stalled
    soft = sorted(job.words for job in beat.jobs.values() if job.failed)
    if soft:
        openly.append("1 job fails" if len(soft) == 1 else f"{len(soft)} jobs fail")
    if len(soft) > MOST_SENTENCES:
        left = len(soft) - MOST_SENTENCES
        soft = [*soft[:MOST_SENTENCES], f"and {left} more jobs that fail; see the log"]
    if beat.frozen_by:
        soft.append(f"releases are frozen by {beat.frozen_by}")
        openly.append("releases are frozen")
    return Health(ready=not fatal, degraded=(*fatal, *soft), openly=tuple(openly))


def _stalled(beat: Heartbeat, now: datetime) -> list[str]:
    if beat.last_look is None:
        return ["the engine has not looked for work yet"]
    if now - beat.last_look > LOOP_STALLED:
        return [f"the engine has not looked for work since {beat.last_look:%F %T} UTC"]
    return []
