r"""All that is kept of one person on one site, gathered for `core/story`.

Only what is found by an index is asked for; of plans the newest few, whose seats are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from seatkeeper.core.changes import By, ChangeKind, Standing
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType, person_key
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.record import Kind
from seatkeeper.core.roster import RosterRow, sort_key
from seatkeeper.core.story import (
    KnownSeat,
    PersonRecord,
    PlannedSeat,
    SeatEvent,
    SeatRelease,
    SeatReturn,
)
from seatkeeper.store.columns import AnyRow, clean
from seatkeeper.store.past import active_days_of
from seatkeeper.store.plan_rows import status_at
from seatkeeper.store.tables import GIVE_BACK, LEDGER, PERSON, PLAN, PLAN_ACTION
from seatkeeper.store.watch_tables import HOLDER, LAST_USE, ROSTER, SEAT, SEAT_EVENT, WATCHED

PLANS = 20
"""So many of the newest plans of a site are looked through for a person's seats."""

EVENTS = 500
"""The newest of each kind that are told; nobody has more but a test user of a script."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose record is asked for, when, and how rows and plans are read."""

    site: str
    user: str
    now: datetime
    row: Callable[[AnyRow], RosterRow]
    seats_of_plan: Callable[[sa.Connection, str], Mapping[str, datetime | None]]

    @property
    def key(self) -> str:
        """The person's key, as it is kept."""
        return person_key(clean(self.user.strip()))


def person_record(conn: sa.Connection, asked: Asked) -> PersonRecord | None:
    """Gather the record of a person; None when nothing is kept under the name."""
    columns = HOLDER.c
    found = sa.select(HOLDER).where(columns.site == asked.site, columns.person_key == asked.key)
    holder = conn.execute(found).first()
    rows = tuple(_rows(conn, asked))
    releases = tuple(_releases(conn, asked))
    returns = tuple(_returns(conn, asked))
    if holder is None and not rows and not releases and not returns:
        return None
    number = -1 if holder is None else holder.id
    events = tuple(_events(conn, number))
    seats = tuple(_seats(conn, number, events))
    ids = {s.allocation_id for s in seats}
    ids |= {r.allocation_id for r in rows} | {r.allocation_id for r in releases}
    named = [*(row.user for row in rows), holder.label if holder else "", asked.user.strip()]
    return PersonRecord(
        site=asked.site,
        user=next(name for name in named if name),
        first_seen=None if holder is None else holder.first_seen,
        rows=rows,
        seats=seats,
        uses=_uses(conn, number),
        events=events,
        planned=tuple(_planned(conn, asked, ids)),
        releases=releases,
        returns=returns,
        active_days=_active_days(conn, number, asked.now),
        ledger_records=_ledger_records(conn, asked),
        other_sites=_other_sites(conn, asked),
    )


def _rows(conn: sa.Connection, asked: Asked) -> Iterator[RosterRow]:
    columns = ROSTER.c
    found = sa.select(ROSTER).where(
        columns.site == asked.site, columns.user_key == sort_key(asked.key)
    )
    for row in conn.execute(found.order_by(columns.license_type, columns.id)):
        if person_key(row.label) == asked.key:
            yield asked.row(row)


def _uses(conn: sa.Connection, holder: int) -> dict[MeasuredType, datetime | None]:
    found = sa.select(LAST_USE.c.license_type, LAST_USE.c.at).where(LAST_USE.c.holder == holder)
    return {row.license_type: row.at for row in conn.execute(found)}


def _events(conn: sa.Connection, holder: int) -> Iterator[SeatEvent]:
    columns = SEAT_EVENT.c
    found = sa.select(SEAT_EVENT).where(columns.holder == holder)
    for row in conn.execute(found.order_by(columns.at.desc(), columns.id.desc()).limit(EVENTS)):
        yield SeatEvent(
            at=row.at,
            kind=ChangeKind(row.kind),
            by=By(row.through),
            license_type=LicenseType(row.license_type),
            allocation_id=row.allocation_id,
            plan_id=row.plan_id,
        )


def _seats(conn: sa.Connection, holder: int, events: Sequence[SeatEvent]) -> list[KnownSeat]:
    """Return the seats held now, and those that only events still tell of."""
    found = sa.select(SEAT).where(SEAT.c.holder == holder)
    held = {
        row.allocation_id: KnownSeat(
            allocation_id=row.allocation_id,
            license_type=LicenseType(row.license_type),
            first_seen=row.first_seen,
            created=row.created,
            standing=Standing(row.standing),
            excess=row.excess,
        )
        for row in conn.execute(found)
    }
    former: dict[str, KnownSeat] = {}
    for event in reversed(events):  # oldest first
        if event.allocation_id in held or event.kind is ChangeKind.CAME_BACK:
            continue
        known = former.get(event.allocation_id)
        former[event.allocation_id] = KnownSeat(
            allocation_id=event.allocation_id,
            license_type=event.license_type,
            first_seen=event.at if known is None else known.first_seen,
            ended=event.at,
        )
    ended = sorted(former.values(), key=lambda s: (s.first_seen, s.allocation_id), reverse=True)
    now = sorted(held.values(), key=lambda s: (s.first_seen, s.allocation_id), reverse=True)
    return [*now, *ended]


