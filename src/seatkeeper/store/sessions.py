"""Sessions of the console, and links that open one: kept as hashes, ended by time or by hand."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from seatkeeper.core.record import Actor, Kind, LedgerEntry
from seatkeeper.core.roles import Grant, Identity, SignIn
from seatkeeper.store.access_tables import ACCOUNT, SIGN_IN_LINK, WEB_SESSION, account_key
from seatkeeper.store.columns import clean
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.granted import grants_of, grants_text, secret_hash
from seatkeeper.store.recording import recording

SEEN_EVERY = timedelta(minutes=1)
"""So exactly is kept when a session was last used: not every page writes."""


_REF = 16
"""Characters of the hash of a session that name it to its owner."""


@dataclass(frozen=True, slots=True)
class WebSession:
    """One session: who, and the word that every form of it carries (`csrf`)."""

    identity: Identity
    csrf: str
    began_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One session as its owner sees it; `ref` names it and opens nothing."""

    ref: str
    address: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    is_this: bool


class Sessions:
    """The sessions of one store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def begin(
        self, identity: Identity, longest: timedelta, now: datetime, address: str = ""
    ) -> str:
        """Begin a session and return its secret, which is kept nowhere; `address`: from where."""
        secret = secrets.token_urlsafe(32)
        row = {
            "session_hash": secret_hash(secret),
            "name": identity.name,
            "via": identity.via,
            "grants": grants_text(identity.grants),
            "csrf": secrets.token_urlsafe(24),
            "began_at": now,
            "seen_at": now,
            "ends_at": now + longest,
            "address": clean(address),
        }
        with self._db.writing() as conn:
            conn.execute(sa.delete(WEB_SESSION).where(WEB_SESSION.c.ends_at <= now))
            conn.execute(sa.insert(WEB_SESSION).values(row))
        return secret

    @threaded
    def find(
        self, secret: str, idle: timedelta, now: datetime, *, renew: bool = True
    ) -> WebSession | None:
        """Return the session behind a secret, None when it is over or was never there.

        It lives for `idle` from now on, unless nobody is there to `renew` it.
        Roles of a local account are those it has now, whatever it had when the session began.
        """
        this = WEB_SESSION.c.session_hash == secret_hash(secret)
        with self._db.reading() as conn:
            row = conn.execute(sa.select(WEB_SESSION).where(this)).first()
            if row is None or row.ends_at <= now or now - row.seen_at >= idle:
                return None
            grants = grants_of(row.grants)
            if row.via == SignIn.ACCOUNT:
                its = ACCOUNT.c.account_key == account_key(row.name)
                found = sa.select(ACCOUNT.c.grants).where(its)
                text = conn.execute(found).scalar()
                if text is None:
                    return None
                grants = grants_of(text)
        if renew and now - row.seen_at >= SEEN_EVERY:
            with self._db.writing() as conn:
                conn.execute(sa.update(WEB_SESSION).where(this).values(seen_at=now))
        identity = Identity(row.name, SignIn(row.via), grants)
        return WebSession(identity, row.csrf, row.began_at, row.ends_at)

    @threaded
    def end(self, secret: str) -> None:
        """End a session; nothing happens when there is none."""
        this = WEB_SESSION.c.session_hash == secret_hash(secret)
        with self._db.writing() as conn:
            conn.execute(sa.delete(WEB_SESSION).where(this))

    @threaded
    def own(
        self, identity: Identity, secret: str, idle: timedelta, now: datetime
    ) -> tuple[OwnSession, ...]:
        """Return the sessions somebody has, the newest use first; `secret` is that of this one."""
        columns = WEB_SESSION.c
        alive = sa.and_(_of(identity), columns.ends_at > now, columns.seen_at > now - idle)
        found = sa.select(WEB_SESSION).where(alive).order_by(columns.seen_at.desc())
        this = secret_hash(secret)
        with self._db.reading() as conn:
            rows = conn.execute(found).all()
        return tuple(
            OwnSession(
                ref=row.session_hash[:_REF],
                address=row.address or "",
                began_at=row.began_at,
                seen_at=row.seen_at,
                ends_at=row.ends_at,
                is_this=row.session_hash == this,
            )
            for row in rows
        )

    @threaded
    def end_others(
        self, identity: Identity, secret: str, actor: Actor, now: datetime, ref: str = ""
    ) -> int:
        """End one other session of somebody, or without `ref` all but this; returns how many."""
        others = sa.and_(_of(identity), WEB_SESSION.c.session_hash != secret_hash(secret))
        if ref:
            named = sa.func.substr(WEB_SESSION.c.session_hash, 1, _REF) == ref
            others = sa.and_(others, named)
        with recording(self._db) as record:
            ended = record.conn.execute(sa.delete(WEB_SESSION).where(others)).rowcount
            if ended:
                evidence = {"account": identity.name, "sessions": ended}
                entry = LedgerEntry(Kind.SESSIONS_ENDED, now, actor, evidence=evidence)
                record.note(entry)
        return ended

    @threaded
    def make_link(self, grants: Sequence[Grant], length: timedelta, now: datetime) -> str:
        """Make a link that opens one session, and return its secret; older links stop working."""
        secret = secrets.token_urlsafe(32)
        row = {
            "link_hash": secret_hash(secret),
            "grants": grants_text(grants),
            "made_at": now,
            "ends_at": now + length,
        }
        with self._db.writing() as conn:
            conn.execute(sa.delete(SIGN_IN_LINK))
            conn.execute(sa.insert(SIGN_IN_LINK).values(row))
        return secret

    @threaded
    def link_works(self, secret: str, now: datetime) -> bool:
        """Whether the link would still open a session; does not use it up."""
        this = SIGN_IN_LINK.c.link_hash == secret_hash(secret)
        with self._db.reading() as conn:
            ends = conn.execute(sa.select(SIGN_IN_LINK.c.ends_at).where(this)).scalar()
        return ends is not None and ends > now

    @threaded
    def use_link(self, secret: str, actor: Actor, now: datetime) -> tuple[Grant, ...] | None:
        """Use a link up on the record and return its grants.

        None when it was used, is over or never was.
        """
        this = SIGN_IN_LINK.c.link_hash == secret_hash(secret)
        with recording(self._db) as record:
            conn = record.conn
            row = conn.execute(sa.select(SIGN_IN_LINK).where(this)).first()
            if row is None or row.ends_at <= now:
                return None
            if conn.execute(sa.delete(SIGN_IN_LINK).where(this)).rowcount != 1:
                return None
            grants = grants_of(row.grants)
            evidence = {"roles": [grant.words for grant in grants]}
            record.note(LedgerEntry(kind=Kind.LINK_USED, at=now, actor=actor, evidence=evidence))
        return grants


def _of(identity: Identity) -> sa.ColumnElement[bool]:
    """Choose the sessions of somebody who signed in in the same way."""
    return sa.and_(WEB_SESSION.c.name == identity.name, WEB_SESSION.c.via == identity.via)
