"""Taking one person out of the store, so that nobody can tell any more who a record was about.

The row with their salt goes, and with it the only way from the chain back to a name; plans that
are over are rewritten without the name, and rows beside the chain are blanked. Refused while a
plan or a release that needs the name is not over.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace as change

from seatkeeper.core.canonical import canonical_bytes
from seatkeeper.core.model import person_key
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import (
    Action,
    LeftOut,
    Notice,
    OverrideNote,
    Plan,
    PlanStatus,
    Violation,
    plan_from_bytes,
)
from seatkeeper.core.record import LedgerEntry
from seatkeeper.core.unnamed import without_person
from seatkeeper.errors import PlanAltered, UsageError
from seatkeeper.store.activity import forget_holder
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.connections import forget_findings_naming
from seatkeeper.store.engine import Database
from seatkeeper.store.history import person_macs
from seatkeeper.store.outbox import forget_rows_naming
from seatkeeper.store.plan_rows import WAITING, pack, status_at, unpack
from seatkeeper.store.recording import recording
from seatkeeper.store.roster_rows import forget as forget_rows
from seatkeeper.store.tables import GIVE_BACK, PERSON, PLAN, PLAN_ACTION, REQUEST
from seatkeeper.store.watch_tables import MARK

T = TypeVar("T", Violation, Notice, OverrideNote)

ERASED = "(erased)"

_NOT_OVER = (*WAITING, PlanStatus.APPLYING)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was found of a person and is gone: plans rewritten, releases and requests blanked.

    `messages`: what was not delivered yet and named them.
    """

    plans: int
    releases: int
    requests: int
    messages: int = 0


def erase_person(db: Database, entry: LedgerEntry) -> Erased:
    r"""Erase `entry.person` (`DIR\id`), as the ledger record `entry` says why and by whom.

    Plans are rewritten one by one, each in its own transaction, so that nobody waits long. Only
    the last step is recorded; a second try finishes what a first one left.
    """
    with db.reading() as conn:
        _refuse_if_needed(conn, entry)
        plans = [row.plan_id for row in _plans_naming(conn, entry) if _is_over(row, entry)]
    for plan_id in plans:
        _redact(db, plan_id, entry)
    with recording(db) as record:
        _refuse_if_needed(record.conn, entry)
        forget_findings_naming(record.conn, entry.person)
        ref = _person_ref(record.conn, entry)
        erased = Erased(
            len(plans),
            _blank_rows(record.conn, entry),
            _blank_requests(record.conn, entry),
            forget_rows_naming(record.conn, entry.person),
        )
        if not (_forget(record.conn, entry) or erased != Erased(0, 0, 0)):
            raise UsageError(f"the store knows nobody called {entry.person}")
        evidence = {"plans": erased.plans, "releases": erased.releases}
        record.note(replace(entry, person="", evidence=evidence), person_ref=ref)
    return erased


def _refuse_if_needed(conn: sa.Connection, entry: LedgerEntry) -> None:
    """Raise UsageError while something that is not over needs the name."""
    for row in _plans_naming(conn, entry, PLAN.c.status.in_(_NOT_OVER)):
        if not _is_over(row, entry):
            raise UsageError(
                f"{entry.person} is in plan {row.plan_id} of {row.site}, which is {row.status}; "
                f"reject it, or wait until {row.expires_at:%F %T} UTC when it expires"
            )
    columns = PLAN_ACTION.c
    unsettled = sa.select(columns.plan_id, columns.site).where(
        columns.person_key == person_key(entry.person),
        columns.intended_at.is_not(None),
        sa.or_(columns.outcome.is_(None), columns.outcome == Outcome.UNKNOWN),
    )
    if (open_one := conn.execute(unsettled).first()) is not None:
        raise UsageError(
            f"a release of {entry.person} by plan {open_one.plan_id} is not settled; the next run "
            f"on {open_one.site} settles it"
        )
    waiting = sa.select(REQUEST).where(REQUEST.c.state.in_(("queued", "taken")))
    for row in conn.execute(waiting):
        if _mentions(row.payload, entry):
            raise UsageError(f"request {row.id} about {entry.person} is not carried out yet")


def _plans_naming(
    conn: sa.Connection, entry: LedgerEntry, *where: sa.ColumnElement[bool]
) -> Iterator[AnyRow]:
    """Give the rows of plans that name the person, reading one plan at a time."""
    for plan_id in conn.execute(sa.select(PLAN.c.plan_id).where(*where)).scalars().all():
        row = conn.execute(sa.select(PLAN).where(PLAN.c.plan_id == plan_id)).one()
        if _names(_texts(row), entry):
            yield row


class _Named(msgspec.Struct):
    user: str


class _Said(msgspec.Struct):
    message: str


