"""Exports: files that are written while they are sent, as long as somebody takes them.

So many are open at once, for each reads the store from one end to the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterable

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from seatkeeper.web.api.events import Streams
from seatkeeper.web.patience import announce_stream
from seatkeeper.web.who import Visitor

MOST, MOST_OF_ONE = 6, 2
"""Exports that are open at once, and of one person or token."""


class Export(StreamingResponse):
    """A file that is sent; it counts as open until it is over, however it ends."""

    def __init__(self, rows: AsyncIterable[str | bytes], name: str, media_type: str) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(rows, media_type=media_type, headers=headers)
        self.held = contextlib.ExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self.held:
            await super().__call__(scope, receive, send)


def exported(request: Request, visitor: Visitor, export: Export) -> Export:
    """Let an export be sent for as long as it takes; raises TooManyStreams."""
    exports: Streams = request.app.state.exports
    who = f"{visitor.identity.via.value} {visitor.identity.name}"
    export.held.enter_context(exports.one_more(who))
    announce_stream(request.scope)
    return export
