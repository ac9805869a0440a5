"""What is known about the people behind the seats.

Gathered once a run, so that every seat is judged by the same facts: who is the same person,
when that person was last active anywhere, and who is protected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.exemptions import ExemptionIndex, Protection
from seatkeeper.core.model import Allocation, Snapshot, User, person_key
from seatkeeper.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Sources:
    """Where facts come from: one site's rows, and activity known from elsewhere.

    `elsewhere` are mappings from person key to the latest activity: usage rows, token seats,
    the other sites under the same license, what an earlier reading knew.
    """

    users: Mapping[str, User]
    allocations: Iterable[Allocation]
    elsewhere: tuple[Mapping[str, datetime], ...] = ()

    @classmethod
    def of(cls, snapshot: Snapshot, *partners: Mapping[str, datetime]) -> Sources:
        """Take a whole snapshot, and the activity of the sites that share its license."""
        return cls(snapshot.users, snapshot.allocations, (snapshot.witness.by_person, *partners))


class Facts:
    """The facts about everybody on one site at one moment."""

    def __init__(self, sources: Sources, policy: Policy, now: datetime) -> None:
        """Index the users and their latest activity."""
        self.users = sources.users
        self._index = ExemptionIndex(policy, now)
        self._keys: dict[str, str] = {}
        self._doubles: dict[str, list[User]] = {}
        self._index_users()
        self._latest: dict[str, datetime] = {}
        self._elsewhere = tuple(m for m in sources.elsewhere if m)
        for seat in sources.allocations:
            if seat.last_used is not None:
                self._add(seat, seat.last_used)

    def _index_users(self) -> None:
        first: dict[str, User] = {}
        for user in self.users.values():
            key = user.key
            self._keys[user.id] = key
            other = first.setdefault(key, user)
            if other is not user:
                self._doubles.setdefault(key, [other]).append(user)

    def _add(self, seat: Allocation, at: datetime) -> None:
        latest = self._latest
        for key in self._keys_of(seat):
            known = latest.get(key)
            if known is None or known < at:
                latest[key] = at

    def _keys_of(self, seat: Allocation) -> tuple[str, ...]:
        """One key, or two when the row and the user list spell the person differently."""
        by_id = self._keys.get(seat.user_id) if seat.user_id is not None else None
        by_row = person_key(seat.holder) if seat.holder else None
        if by_id is None or by_id == by_row:
            return (by_row,) if by_row is not None else ()
        return (by_id,) if by_row is None else (by_id, by_row)

    def last_activity(self, seat: Allocation) -> datetime | None:
        """Return when the holder was last active anywhere, None for never (design rule 3)."""
        best: datetime | None = None
        for key in self._keys_of(seat):
            for source in (self._latest, *self._elsewhere):
                at = source.get(key)
                if at is not None and (best is None or at > best):
                    best = at
        return best

    def protection(self, user: User) -> Protection | None:
        """Return why the person keeps every seat, None when nothing protects.

        A person with two user rows under one name is protected by what either carries.
        """
        for person in self._doubles.get(self._keys.get(user.id, ""), (user,)):
            if found := self._index.protection(person):
                return found
        return None


def activity_of(snapshot: Snapshot) -> dict[str, datetime]:
    """Return each person's latest activity on a site, for the sites that share its license."""
    latest = dict(snapshot.witness.by_person)
    for seat in snapshot.allocations:
        if seat.last_used is None or not seat.holder:
            continue
        key = person_key(seat.holder)
        known = latest.get(key)
        if known is None or known < seat.last_used:
            latest[key] = seat.last_used
    return latest
