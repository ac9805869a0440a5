"""Finding the seats of a page: what is counted, in which order, and where a cursor stands.

Whatever narrows a page is counted first, in one index that holds all of it. Few seats are then
looked up and sorted; of many, the index of the order is walked until the page is full, which it
soon is. SQLite is told which, because without statistics it would guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.changes import TYPE_OF_SEAT
from seatkeeper.core.model import LicenseType
from seatkeeper.core.roster import (
    Cursor,
    RosterQuery,
    RosterSort,
    View,
    cursor_from,
    sort_key,
)
from seatkeeper.store.columns import NUMBER, UNKNOWN, AnyRow, clean, microseconds
from seatkeeper.store.recording import chunks
from seatkeeper.store.watch_tables import ROSTER

FEW = 2_000
"""So many seats are looked up and sorted in a few milliseconds."""

HANDFUL = 200
"""So many rows that a text was found in are remembered with their number."""

_C = ROSTER.c

_KEYS: dict[RosterSort, tuple[sa.ColumnElement[Any], ...]] = {
    RosterSort.USER: (_C.user_key,),
    RosterSort.DEPARTMENT: (_C.department_key, _C.user_key),
    # As stored: a time that is none has its place, too.
    RosterSort.LAST_USED: (sa.type_coerce(_C.last_used, NUMBER),),
    RosterSort.IDLE: (sa.type_coerce(_C.idle_since, NUMBER),),
    RosterSort.CREATED: (sa.type_coerce(_C.created, NUMBER),),
}

_BY_NAME = (RosterSort.USER, RosterSort.DEPARTMENT)

Place = tuple[Any, ...]
"""Where a row stands in an order: its keys, and its id at the end."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What narrows a page beside its site and view; the same for as long as `now` is."""

    license_type: LicenseType | None
    department: str | None
    words: tuple[str, ...]
    idle_until: int | None
    """The stored time since when nobody used the seat; None for any."""
    idle_from: int | None = None
    """The stored time after which somebody did; None for any."""

    @classmethod
    def by(cls, query: RosterQuery, now: datetime) -> Narrowed:
        """Take what a query says; whole hours are enough."""
        return cls(
            license_type=query.license_type,
            department=None if query.department is None else sort_key(query.department),
            words=query.words,
            idle_until=_stored(query.idle, now),
            idle_from=_stored(query.idle_below, now),
        )

    @property
    def is_nothing(self) -> bool:
        """Whether every seat is meant."""
        return self == Narrowed(None, None, (), None)


def _stored(idle: timedelta | None, now: datetime) -> int | None:
    """Return the stored time of so long ago, as far back as there are dates."""
    if idle is None:
        return None
    most = now - datetime.min.replace(tzinfo=now.tzinfo) - timedelta(days=1)
    return microseconds(whole_hour(now) - min(idle, most))


def whole_hour(now: datetime) -> datetime:
    """Return the hour that is over: days are counted from it, so that they are counted once."""
    return now.replace(minute=0, second=0, microsecond=0)


def conditions(site: str, by: Narrowed, dialect: str) -> list[sa.ColumnElement[bool]]:
    """Return what holds of a seat that is meant; `%` and `_` are characters like others."""
    found: list[sa.ColumnElement[bool]] = [_C.site == site]
    if by.license_type is not None:
        found.append(_C.license_type == TYPE_OF_SEAT[by.license_type])
    if by.department is not None:
        found.append(_C.department_key == by.department)
    if by.idle_until is not None:
        found.append(sa.type_coerce(_C.idle_since, NUMBER) <= by.idle_until)
    if by.idle_from is not None:
        idle_since = sa.type_coerce(_C.idle_since, NUMBER)
        found += [idle_since > by.idle_from, idle_since < UNKNOWN]
    position = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    found.extend(
        sa.or_(position(_C.user_key, clean(word)) > 0, position(_C.name_key, clean(word)) > 0)
        for word in by.words
    )
    return found


