"""Counters that only grow, although the rows they count are pruned and outcomes are settled.

Of every series the store remembers how many rows it saw last and how far the counter has come:
more rows than then are added, fewer change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.changes import ChangeKind
from seatkeeper.core.scrape import Counted
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.tables import PLAN_ACTION
from seatkeeper.store.watch_tables import COUNTER, SEAT_EVENT

RELEASES, REGRETS = "releases", "regrets"

_C = COUNTER.c


class Counters:
    """The counters of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def releases(self) -> dict[Counted, int]:
        """Return how many actions ever came to each outcome, by site, type, outcome and reason."""
        by = PLAN_ACTION.c
        columns = (by.site, by.license_type, by.outcome, by.reason)
        rows = sa.select(*columns, sa.func.count()).where(by.outcome.is_not(None))
        return self._advance(RELEASES, rows.group_by(*columns))

    @threaded
    def regrets(self) -> dict[Counted, int]:
        """Return how many seats ever came back to their user after a release, by site and type."""
        by = SEAT_EVENT.c
        nothing = sa.literal("")
        rows = sa.select(by.site, by.license_type, nothing, nothing, sa.func.count()).where(
            by.kind == ChangeKind.CAME_BACK
        )
        return self._advance(REGRETS, rows.group_by(by.site, by.license_type))

    def _advance(self, name: str, rows: sa.Select[Any]) -> dict[Counted, int]:
        with self._db.reading() as conn:
            now, known = _read(conn, name, rows)
        if all(known.get(one, (0, 0))[0] == now.get(one, 0) for one in {*known, *now}):
            return {one: value for one, (_, value) in known.items()}
        with self._db.writing() as conn:
            now, known = _read(conn, name, rows)
            moved = {one: _moved(known.get(one, (0, 0)), now.get(one, 0)) for one in {*known, *now}}
            _write(conn, name, {one: to for one, to in moved.items() if known.get(one) != to})
        return {one: value for one, (_, value) in moved.items()}


def _moved(known: tuple[int, int], now: int) -> tuple[int, int]:
    seen, value = known
    return now, value + max(0, now - seen)


def _read(
    conn: sa.Connection, name: str, rows: sa.Select[Any]
) -> tuple[dict[Counted, int], dict[Counted, tuple[int, int]]]:
    now = {Counted(*map(str, row[:4])): int(row[4]) for row in conn.execute(rows)}
    found = conn.execute(sa.select(COUNTER).where(_C.name == name))
    known = {
        Counted(row.site, row.license_type, row.outcome, row.reason): (row.seen, row.value)
        for row in found
    }
    return now, known


def _write(conn: sa.Connection, name: str, moved: Mapping[Counted, tuple[int, int]]) -> None:
    for one, (seen, value) in moved.items():
        key = {"name": name, **one._asdict()}
        its = sa.and_(*(_C[column] == is_ for column, is_ in key.items()))
        conn.execute(sa.delete(COUNTER).where(its))
        conn.execute(sa.insert(COUNTER).values(**key, seen=seen, value=value))
