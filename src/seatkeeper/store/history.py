"""What earlier readings said, as far as limits need it; names are not kept here.

A person who is marked (inactive, or removed externally) is a keyed hash under a secret of this
store. A baseline moves with time only: of each day the first plan counts, so that planning again
cannot make a limit milder.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from seatkeeper.core.model import (
    NAMED_LISTS,
    LicenseType,
    Pool,
    Snapshot,
    UsageList,
    UsageState,
)
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.record import Baseline
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.meters import remember_meters
from seatkeeper.store.recording import chunks
from seatkeeper.store.tables import PLAN, PLAN_ACTION, STORE_SECRET
from seatkeeper.store.watch_tables import MARK, POOL_SAMPLE, SITE

WINDOW = timedelta(days=14)
DAY = timedelta(days=1)

_MARK = "mark"
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class LastReading:
    """When a site was last read whole, and its pools then."""

    at: datetime
    pools: tuple[Pool, ...]


class History:
    """The readings of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def observe(self, snapshot: Snapshot) -> None:
        """Remember a reading: who is marked since when, pools, license number."""
        with self._db.writing() as conn:
            is_first = _remember_site(conn, snapshot)
            _remember_marks(conn, snapshot, since=None if is_first else snapshot.taken_at)
            _remember_pools(conn, snapshot)
            remember_meters(conn, snapshot)

    @threaded
    def baseline(self, site: str, policy_digest: str, now: datetime) -> Baseline:
        """Return what the limits compare with."""
        with self._db.reading() as conn:
            row = conn.execute(sa.select(SITE).where(SITE.c.site == site)).first()
            return Baseline(
                first_seen=None if row is None else row.first_seen,
                newly_marked=_newly_marked(conn, site, now),
                eligible_by_day=_eligible_by_day(conn, site, policy_digest, now),
                released_last_day=_released_last_day(conn, site, now),
                usage_lists=frozenset() if row is None else _usage_lists(row),
                license_number=None if row is None else row.license_number,
            )

    @threaded
    def license_numbers(self) -> dict[str, str]:
        """Return the last known license number of each site."""
        found = sa.select(SITE.c.site, SITE.c.license_number).where(
            SITE.c.license_number.is_not(None)
        )
        with self._db.reading() as conn:
            return {row.site: row.license_number for row in conn.execute(found)}

    @threaded
    def last_reading(self, site: str) -> LastReading | None:
        """Return what the newest whole reading of a site said of its pools."""
        seen = sa.select(SITE.c.last_seen).where(SITE.c.site == site)
        with self._db.reading() as conn:
            at = conn.execute(seen).scalar()
            if at is None:
                return None
            of_then = sa.select(POOL_SAMPLE).where(
                POOL_SAMPLE.c.site == site, POOL_SAMPLE.c.at == at
            )
            pools = [_pool(row) for row in conn.execute(of_then)]
        order = list(LicenseType)
        return LastReading(at, tuple(sorted(pools, key=lambda p: order.index(p.license_type))))


def person_macs(conn: sa.Connection, keys: Sequence[str]) -> set[bytes]:
    r"""Return what stands for these persons (`person_key`) in the table of marks."""
    secret = conn.execute(
        sa.select(STORE_SECRET.c.value).where(STORE_SECRET.c.name == _MARK)
    ).scalar_one()
    secret_bytes = secret.encode("ascii")
    return {
        hmac.digest(secret_bytes, k.encode("utf-8", "replace"), "sha256")[:_MAC_BYTES] for k in keys
    }


def _remember_site(conn: sa.Connection, snapshot: Snapshot) -> bool:
    """Keep what is known of the site; a value not read this time stays. True the first time."""
    at, site = snapshot.taken_at, snapshot.site
    number = snapshot.server_license.number if snapshot.server_license else None
    news: dict[str, Any] = {"last_seen": at}
    if number is not None:
        news["license_number"] = number
    if given := snapshot.witness.which(UsageState.GIVEN):
        before = conn.execute(sa.select(SITE).where(SITE.c.site == site)).first()
        known = before.usage_lists.split() if before is not None and before.usage_lists else ()
        news |= {"usage_given": True, "usage_lists": " ".join(sorted({*given, *known}))}
    if conn.execute(sa.update(SITE).where(SITE.c.site == site).values(news)).rowcount:
        return False
    new = {"site": site, "first_seen": at, "license_number": None, "usage_given": False} | news
    conn.execute(sa.insert(SITE).values(new))
    return True


