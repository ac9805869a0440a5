"""Seats that were released lately, with how long nobody had used them."""

from __future__ import annotations

import zlib
from datetime import datetime

import msgspec
import sqlalchemy as sa

from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.points import ReleasedSeat
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.plan_rows import unpack
from seatkeeper.store.tables import PLAN, PLAN_ACTION

_C = PLAN_ACTION.c


class Releases:
    """The releases of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def since(self, site: str, since: datetime) -> list[ReleasedSeat]:
        """Return the seats of a site whose release took effect at that moment or later."""
        effect = [outcome for outcome in Outcome if outcome.took_effect]
        found = (
            sa.select(_C.plan_id, _C.allocation_id, _C.license_type, _C.person, _C.settled_at)
            .where(_C.site == site, _C.settled_at >= since, _C.outcome.in_(effect))
            .order_by(_C.settled_at, _C.allocation_id)
        )
        with self._db.reading() as conn:
            rows = conn.execute(found).all()
            idle = {plan: _idle_days(conn, plan) for plan in {row.plan_id for row in rows}}
        return [
            ReleasedSeat(
                allocation_id=row.allocation_id,
                license_type=LicenseType(row.license_type),
                user=row.person,
                days_idle=idle[row.plan_id].get(row.allocation_id, 0),
                at=row.settled_at,
            )
            for row in rows
        ]

    @threaded
    def failed(self, site: str, since: datetime) -> int:
        """Count the releases begun since that were refused or have no clear end."""
        with self._db.reading() as conn:
            return failed_releases(conn, site, since)


def failed_releases(conn: sa.Connection, site: str, since: datetime) -> int:
    """Count them in the caller's transaction."""
    failures = [outcome for outcome in Outcome if outcome.is_failure]
    found = sa.select(sa.func.count()).where(
        _C.site == site, _C.intended_at >= since, _C.outcome.in_(failures)
    )
    return int(conn.execute(found).scalar_one())


class _Action(msgspec.Struct):
    allocation_id: str
    idle_days: int


class _Actions(msgspec.Struct):
    """The only part of a plan that is needed; reading only it is quick."""

    actions: list[_Action]


def _idle_days(conn: sa.Connection, plan_id: str) -> dict[str, int]:
    """Return the days of each seat of a plan; none of a plan that cannot be read."""
    body = conn.execute(sa.select(PLAN.c.body).where(PLAN.c.plan_id == plan_id)).scalar_one()
    try:
        actions = msgspec.json.decode(unpack(body), type=_Actions).actions
    except (zlib.error, msgspec.DecodeError):
        return {}
    return {action.allocation_id: action.idle_days for action in actions}
