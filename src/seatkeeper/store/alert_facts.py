"""What the store knows that alerts are judged on: trends, cycles, releases, queues.

Persons are only counted.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from seatkeeper.core.alert_facts import (
    CycleFacts,
    DayOfPool,
    Queue,
    ReleaseFacts,
    SiteFacts,
    Windows,
)
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import OutboxState
from seatkeeper.core.outcome import Outcome
from seatkeeper.store.cycles import state_of
from seatkeeper.store.losses import losses
from seatkeeper.store.releases import failed_releases
from seatkeeper.store.tables import JOB, PLAN_ACTION
from seatkeeper.store.telling_tables import OUTBOX
from seatkeeper.store.watch_tables import POOL_SAMPLE, SITE

_MONITOR = "monitor"


def site_facts(
    conn: sa.Connection, site: str, windows: Windows, now: datetime, *, trend: bool
) -> SiteFacts:
    """Return what is known of a site, in the caller's transaction."""
    return SiteFacts(
        days=_days(conn, site, windows, now) if trend else {},
        cycles=_cycles(conn, site, now),
        releases=_releases(conn, site, windows, now),
    )


def _days(
    conn: sa.Connection, site: str, windows: Windows, now: datetime
) -> dict[LicenseType, tuple[DayOfPool, ...]]:
    """Return the last sample of each day (UTC) and type, oldest first."""
    columns = POOL_SAMPLE.c
    since = now - timedelta(days=windows.trend_days)
    first = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = sa.func.substr(sa.cast(columns.at, sa.Text), 1, 10)
    last = (
        sa.select(columns.license_type, sa.func.max(columns.at).label("at"))
        .where(columns.site == site, columns.at.between(first, now))
        .group_by(columns.license_type, day)
        .subquery()
    )
    its = sa.and_(columns.license_type == last.c.license_type, columns.at == last.c.at)
    wanted = columns.license_type, columns.at, columns.total, columns.available
    found = sa.select(*wanted).join(last, its).where(columns.site == site).order_by(columns.at)
    days: dict[LicenseType, list[DayOfPool]] = {}
    for row in conn.execute(found):
        on: date = row.at.astimezone(UTC).date()
        days.setdefault(LicenseType(row.license_type), []).append(
            DayOfPool(on, row.total, row.available)
        )
    return {license_type: tuple(some) for license_type, some in days.items()}


def _cycles(conn: sa.Connection, site: str, now: datetime) -> CycleFacts:
    # A time ahead of now is left by a clock that was wrong: it must not pass for a fresh reading.
    its = sa.and_(SITE.c.site == site, SITE.c.last_seen <= now)
    seen = conn.execute(sa.select(SITE.c.last_seen).where(its)).scalar()
    due = conn.execute(
        sa.select(JOB.c.due).where(JOB.c.site == site, JOB.c.kind == _MONITOR)
    ).scalar()
    # Where cron calls nothing but `run`, its cycles are all that reads the site.
    state = state_of(conn, site, None, now)
    if state is None:
        return CycleFacts(last_good=seen, due=due)
    return CycleFacts(
        last_good=max(filter(None, (seen, state.last_success)), default=None),
        failures=state.failures,
        failing_since=state.failing_since if state.failures else None,
        error=state.newest.error,
        due=due,
    )


def _releases(conn: sa.Connection, site: str, windows: Windows, now: datetime) -> ReleaseFacts:
    columns = PLAN_ACTION.c
    effect = [Outcome.RELEASED, Outcome.QUARANTINED]
    often = (
        sa.select(columns.person_key)
        .where(
            columns.site == site,
            columns.intended_at >= now - windows.churn,
            columns.outcome.in_(effect),
        )
        .group_by(columns.person_key)
        .having(sa.func.count() > windows.churn_times)
        .subquery()
    )
    return ReleaseFacts(
        failed=failed_releases(conn, site, now - windows.failures),
        churners=int(conn.execute(sa.select(sa.func.count()).select_from(often)).scalar_one()),
    )


def queues(conn: sa.Connection) -> tuple[Queue, ...]:
    """Return what waits for each target, what it refused for good, and what was dropped."""
    columns = OUTBOX.c
    waiting = columns.state == OutboxState.WAITING
    each = sa.select(
        columns.target,
        sa.func.sum(sa.case((waiting, 1), else_=0)).label("rows"),
        sa.func.min(sa.case((waiting, columns.id))).label("first"),
        # A row of an older version does not tell when it was set aside.
        sa.func.max(sa.case((~waiting, sa.func.coalesce(columns.not_before, columns.at)))).label(
            "refused_at"
        ),
    )
    grouped = each.group_by(columns.target).subquery()
    first = OUTBOX.alias()
    found = (
        sa.select(grouped, first.c.at, first.c.error)
        .outerjoin(first, first.c.id == grouped.c.first)
        .order_by(grouped.c.target)
    )
    lost = losses(conn)
    known = {
        row.target: Queue(
            row.target, int(row.rows), row.at, row.error or "", row.refused_at, lost.get(row.target)
        )
        for row in conn.execute(found)
    }
    empty = {target: Queue(target, loss=loss) for target, loss in lost.items()}
    return tuple(queue for _, queue in sorted((empty | known).items()))
