"""Looking back: users by idle time, days of activity, numbers day by day. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.changes import By, ChangeKind, Standing
from seatkeeper.core.lookback import (
    LicenseChange,
    MeterDay,
    SiteHistory,
    UserLine,
    UserQuery,
    UserSort,
    series_of,
)
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType, person_key
from seatkeeper.core.summary import LicenseSummary
from seatkeeper.store.columns import AnyRow, clean
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.recording import chunks
from seatkeeper.store.watch_tables import (
    ACTIVE_DAY,
    ACTIVITY_MONTH,
    CAPACITY_DAY,
    CAPACITY_USE,
    HOLDER,
    LAST_USE,
    LICENSE_CHANGE,
    POOL_DAY,
    SEAT,
    SEAT_EVENT,
)

MANY = 10_000
"""So many people are looked for one by one; to read the months of everybody is quicker then."""

Active = dict[tuple[MeasuredType, int], tuple[tuple[date, int], ...]]
"""Days with use in each month, by license type and number of the holder."""

_WITH_SEATS = {t.value for t in LicenseType}


class Past:
    """The history of one store, for reading; of more than `many` people, all months are read."""

    def __init__(self, db: Database, *, many: int = MANY) -> None:
        self._db = db
        self._many = many

    @threaded
    def users(self, query: UserQuery, now: datetime) -> list[UserLine]:
        """Return users and their latest use, sorted; one line a user and license type."""
        types = [query.license_type] if query.license_type else list(MeasuredType)
        with self._db.snapshot() as conn:
            found = [
                [
                    (_line(row), row.holder)
                    for row in conn.execute(_users(query, t, now, conn.dialect.name))
                ]
                for t in types
            ]
            sorted_ = merge(*found, key=lambda found: _rank(query.sort, found[0]))
            lines = list(islice(sorted_, query.limit))
            if query.since is None:
                return [line for line, _ in lines]
            active = self._active(conn, lines, query.since)
        return [replace(line, active=active.get(_who(line, holder), ())) for line, holder in lines]

    def _active(
        self, conn: sa.Connection, lines: Sequence[tuple[UserLine, int]], since: date
    ) -> Active:
        """Count the days with use from `since` on, for these lines."""
        columns = ACTIVITY_MONTH.c
        # Each by itself is one look into the key; both in one query read all of it.
        first = conn.execute(sa.select(sa.func.min(columns.month))).scalar()
        last = conn.execute(sa.select(sa.func.max(columns.month))).scalar()
        if first is None or last is None:
            return {}
        # Month by month: so the key leads to each person in each, and no month is read for nothing.
        in_months = columns.month.in_(range(max(first, month_of(since)), last + 1))
        asked: dict[MeasuredType, list[int]] = {}
        for line, holder in lines:
            asked.setdefault(line.license_type, []).append(holder)
        found: Active = {}
        for license_type, holders in asked.items():
            its = sa.and_(in_months, columns.license_type == license_type)
            some = holders if len(holders) <= self._many else None
            for holder, month, bits in _bits(conn, its, some):
                if days := _days_since(month, bits, since):
                    one = (date(month // 12, month % 12 + 1, 1), days)
                    found[license_type, holder] = (*found.get((license_type, holder), ()), one)
        return found

    async def history(
        self,
        site: str,
        since: datetime,
        now: datetime,
        license_type: MeasuredType | None = None,
    ) -> SiteHistory:
        """Return every number of a site day by day: pools, active users, minutes, changes."""
        first = since.astimezone(UTC).date()
        days = await self.pool_days(site, first)
        active = await self.active_users(site, first)
        days += [_a_day(day, kind, "active_users", n) for (kind, day), n in active.items()]
        minutes = await self.capacity_days(site, first)
        capacity = MeasuredType.ANALYZER_CAPACITY
        days += [_a_day(day, capacity, "minutes", n) for day, n in minutes.items()]
        begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
        days += _change_days(await self.changes(site, begin))
        wanted = [d for d in days if license_type in (None, d.license_type)]
        changes = await self.license_changes(site, since)
        return SiteHistory(
            site, first, now.astimezone(UTC).date(), series_of(wanted), tuple(changes)
        )

    @threaded
    def active_users(self, site: str, since: date) -> dict[tuple[MeasuredType, date], int]:
        """Count the users who were active, by license type and day; a day without any is missing.

        Days from before the site was watched are not counted.
        """
        columns = ACTIVE_DAY.c
        found = sa.select(ACTIVE_DAY).where(columns.site == site, columns.day >= since.isoformat())
        with self._db.reading() as conn:
            rows = conn.execute(found.order_by(columns.day, columns.license_type)).all()
        return {(row.license_type, date.fromisoformat(row.day)): row.users for row in rows}

    @threaded
    def pool_days(self, site: str, since: date) -> list[MeterDay]:
        """Return the numbers of the pools day by day, oldest first."""
        columns = POOL_DAY.c
        found = sa.select(POOL_DAY).where(columns.site == site, columns.day >= since.isoformat())
        with self._db.reading() as conn:
            rows = conn.execute(found.order_by(columns.day, columns.license_type, columns.name))
            return [
                MeterDay(
                    day=date.fromisoformat(row.day),
                    license_type=row.license_type,
                    name=row.name,
                    last=row.last,
                    least=row.least,
                    most=row.most,
                )
                for row in rows
            ]

    @threaded
    def capacity_days(self, site: str, since: date) -> dict[date, float]:
        """Return the minutes of analyzer capacity used on each day (UTC)."""
        columns = CAPACITY_DAY.c
        found = sa.select(columns.day, columns.minutes).where(
            columns.site == site, columns.day >= since.isoformat()
        )
        with self._db.reading() as conn:
            rows = conn.execute(found.order_by(columns.day)).all()
        return {date.fromisoformat(row.day): row.minutes for row in rows}

    @threaded
    def license_changes(self, site: str, since: datetime) -> list[LicenseChange]:
        """Return what was known of the license of the server: at `since`, and each change after."""
        columns = LICENSE_CHANGE.c
        found = sa.select(columns.at, columns.body).where(columns.site == site)
        with self._db.reading() as conn:
            rows = conn.execute(found.order_by(columns.at)).all()
        earlier = [row for row in rows if row.at <= since][-1:]
        return [
            LicenseChange(row.at, msgspec.json.decode(row.body, type=LicenseSummary))
            for row in (*earlier, *(row for row in rows if row.at > since))
        ]

    @threaded
    def active_days(self, site: str, user: str, since: date) -> dict[MeasuredType, list[date]]:
        r"""Return the days on which a user (`DIR\id`) was active, by license type."""
        holder = sa.select(HOLDER.c.id).where(
            HOLDER.c.site == site, HOLDER.c.person_key == person_key(clean(user))
        )
        with self._db.reading() as conn:
            number = conn.execute(holder).scalar()
            return {} if number is None else active_days_of(conn, number, since)

    @threaded
    def changes(
        self, site: str, since: datetime
    ) -> dict[tuple[date, ChangeKind, By, LicenseType], int]:
        """Count what happened to seats, by day."""
        columns = SEAT_EVENT.c
        day = sa.func.substr(sa.type_coerce(columns.at, sa.Text), 1, 10).label("day")
        found = sa.select(
            day, columns.kind, columns.through, columns.license_type, sa.func.count().label("times")
        ).where(columns.site == site, columns.at >= since)
        groups = (day, columns.kind, columns.through, columns.license_type)
        with self._db.reading() as conn:
            rows = conn.execute(found.group_by(*groups).order_by(*groups)).all()
        return {
            (
                date.fromisoformat(row.day),
                ChangeKind(row.kind),
                By(row.through),
                LicenseType(row.license_type),
            ): row.times
            for row in rows
        }


def _a_day(day: date, license_type: MeasuredType, name: str, value: float) -> MeterDay:
    return MeterDay(day, license_type, name, value, value, value)


def _change_days(
    changes: Mapping[tuple[date, ChangeKind, By, LicenseType], int],
) -> list[MeterDay]:
    """Name what happened to seats, apart from the numbers of pools, and by whom they went."""
    counts: Counter[tuple[date, MeasuredType, str]] = Counter()
    for (day, kind, by, license_type), times in changes.items():
        name = kind.value
        if kind in (ChangeKind.RELEASED, ChangeKind.QUARANTINED):
            name = f"{name}_by_us" if by is By.US else f"{name}_{_OTHERS[by]}"
        counts[day, MeasuredType(license_type.value), f"seats_{name}"] += times
    return [_a_day(day, kind, name, n) for (day, kind, name), n in sorted(counts.items())]


_OTHERS = {By.SOMEBODY: "by_others", By.VANISHED: "with_user"}


def month_of(day: date) -> int:
    """Return the number under which a month is kept."""
    return day.year * 12 + day.month - 1


def days_in(month: int, bits: int) -> list[date]:
    """Return the days whose bits are set in a month."""
    first = date(month // 12, month % 12 + 1, 1)
    return [first + timedelta(days=n) for n in range(31) if bits >> n & 1]


def active_days_of(conn: sa.Connection, holder: int, since: date) -> dict[MeasuredType, list[date]]:
    """Return the days on which a holder was active, by license type."""
    days: dict[MeasuredType, list[date]] = {}
    for row in conn.execute(_months(conn, holder, since)):
        days.setdefault(row.license_type, []).extend(
            day for day in days_in(row.month, row.days) if day >= since
        )
    return days


def _months(conn: sa.Connection, holder: int, since: date) -> sa.Select[Any]:
    """Look for one person in each month: the key begins with month and type."""
    columns = ACTIVITY_MONTH.c
    newest = conn.execute(sa.select(sa.func.max(columns.month))).scalar() or 0
    months = range(month_of(since), newest + 1)
    return (
        sa.select(ACTIVITY_MONTH)
        .where(
            columns.month.in_(months),
            columns.license_type.in_(list(MeasuredType)),
            columns.holder == holder,
        )
        .order_by(columns.month)
    )


def _who(line: UserLine, holder: int) -> tuple[MeasuredType, int]:
    return line.license_type, holder


def _bits(
    conn: sa.Connection, its: sa.ColumnElement[bool], holders: Sequence[int] | None
) -> Iterator[tuple[int, int, int]]:
    """Give holder, month and bits, the months of each holder in order; None: of everybody."""
    columns = ACTIVITY_MONTH.c
    of = sa.select(columns.holder, columns.month, columns.days).where(its).order_by(columns.month)
    if holders is None:
        yield from ((row.holder, row.month, row.days) for row in conn.execute(of))
        return
    for some in chunks(holders):
        found = conn.execute(of.where(columns.holder.in_(some)))
        yield from ((row.holder, row.month, row.days) for row in found)


def _days_since(month: int, bits: int, since: date) -> int:
    return (bits >> (since.day - 1) if month == month_of(since) else bits).bit_count()


def _users(
    query: UserQuery, license_type: MeasuredType, now: datetime, dialect: str
) -> sa.Select[Any]:
    use = LAST_USE.c
    has_seats = license_type.value in _WITH_SEATS
    theirs = sa.and_(SEAT.c.holder == use.holder, SEAT.c.license_type == license_type.value)
    seats = LAST_USE.join(HOLDER, HOLDER.c.id == use.holder).join(
        SEAT, theirs, isouter=query.former or not has_seats
    )
    used = _minutes(query, license_type)
    if used is not None:
        seats = seats.join(used, used.c.holder == use.holder, isouter=True)
    none = sa.cast(sa.null(), sa.Integer)  # a bare NULL cannot be sorted by on PostgreSQL
    minutes: sa.ColumnElement[Any] = none if used is None else used.c.minutes
    found = sa.select(
        use.site,
        use.holder,
        HOLDER.c.label,
        use.license_type,
        use.at,
        use.first_seen,
        SEAT.c.standing,
        SEAT.c.excess,
        SEAT.c.created,
        minutes.label("minutes"),
    ).select_from(seats)
    found = found.where(use.license_type == license_type)
    if query.sites:
        found = found.where(use.site.in_(query.sites))
    if query.idle is not None:
        since = now - query.idle
        created = sa.or_(SEAT.c.created.is_(None), SEAT.c.created <= since)
        found = found.where(sa.or_(use.at <= since, sa.and_(use.at.is_(None), created)))
    return found.order_by(*_order(query.sort, dialect, minutes)).limit(query.limit)


def _minutes(query: UserQuery, license_type: MeasuredType) -> sa.Subquery | None:
    """Add up the minutes of analyzer capacity of each holder; None where nobody asks for them."""
    if query.since is None or license_type is not MeasuredType.ANALYZER_CAPACITY:
        return None
    columns = CAPACITY_USE.c
    each = sa.select(columns.holder, sa.func.sum(columns.minutes).label("minutes"))
    each = each.where(columns.day >= query.since.isoformat())
    return each.group_by(columns.holder).subquery()


def _order(sort: UserSort, dialect: str, minutes: sa.ColumnElement[Any]) -> list[Any]:
    # By bytes, so that both databases sort as Python does.
    label = HOLDER.c.label if dialect == "sqlite" else HOLDER.c.label.collate("C")
    return {
        UserSort.IDLE: [LAST_USE.c.at.asc().nulls_first()],
        UserSort.LAST_USED: [LAST_USE.c.at.desc().nulls_last()],
        UserSort.USER: [label.asc().nulls_first()],
        UserSort.CREATED: [SEAT.c.created.asc().nulls_last()],
        UserSort.MINUTES: [minutes.desc().nulls_last(), label.asc().nulls_first()],
    }[sort]


def _rank(sort: UserSort, line: UserLine) -> tuple[bool, Any]:
    """Return what the lines of several types are merged by, in the order of the database."""
    used = line.last_used.timestamp() if line.last_used else 0.0
    if sort is UserSort.IDLE:
        return line.last_used is not None, used
    if sort is UserSort.LAST_USED:
        return line.last_used is None, -used
    if sort is UserSort.USER:
        return bool(line.user), line.user
    if sort is UserSort.MINUTES:
        return line.minutes is None, (-(line.minutes or 0), line.user)
    created = line.created.timestamp() if line.created else 0.0
    return line.created is None, created


def _line(row: AnyRow) -> UserLine:
    return UserLine(
        site=row.site,
        user=row.label or "",
        license_type=row.license_type,
        standing=None if row.standing is None else Standing(row.standing),
        excess=bool(row.excess),
        created=row.created,
        last_used=row.at,
        first_seen=row.first_seen,
        minutes=None if row.minutes is None else int(row.minutes),
    )