def in_view(view: View, planned: Collection[str], dialect: str) -> list[sa.ColumnElement[bool]]:
    """Return what holds of a seat of a view; `planned` are the ids of the waiting plan's seats."""
    if view is View.PLANNED:
        text = msgspec.json.encode(sorted(planned)).decode()
        if dialect == "sqlite":
            each = sa.func.json_each(text).table_valued("value")
        else:
            each = sa.func.json_array_elements_text(
                sa.cast(sa.literal(text, sa.Text), sa.JSON)
            ).table_valued("value")
        return [_C.allocation_id.in_(sa.select(each.c.value))]
    flags = view.flags
    return [] if flags is None else [_C.flags.bitwise_and(int(flags)) != 0]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many seats of a site are meant, by their flags; `ids` of their rows when few are."""

    flags: Mapping[int, int]
    ids: tuple[int, ...] | None = None

    def seats(self, view: View) -> int:
        """Sum up the seats of a view that flags tell."""
        mask = view.flags
        if mask is None:
            return sum(self.flags.values())
        return sum(number for flags, number in self.flags.items() if flags & int(mask))


def count(conn: sa.Connection, site: str, by: Narrowed) -> Counted:
    """Count the seats that are meant; of a text that few have, one look finds them as well."""
    meant = conditions(site, by, conn.dialect.name)
    if by.words:
        some = in_index(sa.select(_C.id, _C.flags).where(*meant)).limit(HANDFUL + 1)
        rows = conn.execute(some).all()
        if len(rows) <= HANDFUL:
            return Counted(Counter(row.flags for row in rows), tuple(row.id for row in rows))
    number = sa.func.count().label("number")
    found = in_index(sa.select(_C.flags, number).where(*meant)).group_by(_C.flags)
    return Counted({row.flags: row.number for row in conn.execute(found)})


def in_index(found: sa.Select[Any]) -> sa.Select[Any]:
    """Let SQLite count in the index that holds all that narrows a page."""
    return found.with_hint(ROSTER, "INDEXED BY ix_roster_find", "sqlite")


def count_planned(conn: sa.Connection, site: str, by: Narrowed, planned: Collection[str]) -> int:
    """Count the seats that are meant and stand in the waiting plan."""
    if not planned:
        return 0
    dialect = conn.dialect.name
    found = sa.select(sa.func.count()).select_from(ROSTER)
    found = found.where(*conditions(site, by, dialect), *in_view(View.PLANNED, planned, dialect))
    return int(conn.execute(_by_id(found)).scalar_one())


def _by_id(found: sa.Select[Any]) -> sa.Select[Any]:
    return found.with_hint(ROSTER, "INDEXED BY sqlite_autoindex_roster_1", "sqlite")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page to be found on some sites: what narrows it, its order, and from where on."""

    query: RosterQuery
    by: Narrowed
    cursor: Cursor | None
    after: Place | None
    """The place of the cursor's row; None at the first page, and when the row is gone."""
    few: int = FEW

    @classmethod
    def of(cls, conn: sa.Connection, query: RosterQuery, now: datetime, few: int) -> Wanted:
        """Read the cursor of a query; raises UsageError for one that is none."""
        cursor = cursor_from(query.cursor, query.sort) if query.cursor else None
        after = None if cursor is None else _place(conn, cursor)
        return cls(query, Narrowed.by(query, now), cursor, after, few)

    @property
    def forward(self) -> bool:
        """Whether the page follows its cursor."""
        return self.after is None or (self.cursor is not None and self.cursor.forward)

    @property
    def skipped(self) -> int:
        """How many rows stand before the page, as far as the cursor knows."""
        return 0 if self.cursor is None else self.cursor.skipped

    @property
    def falls(self) -> bool:
        """Whether keys fall in the direction of looking; idle for longest is since the earliest."""
        descending = self.query.descending is not (self.query.sort is RosterSort.IDLE)
        return descending is self.forward


def _place(conn: sa.Connection, cursor: Cursor) -> Place | None:
    if cursor.sort not in _BY_NAME:
        return (cursor.at, cursor.row)
    found = sa.select(*_KEYS[cursor.sort], _C.id).where(_C.id == cursor.row)
    row = conn.execute(found).first()
    return None if row is None else tuple(row)


