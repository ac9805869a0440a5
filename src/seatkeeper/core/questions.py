"""The verdict on a seat as the questions that the rules ask, in their order, up to the answer.

The order is that of `rules.judge`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.durations import format_duration
from seatkeeper.core.policy import Policy
from seatkeeper.core.roster import Flag, RosterRow
from seatkeeper.core.rules import Reason


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the rules: what is asked, the answer, the fact behind, whether it decided."""

    asks: str
    answer: str
    fact: str = ""
    decides: bool = False


def questions_of(row: RosterRow, policy: Policy, now: datetime) -> tuple[Question, ...]:
    """Return what was asked of a seat; the last question is the one that decided."""
    return tuple(_up_to_the_answer(row, policy, now))


ORDER = (
    frozenset({Reason.QUARANTINED, Reason.EXCESS, Reason.DELETED_USER}),
    frozenset({Reason.TYPE_DISABLED}),
    frozenset({Reason.UNCLEAR}),
    frozenset({Reason.EXEMPT}),
    frozenset({Reason.NEW_SEAT}),
    frozenset({Reason.ACTIVE, Reason.ACTIVE_ELSEWHERE, Reason.IDLE, Reason.NEVER_USED}),
)
"""Which reasons each question may end with."""


def _up_to_the_answer(row: RosterRow, policy: Policy, now: datetime) -> Iterator[Question]:
    asked = (
        _gone(row),
        _enabled(row),
        _doubt(row),
        _exempt(row),
        _new(row, policy, now),
        _used(row, policy, now),
    )
    for reasons, (asks, answer, fact) in zip(ORDER, asked, strict=True):
        decides = row.reason in reasons
        yield Question(asks, answer, fact, decides)
        if decides:
            return


_Asked = tuple[str, str, str]


def _gone(row: RosterRow) -> _Asked:
    marks = [f for f in (Flag.QUARANTINED, Flag.EXCESS, Flag.DELETED) if row.has(f)]
    said = ", ".join((mark.name or "").lower() for mark in marks) or "no"
    return "Quarantined, excess, or of a deleted user?", said, ""


def _enabled(row: RosterRow) -> _Asked:
    said = "no" if row.reason is Reason.TYPE_DISABLED else "yes"
    return "Is this type released here?", said, ""


def _doubt(row: RosterRow) -> _Asked:
    doubt = row.reason is Reason.UNCLEAR
    asks = "Is every fact there and plausible?"
    return asks, "no" if doubt else "yes", row.note if doubt else ""


def _exempt(row: RosterRow) -> _Asked:
    if row.reason is not Reason.EXEMPT:
        return "Exempt?", "no", ""
    until = f"until {row.exempt_until:%Y-%m-%d}" if row.exempt_until else ""
    owner = f"owner {row.exempt_owner}" if row.exempt_owner else ""
    facts = (row.note, row.exempt_reason, owner, until)
    return "Exempt?", "yes", ", ".join(fact for fact in facts if fact)


def _new(row: RosterRow, policy: Policy, now: datetime) -> _Asked:
    age = "nobody can tell" if row.created is None else f"{_days(row.created, now)} old"
    grace = f"younger than {format_duration(policy.new_seat_grace)} is left alone"
    return "A new seat?", age, grace


def _used(row: RosterRow, policy: Policy, now: datetime) -> _Asked:
    after = format_duration(policy.of(row.license_type).release_after)
    if row.has(Flag.NEVER_USED):
        said = "never used"
    elif row.idle_since is None:
        said = "nobody can tell"
    else:
        said = f"{'no' if row.releases else 'yes'}, {_days(row.idle_since, now)} ago"
    last = f"last use {row.last_used:%Y-%m-%d}" if row.last_used else "no use is known"
    elsewhere = "; active elsewhere" if row.reason is Reason.ACTIVE_ELSEWHERE else ""
    return f"Used within {after}?", said, f"{last}{elsewhere}"


def _days(since: datetime, now: datetime) -> str:
    days = max(0, (now - since).days)
    return f"{days} day{'s' if days != 1 else ''}"
