"""The roster of each site: kept by every reading, read in pages and person by person."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
import sqlalchemy as sa

from seatkeeper.core.changes import TYPE_OF_SEAT
from seatkeeper.core.cost import MOST_DEPARTMENTS
from seatkeeper.core.idle_bands import IdleBands
from seatkeeper.core.roster import (
    ActiveYear,
    RosterLine,
    RosterPage,
    RosterQuery,
    RosterRow,
    View,
)
from seatkeeper.core.rules import Reason
from seatkeeper.core.story import PersonRecord
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.person import Asked, person_record
from seatkeeper.store.plan_rows import WAITING, unpack
from seatkeeper.store.remembered import Remembered
from seatkeeper.store.roster_charts import active_years, count_bands
from seatkeeper.store.roster_pages import (
    FEW,
    Counted,
    Narrowed,
    OnSite,
    Wanted,
    count,
    count_planned,
    cursors,
    find_places,
    rows_at,
    whole_hour,
)
from seatkeeper.store.roster_rows import keep
from seatkeeper.store.tables import PLAN
from seatkeeper.store.watch_tables import ROSTER, ROSTER_READING

_C, _R = ROSTER.c, ROSTER_READING.c

_COUNTS, _SITES, _PLANS = 512, 16, 32
"""What is remembered: counts (a few hundred bytes, or 200 numbers, each) and departments until a
reading moves the rows, and the seats of plans.
"""


class Roster:
    """The rosters of one store; up to `few` seats are looked up and sorted, more are walked."""

    def __init__(self, db: Database, *, few: int = FEW) -> None:
        self._db = db
        self._few = few
        self._counts = Remembered[tuple[str, int, Narrowed], Counted](_COUNTS)
        self._departments = Remembered[tuple[str, int], dict[str, int]](_SITES)
        self._bands = Remembered[
            tuple[str, int, Narrowed, datetime], tuple[tuple[int, int, int], ...]
        ](_COUNTS)
        self._plans = Remembered[str, Mapping[str, datetime | None]](_PLANS)

    @threaded
    def keep(self, site: str, at: datetime, lines: Iterable[RosterLine]) -> int:
        """Keep the lines of the reading of that moment, and return how many rows it took.

        Seats that are not among them are gone. A reading older than the newest is left out.
        """
        return keep(self._db, site, at, lines)

    @threaded
    def page(self, query: RosterQuery, now: datetime) -> RosterPage:
        """Return a page of seats; raises UsageError for a cursor that is none."""
        with self._db.snapshot() as conn:
            readings = _readings(conn, query.sites)
            wanted = Wanted.of(conn, query, now, self._few)
            waiting = {site: self._waiting(conn, site, now) for site in readings}
            counts = dict.fromkeys(View, 0)
            sites = []
            for site, (_, version) in readings.items():
                planned = waiting[site][1]
                counted = self._counted(conn, site, version, wanted.by)
                here = {view: counted.seats(view) for view in View}
                here[View.PLANNED] = count_planned(conn, site, wanted.by, planned)
                sites.append(OnSite(site, here[query.view], planned, counted.ids))
                counts = {view: counts[view] + here[view] for view in View}
            places, more = find_places(conn, wanted, sites)
            rows = [_row(row, waiting) for row in rows_at(conn, places)]
        skipped, after, before = cursors(wanted, places, more=more)
        return RosterPage(
            rows=tuple(rows),
            total=counts[query.view],
            counts=counts,
            first=skipped + 1,
            next=after,
            previous=before,
            read_at={site: at for site, (at, _) in readings.items()},
        )

    @threaded
    def departments(self, sites: Sequence[str] = ()) -> dict[str, int]:
        """Return the departments of those who hold seats, with their seats, by name.

        Of very many the largest are named.
        """
        sums: dict[str, tuple[str, int]] = {}
        with self._db.reading() as conn:
            for site, (_, version) in _readings(conn, sites).items():
                for name, number in self._departments_of(conn, site, version).items():
                    key = name.casefold()
                    known = sums.get(key, (name, 0))
                    sums[key] = (min(known[0], name), known[1] + number)
        largest = sorted(sums.values(), key=lambda d: (-d[1], d[0]))[:MOST_DEPARTMENTS]
        return dict(sorted(largest, key=lambda d: (d[0].startswith("("), d[0].casefold())))

    @threaded
    def bands(self, query: RosterQuery, now: datetime) -> IdleBands:
        """Return the seats that a query means by idle time; its own idle time and view aside."""
        by = replace(Narrowed.by(query, now), idle_until=None, idle_from=None)
        counted: list[tuple[int, int, int]] = []
        with self._db.reading() as conn:
            for site, (_, version) in _readings(conn, query.sites).items():
                key = (site, version, by, whole_hour(now))
                known = self._bands.get(key)
                if known is None:
                    known = self._bands.put(key, count_bands(conn, site, by, now))
                counted += known
        return IdleBands.of(counted)

    @threaded
    def active_years(
        self, rows: Iterable[RosterRow], now: datetime
    ) -> dict[tuple[str, str], ActiveYear]:
        """Return the active days of the holders of these rows, by site and user."""
        people = {(row.site, row.user) for row in rows}
        with self._db.reading() as conn:
            return active_years(conn, people, now)

    @threaded
    def holders(self, site: str, seats: Collection[str]) -> dict[str, RosterLine]:
        """Return what the newest reading of a site says of these seats, by their id."""
        found = sa.select(ROSTER).where(_C.site == site, _C.allocation_id.in_(list(seats)))
        with self._db.reading() as conn:
            return {row.allocation_id: _row(row, {}) for row in conn.execute(found)}

    @threaded
    def person(self, site: str, user: str, now: datetime) -> PersonRecord | None:
        r"""Return all that is kept of `DIR\id` (any case) on a site; None of whom nothing is."""
        with self._db.snapshot() as conn:
            waiting = {site: self._waiting(conn, site, now)}
            asked = Asked(site, user, now, lambda row: _row(row, waiting), self._seats_of)
            return person_record(conn, asked)

    def _counted(self, conn: sa.Connection, site: str, version: int, by: Narrowed) -> Counted:
        key = (site, version, by)
        return self._counts.get(key) or self._counts.put(key, count(conn, site, by))

    def _departments_of(self, conn: sa.Connection, site: str, version: int) -> Mapping[str, int]:
        known = self._departments.get((site, version))
        if known is not None:
            return known
        number = sa.func.count().label("number")
        key, one = _C.department_key.label("key"), ROSTER.alias("one")
        largest = sa.select(key, number).where(_C.site == site).group_by(key)
        largest = largest.order_by(number.desc(), key).limit(MOST_DEPARTMENTS)
        of = largest.subquery("of")
        # How its first user spells it: looked up for the few there are, not for each seat.
        spelt = sa.select(one.c.department).where(
            one.c.site == site, one.c.department_key == of.c.key
        )
        spelt = spelt.order_by(one.c.user_key, one.c.id).limit(1)
        found = sa.select(spelt.scalar_subquery().label("name"), of.c.number)
        counts = {row.name: row.number for row in conn.execute(found)}
        return self._departments.put((site, version), counts)

    def _waiting(
        self, conn: sa.Connection, site: str, now: datetime
    ) -> tuple[str, Collection[str]]:
        """Return the newest plan of a site that waits, and its seats; an empty name for none."""
        found = sa.select(PLAN.c.plan_id).where(
            PLAN.c.site == site, PLAN.c.status.in_(WAITING), PLAN.c.expires_at > now
        )
        plan_id = conn.execute(found.order_by(PLAN.c.created_at.desc()).limit(1)).scalar()
        return ("", ()) if plan_id is None else (plan_id, self._seats_of(conn, plan_id))

    def _seats_of(self, conn: sa.Connection, plan_id: str) -> Mapping[str, datetime | None]:
        """Return the seats of a plan, which never change, and when each was granted."""
        seats = self._plans.get(plan_id)
        if seats is None:
            body = conn.execute(
                sa.select(PLAN.c.body).where(PLAN.c.plan_id == plan_id)
            ).scalar_one()
            seats = self._plans.put(plan_id, _seats_in(body))
        return seats


class _Action(msgspec.Struct):
    allocation_id: str
    created: datetime | None = None


class _Actions(msgspec.Struct):
    """The only part of a plan that is needed; reading only it is quick."""

    actions: list[_Action]


def _seats_in(body: bytes) -> Mapping[str, datetime | None]:
    """Return the seats of a plan; none of one that cannot be read, which `plan` tells."""
    try:
        actions = msgspec.json.decode(unpack(body), type=_Actions).actions
    except (zlib.error, msgspec.DecodeError):
        return {}
    return {action.allocation_id: action.created for action in actions}


def _readings(conn: sa.Connection, sites: Sequence[str]) -> dict[str, tuple[datetime, int]]:
    """Return when each site was read, and which version its rows are; of all without `sites`."""
    found = sa.select(ROSTER_READING).order_by(_R.site)
    if sites:
        found = found.where(_R.site.in_(sites))
    return {row.site: (row.at, row.version) for row in conn.execute(found)}


_TYPES = {measured: license_type for license_type, measured in TYPE_OF_SEAT.items()}


def _row(row: AnyRow, waiting: Mapping[str, tuple[str, Collection[str]]]) -> RosterRow:
    plan_id, seats = waiting.get(row.site, ("", ()))
    return RosterRow(
        site=row.site,
        allocation_id=row.allocation_id,
        license_type=_TYPES[row.license_type],
        user=row.label,
        name=row.name,
        department=row.department,
        flags=row.flags,
        created=row.created,
        last_used=row.last_used,
        idle_since=row.idle_since,
        reason=Reason(row.reason),
        since=row.since,
        note=row.note,
        exempt_owner=row.exempt_owner,
        exempt_reason=row.exempt_reason,
        exempt_until=row.exempt_until,
        plan_id=plan_id if row.allocation_id in seats else "",
    )
