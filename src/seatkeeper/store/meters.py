"""The numbers of the pools: every reading for a while, one line a day for years.

A day keeps the last, the least and the largest value, so that thinning loses no peak. The
professional and analyzer pools of single readings stand in `pool_sample`, everything else in
`meter_sample`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.meters import Meter, MonthReading, meters, minutes_between, most_since
from seatkeeper.core.model import Snapshot
from seatkeeper.core.summarise import summarise_license
from seatkeeper.store.lateness import LATE
from seatkeeper.store.watch_tables import CAPACITY_DAY, LICENSE_CHANGE, METER_SAMPLE, POOL_DAY

_POOLS = (MeasuredType.PROFESSIONAL, MeasuredType.ANALYZER)
_KEY = ["site", "day", "license_type", "name"]


def remember_meters(conn: sa.Connection, snapshot: Snapshot) -> None:
    """Keep the numbers of a reading; the same reading again changes nothing."""
    found = meters(snapshot.overview)
    _remember_minutes(conn, snapshot, found)
    _remember_samples(conn, snapshot, [m for m in found if m.license_type not in _POOLS])
    _remember_day(conn, snapshot, found)
    _remember_license(conn, snapshot)


def _remember_samples(conn: sa.Connection, snapshot: Snapshot, found: list[Meter]) -> None:
    at, site = snapshot.taken_at, snapshot.site
    columns = METER_SAMPLE.c
    conn.execute(sa.delete(METER_SAMPLE).where(columns.site == site, columns.at == at))
    rows = [
        {"site": site, "at": at, "license_type": m.license_type, "name": m.name, "value": m.value}
        for m in found
    ]
    if rows:
        conn.execute(sa.insert(METER_SAMPLE), rows)


def _remember_day(conn: sa.Connection, snapshot: Snapshot, found: list[Meter]) -> None:
    """Move the last value of the day, and its bounds."""
    if not found:
        return
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    new, old = insert(POOL_DAY), POOL_DAY.c
    bounds = {
        "last": new.excluded.last,
        "least": sa.case((new.excluded.least < old.least, new.excluded.least), else_=old.least),
        "most": sa.case((new.excluded.most > old.most, new.excluded.most), else_=old.most),
    }
    day = snapshot.taken_at.astimezone(UTC).date().isoformat()
    rows = [
        {
            "site": snapshot.site,
            "day": day,
            "license_type": meter.license_type,
            "name": meter.name,
            "last": meter.value,
            "least": meter.value,
            "most": meter.value,
        }
        for meter in found
    ]
    conn.execute(new.on_conflict_do_update(index_elements=_KEY, set_=bounds), rows)


def _remember_minutes(conn: sa.Connection, snapshot: Snapshot, found: list[Meter]) -> None:
    """Add the minutes of analyzer capacity used since the reading before to their day."""
    capacity = [m for m in found if m.license_type is MeasuredType.ANALYZER_CAPACITY]
    used = next((m.value for m in capacity if m.name == "used"), None)
    before = _month_before(conn, snapshot.site, snapshot.taken_at)
    if used is None or before is None:
        return
    most = _most_of_month(conn, snapshot)
    day, minutes = minutes_between(before, MonthReading(snapshot.taken_at, used), most)
    if minutes <= 0:
        return
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = insert(CAPACITY_DAY).values(site=snapshot.site, day=day.isoformat(), minutes=minutes)
    more = CAPACITY_DAY.c.minutes + row.excluded.minutes
    conn.execute(row.on_conflict_do_update(index_elements=["site", "day"], set_={"minutes": more}))


def _most_of_month(conn: sa.Connection, snapshot: Snapshot) -> float:
    """Return the most minutes that a reading of this month showed so far, 0 without one."""
    columns, at = POOL_DAY.c, snapshot.taken_at
    first, today = most_since(at), at.astimezone(UTC).date()
    most = sa.select(sa.func.max(columns.most)).where(
        columns.site == snapshot.site,
        columns.day.between(first.isoformat(), today.isoformat()),
        columns.license_type == MeasuredType.ANALYZER_CAPACITY,
        columns.name == "used",
    )
    return float(conn.execute(most).scalar() or 0)


def _month_before(conn: sa.Connection, site: str, at: datetime) -> MonthReading | None:
    """Return the newest reading of used minutes; None too when it is not older than `at`.

    Readings of a clock that was ahead (LATE) are passed over, here and for the license.
    """
    columns = METER_SAMPLE.c
    newest = sa.select(columns.at, columns.value).where(
        columns.site == site,
        columns.license_type == MeasuredType.ANALYZER_CAPACITY,
        columns.name == "used",
        columns.at <= at + LATE,
    )
    row = conn.execute(newest.order_by(columns.at.desc()).limit(1)).first()
    return None if row is None or row.at >= at else MonthReading(row.at, row.value)


def _remember_license(conn: sa.Connection, snapshot: Snapshot) -> None:
    """Keep what is known of the license of the server when it is not what was known before."""
    summary = summarise_license(snapshot.server_license, snapshot.taken_at)
    body = msgspec.json.encode(msgspec.structs.replace(summary, days_left=None)).decode()
    columns = LICENSE_CHANGE.c
    newest = sa.select(columns.at, columns.body).where(
        columns.site == snapshot.site, columns.at <= snapshot.taken_at + LATE
    )
    row = conn.execute(newest.order_by(columns.at.desc()).limit(1)).first()
    if row is None or (row.body != body and row.at < snapshot.taken_at):
        new = {"site": snapshot.site, "at": snapshot.taken_at, "body": body}
        conn.execute(sa.insert(LICENSE_CHANGE).values(new))
