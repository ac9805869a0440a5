"""Tokens for programs: a name, an owner, roles, an end; each made and revoked on the record."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from seatkeeper.core.record import Actor, Kind, LedgerEntry
from seatkeeper.core.roles import Grant, Identity, SignIn, capped
from seatkeeper.errors import UsageError
from seatkeeper.store.access_tables import ACCOUNT, API_TOKEN, account_key
from seatkeeper.store.columns import AnyRow, clean
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.granted import grants_of, grants_text, secret_hash
from seatkeeper.store.recording import Recording, recording

PREFIX = "skt_"
"""Every token begins so, for those who scan files for forgotten secrets."""

LONGEST = timedelta(days=366)

SEEN_EVERY = timedelta(minutes=1)
"""So exactly is kept when a token was last used: not every request writes."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token, without its secret."""

    name: str
    owner: str
    grants: tuple[Grant, ...]
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None

    @property
    def identity(self) -> Identity:
        """Who acts with it: the ledger names the token and the person who answers for it."""
        shown = f"{self.owner} (token {self.name})"
        return Identity(shown, SignIn.TOKEN, self.grants, owner=self.owner)


class Tokens:
    """The tokens of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def make(
        self, name: str, grants: Sequence[Grant], length: timedelta, actor: Actor, now: datetime
    ) -> str:
        """Make a token and return its secret, which is kept nowhere; raises UsageError."""
        shown = clean(name.strip())
        if not shown or len(shown) > 60 or not shown.isprintable():
            raise UsageError("the name of a token has 1 to 60 characters that can be seen")
        if not grants:
            raise UsageError("a token without a role can do nothing; give it one")
        if not timedelta(0) < length <= LONGEST:
            raise UsageError(f"a token lasts for at most {LONGEST.days}d")
        secret = PREFIX + secrets.token_urlsafe(32)
        row = {
            "token_hash": secret_hash(secret),
            "name": shown,
            "owner": actor.by,
            "grants": grants_text(grants),
            "made_at": now,
            "ends_at": now + length,
        }
        with recording(self._db) as record:
            taken = sa.select(API_TOKEN).where(API_TOKEN.c.name == shown)
            if record.conn.execute(taken).first() is not None:
                raise UsageError(f"there is a token {shown} already; revoke it, or choose a name")
            record.conn.execute(sa.insert(API_TOKEN).values(row))
            evidence = {"roles": [g.words for g in grants], "ends_at": now + length}
            record.note(_entry(Kind.TOKEN_MADE, shown, evidence, actor, now))
        return secret

    @threaded
    def revoke(self, name: str, actor: Actor, now: datetime) -> None:
        """Revoke a token; raises UsageError when there is none."""
        this = API_TOKEN.c.name == clean(name.strip())
        with recording(self._db) as record:
            if record.conn.execute(sa.delete(API_TOKEN).where(this)).rowcount != 1:
                raise UsageError(_no_token(name))
            record.note(_entry(Kind.TOKEN_REVOKED, name.strip(), {}, actor, now))

    @threaded
    def all(self) -> list[Token]:
        """Return every token, those that have ended too, by name."""
        with self._db.reading() as conn:
            rows = conn.execute(sa.select(API_TOKEN).order_by(API_TOKEN.c.name))
            return [_token(row) for row in rows]

    @threaded
    def named(self, name: str) -> Token:
        """Return the token of that name; raises UsageError when there is none."""
        this = API_TOKEN.c.name == clean(name.strip())
        with self._db.reading() as conn:
            row = conn.execute(sa.select(API_TOKEN).where(this)).first()
        if row is None:
            raise UsageError(_no_token(name))
        return _token(row)

    @threaded
    def find(self, secret: str, now: datetime) -> Token | None:
        """Return the token behind a secret, None when it has ended or was never there.

        Where its owner has an account, it may no more than that account may now.
        """
        if not secret.startswith(PREFIX):
            return None
        this = API_TOKEN.c.token_hash == secret_hash(secret)
        with self._db.reading() as conn:
            row = conn.execute(sa.select(API_TOKEN).where(this)).first()
            if row is None or row.ends_at <= now:
                return None
            token = _token(row)
            its = ACCOUNT.c.account_key == account_key(token.owner)
            account = conn.execute(sa.select(ACCOUNT.c.grants).where(its)).scalar()
        if account is not None:
            token = replace(token, grants=capped(token.grants, grants_of(account)))
        if not token.grants:
            return None
        if row.used_at is None or now - row.used_at >= SEEN_EVERY:
            with self._db.writing() as conn:
                conn.execute(sa.update(API_TOKEN).where(this).values(used_at=now))
        return token


def revoke_all_of(owner: str, record: Recording, actor: Actor, now: datetime) -> None:
    """Revoke every token of somebody whose account goes, on the record."""
    key = account_key(owner)
    every = record.conn.execute(sa.select(API_TOKEN.c.name, API_TOKEN.c.owner)).all()
    for name in sorted(row.name for row in every if account_key(row.owner) == key):
        record.conn.execute(sa.delete(API_TOKEN).where(API_TOKEN.c.name == name))
        evidence: dict[str, object] = {"account_removed": owner}
        record.note(_entry(Kind.TOKEN_REVOKED, name, evidence, actor, now))


def _no_token(name: str) -> str:
    return f"there is no token {name}; `seatkeeper tokens list` shows them"


def _entry(
    kind: Kind, name: str, evidence: dict[str, object], actor: Actor, now: datetime
) -> LedgerEntry:
    return LedgerEntry(kind=kind, at=now, actor=actor, evidence={"token": name, **evidence})


def _token(row: AnyRow) -> Token:
    return Token(row.name, row.owner, grants_of(row.grants), row.made_at, row.ends_at, row.used_at)
