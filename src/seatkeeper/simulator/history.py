"""Moves a site's whole history back, so that time passes although the clock stands."""

from __future__ import annotations

from seatkeeper.simulator.moments import NEVER, iso, parse_ms
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import Document

_USER_DATES = ("created", "modified", "stopped")
_SEAT_DATES = ("created", "modified", "last_used", "activity", "quarantine_end")


def move_back(records: Records, ms: int) -> None:
    """Make everything that ever happened `ms` milliseconds older; the license stays as it is."""
    for user in records.users.values():
        _shift(user, _USER_DATES, ms)
        records.save_user(user)
    for rows in records.seats.values():
        for seat in rows.values():
            _shift(seat, _SEAT_DATES, ms)
            records.save_seat(seat)
    for use in records.capacity_uses.values():
        _shift(use, ("start", "stop"), ms)
        records.save_capacity_use(use)
    for kind, documents in records.documents.items():
        for document in list(documents.values()):
            records.save_document(kind, _older(document, ms))
    _shift(records.facts, ("founded", "lived_until"), ms)


def _shift(row: object, names: tuple[str, ...], ms: int) -> None:
    for name in names:
        moment = getattr(row, name)
        if moment > NEVER:
            setattr(row, name, moment - ms)


def _older(document: Document, ms: int) -> Document:
    dates = {name: iso(parse_ms(document[name]) - ms) for name in ("createdDate", "modifiedDate")}
    return document | dates
