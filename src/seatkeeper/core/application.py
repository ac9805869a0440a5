"""How far a plan has come while it is applied, and after: numbers for a poll, then seat by seat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Action, PlanStatus


class Stage(StrEnum):
    """Where one release stands."""

    WAITING = "waiting"
    INTENDED = "intended"
    """It is written that it shall go; what became of it is not known yet."""
    DONE = "done"

    @property
    def words(self) -> str:
        """The same, for people."""
        return _WORDS[self]


_WORDS = {
    Stage.WAITING: "not its turn yet",
    Stage.INTENDED: "being released now",
    Stage.DONE: "what became of it is known",
}


@dataclass(frozen=True, slots=True)
class Return:
    """The newest try to give a seat back; without an outcome it goes on, or was broken off."""

    by: str
    why: str
    at: datetime
    outcome: GrantOutcome | None
    detail: str


@dataclass(frozen=True, slots=True)
class ActionProgress:
    """One release of a plan: where it stands, what became of it, and whether it was given back."""

    action: Action
    stage: Stage
    at: datetime | None = None
    """When it came to this stage."""
    outcome: Outcome | None = None
    detail: str = ""
    given_back: Return | None = None


@dataclass(frozen=True, slots=True)
class Pulse:
    """The numbers of a plan being applied; `version` differs whenever anything here or below does.

    `outcomes` and `given_back` count by outcome; `started_by` is who applies it.
    """

    plan_id: str
    site: str
    status: PlanStatus
    total: int
    intended: int
    outcomes: Mapping[Outcome, int]
    returning: int
    given_back: Mapping[GrantOutcome, int]
    version: str
    run_id: str | None = None
    started_at: datetime | None = None
    started_by: str = ""
    ended_at: datetime | None = None
    note: str = ""

    @property
    def done(self) -> int:
        """Releases of which it is known what became of them."""
        return sum(self.outcomes.values())

    @property
    def waiting(self) -> int:
        """Releases whose turn has not come."""
        return max(0, self.total - self.intended - self.done)

    @property
    def is_moving(self) -> bool:
        """Whether asking again soon will tell something new."""
        return self.status is PlanStatus.APPLYING or self.returning > 0


@dataclass(frozen=True, slots=True)
class Application:
    """A plan as far as it was applied, seat by seat, in the order of the plan."""

    pulse: Pulse
    actions: tuple[ActionProgress, ...]
