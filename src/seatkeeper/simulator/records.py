"""The records of one simulated site with their indexes, and the note of every change.

Whoever changes a row saves it here: that keeps indexes right, tells watchers (caches), and notes
the row's new state for the journal. No rule of QRS stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import msgspec

from seatkeeper.simulator.moments import NEVER
from seatkeeper.simulator.rows import CapacityUse, Document, Seat, SeatType, User

Watcher: TypeAlias = Callable[[str, str], None]
"""Is told the kind and id of every record that changed."""

PERSON = "person"
CAPACITY = "capacity"
TOTAL = "total"
SITE = "site"

_encode = msgspec.json.Encoder().encode


class Facts(msgspec.Struct):
    """What is true of the site as a whole."""

    name: str
    seed: int
    serial: str
    license_id: str
    licensed_since: int
    valid_to: int
    capacity_minutes: int = 0
    tokens: int = 0
    clock_offset: int = 0
    founded: int = NEVER
    """When history begins; people live on from `lived_until`."""
    lived_until: int = NEVER
    joined: int = 0
    left: int = 0
    turned_away: int = 0


class Contents(msgspec.Struct):
    """Everything of a site in one value, as the base file keeps it."""

    facts: Facts
    users: list[User]
    seats: list[Seat]
    documents: dict[str, list[Document]]
    totals: dict[SeatType, int]
    capacity_uses: list[CapacityUse]


class Records:
    """All rows of a site by id."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.users: dict[str, User] = {}
        self.seats: dict[SeatType, dict[str, Seat]] = {kind: {} for kind in SeatType}
        self.documents: dict[str, dict[str, Document]] = {}
        self.totals: dict[SeatType, int] = dict.fromkeys(SeatType, 0)
        self.capacity_uses: dict[str, CapacityUse] = {}
        self.quarantined: dict[SeatType, set[str]] = {kind: set() for kind in SeatType}
        self.locked_out: dict[SeatType, set[str]] = {kind: set() for kind in SeatType}
        self.watchers: list[Watcher] = []
        self.noting = False
        """Whether changes are noted for the journal; off while a whole history is made."""
        self._user_keys: dict[tuple[str, str], User] = {}
        self._logins: dict[str, dict[str, User]] = {}
        self._held: dict[SeatType, dict[str, tuple[Seat, ...]]] = {kind: {} for kind in SeatType}
        self._notes: list[bytes] = []

    # Reading

    def user_by_key(self, directory: str, user_id: str) -> User | None:
        """Find a user by directory and id without regard to case."""
        return self._user_keys.get((directory.casefold(), user_id.casefold()))

    def users_by_login(self, user_id: str) -> Iterable[User]:
        """Find the users of any directory with this id, given in folded case."""
        return self._logins.get(user_id, {}).values()

    def seats_held(self, kind: SeatType, user: str) -> tuple[Seat, ...]:
        """List the seats of one type that a user (by id) has, quarantined ones included."""
        return self._held[kind].get(user, ())

    def live(self, kind: SeatType) -> int:
        """Count the rows that are not in quarantine."""
        return len(self.seats[kind]) - len(self.quarantined[kind])

    def find_user(self, name: str) -> User:
        r"""Find a user by `DIR\id` or by id of the row; an unknown one is a ValueError."""
        directory, _, login = name.partition("\\")
        user = self.user_by_key(directory, login) or self.users.get(name.lower())
        if user is None:
            msg = f"no user is called {name}"
            raise ValueError(msg)
        return user

    def find_seat(self, key: str) -> Seat:
        """Find a seat of any type by id; an unknown one is a ValueError."""
        for rows in self.seats.values():
            if key.lower() in rows:
                return rows[key.lower()]
        msg = f"no seat has the id {key}"
        raise ValueError(msg)

    # Changing

    def save_user(self, user: User) -> None:
        """Add a user, or note that it changed."""
        before = self.users.get(user.id)
        if before is None:
            self.users[user.id] = user
            self._user_keys[user.key] = user
            self._logins.setdefault(user.user_id.casefold(), {})[user.id] = user
        self._changed(PERSON, user.id, user)

    def drop_user(self, user: User) -> None:
        """Forget a user."""
        del self.users[user.id]
        self._user_keys.pop(user.key, None)
        self._logins[user.user_id.casefold()].pop(user.id, None)
        self._changed(PERSON, user.id, None)

    def save_seat(self, seat: Seat) -> None:
        """Add a seat, or note that it changed; its holder never changes but to nobody."""
        rows = self.seats[seat.type]
        if seat.id not in rows:
            rows[seat.id] = seat
            if seat.user:
                held = self._held[seat.type]
                held[seat.user] = (*held.get(seat.user, ()), seat)
        _mark(self.quarantined[seat.type], seat.id, on=seat.quarantined)
        _mark(self.locked_out[seat.type], seat.id, on=seat.excess)
        self._changed(seat.type, seat.id, seat)

    def leave_ownerless(self, seat: Seat) -> None:
        """Take the holder off a seat, because the user is deleted."""
        self._let_go(seat)
        seat.user = ""

    def drop_seat(self, seat: Seat) -> None:
        """Forget a seat."""
        del self.seats[seat.type][seat.id]
        self._let_go(seat)
        self.quarantined[seat.type].discard(seat.id)
        self.locked_out[seat.type].discard(seat.id)
        self._changed(seat.type, seat.id, None)

    def _let_go(self, seat: Seat) -> None:
        held = self._held[seat.type]
        rest = tuple(one for one in held.get(seat.user, ()) if one.id != seat.id)
        if rest:
            held[seat.user] = rest
        else:
            held.pop(seat.user, None)

    def save_document(self, kind: str, document: Document) -> None:
        """Add or replace a document."""
        self.documents.setdefault(kind, {})[document["id"]] = document
        self._changed(kind, document["id"], document)

    def drop_document(self, kind: str, key: str) -> None:
        """Forget a document."""
        del self.documents[kind][key]
        self._changed(kind, key, None)

    def save_capacity_use(self, use: CapacityUse) -> None:
        """Add a stay on the analyzer capacity, or note that it changed."""
        self.capacity_uses[use.id] = use
        self._changed(CAPACITY, use.id, use)

    def set_total(self, kind: SeatType, number: int) -> None:
        """Set how many seats of a type the license grants."""
        self.totals[kind] = number
        self._changed(TOTAL, kind, number)

    def note_facts(self) -> None:
        """Note that the facts of the site changed."""
        self._changed(SITE, "", self.facts)

    def _changed(self, kind: str, key: str, value: Any) -> None:
        if self.noting:
            self._notes.append(_encode((kind, key, value)) + b"\n")
        for watcher in self.watchers:
            watcher(kind, key)

    def take_notes(self) -> bytes:
        """Hand over the notes of all changes since the last call, a line each."""
        notes, self._notes = self._notes, []
        return b"".join(notes)

    # Keeping

    def contents(self) -> Contents:
        """Give everything as one value."""
        return Contents(
            self.facts,
            list(self.users.values()),
            [seat for rows in self.seats.values() for seat in rows.values()],
            {kind: list(rows.values()) for kind, rows in self.documents.items()},
            dict(self.totals),
            list(self.capacity_uses.values()),
        )

    @classmethod
    def of(cls, contents: Contents) -> Records:
        """Build the records from everything in one value."""
        records = cls(contents.facts)
        for user in contents.users:
            records.save_user(user)
        for seat in contents.seats:
            records.save_seat(seat)
        for kind, documents in contents.documents.items():
            for document in documents:
                records.save_document(kind, document)
        records.totals.update(contents.totals)
        for use in contents.capacity_uses:
            records.save_capacity_use(use)
        return records

    def replay(self, line: bytes) -> None:
        """Carry out one noted change again; a line that is none is a ValueError."""
        kind, key, value = msgspec.json.decode(line, type=tuple[str, str, msgspec.Raw])
        gone = bytes(value) == b"null"
        if kind == SITE:
            self.facts = msgspec.json.decode(value, type=Facts)
        elif kind == TOTAL:
            self.totals[SeatType(key)] = msgspec.json.decode(value, type=int)
        elif kind == CAPACITY:
            self.save_capacity_use(msgspec.json.decode(value, type=CapacityUse))
        elif kind == PERSON:
            self._replay_user(key, None if gone else msgspec.json.decode(value, type=User))
        elif kind in set(SeatType):
            seat = None if gone else msgspec.json.decode(value, type=Seat)
            self._replay_seat(SeatType(kind), key, seat)
        elif gone:
            self.documents.get(kind, {}).pop(key, None)
        else:
            self.save_document(kind, msgspec.json.decode(value))

    def _replay_user(self, key: str, user: User | None) -> None:
        before = self.users.get(key)
        if before is not None:
            self.drop_user(before)
        if user is not None:
            self.save_user(user)

    def _replay_seat(self, kind: SeatType, key: str, seat: Seat | None) -> None:
        before = self.seats[kind].get(key)
        if before is not None:
            self.drop_seat(before)
        if seat is not None:
            self.save_seat(seat)


def _mark(ids: set[str], key: str, *, on: bool) -> None:
    if on:
        ids.add(key)
    else:
        ids.discard(key)
