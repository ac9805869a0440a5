"""Who used which license type on which day, who holds which seat, and what became of seats.

A reading is compared with the one before, and only differences are written: a site on which
nothing happened costs a few lines, however large it is. A person is a number everywhere but in
the table of holders.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.core.changes import (
    ChangeCounts,
    ChangeKind,
    Differences,
    Known,
    OurRelease,
    SeatState,
    Standing,
    Use,
    differences,
)
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, LicenseType, Snapshot
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.scrape import Counted
from seatkeeper.errors import StoreError
from seatkeeper.store.batches import write_many
from seatkeeper.store.columns import clean
from seatkeeper.store.counters import Count, count_up
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.lateness import LATE
from seatkeeper.store.past import month_of
from seatkeeper.store.recording import chunks
from seatkeeper.store.tables import GIVE_BACK, PLAN_ACTION
from seatkeeper.store.watch_tables import (
    ACTIVE_DAY,
    ACTIVITY_MONTH,
    CAPACITY_USE,
    HOLDER,
    IS_RETURN,
    LAST_USE,
    SEAT,
    SEAT_EVENT,
    WATCHED,
)

LOOK_BACK = timedelta(days=400)
"""A seat taken again so long after our release is no return any more."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What the store knew: values for the comparison, and the numbers behind them."""

    known: Known
    seen: datetime | None
    holders: dict[str, int]


