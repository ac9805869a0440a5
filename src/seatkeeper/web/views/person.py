"""One person's page: the numbers, the year, and the verdict in the order of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from seatkeeper.core.durations import format_duration
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.policy import Policy
from seatkeeper.core.roster import Flag, RosterRow
from seatkeeper.core.rules import Reason
from seatkeeper.core.story import PersonRecord
from seatkeeper.web.charts.calendar import DaysOfUse, MonthBlock, year_of
from seatkeeper.web.render import day


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the rules: what is asked, the answer, the fact behind, whether it decided."""

    asks: str
    answer: str
    fact: str = ""
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules said of one seat at the newest reading."""

    row: RosterRow
    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """What the page adds to the record."""

    year: tuple[MonthBlock, ...]
    used: int
    months: tuple[tuple[str, int], ...]
    verdicts: tuple[Verdict, ...]


def person_view(record: PersonRecord, policy: Policy, now: datetime, zone: tzinfo) -> PersonView:
    """Return what the page shows beside the record itself."""
    today = now.astimezone(zone).date()
    used = frozenset(d for days in record.active_days.values() for d in days)
    released = frozenset(
        r.at.astimezone(zone).date() for r in record.releases if r.outcome is Outcome.RELEASED
    )
    year = year_of(DaysOfUse(used, released=released), today)
    since = today - timedelta(days=365)
    months: dict[str, int] = {}
    for one in sorted(used):
        if one > since:
            months[f"{one:%B %Y}"] = months.get(f"{one:%B %Y}", 0) + 1
    return PersonView(
        year=tuple(year),
        used=sum(one > since for one in used),
        months=tuple(months.items()),
        verdicts=tuple(_verdict(row, policy, now) for row in record.rows),
    )


def _verdict(row: RosterRow, policy: Policy, now: datetime) -> Verdict:
    word = "Release" if row.releases else "Keep"
    title = f"{word}: {row.reason.words}"
    return Verdict(row, title, tuple(_questions(row, policy, now)))


def _questions(row: RosterRow, policy: Policy, now: datetime) -> Iterator[Question]:
    """Ask in the order of the rules and stop at the one that decided, as they do."""
    for reasons, question in _asked(row, policy, now):
        decides = row.reason in reasons
        yield Question(question.asks, question.answer, question.fact, decides)
        if decides:
            return


def _asked(
    row: RosterRow, policy: Policy, now: datetime
) -> Iterator[tuple[frozenset[Reason], Question]]:
    gone = row.has(Flag.QUARANTINED) or row.has(Flag.EXCESS) or row.has(Flag.DELETED)
    marks = [f for f in (Flag.QUARANTINED, Flag.EXCESS, Flag.DELETED) if row.has(f)]
    said = ", ".join((mark.name or "").lower() for mark in marks) or "no"
    yield (
        frozenset({Reason.QUARANTINED, Reason.EXCESS, Reason.DELETED_USER}),
        Question("Quarantined, excess, or of a deleted user?", said if gone else "no"),
    )
    disabled = row.reason is Reason.TYPE_DISABLED
    yield (
        frozenset({Reason.TYPE_DISABLED}),
        Question("Is this type released here?", "no" if disabled else "yes"),
    )
    exempt = row.reason is Reason.EXEMPT
    until = f"until {day(row.exempt_until)}" if row.exempt_until else ""
    owner = f"owner {row.exempt_owner}" if row.exempt_owner else ""
    fact = ", ".join(part for part in (row.note, row.exempt_reason, owner, until) if part)
    yield (
        frozenset({Reason.EXEMPT}),
        Question("Exempt?", "yes" if exempt else "no", fact if exempt else ""),
    )
    unclear = row.reason is Reason.UNCLEAR
    yield (
        frozenset({Reason.UNCLEAR}),
        Question(
            "Is every fact there and plausible?",
            "no" if unclear else "yes",
            row.note if unclear else "",
        ),
    )
    age = "nobody can tell" if row.created is None else f"{(now - row.created).days} days old"
    grace = f"younger than {format_duration(policy.new_seat_grace)} is left alone"
    yield frozenset({Reason.NEW_SEAT}), Question("A new seat?", age, grace)
    after = format_duration(policy.of(row.license_type).release_after)
    used = "never used" if row.has(Flag.NEVER_USED) else _idle(row, now)
    last = f"last use {day(row.last_used)}" if row.last_used else "no use is known"
    elsewhere = "; active elsewhere" if row.reason is Reason.ACTIVE_ELSEWHERE else ""
    yield (
        frozenset({Reason.ACTIVE, Reason.ACTIVE_ELSEWHERE, Reason.IDLE, Reason.NEVER_USED}),
        Question(f"Used within {after}?", used, f"{last}{elsewhere}"),
    )


def _idle(row: RosterRow, now: datetime) -> str:
    if row.idle_since is None:
        return "nobody can tell"
    days = max(0, (now - row.idle_since).days)
    return f"{'no' if row.releases else 'yes'}, {days} day{'s' if days != 1 else ''} ago"
