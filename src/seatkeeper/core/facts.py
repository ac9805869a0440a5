"""What is known about the people behind the seats.

Gathered once a run, so that every seat is judged by the same facts: who is the same person,
when that person was last active anywhere, and who is protected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from seatkeeper.core.exemptions import ExemptionIndex, Protection
from seatkeeper.core.model import Allocation, Snapshot, User, person_key
from seatkeeper.core.policy import Pause, Policy

LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
"""A date before this stands for "none": QRS writes years 1 and 1753 (QRS contract 3.4)."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a site that shares the license knows of people, by person key.

    `latest` is the latest activity; `unclear` are those who hold a seat there whose last use
    could not be understood, so that nobody knows when they were active.
    """

    latest: Mapping[str, datetime]
    unclear: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where facts come from: one site's rows, and activity known from elsewhere.

    `elsewhere` are mappings from person key to the latest activity: usage rows, token seats,
    the other sites under the same license, what an earlier reading knew. `unclear` are the keys
    of people with a seat among none of these rows whose last use could not be understood.
    """

    users: Mapping[str, User]
    allocations: Collection[Allocation]
    elsewhere: tuple[Mapping[str, datetime], ...] = ()
    unclear: frozenset[str] = frozenset()

    @classmethod
    def of(cls, snapshot: Snapshot, *partners: Elsewhere) -> Sources:
        """Take a whole snapshot, and what the sites that share its license know."""
        known = (snapshot.witness.by_person, *(p.latest for p in partners))
        unclear = frozenset[str]().union(*(p.unclear for p in partners))
        return cls(snapshot.users, snapshot.allocations, known, unclear)


class Facts:
    """The facts about everybody on one site at one moment."""

    def __init__(self, sources: Sources, policy: Policy, now: datetime) -> None:
        """Index the users and their latest activity."""
        self.users = sources.users
        self.pauses = disjoint(policy.pauses)
        self._index = ExemptionIndex(policy, now)
        self._people = _People(sources.users, sources.allocations)
        self._elsewhere = tuple(m for m in sources.elsewhere if m)
        self._latest: dict[str, datetime] = {}
        self._sources = (self._latest, *self._elsewhere)
        self._twice = _listed_twice(sources.allocations)
        self._unclear = set(sources.unclear)
        key_of = self._people.key_of
        for seat in sources.allocations:
            if seat.last_used is not None:
                _keep_latest(self._latest, key_of(seat), seat.last_used)
            elif seat.is_use_unclear:
                self._unclear.add(key_of(seat))
        for key, spellings in self._people.spellings.items():
            if not self._unclear.isdisjoint(spellings):
                self._unclear.add(key)
            for spelling in spellings:
                for at in self._elsewhere_of(spelling):
                    _keep_latest(self._latest, key, at)

    def _elsewhere_of(self, key: str) -> Iterable[datetime]:
        return [source[key] for source in self._elsewhere if key in source]

    def last_activity(self, seat: Allocation) -> datetime | None:
        """Return when the holder was last active anywhere, None for never (design rule 3)."""
        key = self._people.key_of(seat)
        best = seat.last_used
        for source in self._sources:
            at = source.get(key)
            if at is not None and (best is None or at > best):
                best = at
        return None if best is None or best < LONG_AGO else best

    def holder_key(self, seat: Allocation) -> str:
        """Return one key for all seats of the same person, however rows spell the name."""
        return self._people.key_of(seat)

    def is_use_unclear(self, seat: Allocation) -> bool:
        """Tell whether the holder has a seat, here or elsewhere, whose last use nobody knows."""
        return bool(self._unclear) and self._people.key_of(seat) in self._unclear

    def protection(self, user: User) -> Protection | None:
        """Return why the person keeps every seat, None when nothing protects.

        A person with two user rows under one name, or two names in the rows, is protected by
        what any of them carries.
        """
        people = self._people.rows_of(user)
        if people is None:
            return self._index.protection(user)
        doubt: Protection | None = None
        for found in (
            *map(self._index.protection_by_name, self._people.names_of(user)),
            *map(self._index.protection, people),
        ):
            if found is not None and not found.unclear:
                return found
            doubt = doubt or found
        return doubt

    def is_listed_twice(self, seat: Allocation) -> bool:
        """Tell whether another row has the same id, so that one of them is not true."""
        return seat.id in self._twice


