"""What pages of users draw: seats by idle time, and the active days of the people on a page.

Both are looked up in an index or by key, however many seats a site has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.changes import TYPE_OF_SEAT
from seatkeeper.core.idle_bands import EDGES
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import person_key
from seatkeeper.core.roster import ActiveYear, Flag
from seatkeeper.store.columns import NUMBER, UNKNOWN, microseconds
from seatkeeper.store.past import month_of
from seatkeeper.store.roster_pages import Narrowed, conditions, in_index, whole_hour
from seatkeeper.store.watch_tables import ACTIVITY_MONTH, HOLDER, ROSTER

_TYPES = (*TYPE_OF_SEAT.values(), MeasuredType.ANALYZER_CAPACITY)
"""What whoever holds a seat can use; each type more is one look more for each month and person."""

MONTHS = 12
"""Months that are told of each person, the present one the last."""


def count_bands(
    conn: sa.Connection, site: str, by: Narrowed, now: datetime
) -> tuple[tuple[int, int, int], ...]:
    """Count the seats of each band: its number (-1: cannot tell), seats, never used ones.

    Whatever narrows the list holds, but for idle time itself.
    """
    at, hour = sa.type_coerce(ROSTER.c.idle_since, NUMBER), whole_hour(now)
    edges = [microseconds(hour - timedelta(days=days)) for days in EDGES]
    band = sa.case(
        (at == UNKNOWN, -1), *((at > edge, n) for n, edge in enumerate(edges)), else_=len(edges)
    ).label("band")
    never: sa.ColumnElement[Any] = ROSTER.c.flags.bitwise_and(int(Flag.NEVER_USED)) != 0
    meant = conditions(site, replace(by, idle_until=None, idle_from=None), conn.dialect.name)
    found = sa.select(
        band, sa.func.count().label("seats"), sa.func.sum(sa.case((never, 1), else_=0)).label("no")
    ).where(*meant)
    rows = conn.execute(in_index(found).group_by("band")).all()
    return tuple((row.band, row.seats, row.no) for row in rows)


def active_years(
    conn: sa.Connection, people: Iterable[tuple[str, str]], now: datetime
) -> dict[tuple[str, str], ActiveYear]:
    r"""Return the active days of the last months of people, each a site and a `DIR\id`."""
    asked = {(site, person_key(label)): (site, label) for site, label in people if label}
    known = {}
    for site in {site for site, _ in asked}:
        keys = [key for of, key in asked if of == site]
        columns = HOLDER.c
        found = sa.select(columns.id, columns.person_key, columns.first_seen)
        for row in conn.execute(found.where(columns.site == site, columns.person_key.in_(keys))):
            known[row.id] = asked[site, row.person_key], row.first_seen
    last = month_of(now.astimezone(UTC).date())
    months = range(last - MONTHS + 1, last + 1)
    days = _days(conn, known, months)
    return {
        who: ActiveYear(
            months=tuple(
                None
                if month < month_of(first_seen.date()) and not days.get((holder, month))
                else days.get((holder, month), 0).bit_count()
                for month in months
            )
        )
        for holder, (who, first_seen) in known.items()
    }


def _days(
    conn: sa.Connection, holders: Collection[int], months: range
) -> dict[tuple[int, int], int]:
    """Return the days of each month on which somebody used anything, as bits."""
    columns, found = ACTIVITY_MONTH.c, dict[tuple[int, int], int]()
    if not holders:
        return found
    wanted = sa.select(columns.month, columns.holder, columns.days).where(
        columns.month.in_(months),
        columns.license_type.in_(_TYPES),
        columns.holder.in_(list(holders)),
    )
    for row in conn.execute(wanted):
        key = row.holder, row.month
        found[key] = found.get(key, 0) | row.days
    return found
