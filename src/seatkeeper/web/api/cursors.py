"""Cursors: where a list goes on, sealed, for the place may be the name of a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from fastapi import Request

from seatkeeper.web.refusals import Refusal
from seatkeeper.web.sealed import Purpose, Seal

Place = TypeVar("Place", bound=msgspec.Struct)
Item = TypeVar("Item")


class BadCursor(Refusal):
    """A cursor that this console never gave for this list."""

    status = 422
    title = "The cursor is not known"

    def __init__(self) -> None:
        super().__init__("begin at the first page: leave the cursor out")


def _seal(request: Request) -> Seal:
    seal: Seal = request.app.state.seal
    return seal


def sealed(request: Request, place: msgspec.Struct) -> str:
    """Return a cursor; each kind of place has a tag, so that none fits another list."""
    return _seal(request).close(msgspec.json.encode(place).decode("utf-8"), Purpose.CURSOR)


def opened(request: Request, cursor: str, kind: type[Place]) -> Place | None:
    """Return the place a cursor names, None for the first page; raises BadCursor."""
    if not cursor:
        return None
    try:
        return msgspec.json.decode(_seal(request).open(cursor, Purpose.CURSOR), type=kind)
    except msgspec.MsgspecError:
        raise BadCursor from None


class After(msgspec.Struct, tag=True, forbid_unknown_fields=True):
    """So many items of a short list are behind."""

    list: str
    skipped: int


def part(
    request: Request, name: str, items: Sequence[Item], cursor: str, limit: int
) -> tuple[Sequence[Item], str | None]:
    """Return a part of a list that is read whole, and the cursor of the part after it."""
    place = opened(request, cursor, After)
    if place is not None and (place.list != name or place.skipped < 0):
        raise BadCursor
    begin = 0 if place is None else place.skipped
    more = begin + limit < len(items)
    after = sealed(request, After(name, begin + limit)) if more else None
    return items[begin : begin + limit], after
