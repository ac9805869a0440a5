"""Makes the people of an organisation one by one; when they come is in `seasons`.

Everything is drawn from the generator handed in, so equal seeds give equal people.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar

from seatkeeper.simulator import names
from seatkeeper.simulator.moments import DAY, NEVER
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import Habit, User, make_guid

_HABITS = {
    Habit.DAILY: 38,
    Habit.WEEKLY: 22,
    Habit.MONTHLY: 11,
    Habit.QUARTERLY: 6,
    Habit.SEASONAL: 4,
    Habit.STOPPED: 11,
    Habit.NEVER: 8,
}
"""How many of a hundred people have which habit."""
_Choice = TypeVar("_Choice")
DEVELOPERS = "bi-developers"
ANALYSTS = "bi-analysts"
DEPARTMENT = "department"
"""The attribute that tells it of people who joined within a year: nobody has set their property."""
YEAR = 365 * DAY


@dataclass
class PersonMaker:
    """Draws people; `tags` and `properties` give the ids of documents by name."""

    rng: random.Random
    tags: Mapping[str, str]
    properties: Mapping[str, str]
    taken: dict[str, int] = field(default_factory=dict)
    """How often each login was given out."""

    @classmethod
    def for_site(cls, rng: random.Random, records: Records) -> PersonMaker:
        """Make a maker for a site that has its documents already."""
        documents = records.documents
        return cls(
            rng,
            {tag["name"]: key for key, tag in documents["tag"].items()},
            {one["name"]: key for key, one in documents["custompropertydefinition"].items()},
        )

    def person(self, joined: int, now: int) -> User:
        """Draw somebody who joined at a moment, as seen at `now`."""
        rng = self.rng
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        directory = self._directory()
        department = _pick(rng, _DEPARTMENTS_WEIGHED)
        habit = _pick(rng, _HABITS_WEIGHED)
        login = self.login(f"{first}.{last}")
        is_new = joined > now - YEAR
        return User(
            make_guid(rng),
            login,
            directory,
            f"{first} {last}",
            joined,
            joined,
            roles=self._roles(),
            attributes=(
                *self._attributes(login, directory, department),
                *(((DEPARTMENT, department),) if is_new else ()),
            ),
            properties=self._properties("" if is_new else department),
            tags=self._tags(),
            habit=habit,
            stopped=_stopped(rng, joined, now) if habit is Habit.STOPPED else NEVER,
        )

    def login(self, name: str) -> str:
        """Give out a login of its own for a name."""
        plain = name.translate(names.PLAIN_ASCII).lower()
        number = self.taken.get(plain, 0) + 1
        self.taken[plain] = number
        return plain if number == 1 else f"{plain}{number}"

    def _directory(self) -> str:
        draw = self.rng.random()
        if draw < 0.06:
            return names.PARTNERS
        return names.MAIN.lower() if draw < 0.07 else names.MAIN

    def _roles(self) -> tuple[str, ...]:
        draw = self.rng.random()
        if draw < 0.004:
            return ("ContentAdmin",)
        return ("AuditAdmin",) if draw < 0.006 else ()

    def _attributes(
        self, login: str, directory: str, department: str
    ) -> tuple[tuple[str, str], ...]:
        partner = directory == names.PARTNERS
        mail, group = ("email", "Group") if partner else ("Email", "group")
        groups = [department.lower()]
        draw = self.rng.random()
        if draw < 0.2 and not partner:
            groups.append(DEVELOPERS if draw < 0.06 else ANALYSTS)
        if self.rng.random() < 0.08:
            groups.append("managers")
        address = f"{login}@{directory.lower()}.example"
        return ((mail, address), *((group, name) for name in groups))

    def _properties(self, department: str) -> tuple[tuple[str, str], ...]:
        found = [(self.properties["Department"], department)] if department else []
        if self.rng.random() < 0.008:
            found.append((self.properties["LicenseManage"], "do-not-release"))
        return tuple(found)

    def _tags(self) -> tuple[str, ...]:
        draw = self.rng.random()
        if draw < 0.04:
            return (self.tags[names.TAGS[int(draw * 100)]],)
        return ()


def _pick(rng: random.Random, choices: tuple[tuple[_Choice, ...], tuple[int, ...]]) -> _Choice:
    return rng.choices(choices[0], cum_weights=choices[1])[0]


def _weighed(weights: Mapping[_Choice, int]) -> tuple[tuple[_Choice, ...], tuple[int, ...]]:
    """Sum the weights up once, not anew for each of 120,000 people."""
    return tuple(weights), tuple(accumulate(weights.values()))


_HABITS_WEIGHED, _DEPARTMENTS_WEIGHED = _weighed(_HABITS), _weighed(names.DEPARTMENTS)


def _stopped(rng: random.Random, joined: int, now: int) -> int:
    earliest = max(joined, now - 390 * DAY)
    return rng.randrange(min(earliest, now - DAY), max(now - 35 * DAY, now - DAY + 1, earliest + 1))
