"""Seats by department as of the newest reading of each site, and releases that stayed free."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from seatkeeper.core.changes import ChangeKind
from seatkeeper.core.cost import Freed, SeatGroups, month_begin
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.store.columns import Moment
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.lateness import gives_way
from seatkeeper.store.tables import GIVE_BACK, PLAN_ACTION
from seatkeeper.store.watch_tables import SEAT_EVENT, SEAT_GROUPS

SAVES_FOR = timedelta(days=365)
"""A release saves for a year: then the license would have been bought anew anyway."""

_BACK = (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)
_C = SEAT_GROUPS.c


class Costs:
    """What the store knows of costs; prices stand in the configuration."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def keep(self, seats: SeatGroups) -> None:
        """Keep the seats of a reading in place of an older one; a newer one stays (`gives_way`)."""
        row = {"site": seats.site, "at": seats.at, "body": msgspec.json.encode(seats)}
        with self._db.writing() as conn:
            old = sa.and_(_C.site == seats.site, gives_way(_C.at, seats.at))
            conn.execute(sa.delete(SEAT_GROUPS).where(old))
            if conn.execute(sa.select(_C.site).where(_C.site == seats.site)).first() is None:
                conn.execute(sa.insert(SEAT_GROUPS).values(row))

    @threaded
    def newest(self, site: str) -> SeatGroups | None:
        """Return the seats of a site as last read, None when they were never counted."""
        with self._db.reading() as conn:
            body = conn.execute(sa.select(_C.body).where(_C.site == site)).scalar()
        try:
            return None if body is None else msgspec.json.decode(body, type=SeatGroups)
        except msgspec.ValidationError:
            return None  # written by another version; the next reading replaces it

    @threaded
    def freed(self, site: str, now: datetime) -> list[Freed]:
        """Return the releases of the last year that took effect and did not come back.

        Those before this month stand together at its beginning.
        """
        begin = month_begin(now)
        by, back = PLAN_ACTION.c, GIVE_BACK.c
        came_back = sa.exists().where(
            SEAT_EVENT.c.plan_id == by.plan_id,
            SEAT_EVENT.c.allocation_id == by.allocation_id,
            SEAT_EVENT.c.kind == ChangeKind.CAME_BACK,
        )
        given_back = sa.exists().where(
            back.plan_id == by.plan_id,
            back.allocation_id == by.allocation_id,
            back.outcome.in_(_BACK),
        )
        at = sa.case((by.settled_at >= begin, by.settled_at), else_=sa.literal(begin, Moment))
        each = sa.select(by.license_type, at.label("at")).where(
            by.site == site,
            by.outcome.in_((Outcome.RELEASED, Outcome.QUARANTINED)),
            by.settled_at > now - SAVES_FOR,
            ~came_back,
            ~given_back,
        )
        free = each.subquery().c
        found = sa.select(free.license_type, free.at, sa.func.count()).group_by(
            free.license_type, free.at
        )
        with self._db.reading() as conn:
            return [Freed(LicenseType(kind), at, n) for kind, at, n in conn.execute(found)]
