"""Local accounts: who may sign in with a password, each change with its ledger record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from seatkeeper.core.lockout import FREE_TRIES_ANYWHERE, failures_now, locked_until
from seatkeeper.core.record import Actor, Kind, LedgerEntry
from seatkeeper.core.roles import Grant, Identity, SignIn
from seatkeeper.errors import UsageError
from seatkeeper.store.access_tables import ACCOUNT, WEB_SESSION, account_key
from seatkeeper.store.columns import AnyRow, clean
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.granted import grants_of, grants_text
from seatkeeper.store.passwords import Checks, hash_password, require_good
from seatkeeper.store.recording import recording
from seatkeeper.store.strangers import Strangers
from seatkeeper.store.tokens import revoke_all_of

LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Account:
    """One account, without its password."""

    name: str
    grants: tuple[Grant, ...]
    added_at: datetime
    added_by: str
    password_at: datetime
    failures: int
    failed_at: datetime | None
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a try to sign in: who it is, or until when the name waits (or neither).

    `is_busy`: too many sign in at once, and nothing was looked at or counted.
    """

    identity: Identity | None = None
    locked_until: datetime | None = None
    is_busy: bool = False


class Accounts:
    """The accounts of one store. Names are compared without case."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._near = Strangers()
        self._strangers = Strangers(free=FREE_TRIES_ANYWHERE)
        self._checks = Checks()

    @threaded
    def add(
        self, name: str, password: str, grants: Sequence[Grant], actor: Actor, now: datetime
    ) -> Account:
        """Add an account; raises UsageError when the name is taken or anything is no good."""
        shown = _good_name(name)
        require_good(password, shown)
        if not grants:
            raise UsageError("an account without a role can do nothing; give it one")
        row = {
            "account_key": account_key(shown),
            "name": shown,
            "password": hash_password(password),
            "grants": grants_text(grants),
            "added_at": now,
            "added_by": actor.by,
            "password_at": now,
            "failures": 0,
        }
        with recording(self._db) as record:
            if _find(record.conn, shown) is not None:
                raise UsageError(f"there is an account {shown} already; change it, or remove it")
            record.conn.execute(sa.insert(ACCOUNT).values(row))
            record.note(_entry(Kind.ACCOUNT_ADDED, shown, grants, actor, now))
            return _account(_found(record.conn, shown))

    @threaded
    def change(
        self,
        name: str,
        actor: Actor,
        now: datetime,
        *,
        password: str | None = None,
        grants: Sequence[Grant] | None = None,
    ) -> Account:
        """Give an account another password or other roles; its sessions end.

        Raises UsageError.
        """
        values: dict[str, object] = {}
        if password is not None:
            require_good(password, name)
            values |= {"password": hash_password(password), "password_at": now}
            values |= {"failures": 0, "failed_at": None}
        if grants is not None:
            if not grants:
                raise UsageError("an account without a role can do nothing; remove it instead")
            values["grants"] = grants_text(grants)
        with recording(self._db) as record:
            account = _account(_found(record.conn, name))
            this = ACCOUNT.c.account_key == account_key(account.name)
            record.conn.execute(sa.update(ACCOUNT).where(this).values(values))
            _end_sessions(record.conn, account.name)
            entry = _entry(Kind.ACCOUNT_CHANGED, account.name, grants or (), actor, now)
            entry.evidence["password"] = "new" if password is not None else "as it was"
            record.note(entry)
            return _account(_found(record.conn, name))

    @threaded
    def remove(self, name: str, actor: Actor, now: datetime) -> None:
        """Remove an account, its sessions and tokens; raises UsageError when there is none."""
        with recording(self._db) as record:
            account = _account(_found(record.conn, name))
            this = ACCOUNT.c.account_key == account_key(account.name)
            record.conn.execute(sa.delete(ACCOUNT).where(this))
            _end_sessions(record.conn, account.name)
            record.note(_entry(Kind.ACCOUNT_REMOVED, account.name, (), actor, now))
            revoke_all_of(account.name, record, actor, now)

    @threaded
    def all(self) -> list[Account]:
        """Return every account, by name."""
        with self._db.reading() as conn:
            found = sa.select(ACCOUNT).order_by(ACCOUNT.c.account_key)
            return [_account(row) for row in conn.execute(found)]

    @threaded
    def has(self, name: str) -> bool:
        """Whether there is an account of that name."""
        with self._db.reading() as conn:
            return _find(conn, name) is not None

    @threaded
    def count(self) -> int:
        """Return how many accounts there are."""
        with self._db.reading() as conn:
            return conn.execute(sa.select(sa.func.count()).select_from(ACCOUNT)).scalar_one()

    async def sign_in(self, name: str, password: str, now: datetime, address: str = "") -> Tried:
        """Try a password. From the fifth wrong one in a row the name waits at this address.

        The try is counted before the password is looked at, so that many at once gain nothing. A
        name without an account waits and takes time as one that has an account.
        """
        with self._checks.place() as has_place:
            if not has_place:
                return Tried(is_busy=True)
            here = f"{address}\n{account_key(name)}"
            before, until = self._near.count_try(here, now)
            if until is not None:
                return Tried(locked_until=until)
            row, failures, until = await self._count_try(name, now)
            if until is not None:
                return Tried(locked_until=until)
            kept = row.password if row is not None else ""
            if await self._checks.is_password(kept, password) and row is not None:
                self._near.forget(here)
                return await self._welcome(row, now)
        waits = (
            locked_until(before + 1, now, now),
            locked_until(failures + 1, now, now, FREE_TRIES_ANYWHERE),
        )
        return Tried(locked_until=max(filter(None, waits), default=None))

    @threaded
    def _count_try(self, name: str, now: datetime) -> tuple[AnyRow | None, int, datetime | None]:
        """Return the account, how often it failed before in a row, and until when it waits."""
        with self._db.writing() as conn:
            found = sa.select(ACCOUNT).where(ACCOUNT.c.account_key == account_key(name))
            row = conn.execute(found.with_for_update()).first()
            if row is None:
                return None, *self._strangers.count_try(account_key(name), now)
            failures = failures_now(row.failures, row.failed_at, now)
            if until := locked_until(row.failures, row.failed_at, now, FREE_TRIES_ANYWHERE):
                return row, failures, until
            this = sa.update(ACCOUNT).where(ACCOUNT.c.account_key == row.account_key)
            conn.execute(this.values(failures=failures + 1, failed_at=now))
        return row, failures, None

    @threaded
    def _welcome(self, row: AnyRow, now: datetime) -> Tried:
        this = sa.update(ACCOUNT).where(
            ACCOUNT.c.account_key == row.account_key, ACCOUNT.c.password == row.password
        )
        values = {"failures": 0, "failed_at": None, "signed_in_at": now}
        with self._db.writing() as conn:
            if conn.execute(this.values(values)).rowcount != 1:
                return Tried()  # removed, or given another password, in this very moment
        return Tried(Identity(row.name, SignIn.ACCOUNT, grants_of(row.grants)))


def _end_sessions(conn: sa.Connection, name: str) -> None:
    theirs = sa.and_(WEB_SESSION.c.name == name, WEB_SESSION.c.via == SignIn.ACCOUNT)
    conn.execute(sa.delete(WEB_SESSION).where(theirs))


def _good_name(name: str) -> str:
    shown = clean(name.strip())
    if not shown or len(shown) > LONGEST_NAME or not shown.isprintable():
        raise UsageError(
            f"the name of an account has 1 to {LONGEST_NAME} characters that can be seen"
        )
    return shown


def _find(conn: sa.Connection, name: str) -> AnyRow | None:
    return conn.execute(
        sa.select(ACCOUNT).where(ACCOUNT.c.account_key == account_key(name))
    ).first()


def _found(conn: sa.Connection, name: str) -> AnyRow:
    row = _find(conn, name)
    if row is None:
        raise UsageError(f"there is no account {name}; `seatkeeper accounts list` shows them")
    return row


def _entry(
    kind: Kind, name: str, grants: Sequence[Grant], actor: Actor, now: datetime
) -> LedgerEntry:
    evidence = {"account": name, "roles": [grant.words for grant in grants]}
    return LedgerEntry(kind=kind, at=now, actor=actor, evidence=evidence)


def _account(row: AnyRow) -> Account:
    return Account(
        name=row.name,
        grants=grants_of(row.grants),
        added_at=row.added_at,
        added_by=row.added_by,
        password_at=row.password_at,
        failures=row.failures,
        failed_at=row.failed_at,
        signed_in_at=row.signed_in_at,
    )
