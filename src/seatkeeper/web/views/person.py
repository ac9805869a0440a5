"""One person's page: the numbers, the year, and the verdict in the order of the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from seatkeeper.core.outcome import Outcome
from seatkeeper.core.policy import Policy
from seatkeeper.core.questions import Question, questions_of
from seatkeeper.core.roster import RosterRow
from seatkeeper.core.story import PersonRecord
from seatkeeper.web.charts.calendar import DaysOfUse, MonthBlock, year_of
from seatkeeper.web.frame import Frame


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


def person_view(record: PersonRecord, policy: Policy, frame: Frame, *, clear: bool) -> PersonView:
    """Return what the page shows beside the record itself; `clear`: the visitor sees names."""
    today = frame.now.astimezone(frame.zone).date()
    used = frozenset(d for days in record.active_days.values() for d in days)
    released = frozenset(
        r.at.astimezone(frame.zone).date() for r in record.releases if r.outcome is Outcome.RELEASED
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
        verdicts=tuple(_verdict(row, policy, frame.now, clear=clear) for row in record.rows),
    )


def _verdict(row: RosterRow, policy: Policy, now: datetime, *, clear: bool) -> Verdict:
    word = "Release" if row.releases else "Keep"
    bare = msgspec.structs.replace(row, note="", exempt_reason="", exempt_owner="")
    shown = row if clear else bare
    return Verdict(row, f"{word}: {row.reason.words}", questions_of(shown, policy, now))
