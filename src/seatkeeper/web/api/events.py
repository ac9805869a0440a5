"""`/events`: what happens, the moment it happens, as server-sent events.

A stream tells where it is, so that whoever was cut off goes on there (`Last-Event-ID`); what is
told twice has the same id. It lasts a few minutes at most: its reader connects again, and signs in
again by that. Every few seconds it is asked whether they may still read.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from seatkeeper import logs
from seatkeeper.core.event import Event, Place, event_to_bytes
from seatkeeper.errors import StoreError
from seatkeeper.web.api.shapes import problem
from seatkeeper.web.api.tagged import TaggedRoute
from seatkeeper.web.patience import announce_stream
from seatkeeper.web.reach import READS, reaches
from seatkeeper.web.refusals import NotSignedIn, Refusal
from seatkeeper.web.streams import HeldResponse, Room
from seatkeeper.web.who import Visitor, desk_of, find_visitor

router = APIRouter(route_class=TaggedRoute, tags=["events"])

_REMEMBERED = 10_000
"""Events that a stream knows it has told."""


@dataclass(slots=True)
class Streams(Room):
    """The streams of an application: how many at once, how often they look, how long they last.

    Seconds; `beat` is shorter than the patience of the server, so that a reader is seen to read.
    """

    most: int = 20
    most_of_one: int = 4
    look: float = 1.0
    beat: float = 5.0
    longest: float = 300.0


class PlaceUnknown(Refusal):
    """A place among events that no stream ever gave."""

    status = 422
    title = "Last-Event-ID is not known"

    def __init__(self) -> None:
        super().__init__("leave it out to be told from now on")


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events as they happen, see docs/api.md.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        422: problem("Last-Event-ID is not known."),
    },
)
async def events(
    request: Request,
    visitor: READS,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="Where a stream broke off.")
    ] = None,
) -> StreamingResponse:
    """Tell what happens on the sites that the role reaches, until the reader goes."""
    desk = desk_of(request)
    try:
        place = None if last_event_id is None else Place.parse(last_event_id)
    except (ValueError, OverflowError):
        raise PlaceUnknown from None
    streams: Streams = request.app.state.streams
    with contextlib.ExitStack() as held:
        held.enter_context(streams.one_more(visitor.identity))
        begin = place or await desk.store.events.here(desk.now())
        stream = _Stream(request, visitor, streams, begin)
        if place is None:
            await stream.forget_the_past()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        texts = _until_over(stream)
        return HeldResponse(texts, held.pop_all(), "text/event-stream", headers)


async def _until_over(stream: _Stream) -> AsyncIterator[str]:
    try:
        async for text in stream.texts():
            yield text
    except StoreError as error:
        logs.logger().error("web.events", error=str(error))


class _Stream:
    """One stream: where it is, what it has told, and when it ends."""

    def __init__(self, request: Request, visitor: Visitor, streams: Streams, place: Place) -> None:
        self._request, self._visitor, self._streams = request, visitor, streams
        self._place = place
        self._told: OrderedDict[str, None] = OrderedDict()
        self._stopped = announce_stream(request.scope)

    async def forget_the_past(self) -> None:
        """Take for told what happened before anybody listened."""
        desk = desk_of(self._request)
        sites = desk.names(self._visitor.identity)
        news = await desk.store.events.after(self._place, sites, desk.now())
        for event in news.events:
            self._is_new(event)

    async def texts(self) -> AsyncIterator[str]:
        """Give what is sent: where it begins, events, a heartbeat where there are none."""
        yield f"retry: 2000\nid: {self._place.text}\n\n"
        begun = beaten = asked = time.monotonic()
        while not self._stopped.is_set():
            told = False
            async for text in self._news():
                told = True
                yield text
            now = time.monotonic()
            if now - begun >= self._streams.longest:
                return
            if now - asked >= self._streams.beat:  # also while there is something to tell
                if not await self._may_still():
                    return
                asked = now
            if told:
                beaten = now
            elif now - beaten >= self._streams.beat:
                beaten = now
                yield f": \nid: {self._place.text}\n\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), self._streams.look)

    async def _news(self) -> AsyncIterator[str]:
        """Give what is new; the last of what was found together says where the stream is then.

        Who is cut off before it goes on before all of it, and is told some of it twice.
        """
        desk = desk_of(self._request)
        while True:
            sites = desk.names(self._visitor.identity)
            news = await desk.store.events.after(self._place, sites, desk.now())
            self._place = news.place
            visitor = self._visitor
            theirs = [event for event in news.events if reaches(desk, visitor, event.site)]
            fresh = [event for event in theirs if self._is_new(event)]
            for event in fresh[:-1]:
                yield text_of(event)
            for event in fresh[-1:]:
                yield f"id: {self._place.text}\n{text_of(event)}"
            if not news.more:
                return

    def _is_new(self, event: Event) -> bool:
        if event.key in self._told:
            return False
        self._told[event.key] = None
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return True

    async def _may_still(self) -> bool:
        """Ask again who this is: tokens are revoked, sessions end, roles change.

        A stream that is open keeps no session alive: nobody has to be there for it.
        """
        try:
            visitor = await find_visitor(self._request, renew=False)
        except NotSignedIn:
            return False
        if visitor is None:
            return False
        self._visitor = visitor
        return True


def text_of(event: Event) -> str:
    """Return an event as it is sent; JSON has no line ends of its own."""
    body = event_to_bytes(event).decode("utf-8")
    return f"event: {event.kind.value}\ndata: {body}\n\n"
