"""Looking through the ledger: what a query means in SQL, pages of it, and how much there is.

Every filter has an index, so that a page of a million records comes at once; what cannot be
counted at once is counted up to COUNTED.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.model import person_key
from seatkeeper.core.record import Kind, LedgerRecord
from seatkeeper.errors import LedgerBroken
from seatkeeper.store.columns import AnyRow, moment_of
from seatkeeper.store.recording import read_head
from seatkeeper.store.tables import LEDGER, PERSON

COUNTED = 10_000
"""So many records that match are counted; beyond that it is said that there are more."""

SORTED = 10
"""A tenth of COUNTED and fewer are sorted rather than looked for in the order of the chain."""


@dataclass(frozen=True, slots=True)
class LedgerQuery:
    r"""Which records to show; every field that is set narrows the choice.

    `sites`: on any of these; a record about no site (a freeze, an account) has an empty one.
    `person` is `DIR\id`, `by` the name of who acted, both in any case. `since` is inclusive,
    `until` is not. `after_seq` and `before_seq` page through what was found.
    """

    site: str | None = None
    sites: tuple[str, ...] | None = None
    plan_id: str | None = None
    run_id: str | None = None
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None
    person: str | None = None
    by: str | None = None
    after_seq: int | None = None
    before_seq: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Some records, newest first, and how many match in all, on every page.

    `older`: ask for what is before this number to see the next page; None at the end.
    """

    records: tuple[LedgerRecord, ...]
    total: int
    more_than_total: bool
    """There are more than `total`; they were not counted."""
    older: int | None


# Raw text: a record changed by hand must not stop the others from being shown by SQLAlchemy.
FOUND = sa.select(
    *(sa.type_coerce(c, sa.Text).label(c.name) if c.name == "at" else c for c in LEDGER.c),
    sa.func.coalesce(PERSON.c.label, "").label("label"),
).select_from(LEDGER.outerjoin(PERSON, PERSON.c.ref == LEDGER.c.person_ref))


def read(
    conn: sa.Connection, query: LedgerQuery, limit: int, *, newest: bool
) -> list[LedgerRecord]:
    """Return the first records that match: the newest first, or the oldest first."""
    order = LEDGER.c.seq.desc() if newest else LEDGER.c.seq
    found = FOUND.where(*conditions(conn, query)).order_by(order).limit(limit)
    return [record_of(row) for row in conn.execute(found)]


