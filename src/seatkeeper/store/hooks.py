"""How far each webhook was told: its events go into the outbox together with the place behind them.

Both are one transaction, so a process that dies loses no event and doubles none. Looking when
nothing has happened writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa

from seatkeeper.core.event import Event, News, Place
from seatkeeper.core.hook import Hook, entry_of
from seatkeeper.store.engine import Database, threaded
from seatkeeper.store.events import LATE, has_number, news_after
from seatkeeper.store.jobs import insert_missing
from seatkeeper.store.outbox import add_entries
from seatkeeper.store.recording import read_head
from seatkeeper.store.telling_tables import HOOK_PLACE

_H = HOOK_PLACE.c


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far a webhook was told, and the events without a number that may be found again."""

    place: Place
    told: frozenset[str]

    def fresh(self, news: News) -> list[Event]:
        """Return what it was not told yet."""
        return [event for event in news.events if event.key not in self.told]

    def is_behind(self, news: News) -> bool:
        """Whether there is anything to write down."""
        return news.place.seq != self.place.seq or bool(self.fresh(news))


class Hooks:
    """The webhooks of one store, as far as they were told."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @threaded
    def catch_up(self, hook: Hook, since: datetime, now: datetime) -> int:
        """Put what a webhook was not told yet into the outbox; returns how much.

        One that was never told of anything is told from now on. What happened before `since`
        is not told any more.
        """
        with self._db.snapshot() as conn:  # looking costs no write
            reached = _reached(conn, hook.target)
            if reached and not reached.is_behind(_news(conn, hook, reached.place, now)):
                return 0
        put, more = 0, True
        while more:
            with self._db.writing() as conn:
                number, more = _step(conn, hook, since, now)
            put += number
        return put


def _step(conn: sa.Connection, hook: Hook, since: datetime, now: datetime) -> tuple[int, bool]:
    """Put what one look finds; returns how much, and whether there is more behind it."""
    reached = _reached(conn, hook.target, lock=True)
    if reached is None:
        here = Place(read_head(conn).seq, now)
        insert_missing(conn, HOOK_PLACE, [_row(hook, _news(conn, hook, here, now))])
        return 0, False
    news = _news(conn, hook, reached.place, now)
    wanted = [e for e in reached.fresh(news) if hook.wants(e) and e.at >= since]
    add_entries(conn, hook.target, [entry_of(event) for event in wanted])
    changed = sa.update(HOOK_PLACE).where(_H.target == hook.target)
    conn.execute(changed.values(_row(hook, news)))
    return len(wanted), news.more


def _reached(conn: sa.Connection, target: str, *, lock: bool = False) -> _Reached | None:
    """Read how far a webhook was told; with `lock` nobody else moves it until the commit."""
    found = sa.select(HOOK_PLACE).where(_H.target == target)
    row = conn.execute(found.with_for_update() if lock else found).first()
    if row is None:
        return None
    return _Reached(Place(row.seq, row.at), msgspec.json.decode(row.told, type=frozenset[str]))


def _news(conn: sa.Connection, hook: Hook, place: Place, now: datetime) -> News:
    return news_after(conn, place, hook.sites, now)


def _row(hook: Hook, news: News) -> dict[str, object]:
    """Return the row of a webhook that knows this news."""
    place = news.place
    told = [e.key for e in _found_again(news.events, place.at)]
    return {
        "target": hook.target,
        "seq": place.seq,
        "at": place.at,
        "told": msgspec.json.encode(told).decode("utf-8"),
    }


def _found_again(events: Sequence[Event], at: datetime) -> list[Event]:
    """Return the events that the next look finds once more."""
    return [event for event in events if not has_number(event) and event.at > at - LATE]