def _usage_lists(site: AnyRow) -> frozenset[UsageList]:
    """Return the lists that ever held rows; before they were kept apart, both of named seats."""
    if site.usage_lists is None:
        return frozenset(NAMED_LISTS) if site.usage_given else frozenset()
    return frozenset(map(UsageList, site.usage_lists.split()))


def _remember_marks(conn: sa.Connection, snapshot: Snapshot, since: datetime | None) -> None:
    """Store who is newly marked and forget who no longer is; only differences are written."""
    users = snapshot.users.values()
    marked = person_macs(conn, [u.key for u in users if u.inactive or u.removed_externally])
    known = set(
        conn.execute(sa.select(MARK.c.person_mac).where(MARK.c.site == snapshot.site)).scalars()
    )
    for ended in chunks(list(known - marked)):
        gone = sa.delete(MARK).where(MARK.c.site == snapshot.site, MARK.c.person_mac.in_(ended))
        conn.execute(gone)
    for begun in chunks(list(marked - known)):
        rows = [{"site": snapshot.site, "person_mac": m, "first_seen": since} for m in begun]
        conn.execute(sa.insert(MARK), rows)


def _remember_pools(conn: sa.Connection, snapshot: Snapshot) -> None:
    at, site = snapshot.taken_at, snapshot.site
    same = sa.delete(POOL_SAMPLE).where(POOL_SAMPLE.c.site == site, POOL_SAMPLE.c.at == at)
    conn.execute(same)
    rows = [
        {
            "site": site,
            "at": at,
            "license_type": pool.license_type,
            "total": pool.total,
            "allocated": pool.allocated,
            "available": pool.available,
            "used": pool.used,
            "quarantined": pool.quarantined,
            "excess": pool.excess,
        }
        for pool in snapshot.overview.pools
    ]
    if rows:
        conn.execute(sa.insert(POOL_SAMPLE), rows)


def _pool(row: AnyRow) -> Pool:
    return Pool(
        license_type=LicenseType(row.license_type),
        enabled=True,
        total=row.total,
        allocated=row.allocated,
        available=row.available,
        used=row.used,
        quarantined=row.quarantined,
        excess=row.excess,
    )


def _newly_marked(conn: sa.Connection, site: str, now: datetime) -> int:
    new = sa.select(sa.func.count()).where(MARK.c.site == site, MARK.c.first_seen >= now - WINDOW)
    return int(conn.execute(new).scalar_one())


def _eligible_by_day(
    conn: sa.Connection, site: str, policy_digest: str, now: datetime
) -> tuple[int, ...]:
    """Return the eligible seats of the first passed plan of each of the last 14 days (UTC).

    Today's counts only where it is all there is: a plan made now must not make the next milder.
    """
    columns = PLAN.c
    found = sa.select(columns.created_at, columns.actions + columns.deferred).where(
        columns.site == site,
        columns.policy_digest == policy_digest,
        columns.first_status != PlanStatus.BLOCKED,
        columns.overridden.is_(False),
        columns.made_from.is_(None),  # a person made it smaller: it says nothing of the site
        columns.created_at >= now - WINDOW,
        columns.created_at < now,
    )
    first: dict[Any, int] = {}
    for at, eligible in conn.execute(found.order_by(columns.created_at)):
        first.setdefault(at.astimezone(UTC).date(), eligible)
    today = first.pop(now.astimezone(UTC).date(), None)
    return tuple(first.values()) or (() if today is None else (today,))


def _released_last_day(conn: sa.Connection, site: str, now: datetime) -> int:
    """Count intents of the last 24 hours that took effect or may have, whoever started them."""
    columns = PLAN_ACTION.c
    effect = [o for o in Outcome if o.took_effect]
    found = sa.select(sa.func.count()).where(
        columns.site == site,
        columns.intended_at > now - DAY,
        sa.or_(columns.outcome.is_(None), columns.outcome.in_(effect)),
    )
    return int(conn.execute(found).scalar_one())
