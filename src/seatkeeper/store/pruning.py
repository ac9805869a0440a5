"""Forgetting what is too old. Ledger, plans, releases and whatever is open are kept for ever.

Rows go in batches, each in a transaction of its own, so that nobody waits long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.changes import ChangeKind
from seatkeeper.core.retention import Pruned, Retention
from seatkeeper.store.activity import LOOK_BACK
from seatkeeper.store.alerts import over_for_long
from seatkeeper.store.cycles import old_cycles
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.outbox import refused_long_ago
from seatkeeper.store.past import month_of
from seatkeeper.store.telling_tables import ALERT_STATE, OUTBOX
from seatkeeper.store.watch_tables import (
    ACTIVE_DAY,
    ACTIVITY_MONTH,
    CAPACITY_DAY,
    CAPACITY_USE,
    CYCLE_SAMPLE,
    HOLDER,
    LAST_USE,
    LICENSE_CHANGE,
    METER_SAMPLE,
    POOL_DAY,
    POOL_SAMPLE,
    ROSTER,
    ROSTER_READING,
    SEAT,
    SEAT_EVENT,
    SEAT_GROUPS_DAY,
    SITE,
    UPKEEP,
)

BATCH = 5_000
TURN = 40
"""Batches of one kind that one turn takes; what is left waits for the next."""

DAY = timedelta(days=1)
_PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class _Old:
    """Rows of one kind that are too old."""

    kind: str
    table: sa.Table
    where: sa.ColumnElement[bool]


class Pruning:
    """Forgets what is old in one store; one turn takes `turn` batches of a kind."""

    def __init__(self, db: Database, *, batch: int = BATCH, turn: int = TURN) -> None:
        self._db = db
        self._batch = batch
        self._turn = turn

    @threaded
    def count(self, retention: Retention, now: datetime) -> Pruned:
        """Count what `prune` would take now, and take nothing."""
        pruned = Pruned()
        with self._db.reading() as conn:
            for old in _too_old(retention, now):
                count = sa.select(sa.func.count()).select_from(old.table).where(old.where)
                _add(pruned, old, int(conn.execute(count).scalar_one()))
        return pruned

    @threaded
    def prune(self, retention: Retention, now: datetime) -> Pruned:
        """Forget what is too old, or as much of it as one turn takes."""
        return self._prune(retention, now)

    @threaded
    def prune_daily(self, retention: Retention, now: datetime) -> Pruned | None:
        """Do so unless somebody did it within a day; then return None."""
        columns = UPKEEP.c
        # A time ahead is left by a clock that was wrong; it must not stop everything until then.
        waits = sa.and_(columns.name == _PRUNE, columns.at > now - DAY, columns.at <= now + DAY)
        with self._db.reading() as conn:  # looking costs no write
            if conn.execute(sa.select(columns.at).where(waits)).first() is not None:
                return None
        with self._db.writing() as conn:
            insert_missing(conn, UPKEEP, [{"name": _PRUNE, "at": now - 2 * DAY}])
            due = sa.and_(columns.name == _PRUNE, ~waits)
            if not conn.execute(sa.update(UPKEEP).where(due).values(at=now)).rowcount:
                return None
        return self._prune(retention, now)

    def _prune(self, retention: Retention, now: datetime) -> Pruned:
        pruned = Pruned()
        for old in _too_old(retention, now):
            if not self._is_there(old):  # looking costs no write
                _add(pruned, old, 0)
                continue
            for _ in range(self._turn):
                with self._db.writing() as conn:
                    gone = _delete_some(conn, old, self._batch)
                _add(pruned, old, gone)
                if gone < self._batch:
                    break
            else:
                pruned.left = True
        return pruned

    def _is_there(self, old: _Old) -> bool:
        any_of_it = sa.select(sa.literal(1)).select_from(old.table).where(old.where).limit(1)
        with self._db.reading() as conn:
            return conn.execute(any_of_it).first() is not None


def _add(pruned: Pruned, old: _Old, rows: int) -> None:
    pruned.rows[old.kind] = pruned.rows.get(old.kind, 0) + rows


def _too_old(retention: Retention, now: datetime) -> Iterator[_Old]:
    """Give what goes, in this order: a holder only after everything kept of them."""
    raw, daily = now - retention.raw, now - retention.daily
    day = daily.astimezone(UTC).date()
    # The newest reading of a site stays, however old: it is what is known of the site.
    newest = sa.select(SITE.c.last_seen).where(SITE.c.site == POOL_SAMPLE.c.site).scalar_subquery()
    yield _Old("readings", POOL_SAMPLE, sa.and_(POOL_SAMPLE.c.at < raw, POOL_SAMPLE.c.at < newest))
    yield _Old("readings", METER_SAMPLE, METER_SAMPLE.c.at < raw)
    for table in (POOL_DAY, CAPACITY_DAY):
        yield _Old("days of pools", table, table.c.day < day.isoformat())
    later_day = SEAT_GROUPS_DAY.alias("later_day")
    columns = SEAT_GROUPS_DAY.c
    replaced_by = sa.exists().where(later_day.c.site == columns.site, later_day.c.day > columns.day)
    old_groups = sa.and_(columns.day < day.isoformat(), replaced_by)
    yield _Old("days of departments", SEAT_GROUPS_DAY, old_groups)
    for table in (ACTIVE_DAY, CAPACITY_USE):
        yield _Old("activity", table, table.c.day < day.isoformat())
    yield _Old("activity", ACTIVITY_MONTH, ACTIVITY_MONTH.c.month < month_of(day))
    yield _Old("changes", SEAT_EVENT, sa.and_(SEAT_EVENT.c.at < daily, ~_still_counts(now)))
    later = LICENSE_CHANGE.alias("later")
    replaced = sa.exists().where(
        later.c.site == LICENSE_CHANGE.c.site,
        later.c.at > LICENSE_CHANGE.c.at,
        later.c.at <= daily,
    )
    yield _Old("changes", LICENSE_CHANGE, sa.and_(LICENSE_CHANGE.c.at < daily, replaced))
    yield _Old("cycles", CYCLE_SAMPLE, old_cycles(raw, now))
    yield _Old("alerts", ALERT_STATE, over_for_long(now))
    yield _Old("messages", OUTBOX, refused_long_ago(now))
    # A site that is read no more; what others show moves with every reading.
    unread = sa.select(ROSTER_READING.c.site).where(ROSTER_READING.c.at < daily)
    yield _Old("users", ROSTER, ROSTER.c.site.in_(unread))
    shown = sa.exists().where(ROSTER.c.site == ROSTER_READING.c.site)
    yield _Old("users", ROSTER_READING, sa.and_(ROSTER_READING.c.at < daily, ~shown))
    yield from _of_people(daily)


def _still_counts(now: datetime) -> sa.ColumnElement[bool]:
    """Tell whether an event keeps a release from counting as a saving, or as a return once more."""
    event = SEAT_EVENT.c
    return sa.and_(event.kind == ChangeKind.CAME_BACK, event.at >= now - LOOK_BACK)


def _of_people(daily: datetime) -> Iterator[_Old]:
    """Give whoever did nothing since the month began of which days are still kept."""
    daily = daily.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    use = LAST_USE.c
    held = sa.exists().where(SEAT.c.holder == use.holder)
    last = sa.func.coalesce(use.at, use.first_seen, type_=use.first_seen.type)
    yield _Old("users", LAST_USE, sa.and_(last < daily, use.first_seen < daily, ~held))
    kept = [
        sa.exists().where(table.c.holder == HOLDER.c.id)
        for table in (SEAT, LAST_USE, CAPACITY_USE, SEAT_EVENT)
    ]
    # Whoever has days of activity has a latest use that is newer than they are.
    yield _Old("users", HOLDER, sa.and_(HOLDER.c.first_seen < daily, ~sa.or_(*kept)))


def _delete_some(conn: sa.Connection, old: _Old, batch: int) -> int:
    keys: list[Any] = list(old.table.primary_key.columns)
    some = sa.select(*keys).where(old.where).limit(batch).correlate(None)
    found = sa.tuple_(*keys).in_(some) if len(keys) > 1 else keys[0].in_(some)
    return conn.execute(sa.delete(old.table).where(found)).rowcount