def page(conn: sa.Connection, query: LedgerQuery, limit: int, most: int = COUNTED) -> LedgerPage:
    """Return one page, newest first; the count is that of all pages, `most` at the most."""
    where, counting, order = _planned(conn, query, most)
    within = [] if query.after_seq is None else [LEDGER.c.seq > query.after_seq]
    within += [] if query.before_seq is None else [LEDGER.c.seq < query.before_seq]
    found = FOUND.where(*where, *within).order_by(order).limit(limit + 1)
    records = [record_of(row) for row in conn.execute(found)]
    # The chain has no gaps, so its newest number is how many there are.
    counted = _count(conn, most, *counting) if counting else read_head(conn).seq
    return LedgerPage(
        records=tuple(records[:limit]),
        total=min(counted, most) if counting else counted,
        more_than_total=bool(counting) and counted > most,
        older=records[limit - 1].seq if len(records) > limit else None,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One filter, as its index can find it, and as a mere test of each record.

    `in_order`: what the index finds comes in the order of the chain.
    """

    found: sa.ColumnElement[bool]
    tested: sa.ColumnElement[bool]
    in_order: bool = True


Where = list[sa.ColumnElement[bool]]

_SEQ = LEDGER.c.seq + 0
"""The number of a record in a form that no index has."""


def _planned(
    conn: sa.Connection, query: LedgerQuery, most: int
) -> tuple[Where, Where, sa.ColumnElement[Any]]:
    """Return conditions that show a page, those that count everything, and the order.

    No database knows beforehand which of several filters matches least; left alone, each of them
    walks through a million records at times. So every filter is counted (as far as `most`), the
    rarest finds, and the others only test.
    """
    parts = list(_parts(conn, query))
    bounds = _bounds(conn, query)
    if not parts:
        return bounds, bounds, LEDGER.c.seq.desc()
    numbers = [_count(conn, most, part.found) for part in parts]
    rarest = numbers.index(min(numbers))
    others = [part.tested for n, part in enumerate(parts) if n != rarest]
    part, few = parts[rarest], numbers[rarest] <= most
    shown = part.found if few or part.in_order else part.tested
    order = _SEQ if numbers[rarest] * SORTED <= most else LEDGER.c.seq
    return [shown, *others, *bounds], [part.found, *others, *bounds], order.desc()


def _parts(conn: sa.Connection, query: LedgerQuery) -> Iterator[_Part]:
    columns = LEDGER.c
    kind = None if query.kind is None else query.kind.value
    for column, value in (
        (columns.plan_id, query.plan_id),
        (columns.run_id, query.run_id),
        (columns.kind, kind),
    ):
        if value is not None:
            yield _Part(column == value, _tested(column) == value)
    if query.person is not None:
        ref = _ref_of(query.person)
        yield _Part(columns.person_ref == ref, _tested(columns.person_ref) == ref)
    for column, values in (
        (columns.actor, _names(conn, query.by)),
        (columns.site, _sites(query)),
    ):
        if values is not None:
            in_order = len(values) == 1
            yield _Part(column.in_(values), _tested(column).in_(values), in_order)
    if query.since is not None or query.until is not None:
        at = _tested(columns.at)
        yield _Part(
            sa.and_(*_times(query, columns.at)), sa.and_(*_times(query, at)), in_order=False
        )


def _tested(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Return the column in a form that no index has."""
    return sa.type_coerce(sa.func.coalesce(column, sa.literal_column("''")), column.type)


def _sites(query: LedgerQuery) -> list[str] | None:
    """Return the sites that are wanted, None for all; `site` and `sites` narrow each other."""
    if query.sites is None:
        return None if query.site is None else [query.site]
    return [s for s in query.sites if query.site in (None, s)]


def _bounds(conn: sa.Connection, query: LedgerQuery) -> Where:
    """Return between which numbers a span of time lies; clocks may differ, so this is no test."""
    times = _times(query, LEDGER.c.at)
    if not times:
        return []
    span = sa.select(sa.func.min(_SEQ), sa.func.max(_SEQ)).where(*times)
    least, most = conn.execute(span).one()
    return [sa.false()] if least is None else [LEDGER.c.seq >= least, LEDGER.c.seq <= most]


def _count(conn: sa.Connection, most: int, *where: sa.ColumnElement[bool]) -> int:
    """Count what matches, as far as `most` and one more."""
    some = sa.select(sa.literal(1).label("one")).select_from(LEDGER).where(*where)
    counted = sa.select(sa.func.count()).select_from(some.limit(most + 1).subquery())
    return int(conn.execute(counted).scalar_one())


def actors(conn: sa.Connection, sites: Collection[str] | None = None) -> list[str]:
    """Return everybody who ever acted on these sites, None for all; one look at an index each."""
    there = [sa.true()] if sites is None else [LEDGER.c.site == site for site in sites]
    found = {name for where in there for name in _actors(conn, where)}
    return sorted(found, key=lambda name: (name.casefold(), name))


def _actors(conn: sa.Connection, there: sa.ColumnElement[bool]) -> Iterable[str]:
    least = sa.func.min(LEDGER.c.actor)
    first = sa.select(least.label("actor")).where(there).cte("names", recursive=True)
    following = (
        sa.select(least)
        .where(there, LEDGER.c.actor > first.c.actor)
        .correlate(first)
        .scalar_subquery()
    )
    names = first.union_all(sa.select(following).where(first.c.actor.is_not(None)))
    found = sa.select(names.c.actor).where(names.c.actor.is_not(None))
    return conn.execute(found).scalars()


def conditions(conn: sa.Connection, query: LedgerQuery) -> Where:
    """Return what a query asks of a record."""
    found = [part.found for part in _parts(conn, query)]
    if query.after_seq is not None:
        found.append(LEDGER.c.seq > query.after_seq)
    if query.before_seq is not None:
        found.append(LEDGER.c.seq < query.before_seq)
    return found


def _times(query: LedgerQuery, at: sa.ColumnElement[Any]) -> Where:
    found = [] if query.since is None else [at >= query.since]
    return found if query.until is None else [*found, at < query.until]


def _ref_of(person: str) -> sa.ScalarSelect[str]:
    ref = sa.select(PERSON.c.ref).where(PERSON.c.person_key == person_key(person))
    return ref.scalar_subquery()


def _names(conn: sa.Connection, by: str | None) -> list[str] | None:
    """Return every spelling under which somebody acted, None when nobody is asked for."""
    if by is None:
        return None
    return [name for name in actors(conn) if name.casefold() == by.strip().casefold()]


def record_of(row: AnyRow) -> LedgerRecord:
    """Return a row of FOUND as a record; raises LedgerBroken when it cannot be one."""
    try:
        return LedgerRecord(
            seq=row.seq,
            at=moment_of(row.at),
            kind=Kind(row.kind),
            site=row.site,
            run_id=row.run_id,
            plan_id=row.plan_id,
            by=row.actor,
            os_account=row.os_account,
            host=row.host,
            why=row.why,
            policy_digest=row.policy_digest,
            person_ref=row.person_ref,
            person=row.label,
            evidence=msgspec.json.decode(row.body, type=dict[str, Any]),
            hash=row.hash,
        )
    except (ValueError, TypeError) as error:
        raise LedgerBroken(
            f"record {row.seq} cannot be read: it was changed; run `seatkeeper ledger verify`",
            seq=row.seq,
        ) from error
