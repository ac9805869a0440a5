"""Reads one site: pools, license, users and seats, whole or in part. It never writes.

Bulk reads only: whole lists, or parts by filters of many ids, never a request for each user.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from seatkeeper.core.model import (
    Allocation,
    LicenseType,
    Overview,
    ServerLicense,
    User,
    Witness,
)
from seatkeeper.qrs import translate, wire
from seatkeeper.qrs.body import Sink
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.filters import where
from seatkeeper.qrs.reading import FilteredReading, seats_sink, users_sink, whole
from seatkeeper.qrs.simulated import SimulatedTime, simulated_time
from seatkeeper.qrs.usage import UsageReading

OVERVIEW_PATH = "/license/accesstypeoverview"
USERS_PATH = "/user"


class SiteReader:
    """Reads one site; every method tries a few times and raises QrsError at last."""

    def __init__(self, client: QrsClient, attribute: str = "") -> None:
        """Read through an open client; `attribute` names the one that users are read with."""
        self._client = client
        self._attribute = attribute
        self._parts = FilteredReading(client)
        self._usage = UsageReading(client, self._parts)

    @property
    def skew(self) -> timedelta | None:
        """The site's clock minus ours, from the newest answer; None without a `Date` header."""
        return self._client.skew

    @property
    def requests(self) -> int:
        """Requests sent so far, further tries included."""
        return self._client.requests

    async def build_version(self) -> str:
        """Return the repository's own version, empty when it does not say."""
        make = whole("about", wire.ABOUT, lambda body: body.build_version or "")
        return await self._client.read("/about", make)

    async def simulated_time(self) -> SimulatedTime | None:
        """Ask the site for its own time; None unless it says that it is the simulator."""
        return await self._client.read("/about", whole("about", wire.ABOUT, simulated_time))

    async def server_license(self) -> ServerLicense | None:
        """Read the license of the site; None when none is installed."""
        make = whole("license", wire.LICENSE, translate.server_license)
        return await self._client.read("/license", make)

    async def overview(self) -> Overview:
        """Read the pools."""
        make = whole("access type overview", wire.OVERVIEW, translate.overview)
        return await self._client.read(OVERVIEW_PATH, make)

    async def users(self) -> dict[str, User]:
        """Read every user, keyed by QRS id."""
        return await self._client.read(f"{USERS_PATH}/full", self._users_sink, long=True)

    def _users_sink(self) -> Sink[dict[str, User]]:
        return users_sink(self._attribute)

    async def count_users(self) -> int:
        """Count the users the site would list."""
        return await self._count(USERS_PATH, "count of users")

    async def allocations(self, license_type: LicenseType) -> list[Allocation]:
        """Read every seat of a type."""
        path = _seats(license_type)
        return await self._client.read(f"{path}/full", lambda: seats_sink(license_type), long=True)

    async def count_allocations(self, license_type: LicenseType) -> int:
        """Count the seats of a type the site would list."""
        return await self._count(_seats(license_type), f"count of {license_type.value} seats")

    async def _count(self, path: str, what: str) -> int:
        return await self._client.read(f"{path}/count", whole(what, wire.COUNT, translate.count))

    async def witness(
        self,
        users: dict[str, User],
        allocations: Sequence[Allocation],
        overview: Overview,
        since: datetime | None = None,
    ) -> Witness:
        """Read activity beside the seats: usage rows, token seats; `since` narrows where it can."""
        return await self._usage.witness(users, allocations, overview, since)

    async def allocations_by_id(
        self, license_type: LicenseType, ids: Sequence[str]
    ) -> list[Allocation]:
        """Read these seats afresh; a seat that is gone is missing from the list."""
        wanted = {translate.guid(i) for i in ids}
        return [s for s in await self._seats_by("id", license_type, wanted) if s.id in wanted]

    async def allocations_of_users(
        self, license_type: LicenseType, user_ids: Sequence[str]
    ) -> list[Allocation]:
        """Read every seat of these users afresh."""
        wanted = {translate.guid(i) for i in user_ids}
        rows = await self._seats_by("user.id", license_type, wanted)
        return [s for s in rows if s.user_id in wanted]

    async def _seats_by(
        self, property_: str, license_type: LicenseType, wanted: set[str]
    ) -> list[Allocation]:
        path = f"{_seats(license_type)}/full"
        parts = await self._parts.picked(
            path, property_, sorted(wanted), lambda: seats_sink(license_type)
        )
        # A site that ignores filters gives everything in every part: keep each seat once.
        return list({seat.id: seat for part in parts for seat in part}.values())

    async def active_since(self, license_type: LicenseType, since: datetime) -> list[Allocation]:
        """Read the seats used at or after `since` (the answer may hold more, never less)."""
        rows = await self._parts.narrowed(
            f"{_seats(license_type)}/full",
            "lastUsed",
            where("lastUsed", "ge", since),
            lambda: seats_sink(license_type),
        )
        return [s for s in rows if s.doubt or (s.last_used is not None and s.last_used >= since)]

    async def users_by_id(self, ids: Sequence[str]) -> dict[str, User]:
        """Read these users afresh, keyed by QRS id; a user that is gone is missing."""
        wanted = {translate.guid(i) for i in ids}
        parts = await self._parts.picked(
            f"{USERS_PATH}/full", "id", sorted(wanted), self._users_sink
        )
        return {i: user for part in parts for i, user in part.items() if i in wanted}


def _seats(license_type: LicenseType) -> str:
    return f"/license/{wire.SEGMENTS[license_type]}"