class _People:
    r"""Who is the same person: same QRS id, or same `DIR\id` without regard to case.

    A person is known by one key. Nearly always that is the name; the few whose rows and user
    list spell the name differently have several `spellings`, joined under the first of them.
    """

    def __init__(self, users: Mapping[str, User], allocations: Iterable[Allocation]) -> None:
        self._keys = {user.id: user.key for user in users.values()}
        self.spellings: dict[str, set[str]] = {}
        self._joined: dict[str, str] = {}
        doubles = len(set(self._keys.values())) < len(self._keys)
        for seat in allocations:
            if seat.user_id and seat.holder:
                by_row = person_key(seat.holder)
                by_id = self._keys.setdefault(seat.user_id, by_row)
                if by_id != by_row:
                    self._join(by_id, by_row)
        self._rows = self._several_rows(users) if doubles or self._joined else {}

    def _join(self, one: str, other: str) -> None:
        names = self._spellings_of(one) | self._spellings_of(other)
        first = min(names)
        for name in names:
            self.spellings.pop(name, None)
            self._joined[name] = first
        self.spellings[first] = names

    def _spellings_of(self, name: str) -> set[str]:
        return self.spellings.get(self._joined.get(name, name), {name})

    def _several_rows(self, users: Mapping[str, User]) -> dict[str, list[User]]:
        """Return the user rows of each person who has several, or several names."""
        rows: dict[str, list[User]] = {}
        for user in sorted(users.values(), key=lambda u: u.id):
            rows.setdefault(self._key_of_user(user), []).append(user)
        return {k: people for k, people in rows.items() if len(people) > 1 or k in self.spellings}

    def _key_of_user(self, user: User) -> str:
        name = self._keys.get(user.id, "")
        return self._joined.get(name, name)

    def key_of(self, seat: Allocation) -> str:
        """Return the key of a seat's holder."""
        name = self._keys.get(seat.user_id or "")
        if name is None:
            name = person_key(seat.holder) or (seat.user_id or "")
        return self._joined.get(name, name) if self._joined else name

    def rows_of(self, user: User) -> list[User] | None:
        """Return every user row of this person, None when this one is the only one."""
        return self._rows.get(self._key_of_user(user)) if self._rows else None

    def names_of(self, user: User) -> list[str]:
        """Return the names under which this person stands in rows, when they differ."""
        return sorted(self.spellings.get(self._key_of_user(user), ()))


def _keep_latest(latest: dict[str, datetime], key: str, at: datetime) -> None:
    known = latest.get(key)
    if known is None or known < at:
        latest[key] = at


def _listed_twice(allocations: Collection[Allocation]) -> frozenset[str]:
    if len({seat.id for seat in allocations}) == len(allocations):
        return frozenset()
    times = Counter(seat.id for seat in allocations)
    return frozenset(seat_id for seat_id, n in times.items() if n > 1)


def disjoint(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """Join pauses that touch or overlap, so that no day is taken off twice."""
    joined: list[Pause] = []
    for pause in sorted(pauses, key=lambda p: p.start):
        if joined and pause.start <= joined[-1].end:
            last = joined[-1]
            joined[-1] = Pause(last.start, max(last.end, pause.end), last.reason)
        else:
            joined.append(pause)
    return tuple(joined)


def activity_of(snapshot: Snapshot) -> Elsewhere:
    """Return what a site knows of people's activity, for the sites that share its license.

    Somebody whose rows and user list spell the name differently is told under both names.
    """
    latest, unclear = dict(snapshot.witness.by_person), set[str]()
    for seat in snapshot.allocations:
        if seat.last_used is None and not seat.is_use_unclear:
            continue
        user = snapshot.users.get(seat.user_id or "")
        for key in {person_key(seat.holder), user.key if user else ""} - {""}:
            if seat.last_used is None:
                unclear.add(key)
            else:
                _keep_latest(latest, key, seat.last_used)
    return Elsewhere(latest, frozenset(unclear))
