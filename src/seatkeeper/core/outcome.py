"""What became of each action: closed sets, with the words people read beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from seatkeeper.core.model import LicenseType


class Outcome(StrEnum):
    """What became of one release."""

    RELEASED = "released"
    QUARANTINED = "quarantined"
    ALREADY_GONE = "already_gone"
    CHANGED = "changed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"

    @property
    def words(self) -> str:
        """The outcome in a sentence."""
        return _OUTCOME_WORDS[self]

    @property
    def is_failure(self) -> bool:
        """Whether it counts towards the five failures in a row that stop a run."""
        return self in (Outcome.REFUSED, Outcome.UNKNOWN)

    @property
    def took_effect(self) -> bool:
        """Whether the user lost the seat through us, or may have."""
        return self in (Outcome.RELEASED, Outcome.QUARANTINED, Outcome.UNKNOWN)


_OUTCOME_WORDS = {
    Outcome.RELEASED: "the seat is free again",
    Outcome.QUARANTINED: "the user lost the seat; Qlik blocks it until 7 days after its last use",
    Outcome.ALREADY_GONE: "somebody else had released the seat before",
    Outcome.CHANGED: "something changed since the plan was made; the user keeps the seat",
    Outcome.REFUSED: "the site said no; the user still holds the seat",
    Outcome.UNKNOWN: "the site gave no clear answer; settled by the next reading",
    Outcome.NOT_ATTEMPTED: "the run ended before its turn",
}


class GrantOutcome(StrEnum):
    """What became of giving one seat back."""

    RESTORED = "restored"
    NO_FREE_SEAT = "no_free_seat"
    ALREADY_HELD = "already_held"
    USER_GONE = "user_gone"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"

    @property
    def words(self) -> str:
        """The outcome in a sentence."""
        return _GRANT_WORDS[self]


_GRANT_WORDS = {
    GrantOutcome.RESTORED: "the user holds the seat again",
    GrantOutcome.NO_FREE_SEAT: "the pool has no free seat; release or buy one first",
    GrantOutcome.ALREADY_HELD: "the user holds such a seat already",
    GrantOutcome.USER_GONE: "the user no longer exists on the site",
    GrantOutcome.REFUSED: "the site said no",
    GrantOutcome.UNKNOWN: "the site gave no clear answer; look at the user's seats in the QMC",
    GrantOutcome.NOT_ATTEMPTED: "the command ended before its turn",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How the site answered one DELETE or POST.

    `status` is the HTTP status, None when no clear answer came. `sent` False means that the
    request certainly never left. `created_id` is the new row's id after a POST that worked.
    """

    status: int | None
    sent: bool = True
    text: str = ""
    created_id: str | None = None

    @property
    def is_success(self) -> bool:
        """A clear yes."""
        return self.status is not None and 200 <= self.status < 300


class ActionOutcome(msgspec.Struct, frozen=True, kw_only=True):
    r"""One action and what became of it; `user` is `DIR\id`."""

    allocation_id: str
    user: str
    license_type: LicenseType
    outcome: Outcome
    detail: str = ""


class GrantResult(msgspec.Struct, frozen=True, kw_only=True):
    """One seat and what became of giving it back."""

    allocation_id: str
    user: str
    license_type: LicenseType
    outcome: GrantOutcome
    detail: str = ""
    new_allocation_id: str | None = None


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a plan: one outcome for each of its actions."""

    plan_id: str
    run_id: str
    outcomes: tuple[ActionOutcome, ...]
    stopped: str = ""
    """Why the run ended before its last action; empty when it did not."""
    interrupted: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How often each outcome occurred, in the order of the enum."""
        return counted(Outcome, (o.outcome for o in self.outcomes))


def counted(kind: Iterable[StrEnum], values: Iterable[StrEnum]) -> dict[str, int]:
    """Count values in the order of their enum, without zeros."""
    counts = Counter(values)
    return {k.value: counts[k] for k in kind if counts[k]}