class _Left(msgspec.Struct):
    action: _Named
    reason: str = ""


class _Texts(msgspec.Struct):
    """The fields of a plan in which a person can appear; reading only them is quick."""

    actions: list[_Named]
    deferred: list[_Named]
    violations: list[_Said]
    warnings: list[_Said]
    overridden: list[_Said]
    left_out: list[_Left] = []


def _texts(row: AnyRow) -> _Texts:
    try:
        return msgspec.json.decode(unpack(row.body), type=_Texts)
    except (zlib.error, msgspec.DecodeError) as error:
        raise PlanAltered(
            f"plan {row.plan_id} of {row.site} cannot be read, so nobody can say whom it names; "
            "run `seatkeeper ledger verify`"
        ) from error


def _names(texts: _Texts, entry: LedgerEntry) -> bool:
    key = person_key(entry.person)
    named = (*texts.actions, *texts.deferred, *(left.action for left in texts.left_out))
    said = [s.message for s in (*texts.violations, *texts.warnings, *texts.overridden)]
    said += [left.reason for left in texts.left_out]
    return any(person_key(a.user) == key for a in named) or any(
        key in text.casefold() for text in said
    )


def _is_over(row: AnyRow, entry: LedgerEntry) -> bool:
    return status_at(row, entry.at).is_over and row.status != PlanStatus.APPLYING


def _redact(db: Database, plan_id: str, entry: LedgerEntry) -> None:
    """Rewrite a plan that is over; the digest of what was made stays beside it."""
    with db.writing() as conn:
        row = conn.execute(sa.select(PLAN).where(PLAN.c.plan_id == plan_id)).one()
        body, digest = pack(_without(plan_from_bytes(unpack(row.body)), entry.person))
        this = sa.update(PLAN).where(PLAN.c.plan_id == plan_id)
        conn.execute(this.values(body=body, redacted_digest=digest))


def _without(plan: Plan, person: str) -> Plan:
    """Return the plan without the person's name; every number stays."""
    key = person_key(person)

    def unnamed(action: Action) -> Action:
        is_them = person_key(action.user) == key
        return change(action, user=ERASED, user_id="") if is_them else action

    def left(one: LeftOut) -> LeftOut:
        reason = without_person(one.reason, person)
        return change(one, action=unnamed(one.action), reason=reason)

    def unsaid(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(change(i, message=without_person(i.message, person)) for i in items)

    return change(
        plan,
        actions=tuple(map(unnamed, plan.actions)),
        deferred=tuple(map(unnamed, plan.deferred)),
        left_out=tuple(map(left, plan.left_out)),
        violations=unsaid(plan.violations),
        warnings=unsaid(plan.warnings),
        overridden=unsaid(plan.overridden),
    )


def _person_ref(conn: sa.Connection, entry: LedgerEntry) -> str:
    found = sa.select(PERSON.c.ref).where(PERSON.c.person_key == person_key(entry.person))
    return conn.execute(found).scalar() or ""


def _blank_rows(conn: sa.Connection, entry: LedgerEntry) -> int:
    """Blank the releases and returns of the person; what became of each seat stays."""
    key = person_key(entry.person)
    nobody = {"person": "", "person_key": "", "detail": ""}
    released = sa.update(PLAN_ACTION).where(PLAN_ACTION.c.person_key == key)
    count = conn.execute(released.values(user_id="", **nobody)).rowcount
    given = sa.update(GIVE_BACK).where(GIVE_BACK.c.person_key == key)
    return count + conn.execute(given.values(nobody)).rowcount


def _blank_requests(conn: sa.Connection, entry: LedgerEntry) -> int:
    found = sa.select(REQUEST).where(REQUEST.c.state.not_in(("queued", "taken")))
    rows = [r for r in conn.execute(found) if _mentions(r.payload + (r.result or ""), entry)]
    for row in rows:
        this = sa.update(REQUEST).where(REQUEST.c.id == row.id)
        conn.execute(this.values(payload="{}", result=None if row.result is None else "{}"))
    return len(rows)


def _mentions(text: str, entry: LedgerEntry) -> bool:
    """Whether a JSON text holds the person's name."""
    return canonical_bytes(person_key(entry.person)).decode()[1:-1] in text.casefold()


def _forget(conn: sa.Connection, entry: LedgerEntry) -> bool:
    """Delete salt, marks, rows of the roster and the holder's name: nobody can tell who it was."""
    key = person_key(entry.person)
    marks = sa.delete(MARK).where(MARK.c.person_mac.in_(person_macs(conn, [key])))
    found = conn.execute(marks).rowcount
    found += conn.execute(sa.delete(PERSON).where(PERSON.c.person_key == key)).rowcount
    found += forget_holder(conn, key)
    found += forget_rows(conn, key)
    return found > 0