@dataclass(frozen=True, slots=True)
class OnSite:
    """One site of a page: how many of its seats are in the view, and what is known of them.

    `planned` are the seats of the waiting plan, `ids` the rows that are meant, where few are.
    """

    site: str
    total: int
    planned: Collection[str]
    ids: tuple[int, ...] | None


def find_places(
    conn: sa.Connection, wanted: Wanted, sites: Sequence[OnSite]
) -> tuple[list[Place], bool]:
    """Return the places of the page's rows, and whether more follow in its direction."""
    skip = 0
    if wanted.after is None:
        skip = min(wanted.skipped, sum(on.total for on in sites))
    number = skip + wanted.query.limit + 1
    found = [
        [tuple(row) for row in conn.execute(_places(wanted, on, conn.dialect.name).limit(number))]
        for on in sites
        if on.total
    ]
    ordered: Iterator[Place] = merge(*found, reverse=wanted.falls)
    places = list(islice(ordered, skip, number))
    more = len(places) > wanted.query.limit
    del places[wanted.query.limit :]
    return (places if wanted.forward else places[::-1]), more


def _places(wanted: Wanted, on: OnSite, dialect: str) -> sa.Select[Any]:
    query = wanted.query
    keys = (*_KEYS[query.sort], _C.id)
    found = sa.select(*keys).order_by(*(key.desc() if wanted.falls else key for key in keys))
    if wanted.after is not None:
        place = sa.tuple_(*(sa.literal(value) for value in wanted.after))
        row = sa.tuple_(*keys)
        found = found.where(row < place if wanted.falls else row > place)
    meant = conditions(on.site, wanted.by, dialect)
    in_it = in_view(query.view, on.planned, dialect)
    is_all = wanted.by.is_nothing and query.view is View.ALL
    if is_all or on.total > wanted.few:
        index = f"INDEXED BY {_INDEX[query.sort]}"
        return found.where(*meant, *in_it).with_hint(ROSTER, index, "sqlite")
    found = found.with_hint(ROSTER, "NOT INDEXED", "sqlite")
    if on.ids is not None:
        return found.where(_C.id.in_(on.ids), *in_it)
    ids = sa.select(_C.id).where(*meant, *in_it)
    ids = _by_id(ids) if query.view is View.PLANNED else in_index(ids)
    return found.where(_C.id.in_(ids.correlate(None)))


_INDEX = {
    RosterSort.USER: "ix_roster_user",
    RosterSort.DEPARTMENT: "ix_roster_department",
    RosterSort.LAST_USED: "ix_roster_last_used",
    RosterSort.IDLE: "ix_roster_idle",
    RosterSort.CREATED: "ix_roster_created",
}


def rows_at(conn: sa.Connection, places: Sequence[Place]) -> list[AnyRow]:
    """Return the rows of these places, in their order."""
    found: dict[int, AnyRow] = {}
    for ids in chunks([place[-1] for place in places]):
        for row in conn.execute(sa.select(ROSTER).where(_C.id.in_(ids))):
            found[row.id] = row
    return [found[place[-1]] for place in places]


def cursors(
    wanted: Wanted, places: Sequence[Place], *, more: bool
) -> tuple[int, str | None, str | None]:
    """Return how many rows stand before the page, and the cursors of the next and the previous."""
    limit, sort = wanted.query.limit, wanted.query.sort
    skipped = wanted.skipped
    if not wanted.forward:
        skipped = max(skipped, 1) if more else 0
    if not places:
        return skipped, None, None

    def at(place: Place, number: int, *, forward: bool) -> str:
        time = 0 if sort in _BY_NAME else int(place[0])
        return Cursor(forward, number, place[-1], sort, time).text

    follows = more if wanted.forward else True
    after = at(places[-1], skipped + len(places), forward=True) if follows else None
    before = at(places[0], max(0, skipped - limit), forward=False) if skipped else None
    return skipped, after, before
