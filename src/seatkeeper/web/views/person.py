"""One person's page: the numbers, the year, and the verdict in the order of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec
from markupsafe import Markup

from seatkeeper.core.changes import ChangeKind
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.policy import Policy
from seatkeeper.core.questions import Question, questions_of
from seatkeeper.core.roster import RosterRow
from seatkeeper.core.story import KnownSeat, PersonRecord
from seatkeeper.web.charts.calendar import LOOKS, DaysOfUse, MonthBlock, day_swatch, year_of
from seatkeeper.web.frame import Frame


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules said of one seat at the newest reading."""

    row: RosterRow
    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """What the page adds to the record; of the last twelve months, `watched` days are known."""

    year: tuple[MonthBlock, ...]
    legend: tuple[tuple[Markup, str], ...]
    used: int
    watched: int
    months: tuple[tuple[str, int], ...]
    verdicts: tuple[Verdict, ...]


def person_view(record: PersonRecord, policy: Policy, frame: Frame, *, clear: bool) -> PersonView:
    """Return what the page shows beside the record itself; `clear`: the visitor sees names."""
    today = frame.now.astimezone(UTC).date()
    known = days_of_use(record, today)
    year = [today - timedelta(days=n) for n in range(YEAR)]
    shown = {known.look(day) for day in year}
    months: dict[str, int] = {}
    for one in sorted(known.used.intersection(year)):
        months[f"{one:%B %Y}"] = months.get(f"{one:%B %Y}", 0) + 1
    return PersonView(
        year=tuple(year_of(known, today)),
        legend=tuple(
            (day_swatch(look), words)
            for look, words in LOOKS
            if look in shown or (look == "mark-released" and known.released)
        ),
        used=len(known.used.intersection(year)),
        watched=sum(known.is_watched(day) for day in year),
        months=tuple(months.items()),
        verdicts=tuple(_verdict(row, policy, frame, clear=clear) for row in record.rows),
    )


YEAR = 365
"""Days that are counted, today the last of them."""


def days_of_use(record: PersonRecord, today: date) -> DaysOfUse:
    """Return what is known of each day of a person; days are those of UTC, as use is kept."""
    since = None if record.first_seen is None else _day(record.first_seen)
    held = [
        (_day(begun), today if seat.ended is None else _day(seat.ended))
        for seat, begun in _since_when(record)
    ]
    begin = max(since or today, today - timedelta(days=YEAR + 31))
    days = [begin + timedelta(days=n) for n in range((today - begin).days + 1)]
    return DaysOfUse(
        used=frozenset(d for of_type in record.active_days.values() for d in of_type),
        since=since,
        without_seat=frozenset(d for d in days if not any(a <= d <= b for a, b in held)),
        released=frozenset(_day(r.at) for r in record.releases if r.outcome is Outcome.RELEASED),
    )


def _since_when(record: PersonRecord) -> Iterator[tuple[KnownSeat, datetime]]:
    """Yield each seat with the moment from which on it was held, as far as anybody knows.

    One that is gone, and of whose beginning nothing is known, was there when watching began.
    """
    planned = {r.allocation_id: r.created for r in record.releases}
    given = {e.allocation_id: e.at for e in record.events if e.kind is ChangeKind.ALLOCATED}
    for seat in record.seats:
        known = seat.created or planned.get(seat.allocation_id) or given.get(seat.allocation_id)
        first = seat.first_seen if seat.ended is None else record.first_seen
        yield seat, known or first or seat.first_seen


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _verdict(row: RosterRow, policy: Policy, frame: Frame, *, clear: bool) -> Verdict:
    word = "Release" if row.releases else "Keep"
    bare = msgspec.structs.replace(row, note="", exempt_reason="", exempt_owner="")
    shown = row if clear else bare
    return Verdict(
        row, f"{word}: {row.reason.words}", questions_of(shown, policy, frame.now, frame.zone)
    )
