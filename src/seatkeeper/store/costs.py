"""Seats by department as last read on each day of a site, and releases that stayed free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.core.cost import Amounts, SeatGroups
from seatkeeper.core.cost_month import Month, MonthKnown, PoolDay
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.savings import Freed, month_begin
from seatkeeper.store.columns import Moment, clean
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.lateness import LATE, gives_way
from seatkeeper.store.tables import GIVE_BACK, PLAN_ACTION
from seatkeeper.store.watch_tables import (
    CAPACITY_DAY,
    COST_AMOUNTS,
    FREED_DEPARTMENT,
    IS_RETURN,
    POOL_DAY,
    SEAT_EVENT,
    SEAT_GROUPS_DAY,
)

SAVES_FOR = timedelta(days=365)
"""A release saves for a year: then the license would have been bought anew anyway."""

_WITH_SEATS = {kind.value for kind in LicenseType}
_BACK = (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)
_OF_POOL = ("day", "license_type", "name", "last")
_AMOUNTS = dict[str, dict[str, Decimal]]
_C = SEAT_GROUPS_DAY.c


class Costs:
    """What the store knows of costs; prices stand in the configuration."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def keep(self, seats: SeatGroups) -> None:
        """Keep the seats of a reading in place of an older one of the day; a newer one stays."""
        day = seats.at.astimezone(UTC).date().isoformat()
        row = {"site": seats.site, "day": day, "at": seats.at, "body": msgspec.json.encode(seats)}
        with self._db.writing() as conn:
            insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
            new = insert(SEAT_GROUPS_DAY).values(row)
            changes = {"at": new.excluded.at, "body": new.excluded.body}
            is_newer = new.excluded.at >= _C.at
            conn.execute(
                new.on_conflict_do_update(
                    index_elements=["site", "day"], set_=changes, where=is_newer
                )
            )

    @threaded
    def keep_amounts(self, site: str, at: datetime, amounts: Amounts) -> None:
        """Keep what a reading cost in place of an older one; a newer one stays (`gives_way`)."""
        # Amounts are written as text, so that no cent is lost on the way.
        row = {"site": site, "at": at, "body": msgspec.json.encode(amounts)}
        kept = COST_AMOUNTS.c
        with self._db.writing() as conn:
            old = sa.and_(kept.site == site, gives_way(kept.at, at))
            conn.execute(sa.delete(COST_AMOUNTS).where(old))
            insert_missing(conn, COST_AMOUNTS, [row])

    @threaded
    def amounts(self) -> dict[str, Amounts]:
        """Return what the newest reading of each site cost, by site."""
        with self._db.reading() as conn:
            rows = conn.execute(sa.select(COST_AMOUNTS).order_by(COST_AMOUNTS.c.site)).all()
        return {row.site: msgspec.json.decode(row.body, type=_AMOUNTS) for row in rows}

    @threaded
    def newest(self, site: str, now: datetime) -> SeatGroups | None:
        """Return the seats of a site as last read, None when they were never counted.

        What a clock that was ahead left in the days to come is passed over.
        """
        with self._db.reading() as conn:
            found = sa.select(_C.body).where(_C.site == site, _C.at <= now + LATE)
            found = found.order_by(_C.day.desc()).limit(1)
            body = conn.execute(found).scalar()
        return None if body is None else _groups(body)

    @threaded
    def known_since(self, site: str) -> date | None:
        """Return the first day of which something is known, None without any history."""
        days = [
            sa.select(sa.func.min(table.c.day)).where(table.c.site == site)
            for table in (SEAT_GROUPS_DAY, POOL_DAY)
        ]
        with self._db.reading() as conn:
            found = [day for one in days if (day := conn.execute(one).scalar()) is not None]
        return date.fromisoformat(min(found)) if found else None

    @threaded
    def month(self, site: str, month: Month) -> MonthKnown:
        """Return what is known of a month of a site."""
        with self._db.reading() as conn:
            bodies = conn.execute(_within(SEAT_GROUPS_DAY, site, month, "body")).scalars().all()
            minutes = conn.execute(_within(CAPACITY_DAY, site, month, "minutes")).scalars().all()
            days = conn.execute(_within(POOL_DAY, site, month, *_OF_POOL)).all()
        had_minutes = any(day.license_type is MeasuredType.ANALYZER_CAPACITY for day in days)
        return MonthKnown(
            groups=[groups for body in bodies if (groups := _groups(body)) is not None],
            pools=_of_seats(days),
            minutes=Fraction(sum(minutes)) if had_minutes or minutes else None,
        )

    @threaded
    def pools(self, site: str, month: Month) -> list[PoolDay]:
        """Return the pools of seats as they were on each day of a month."""
        with self._db.reading() as conn:
            return _of_seats(conn.execute(_within(POOL_DAY, site, month, *_OF_POOL)).all())

    @threaded
    def freed(self, site: str, now: datetime, since: datetime | None = None) -> list[Freed]:
        """Return the releases of a year until `now` that took effect and did not come back.

        Those before the month of `now` (or before `since`, the beginning of a month that `now`
        ends) stand together at its beginning.
        """
        begin = since or month_begin(now)
        by, back = PLAN_ACTION.c, GIVE_BACK.c
        came_back = sa.exists().where(
            SEAT_EVENT.c.plan_id == by.plan_id,
            SEAT_EVENT.c.allocation_id == by.allocation_id,
            IS_RETURN,
        )
        given_back = sa.exists().where(
            back.plan_id == by.plan_id,
            back.allocation_id == by.allocation_id,
            back.outcome.in_(_BACK),
        )
        at = sa.case((by.settled_at >= begin, by.settled_at), else_=sa.literal(begin, Moment))
        columns = (by.license_type, at.label("at"), FREED_DEPARTMENT.c.department)
        each = sa.select(*columns).select_from(_with_department())
        each = each.where(*_took_effect(site, now), ~came_back, ~given_back)
        free = each.subquery().c
        groups = (free.license_type, free.at, free.department)
        found = sa.select(*groups, sa.func.count()).group_by(*groups).order_by(*groups)
        with self._db.reading() as conn:
            return [
                Freed(LicenseType(kind), at, seats, department)
                for kind, at, department, seats in conn.execute(found)
            ]

    @threaded
    def unattributed(self, site: str, attribute: str, now: datetime) -> dict[tuple[str, str], str]:
        """Return releases of the last year of which the department is not known by an attribute.

        The key is plan and allocation, the value the QRS id of the user who had the seat.
        """
        by, known = PLAN_ACTION.c, FREED_DEPARTMENT.c
        found = sa.select(by.plan_id, by.allocation_id, by.user_id).select_from(_with_department())
        is_open = sa.or_(known.attribute.is_(None), known.attribute != attribute)
        with self._db.reading() as conn:
            rows = conn.execute(found.where(*_took_effect(site, now), is_open)).all()
        return {(row.plan_id, row.allocation_id): row.user_id for row in rows}

    @threaded
    def attribute(self, attribute: str, departments: Mapping[tuple[str, str], str]) -> None:
        """Keep the departments of releases, by plan and allocation, as an attribute names them."""
        rows = [
            {
                "plan_id": plan_id,
                "allocation_id": allocation_id,
                "attribute": attribute,
                "department": clean(department),
            }
            for (plan_id, allocation_id), department in departments.items()
        ]
        with self._db.writing() as conn:
            insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
            new = insert(FREED_DEPARTMENT)
            changes = {
                "attribute": new.excluded.attribute,
                "department": new.excluded.department,
            }
            key = ["plan_id", "allocation_id"]
            conn.execute(new.on_conflict_do_update(index_elements=key, set_=changes), rows)


