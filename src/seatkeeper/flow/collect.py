"""Read a site whole or fail: a snapshot that is not whole does not exist."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence, Sized
from datetime import datetime
from typing import Any, TypeVar

from seatkeeper.core.model import Allocation, LicenseType, Snapshot
from seatkeeper.errors import IncompleteRead
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.together import together

Listed = TypeVar("Listed", bound=Sized)


async def collect(site: str, reader: LicenseReader, now: datetime) -> Snapshot:
    """Read everything of one site; each list is compared with the site's own count.

    Raises QrsError when the site does not answer, IncompleteRead when a list and its count
    differ twice.
    """
    license_, overview = await together(reader.server_license(), reader.overview())
    # One list after the other: decoding keeps a core busy as it is, and it spares the site.
    users = await _whole("users", reader.users, reader.count_users)
    allocations: list[Allocation] = []
    for license_type in LicenseType:
        allocations += await _seats(reader, license_type)
    witness = await reader.witness(users, allocations, overview)
    return Snapshot(
        site=site,
        taken_at=now,
        users=users,
        allocations=allocations,
        overview=overview,
        server_license=license_,
        witness=witness,
        skew=reader.skew,
    )


async def _seats(reader: LicenseReader, license_type: LicenseType) -> list[Allocation]:
    async def each_once() -> list[Allocation]:
        """A seat listed twice must neither hide a missing one nor be released twice."""
        seats = await reader.allocations(license_type)
        return seats if len({s.id for s in seats}) == len(seats) else _each_once(seats)

    return await _whole(
        f"{license_type.value} seats",
        each_once,
        lambda: reader.count_allocations(license_type),
    )


def _each_once(seats: Sequence[Allocation]) -> list[Allocation]:
    return list({seat.id: seat for seat in seats}.values())


async def _whole(
    what: str,
    read: Callable[[], Coroutine[Any, Any, Listed]],
    count: Callable[[], Coroutine[Any, Any, int]],
) -> Listed:
    """Read a list and its count; the site may change meanwhile, once."""
    listed, counted = await together(read(), count())
    if len(listed) != counted:
        listed, counted = await together(read(), count())
    if len(listed) != counted:
        raise IncompleteRead(
            f"the site counts {counted} {what} but listed {len(listed)}, twice; nothing is "
            "decided on a partial list. Check the rights of the QRS user and the site's health."
        )
    whole: Listed = listed
    return whole
