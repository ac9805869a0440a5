"""What people have said about releasing: the freeze of everything, limits passed for a while."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from seatkeeper.core.plan import Limit
from seatkeeper.core.policy import MOST_OVERRIDE
from seatkeeper.core.record import Actor, Freeze, Kind, LedgerEntry, Override
from seatkeeper.errors import UsageError
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.recording import Recording, recording
from seatkeeper.store.tables import FREEZE, LIMIT_OVERRIDE


class Control:
    """Freezes and overrides, each with its ledger record."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def frozen(self, now: datetime) -> Freeze | None:
        """Return the freeze that holds now."""
        with self._db.reading() as conn:
            return freeze_at(conn, now)

    @threaded
    def freeze(
        self, actor: Actor, reason: str, now: datetime, until: datetime | None = None
    ) -> Freeze:
        """Stop every release on every site until `until`, or until `thaw`.

        One that lasts at least as long replaces the one that holds; a shorter one raises
        UsageError, for only a thaw takes time off a freeze. No intent is written after this
        returns: the intent's own transaction looks here.
        """
        if until is not None and until <= now:
            raise UsageError(f"a freeze until {until:%F %T} UTC is over already")
        freeze = Freeze(by=actor.by, reason=reason, at=now, until=until)
        row = {"id": 1, "actor": actor.by, "reason": reason, "at": now, "until": until}
        evidence: dict[str, object] = {"until": until}
        with recording(self._db) as record:
            if (holds := freeze_at(record.conn, now)) is not None:
                _refuse_shorter(holds, until)
                evidence |= {"replaces": {"by": holds.by, "at": holds.at, "until": holds.until}}
            record.conn.execute(sa.delete(FREEZE))
            record.conn.execute(sa.insert(FREEZE).values(row))
            entry = LedgerEntry(
                kind=Kind.FROZEN, at=now, actor=actor, why=reason, evidence=evidence
            )
            record.note(entry)
        return freeze

    @threaded
    def thaw(self, actor: Actor, reason: str, now: datetime) -> Freeze:
        """End the freeze and return it; raises UsageError when nothing is frozen."""
        with recording(self._db) as record:
            freeze = freeze_at(record.conn, now)
            if freeze is None:
                raise UsageError("nothing is frozen; there is nothing to thaw")
            record.conn.execute(sa.delete(FREEZE))
            evidence = {"frozen_at": freeze.at, "frozen_by": freeze.by}
            entry = LedgerEntry(
                kind=Kind.THAWED, at=now, actor=actor, why=reason, evidence=evidence
            )
            record.note(entry)
        return freeze

    @threaded
    def overrides(
        self, site: str, policy_digest: str, now: datetime, plan_id: str | None = None
    ) -> list[Override]:
        """Return overrides that hold for this site and policy, or for this very plan."""
        columns = LIMIT_OVERRIDE.c
        general = sa.and_(columns.plan_id.is_(None), columns.policy_digest == policy_digest)
        this_plan = columns.plan_id == plan_id if plan_id is not None else sa.false()
        found = sa.select(LIMIT_OVERRIDE).where(
            columns.site == site, columns.until > now, sa.or_(general, this_plan)
        )
        with self._db.reading() as conn:
            return [_override(row) for row in conn.execute(found.order_by(columns.id))]


def note_override(record: Recording, override: Override, actor: Actor) -> None:
    """Remember that a person passes a limit, for at most 90 days, in the step that needs it."""
    _require_sensible(override)
    row = {
        "site": override.site,
        "limit_name": override.limit,
        "actor": override.by,
        "reason": override.reason,
        "at": override.at,
        "until": override.until,
        "policy_digest": override.policy_digest,
        "plan_id": override.plan_id,
    }
    entry = LedgerEntry(
        kind=Kind.LIMIT_OVERRIDDEN,
        at=override.at,
        actor=actor,
        site=override.site,
        why=override.reason,
        plan_id=override.plan_id or "",
        policy_digest=override.policy_digest,
        evidence={"limit": override.limit.value, "until": override.until, "by": override.by},
    )
    record.conn.execute(sa.insert(LIMIT_OVERRIDE).values(row))
    record.note(entry)


def freeze_at(conn: sa.Connection, now: datetime) -> Freeze | None:
    """Return the freeze that holds at this moment, in the caller's transaction."""
    row = conn.execute(sa.select(FREEZE)).first()
    if row is None or (row.until is not None and row.until <= now):
        return None
    return Freeze(by=row.actor, reason=row.reason, at=row.at, until=row.until)


def _require_sensible(override: Override) -> None:
    if not override.limit.overridable:
        raise UsageError(f"{override.limit.value} cannot be overridden; change the configuration")
    if override.until <= override.at:
        raise UsageError("an override has to hold for some time")
    if override.until - override.at > MOST_OVERRIDE:
        raise UsageError(f"an override holds for {MOST_OVERRIDE.days} days at most")


def _override(row: AnyRow) -> Override:
    return Override(
        site=row.site,
        limit=Limit(row.limit_name),
        by=row.actor,
        reason=row.reason,
        at=row.at,
        until=row.until,
        policy_digest=row.policy_digest,
        plan_id=row.plan_id,
    )


def _refuse_shorter(holds: Freeze, until: datetime | None) -> None:
    if until is None or (holds.until is not None and until >= holds.until):
        return
    ends = f"until {holds.until:%F %H:%M} UTC" if holds.until else "until a thaw"
    raise UsageError(
        f"frozen {ends} by {holds.by} ({holds.reason}); a shorter freeze would end it early: "
        "run `seatkeeper thaw` first"
    )