def _within(table: sa.Table, site: str, month: Month, *columns: str) -> sa.Select[Any]:
    """Find what a table of days says of a month of a site, in the order of days."""
    c = table.c
    found = sa.select(*(c[name] for name in columns)).order_by(c.day)
    first, after = month.first.isoformat(), month.after.isoformat()
    return found.where(c.site == site, c.day >= first, c.day < after)


def _of_seats(days: Sequence[sa.Row[Any]]) -> list[PoolDay]:
    return [
        PoolDay(date.fromisoformat(day.day), day.license_type, day.name, round(day.last))
        for day in days
        if day.license_type.value in _WITH_SEATS and day.name in ("allocated", "available")
    ]


def _with_department() -> sa.Join:
    by, known = PLAN_ACTION.c, FREED_DEPARTMENT.c
    same = sa.and_(known.plan_id == by.plan_id, known.allocation_id == by.allocation_id)
    return PLAN_ACTION.outerjoin(FREED_DEPARTMENT, same)


def _took_effect(site: str, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Find the releases of a year until `now` that took effect."""
    by = PLAN_ACTION.c
    return (
        by.site == site,
        by.outcome.in_((Outcome.RELEASED, Outcome.QUARANTINED)),
        by.settled_at > now - SAVES_FOR,
        by.settled_at <= now,
    )


def _groups(body: bytes) -> SeatGroups | None:
    """Read what was kept; None when another version wrote it."""
    try:
        return msgspec.json.decode(body, type=SeatGroups)
    except msgspec.ValidationError:
        return None
