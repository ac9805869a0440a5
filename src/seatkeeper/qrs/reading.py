"""One list of one site: how it is asked for and what its rows become.

With filters where the site takes them. A site that refuses a filter is remembered and then read
whole; because a site could also ignore a filter, the caller looks at every row itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from seatkeeper.core.model import Allocation, LicenseType, User
from seatkeeper.errors import Garbled, QrsError, Refused
from seatkeeper.qrs import translate, wire
from seatkeeper.qrs.body import Rows, Sink, Whole
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.faults import Ailing
from seatkeeper.qrs.filters import Guid, any_of

NO_SUCH_FILTER = frozenset({400, 414, 500, 501})
"""Statuses with which a site may answer a filter it does not know (QRS contract 1.5)."""

Result = TypeVar("Result")
Body = TypeVar("Body")


class FilterRefused(Exception):
    """The site does not take this filter: read without it."""


def whole(
    what: str, decoder: msgspec.json.Decoder[Body], convert: Callable[[Body], Result]
) -> Callable[[], Whole[Result]]:
    """Return a maker of sinks for a small answer."""
    return lambda: Whole(what, decoder, convert)


def users_sink(attribute: str = "") -> Sink[dict[str, User]]:
    """Return a sink that keeps users by id, each with one of its attributes if one is named."""
    users: dict[str, User] = {}
    shared = translate.Shared(attribute)

    def take(row: wire.UserRow) -> None:
        user = translate.user(row, shared)
        if user.id in users:
            raise ValueError(f"the user {user.id} is listed twice")
        users[user.id] = user

    return Rows("users", wire.USERS, take, users)


def seats_sink(license_type: LicenseType) -> Sink[list[Allocation]]:
    """Return a sink that keeps the seats of a type."""
    seats: list[Allocation] = []
    ids: set[str] = set()

    def take(row: wire.SeatRow) -> None:
        seat = translate.seat(row, license_type)
        if seat.id in ids:
            raise ValueError(f"the seat {seat.id} is listed twice")
        ids.add(seat.id)
        seats.append(seat)

    return Rows(f"{license_type.value} seats", wire.SEATS, take, seats)


class FilteredReading:
    """Reads parts of lists with filters, and remembers which filters the site refused."""

    def __init__(self, client: QrsClient) -> None:
        """Believe in every filter until the site refuses it."""
        self._client = client
        self._refused: set[tuple[str, str]] = set()

    async def narrowed(
        self, path: str, property_: str, filter_: str, make_sink: Callable[[], Sink[Result]]
    ) -> Result:
        """Read a list with one filter, or whole when the site refuses a filter by `property_`."""
        try:
            return await self._filtered(path, property_, filter_, make_sink)
        except FilterRefused:
            return await self._unfiltered(path, property_, make_sink)

    async def picked(
        self,
        path: str,
        property_: str,
        ids: Sequence[str],
        make_sink: Callable[[], Sink[Result]],
    ) -> list[Result]:
        """Read the rows whose `property_` is one of the ids, in as few requests as fit.

        The parts are asked for at once. The answers may hold other rows too.
        """
        wanted = sorted(set(ids))
        if not wanted:
            return []
        filters = list(any_of(property_, _guids(wanted), self._client.room(path)))
        try:
            return await _together([self._filtered(path, property_, f, make_sink) for f in filters])
        except FilterRefused:
            return [await self._unfiltered(path, property_, make_sink)]

    async def _filtered(
        self, path: str, property_: str, filter_: str, make_sink: Callable[[], Sink[Result]]
    ) -> Result:
        if (path, property_) in self._refused:
            raise FilterRefused
        try:
            return await self._client.read(path, make_sink, filter_=filter_, long=True)
        except (Refused, Ailing) as error:
            if error.status not in NO_SUCH_FILTER:
                raise
            raise FilterRefused from error

    async def _unfiltered(
        self, path: str, property_: str, make_sink: Callable[[], Sink[Result]]
    ) -> Result:
        result = await self._client.read(path, make_sink, long=True)
        # Only now it is certain that the filter was at fault and not the health of the site.
        self._refused.add((path, property_))
        return result


def _guids(ids: Sequence[str]) -> list[Guid]:
    try:
        return [Guid(i) for i in ids]
    except ValueError as error:
        raise Garbled(f"an id of the site is no id: {error}") from error


async def _together(readings: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Await all at once; raises the first error itself, the others end."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reading) for reading in readings]
    except* (QrsError, FilterRefused) as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first
