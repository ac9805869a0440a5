"""A plan as a row: its bytes packed, its digest checked against the ledger whenever it is read."""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from seatkeeper.core.plan import Limit, Plan, PlanStatus, plan_from_bytes
from seatkeeper.core.record import Kind, PlanLine, StoredPlan
from seatkeeper.errors import PlanAltered, UsageError
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.tables import LEDGER, PLAN

WAITING = (PlanStatus.OPEN, PlanStatus.BLOCKED, PlanStatus.APPROVED)
"""What may still become something; after `expires_at` it is expired, whatever the row says."""

_QUICK = 1
"""zlib's fastest level: a plan of 100,000 seats is 30 MB of very similar lines."""


def plan_row(plan: Plan) -> dict[str, Any]:
    """Return the row of a new plan."""
    body, digest = pack(plan)
    return {
        "plan_id": plan.plan_id,
        "site": plan.site,
        "digest": digest,
        "body": body,
        "status": plan.first_status,
        "first_status": plan.first_status,
        "created_at": plan.created_at,
        "expires_at": plan.expires_at,
        "policy_digest": plan.policy_digest,
        "actions": len(plan.actions),
        "deferred": len(plan.deferred),
        "violations": " ".join(sorted({v.limit.value for v in plan.violations})),
        "overridden": bool(plan.overridden),
        "approve_reason": "",
        "note": "",
    } | _origin(plan)


def _origin(plan: Plan) -> dict[str, Any]:
    """Return where a plan comes from, as far as a person had to do with it."""
    found = {"asked_by": plan.asked_by} if plan.asked_by else {}
    return found | ({"made_from": plan.made_from.plan_id} if plan.made_from else {})


def find_row(conn: sa.Connection, plan_id: str) -> AnyRow:
    """Return the row of a plan; raises UsageError when there is none."""
    row = conn.execute(sa.select(PLAN).where(PLAN.c.plan_id == plan_id)).first()
    if row is None:
        raise UsageError(f"there is no plan {plan_id}; `seatkeeper status` names the newest ones")
    return row


def status_at(row: AnyRow, now: datetime) -> PlanStatus:
    """Return the status a row has at this moment: what waited too long is expired."""
    status = PlanStatus(row.status)
    return PlanStatus.EXPIRED if status in WAITING and row.expires_at <= now else status


def stored_plan(conn: sa.Connection, row: AnyRow, now: datetime) -> StoredPlan:
    """Read a plan from its row; raises PlanAltered when it is not the one that was recorded."""
    status = status_at(row, now)
    plan = _checked(conn, row, status)
    return StoredPlan(
        plan=plan,
        status=status,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        approve_reason=row.approve_reason,
        run_id=row.run_id,
        ended_at=row.expires_at if status is PlanStatus.EXPIRED else row.ended_at,
        note=row.note,
        digest=row.digest,
        redacted=row.redacted_digest is not None,
    )


def unpack(body: bytes) -> bytes:
    """Return the canonical bytes of a stored plan; raises zlib.error when damaged."""
    return zlib.decompress(body)


def pack(plan: Plan) -> tuple[bytes, str]:
    """Return a plan's packed bytes and their digest."""
    body = plan.canonical
    return zlib.compress(body, _QUICK), hashlib.sha256(body).hexdigest()


def _checked(conn: sa.Connection, row: AnyRow, status: PlanStatus) -> Plan:
    """Hold the bytes against the digest, and the digest against the ledger."""
    try:
        body = unpack(row.body)
        plan = plan_from_bytes(body)
    except (zlib.error, msgspec.DecodeError) as error:
        raise _altered(row, "its bytes are damaged") from error
    if hashlib.sha256(body).hexdigest() != (row.redacted_digest or row.digest):
        raise _altered(row, "its bytes do not fit its digest")
    if row.redacted_digest is not None and not status.is_over:
        raise _altered(row, "a plan that waits was changed as if it were over")
    if _recorded_digest(conn, row.plan_id) != row.digest:
        raise _altered(row, "the ledger has recorded another digest for it")
    copied = (plan.plan_id, plan.site, plan.created_at, plan.expires_at, plan.policy_digest)
    if copied != (row.plan_id, row.site, row.created_at, row.expires_at, row.policy_digest):
        raise _altered(row, "its row says something else than its bytes")
    return plan


def _recorded_digest(conn: sa.Connection, plan_id: str) -> str | None:
    proposed = sa.select(LEDGER.c.body).where(
        LEDGER.c.plan_id == plan_id, LEDGER.c.kind == Kind.PLAN_PROPOSED
    )
    body = conn.execute(proposed.order_by(LEDGER.c.seq).limit(1)).scalar()
    return None if body is None else msgspec.json.decode(body).get("digest")


def _altered(row: AnyRow, why: str) -> PlanAltered:
    return PlanAltered(
        f"plan {row.plan_id} of {row.site} is not the one that was made: {why}; it is never "
        "applied. Make a new plan, and run `seatkeeper ledger verify`"
    )


LINE_COLUMNS = tuple(c for c in PLAN.c if c.name != "body")


def plan_line(row: AnyRow, now: datetime) -> PlanLine:
    """Return a plan's numbers without reading its actions."""
    status = status_at(row, now)
    return PlanLine(
        plan_id=row.plan_id,
        site=row.site,
        status=status,
        created_at=row.created_at,
        expires_at=row.expires_at,
        actions=row.actions,
        deferred=row.deferred,
        violations=tuple(Limit(v) for v in row.violations.split()),
        approved_by=row.approved_by,
        run_id=row.run_id,
        ended_at=row.expires_at if status is PlanStatus.EXPIRED else row.ended_at,
        note=row.note,
        asked_by=row.asked_by or "",
        made_from=row.made_from,
    )