class Activity:
    """The activity and the changes of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def observe(self, snapshot: Snapshot, now: datetime) -> ChangeCounts:
        """Compare a reading with the one before, write what differs, and count the changes.

        The first reading of a site is no news. One that is older than what was seen is left out,
        unless it seems so much older that the clock must have been ahead (LATE).
        """
        for _ in range(_TRIES):
            loaded = self._load(snapshot)
            if loaded.seen is not None and timedelta(0) <= loaded.seen - snapshot.taken_at <= LATE:
                return {}
            found = differences(loaded.known, snapshot, clean)
            with self._db.writing() as conn:
                if _move(conn, snapshot, loaded.seen):
                    _write(conn, snapshot, now, loaded, found)
                    return found.counts
        raise StoreError(f"several processes observe {snapshot.site} at once; this one gives way")

    @threaded
    def latest(self, sites: Sequence[str]) -> dict[str, datetime]:
        """Return when people were last active on any of these sites, by person key."""
        found = (
            sa.select(HOLDER.c.person_key, sa.func.max(LAST_USE.c.at).label("at"))
            .join(LAST_USE, LAST_USE.c.holder == HOLDER.c.id)
            .where(HOLDER.c.site.in_(sites), HOLDER.c.person_key.is_not(None))
            .where(LAST_USE.c.at.is_not(None))
            .group_by(HOLDER.c.person_key)
        )
        with self._db.reading() as conn:
            return {row.person_key: row.at for row in conn.execute(found)}

    def _load(self, snapshot: Snapshot) -> _Loaded:
        site = snapshot.site
        with self._db.snapshot() as conn:
            seen = conn.execute(
                sa.select(WATCHED.c.last_seen).where(WATCHED.c.site == site)
            ).scalar()
            holders: dict[str, int] = {}
            names: dict[int, str] = {}
            people = sa.select(HOLDER.c.id, HOLDER.c.person_key).where(HOLDER.c.site == site)
            for number, key in conn.execute(people):
                if key is not None:
                    holders[key] = number
                    names[number] = key
            known = Known(
                seats=_seats(conn, site, names),
                uses=_uses(conn, site, names),
                releases=_releases(conn, site, snapshot.taken_at - LOOK_BACK),
                is_first=seen is None,
            )
        return _Loaded(known, seen, holders)


def _seats(conn: sa.Connection, site: str, names: Mapping[int, str]) -> dict[str, SeatState]:
    columns = SEAT.c
    found = sa.select(
        columns.allocation_id,
        columns.license_type,
        columns.holder,
        columns.standing,
        columns.excess,
    ).where(columns.site == site)
    types = {t.value: t for t in LicenseType}
    standings = {s.value: s for s in Standing}
    return {
        seat_id: SeatState(seat_id, types[kind], names.get(holder, ""), standings[standing], excess)
        for seat_id, kind, holder, standing, excess in conn.execute(found)
    }


def _uses(
    conn: sa.Connection, site: str, names: Mapping[int, str]
) -> dict[MeasuredType, dict[str, datetime | None]]:
    columns = LAST_USE.c
    # As text: what this very module wrote needs no second look, and there may be many.
    at = sa.type_coerce(columns.at, sa.Text)
    found = sa.select(columns.holder, columns.license_type, at).where(columns.site == site)
    uses: dict[MeasuredType, dict[str, datetime | None]] = defaultdict(dict)
    for holder, license_type, text in conn.execute(found):
        if (person := names.get(holder)) is not None:
            uses[license_type][person] = None if text is None else datetime.fromisoformat(text)
    return uses


_MAYBE = sa.or_(PLAN_ACTION.c.outcome.is_(None), PLAN_ACTION.c.outcome == Outcome.UNKNOWN)
_SURE = (Outcome.RELEASED, Outcome.QUARANTINED)


def _releases(conn: sa.Connection, site: str, since: datetime) -> list[OurRelease]:
    """Return what we released since then, oldest first, and whether it came back already."""
    columns = PLAN_ACTION.c
    back = sa.exists().where(
        SEAT_EVENT.c.plan_id == columns.plan_id,
        SEAT_EVENT.c.allocation_id == columns.allocation_id,
        IS_RETURN,
    )
    given = sa.exists().where(
        GIVE_BACK.c.plan_id == columns.plan_id,
        GIVE_BACK.c.allocation_id == columns.allocation_id,
        GIVE_BACK.c.outcome == GrantOutcome.RESTORED,
    )
    told = (back.label("came_back"), given.label("given_back"))
    found = sa.select(PLAN_ACTION, *told).where(
        columns.site == site,
        columns.intended_at >= since,
        sa.or_(columns.outcome.in_(_SURE), _MAYBE),
    )
    return [
        OurRelease(
            plan_id=row.plan_id,
            allocation_id=row.allocation_id,
            license_type=LicenseType(row.license_type),
            person=row.person_key,
            at=row.intended_at,
            is_sure=row.outcome in _SURE,
            came_back=row.came_back,
            given_back=row.given_back,
        )
        for row in conn.execute(found.order_by(columns.intended_at))
    ]


def _move(conn: sa.Connection, snapshot: Snapshot, seen: datetime | None) -> bool:
    """Say that the site is known up to this reading; False when somebody was quicker."""
    at, site = snapshot.taken_at, snapshot.site
    if seen is None:
        insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        begin = insert(WATCHED).values(site=site, first_seen=at, last_seen=at)
        new = begin.on_conflict_do_nothing().returning(WATCHED.c.site)
        return conn.execute(new).first() is not None
    unmoved = sa.and_(WATCHED.c.site == site, WATCHED.c.last_seen == seen)
    return conn.execute(sa.update(WATCHED).where(unmoved).values(last_seen=at)).rowcount == 1


def _write(
    conn: sa.Connection, snapshot: Snapshot, now: datetime, loaded: _Loaded, found: Differences
) -> None:
    site, at = snapshot.site, snapshot.taken_at
    holders = loaded.holders
    new = sorted(found.labels.keys() - holders.keys())
    if new:
        people = (
            {"site": site, "person_key": p, "label": found.labels[p], "first_seen": at} for p in new
        )
        write_many(conn, sa.insert(HOLDER), people)
        holders.update(_numbers(conn, site, new))
    _write_seats(conn, site, at, holders, found, loaded.known.seats)
    _write_uses(conn, site, at, holders, found.uses)
    first = conn.execute(sa.select(WATCHED.c.first_seen).where(WATCHED.c.site == site)).scalar_one()
    _write_days(conn, site, first.astimezone(UTC).date(), holders, found.uses)
    _write_minutes(conn, holders, snapshot.witness.minutes)
    events = (
        {
            "site": site,
            "at": now,
            "kind": change.kind,
            "through": change.by,
            "license_type": change.license_type,
            "allocation_id": change.allocation_id,
            "holder": holders.get(change.person),
            "plan_id": change.plan_id,
        }
        for change in found.changes
    )
    write_many(conn, sa.insert(SEAT_EVENT), events)
    back = (c.license_type for c in found.changes if c.kind is ChangeKind.CAME_BACK)
    count_up(conn, Count.REGRETS, Counter(Counted(site, kind) for kind in back))


def _numbers(conn: sa.Connection, site: str, people: Sequence[str]) -> Iterator[tuple[str, int]]:
    columns = HOLDER.c
    for some in chunks(people):
        found = sa.select(columns.person_key, columns.id).where(
            columns.site == site, columns.person_key.in_(some)
        )
        yield from ((row.person_key, row.id) for row in conn.execute(found))


def _write_seats(
    conn: sa.Connection,
    site: str,
    at: datetime,
    holders: Mapping[str, int],
    found: Differences,
    before: Mapping[str, SeatState],
) -> None:
    columns = SEAT.c
    for some in chunks(found.gone):
        conn.execute(sa.delete(SEAT).where(columns.site == site, columns.allocation_id.in_(some)))

    def row(seat: Allocation) -> dict[str, Any]:
        state = found.states[seat.id]
        return {
            "holder": holders.get(state.person),
            "standing": state.standing,
            "excess": state.excess,
        }

    new = (
        {
            "site": site,
            "allocation_id": seat.id,
            "license_type": seat.license_type,
            "created": seat.created,
            "first_seen": at,
            **row(seat),
        }
        for seat in found.seats
        if seat.id not in before
    )
    write_many(conn, sa.insert(SEAT), new)
    this = sa.and_(
        columns.site == sa.bindparam("of_site"), columns.allocation_id == sa.bindparam("of_seat")
    )
    changed = (
        {"of_site": site, "of_seat": seat.id, **row(seat)}
        for seat in found.seats
        if seat.id in before
    )
    write_many(conn, sa.update(SEAT).where(this), changed)


_LATER = (
    sa.update(LAST_USE)
    .where(
        LAST_USE.c.holder == sa.bindparam("of_holder"),
        LAST_USE.c.license_type == sa.bindparam("of_type"),
    )
    .values(at=sa.bindparam("used"))
)


def _write_uses(
    conn: sa.Connection, site: str, at: datetime, holders: Mapping[str, int], uses: Sequence[Use]
) -> None:
    new = (
        {
            "holder": holders[use.person],
            "license_type": use.license_type,
            "site": site,
            "at": use.at,
            "first_seen": at,
        }
        for use in uses
        if use.is_new
    )
    write_many(conn, sa.insert(LAST_USE), new)
    later = (
        {"of_holder": holders[use.person], "of_type": use.license_type, "used": use.at}
        for use in uses
        if not use.is_new
    )
    write_many(conn, _LATER, later)


def _write_days(
    conn: sa.Connection, site: str, first: date, holders: Mapping[str, int], uses: Sequence[Use]
) -> None:
    """Set a bit for each new day, and count it; days before the site was watched are not counted.

    Of those only who was active last is known, so that a count would say too little.
    """
    days = [(use, use.day) for use in uses if use.day is not None]
    if not days:
        return
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    month = insert(ACTIVITY_MONTH)
    together = ACTIVITY_MONTH.c.days.op("|")(month.excluded.days)
    rows = (
        {
            "month": month_of(day),
            "license_type": use.license_type,
            "holder": holders[use.person],
            "days": 1 << (day.day - 1),
        }
        for use, day in days
    )
    keys = ["month", "license_type", "holder"]
    upsert = month.on_conflict_do_update(index_elements=keys, set_={"days": together})
    write_many(conn, upsert, rows)
    counts = Counter((use.license_type, day) for use, day in days if day >= first)
    active = insert(ACTIVE_DAY)
    more = ACTIVE_DAY.c.users + active.excluded.users
    sums = [
        {"site": site, "license_type": license_type, "day": day.isoformat(), "users": users}
        for (license_type, day), users in sorted(counts.items(), key=str)
    ]
    if sums:
        keys = ["site", "license_type", "day"]
        conn.execute(active.on_conflict_do_update(index_elements=keys, set_={"users": more}), sums)


def _write_minutes(
    conn: sa.Connection, holders: Mapping[str, int], minutes: Mapping[tuple[str, date], int]
) -> None:
    """Keep minutes of capacity that are more than were known: rows of old days go one by one."""
    told = {
        (holder, day.isoformat()): n
        for (person, day), n in minutes.items()
        if (holder := holders.get(clean(person))) is not None
    }
    if not told:
        return
    columns = CAPACITY_USE.c
    found = sa.select(columns.holder, columns.day, columns.minutes).where(
        columns.day >= min(day for _, day in told)
    )
    known = {(row.holder, row.day): row.minutes for row in conn.execute(found)}
    rows = [
        {"holder": holder, "day": day, "minutes": n}
        for (holder, day), n in told.items()
        if n > known.get((holder, day), 0)
    ]
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    new = insert(CAPACITY_USE)
    more = {"minutes": new.excluded.minutes}
    upsert = new.on_conflict_do_update(index_elements=["day", "holder"], set_=more)
    write_many(conn, upsert, rows)


def forget_holder(conn: sa.Connection, person: str) -> int:
    """Take the name of a person (`person_key`) from everything kept under their numbers."""
    theirs = sa.update(HOLDER).where(HOLDER.c.person_key == clean(person))
    return conn.execute(theirs.values(person_key=None, label=None)).rowcount