def _releases(conn: sa.Connection, asked: Asked) -> Iterator[SeatRelease]:
    columns = PLAN_ACTION.c
    found = (
        sa.select(PLAN_ACTION, PLAN.c.approved_by, PLAN.c.approve_reason)
        .join(PLAN, PLAN.c.plan_id == columns.plan_id)
        .where(columns.person_key == asked.key, columns.site == asked.site)
    )
    at = sa.func.coalesce(columns.settled_at, columns.intended_at)
    granted: dict[str, Mapping[str, datetime | None]] = {}
    for row in conn.execute(found.order_by(at.desc(), columns.allocation_id).limit(EVENTS)).all():
        if row.plan_id not in granted and len(granted) < PLANS:
            granted[row.plan_id] = asked.seats_of_plan(conn, row.plan_id)
        yield SeatRelease(
            at=row.settled_at or row.intended_at,
            plan_id=row.plan_id,
            allocation_id=row.allocation_id,
            license_type=LicenseType(row.license_type),
            reason=row.reason,
            outcome=None if row.outcome is None else Outcome(row.outcome),
            detail=row.detail,
            approved_by=row.approved_by or "",
            approve_reason=row.approve_reason,
            created=granted.get(row.plan_id, {}).get(row.allocation_id),
        )


def _returns(conn: sa.Connection, asked: Asked) -> Iterator[SeatReturn]:
    columns, ledger = GIVE_BACK.c, LEDGER.c
    who = (
        sa.select(sa.func.max(ledger.actor))
        .join(PERSON, PERSON.c.ref == ledger.person_ref)
        .where(
            PERSON.c.person_key == asked.key,
            ledger.plan_id == columns.plan_id,
            ledger.run_id == columns.run_id,
            ledger.kind.in_((Kind.GRANT_INTENT, Kind.GRANT_OUTCOME)),
        )
        .scalar_subquery()
    )
    found = sa.select(GIVE_BACK, who.label("by")).where(
        columns.person_key == asked.key, columns.site == asked.site
    )
    for row in conn.execute(found.order_by(columns.intended_at.desc()).limit(EVENTS)):
        yield SeatReturn(
            at=row.settled_at or row.intended_at,
            plan_id=row.plan_id,
            allocation_id=row.allocation_id,
            license_type=LicenseType(row.license_type),
            why=row.why,
            by=row.by or "",
            outcome=None if row.outcome is None else GrantOutcome(row.outcome),
            detail=row.detail,
            new_allocation_id=row.new_allocation_id or "",
        )


def _planned(conn: sa.Connection, asked: Asked, ids: set[str]) -> Iterator[PlannedSeat]:
    columns = PLAN.c
    found = sa.select(*(c for c in columns if c.name != "body")).where(columns.site == asked.site)
    for row in conn.execute(found.order_by(columns.created_at.desc()).limit(PLANS)).all():
        for allocation_id in sorted(ids.intersection(asked.seats_of_plan(conn, row.plan_id))):
            yield PlannedSeat(
                at=row.created_at,
                plan_id=row.plan_id,
                allocation_id=allocation_id,
                status=status_at(row, asked.now),
                approved_by=row.approved_by or "",
                ended_at=row.ended_at,
                note=row.note,
            )


def _active_days(
    conn: sa.Connection, holder: int, now: datetime
) -> dict[MeasuredType, tuple[date, ...]]:
    """Return the days of the last 12 months, and of the month in which they began."""
    today = now.astimezone(UTC).date()
    days = active_days_of(conn, holder, today.replace(year=today.year - 1, day=1))
    return {license_type: tuple(of_type) for license_type, of_type in days.items()}


def _ledger_records(conn: sa.Connection, asked: Asked) -> int:
    found = (
        sa.select(sa.func.count())
        .select_from(LEDGER.join(PERSON, PERSON.c.ref == LEDGER.c.person_ref))
        .where(PERSON.c.person_key == asked.key, LEDGER.c.site == asked.site)
    )
    return int(conn.execute(found).scalar_one())


def _other_sites(conn: sa.Connection, asked: Asked) -> tuple[str, ...]:
    columns = HOLDER.c
    found = sa.select(columns.site).where(
        columns.site.in_(sa.select(WATCHED.c.site)),
        columns.site != asked.site,
        columns.person_key == asked.key,
    )
    return tuple(conn.execute(found.order_by(columns.site)).scalars())
