"""The verdict on a seat as the questions that the rules ask, in their order, up to the answer.

The order is that of `rules.judge`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from seatkeeper.core.durations import format_duration
from seatkeeper.core.plural import plural
from seatkeeper.core.policy import Policy
from seatkeeper.core.roster import Flag, RosterRow
from seatkeeper.core.rules import Reason, counted_days


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the rules: what is asked, the answer, the fact behind, whether it decided."""

    asks: str
    answer: str
    fact: str = ""
    decides: bool = False


@dataclass(frozen=True, slots=True)
class _Asking:
    """The policy and the moment that are asked with, and in which zone dates are told."""

    policy: Policy
    now: datetime
    zone: tzinfo

    def day(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d}"

    def days(self, since: datetime) -> tuple[str, str]:
        """Return the days that count, and what is to be said of those that do not."""
        whole, counts = max(0, (self.now - since).days), counted_days(since, self.now, self.policy)
        if whole == counts:
            return plural(counts, "day"), ""
        return f"{plural(counts, 'day')} that count", f"{whole - counts} of {whole} days are pause"


def questions_of(
    row: RosterRow, policy: Policy, now: datetime, zone: tzinfo = UTC
) -> tuple[Question, ...]:
    """Return what was asked of a seat; the last question is the one that decided."""
    return tuple(_up_to_the_answer(row, _Asking(policy, now, zone)))


ORDER = (
    frozenset({Reason.QUARANTINED, Reason.EXCESS, Reason.DELETED_USER}),
    frozenset({Reason.TYPE_DISABLED}),
    frozenset({Reason.UNCLEAR}),
    frozenset({Reason.EXEMPT}),
    frozenset({Reason.NEW_SEAT}),
    frozenset({Reason.ACTIVE, Reason.ACTIVE_ELSEWHERE, Reason.IDLE, Reason.NEVER_USED}),
)
"""Which reasons each question may end with."""


def _up_to_the_answer(row: RosterRow, asking: _Asking) -> Iterator[Question]:
    asked = (
        _gone(row),
        _enabled(row),
        _doubt(row),
        _exempt(row, asking),
        _new(row, asking),
        _used(row, asking),
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


def _exempt(row: RosterRow, asking: _Asking) -> _Asked:
    if row.reason is not Reason.EXEMPT:
        return "Exempt?", "no", ""
    until = f"until {asking.day(row.exempt_until)}" if row.exempt_until else ""
    owner = f"owner {row.exempt_owner}" if row.exempt_owner else ""
    facts = (row.note, row.exempt_reason, owner, until)
    return "Exempt?", "yes", ", ".join(fact for fact in facts if fact)


def _new(row: RosterRow, asking: _Asking) -> _Asked:
    grace = f"younger than {format_duration(asking.policy.new_seat_grace)} is left alone"
    if row.created is None:
        return "A new seat?", "nobody can tell", grace
    age, pause = asking.days(row.created)
    return "A new seat?", f"{age} old" if not pause else age, _listed(pause, grace)


def _used(row: RosterRow, asking: _Asking) -> _Asked:
    after, pause = format_duration(asking.policy.of(row.license_type).release_after), ""
    if row.has(Flag.NEVER_USED):
        said = "never used"
    elif row.idle_since is None:
        said = "nobody can tell"
    else:
        since, pause = asking.days(row.idle_since)
        said = f"{'no' if row.releases else 'yes'}, {since}{'' if pause else ' ago'}"
    last = f"last use {asking.day(row.last_used)}" if row.last_used else "no use is known"
    elsewhere = "active elsewhere" if row.reason is Reason.ACTIVE_ELSEWHERE else ""
    return f"Used within {after}?", said, _listed(last, pause, elsewhere)


def _listed(*facts: str) -> str:
    return "; ".join(fact for fact in facts if fact)
