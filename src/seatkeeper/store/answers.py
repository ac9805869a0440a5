"""Answers to requests that a program may repeat: done once, answered alike for a day.

Who comes first with a key claims it; others wait or get the answer. A claim whose holder broke off
is never taken over, for nobody knows whether the thing was done. No user of Qlik is named in an
answer that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from seatkeeper.store.access_tables import API_ANSWER
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.owner import Owner

KEPT = timedelta(hours=24)
"""So long a key is known."""

_C = API_ANSWER.c


class Claim(StrEnum):
    """What became of claiming a key."""

    OURS = "ours"
    """It is new: go on, and say what became of it."""
    RUNNING = "running"
    """Somebody else goes on just now."""
    BROKEN_OFF = "broken_off"
    """Somebody went on and never said what became of it."""
    DONE = "done"
    OTHER = "other"
    """It was used for another request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of claiming a key; `answer` is there when it is DONE."""

    claim: Claim
    answer: Answer = field(default_factory=lambda: Answer(0, {}, b""))


class Answers:
    """The kept answers of one store."""

    def __init__(self, db: Database, owner: Owner) -> None:
        self._db = db
        self._owner = owner

    @threaded
    def claim(self, key_hash: str, fingerprint: str, now: datetime) -> Claimed:
        """Claim a key for a request; `fingerprint` is the same for the same request.

        Keys older than KEPT are forgotten first, and such as a clock that was ahead has left.
        """
        row = {
            "key_hash": key_hash,
            "fingerprint": fingerprint,
            "at": now,
            "owner": self._owner.facts,
            "state": Claim.RUNNING,
            "status": 0,
            "headers": "{}",
            "body": b"",
        }
        insert = sqlite.insert if self._db.is_sqlite else postgresql.insert
        with self._db.writing() as conn:
            conn.execute(sa.delete(API_ANSWER).where(_C.at <= now - KEPT))
            conn.execute(sa.delete(API_ANSWER).where(_C.at > now + KEPT))
            # PostgreSQL waits here for whoever inserts the same key just now.
            new = insert(API_ANSWER).values(row).on_conflict_do_nothing().returning(_C.key_hash)
            if conn.execute(new).first() is not None:
                return Claimed(Claim.OURS)
            known = conn.execute(sa.select(API_ANSWER).where(_C.key_hash == key_hash)).one()
        return self._known(known, fingerprint)

    @threaded
    def keep(self, key_hash: str, answer: Answer) -> None:
        """Keep the answer to a claimed key."""
        self._move(
            key_hash,
            state=Claim.DONE,
            status=answer.status,
            headers=msgspec.json.encode(dict(answer.headers)).decode(),
            body=answer.body,
        )

    @threaded
    def break_off(self, key_hash: str) -> None:
        """Say that nobody will ever know what became of a claimed key."""
        self._move(key_hash, state=Claim.BROKEN_OFF)

    @threaded
    def release(self, key_hash: str) -> None:
        """Give a claimed key back: it was refused, and nothing was done."""
        with self._db.writing() as conn:
            conn.execute(sa.delete(API_ANSWER).where(self._ours(key_hash)))

    def _move(self, key_hash: str, **values: object) -> None:
        with self._db.writing() as conn:
            conn.execute(sa.update(API_ANSWER).where(self._ours(key_hash)).values(values))

    def _ours(self, key_hash: str) -> sa.ColumnElement[bool]:
        claimed = (_C.key_hash == key_hash, _C.state == Claim.RUNNING)
        return sa.and_(*claimed, _C.owner == self._owner.facts)

    def _known(self, row: AnyRow, fingerprint: str) -> Claimed:
        if row.fingerprint != fingerprint:
            return Claimed(Claim.OTHER)
        state = Claim(row.state)
        if state is Claim.RUNNING:
            owner = Owner.parse(row.owner)
            dead = owner is not None and owner.is_dead(self._owner)
            return Claimed(Claim.BROKEN_OFF if dead else Claim.RUNNING)
        if state is Claim.DONE:
            headers = msgspec.json.decode(row.headers, type=dict[str, str])
            return Claimed(state, Answer(row.status, headers, bytes(row.body)))
        return Claimed(state)
