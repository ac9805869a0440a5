"""The seats as collections: allocations of each type and the usage rows that go with them."""

from __future__ import annotations

from collections.abc import Collection as Sized
from typing import Any

from seatkeeper.simulator.answers import Rejection, bad_request, not_found
from seatkeeper.simulator.collection import Collection
from seatkeeper.simulator.entities import Shapes, usage_id
from seatkeeper.simulator.fields import capacity_usage_fields, seat_fields, usage_fields
from seatkeeper.simulator.query import Row
from seatkeeper.simulator.rows import CapacityUse, Document, Seat, SeatType, User
from seatkeeper.simulator.site import Site

_WHOLE_ENTITY = {"lastUsed", "quarantined", "quarantineEnd"}


class SeatTable(Collection):
    """The allocations of one license type."""

    def __init__(self, site: Site, shapes: Shapes, kind: SeatType) -> None:
        super().__init__(site)
        self.kind = kind
        self.fields = seat_fields(site.records, shapes, kind)
        self._shapes = shapes
        self._seats = site.records.seats[kind]

    def rows(self) -> Sized[Seat]:
        """Give all seats, quarantined ones included."""
        return self._seats.values()

    def get(self, key: str) -> Seat | None:
        """Find a seat by id."""
        return self._seats.get(key)

    def full(self, row: Seat) -> Document:
        """Give the seat with its holder."""
        return self._shapes.seat_full(row)

    def create(self, body: Document, by: str) -> Seat:
        """Allocate a seat to the user named in the body."""
        return self.site.grant(self.kind, [self._user_of(body)], by)[0]

    def create_many(self, bodies: list[Document], by: str) -> list[Seat]:
        """Allocate seats to all users named, or to none of them."""
        users = [self._user_of(body) for body in bodies]
        fresh = [user for user in users if not self._waiting(user)]
        if self.site.free(self.kind) < len(fresh):
            raise Rejection(int(self.site.switches.post_no_seat), "No access left to allocate")
        if self.site.switches.post_duplicate in {"400", "409"} and self._doubled(users):
            raise Rejection(
                int(self.site.switches.post_duplicate), "A user has this access already"
            )
        return self.site.grant(self.kind, users, by)

    def _waiting(self, user: User) -> bool:
        held = self.site.records.seats_held(self.kind, user.id)
        return self.site.switches.reinstate in {"both", "post"} and any(
            seat.quarantined for seat in held
        )

    def _doubled(self, users: list[User]) -> bool:
        if len({user.id for user in users}) < len(users):
            return True
        return any(
            self.site.records.seats_held(self.kind, user.id) and not self._waiting(user)
            for user in users
        )

    def _user_of(self, body: Document) -> User:
        if self.site.switches.post_minimal == "refuse" and not body.keys() >= _WHOLE_ENTITY:
            raise bad_request()
        reference = body.get("user")
        if not isinstance(reference, dict):
            raise bad_request()
        user = self.site.records.users.get(str(reference.get("id", "")).lower())
        if user is None:
            raise bad_request("The user does not exist")
        return user

    def replace(self, row: Seat, body: Document, by: str) -> Seat:
        """End a quarantine when the body says so; nothing else of a seat can be changed."""
        self.check_conflict(body, row.modified)
        ends = row.quarantined and body.get("quarantined") is False
        if ends and self.site.switches.reinstate in {"both", "put"}:
            return self.site.reinstate(row, by)
        if ends:
            raise bad_request()
        return row

    def remove(self, key: str, by: str) -> str:  # noqa: ARG002 - the site signs for releases
        """Release a seat."""
        return self.site.release(self.kind, key)


class UsageTable(Collection):
    """The latest uses of the seats of one license type; a row is the seat itself."""

    def __init__(self, site: Site, shapes: Shapes, kind: SeatType) -> None:
        super().__init__(site)
        self.fields = usage_fields(site.records, shapes, kind)
        self.empty = False
        """A fault: the site shows no usage."""
        self._shapes = shapes
        self._seats = site.records.seats[kind]

    def rows(self) -> Sized[Seat]:
        """Give the seats used within the days that usage is kept."""
        if self.empty:
            return []
        since = self._shapes.usage_since()
        activity = self._shapes.activity
        return [seat for seat in self._seats.values() if activity(seat) >= since]

    def get(self, key: str) -> Seat | None:
        """Find a usage row by its id."""
        return next((seat for seat in self.rows() if usage_id(seat) == key), None)

    def full(self, row: Seat) -> Document:
        """Give the latest use."""
        return self._shapes.usage_full(row)

    def condensed(self, row: Seat) -> Document:
        """Give only the id."""
        return {"id": usage_id(row), "privileges": None}


class CapacityUsageTable(Collection):
    """Stays that were paid from the analyzer capacity."""

    def __init__(self, site: Site, shapes: Shapes) -> None:
        super().__init__(site)
        self.fields = capacity_usage_fields(site.records)
        self.empty = False
        self._shapes = shapes

    def rows(self) -> Sized[CapacityUse]:
        """Give the stays within the days that usage is kept."""
        if self.empty:
            return []
        since = self._shapes.usage_since()
        return [use for use in self.site.records.capacity_uses.values() if use.stop >= since]

    def get(self, key: str) -> CapacityUse | None:
        """Find a stay by id."""
        return self.site.records.capacity_uses.get(key)

    def full(self, row: CapacityUse) -> Document:
        """Give the stay with its guest."""
        pools = self.site.records.documents.get("analyzertimeaccesstype", {})
        if not pools:
            raise not_found()
        return self._shapes.capacity_usage_full(row, next(iter(pools.values())))


class EmptyTable(Collection):
    """A list that this site has and never fills, such as the usage of login passes."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.fields = {}

    def rows(self) -> Sized[Row]:
        """Give nothing."""
        return ()

    def get(self, key: str) -> Row | None:  # noqa: ARG002 - there is nothing to find
        """Find nothing."""
        return None

    def full(self, row: Any) -> Document:
        """Give the row; there is none."""
        return {"id": row.id}
