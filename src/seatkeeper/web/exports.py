"""Exports: files that are written while they are sent, as long as somebody takes them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable

from fastapi import Request, Response

from seatkeeper.web.patience import announce_stream
from seatkeeper.web.streams import HeldResponse, Room
from seatkeeper.web.who import Visitor

MOST, MOST_OF_ONE = 6, 2
"""Exports that are open at once, and of one person or token."""


def exported(
    request: Request, visitor: Visitor, rows: AsyncIterable[str | bytes], name: str, media_type: str
) -> Response:
    """Send a file row by row, for as long as it takes; raises TooManyStreams."""
    exports: Room = request.app.state.exports
    held = contextlib.ExitStack()
    held.enter_context(exports.one_more(visitor.identity))
    announce_stream(request.scope)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HeldResponse(rows, held, media_type, headers)
