"""A small site whose seats change at random, and what is true of it, stated plainly.

It is told what to do in steps; after each step it gives a snapshot. Beside it stand the returns
after our releases as they were done, and the rules of days and changes written down once more,
without looking at the code under test.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random

from builders import ANALYZER, NOW, PROFESSIONAL, a_snapshot, a_user, an_allocation, changed
from seatkeeper.core.changes import By, ChangeKind, OurRelease
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, LicenseType, Snapshot, UsageList, Witness, person_key

PEOPLE = tuple(rf"EXAMPLE\P{n}" for n in range(4))
TYPES = (PROFESSIONAL, ANALYZER)
DEEDS = (
    "grant",
    "use",
    "use",
    "use capacity",
    "release by us",
    "release by another",
    "delete the user",
    "quarantine by us",
    "quarantine by another",
    "reinstate",
    "clear",
)
_WEIGHTS = (6, 2, 2, 1, 2, 1, 0.1, 2, 1, 2, 1)
"""Whoever is deleted stays so, which must not empty the site too soon."""

STEP = timedelta(hours=7)

Deed = tuple[str, int, int]
"""What is done, by the number of a person, and of a type."""

Told = tuple[ChangeKind, By, LicenseType, str, str]
"""A change: what, through whom, of which type and seat, and the plan."""


@dataclass
class SeatWorld:
    """The site and its truth."""

    now: datetime = NOW
    seats: dict[str, Allocation] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    releases: list[OurRelease] = field(default_factory=list)
    capacity: dict[str, datetime] = field(default_factory=dict)
    """When each person used analyzer capacity last, as the usage rows tell."""
    returned: set[str] = field(default_factory=set)
    """The plans of releases after which the person came back."""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def step(self, deeds: Iterable[Deed]) -> Snapshot:
        """Do these deeds, one an hour or so, and look."""
        for deed, person, license_type in deeds:
            self.now += timedelta(minutes=61)
            self._do(deed, PEOPLE[person], TYPES[license_type])
        self.now += STEP
        users = [a_user(p) for p in PEOPLE if p not in self.gone]
        snapshot = a_snapshot(self.seats.values(), users, now=self.now)
        told = Witness({}, dict(self.capacity), {UsageList.CAPACITY: dict(self.capacity)})
        return replace(snapshot, witness=told)

    def _do(self, deed: str, person: str, license_type: LicenseType) -> None:
        held = [
            s for s in self.seats.values() if (s.holder, s.license_type) == (person, license_type)
        ]
        live = [s for s in held if s.is_live]
        if deed == "grant" and not held and person not in self.gone:
            self._grant(person, license_type)
        elif deed == "delete the user":
            self.gone.add(person)
            for seat in [s for s in self.seats.values() if s.holder == person]:
                del self.seats[seat.id]
        elif deed in ("reinstate", "clear"):
            self._after_quarantine(deed, [s for s in held if s.quarantined])
        elif deed == "use capacity":
            self.capacity[person_key(person)] = self.now
        elif live and deed == "use":
            self.seats[live[0].id] = changed(live[0], last_used=self.now)
        elif live:
            self._take(deed, live[0])

    def _grant(self, person: str, license_type: LicenseType) -> None:
        seat_id = f"seat-{next(self._numbers)}"
        self.seats[seat_id] = an_allocation(
            person, id=seat_id, license_type=license_type, created=self.now
        )
        self._came_back(person, license_type)

    def _after_quarantine(self, deed: str, quarantined: Sequence[Allocation]) -> None:
        for seat in quarantined:
            if deed == "clear":
                del self.seats[seat.id]
            else:
                self.seats[seat.id] = changed(seat, quarantined=False)
                self._came_back(seat.holder, seat.license_type)

    def _take(self, deed: str, seat: Allocation) -> None:
        if deed.endswith("us"):
            plan = f"plan-{next(self._numbers)}"
            self.releases.append(
                OurRelease(
                    plan_id=plan,
                    allocation_id=seat.id,
                    license_type=seat.license_type,
                    person=person_key(seat.holder),
                    at=self.now,
                    is_sure=True,
                )
            )
        if deed.startswith("quarantine"):
            self.seats[seat.id] = changed(seat, quarantined=True)
        else:
            del self.seats[seat.id]

    def _came_back(self, person: str, license_type: LicenseType) -> None:
        who = (person_key(person), license_type)
        self.returned |= {r.plan_id for r in self.releases if (r.person, r.license_type) == who}


def some_steps(random: Random, number: int, deeds: int = 6) -> list[list[Deed]]:
    """Return steps of random deeds."""
    return [
        [
            (
                random.choices(DEEDS, _WEIGHTS)[0],
                random.randrange(len(PEOPLE)),
                random.randrange(len(TYPES)),
            )
            for _ in range(random.randrange(deeds))
        ]
        for _ in range(number)
    ]


def true_days(snapshots: Sequence[Snapshot]) -> set[tuple[str, MeasuredType, date]]:
    """Say on which days each person was seen to be active: where their latest use had moved."""
    found = _days_of_capacity(snapshots)
    for person, license_type in itertools.product(PEOPLE, TYPES):
        latest: datetime | None = None
        for snapshot in snapshots:
            for seat in snapshot.allocations:
                used = seat.last_used
                if (seat.holder, seat.license_type) != (person, license_type) or used is None:
                    continue
                if latest is None or used > latest:
                    latest = used
                    measured = MeasuredType(license_type.value)
                    found.add((person_key(person), measured, used.date()))
    return found


def _days_of_capacity(snapshots: Sequence[Snapshot]) -> set[tuple[str, MeasuredType, date]]:
    return {
        (person, MeasuredType.ANALYZER_CAPACITY, at.date())
        for snapshot in snapshots
        for person, at in snapshot.witness.by_list[UsageList.CAPACITY].items()
    }


def true_changes(
    before: Snapshot, after: Snapshot, releases: Sequence[OurRelease], told: set[str]
) -> set[Told]:
    """Say what happened to seats between two snapshots; `told` are returns known before."""
    old = {s.id: s for s in before.allocations}
    new = {s.id: s for s in after.allocations}
    plans = {r.allocation_id: r.plan_id for r in releases if r.plan_id not in told}
    there = {u.key for u in after.users.values()}
    found: set[Told] = set()

    def through(seat: Allocation) -> tuple[By, str]:
        if seat.id in plans:
            return By.US, plans[seat.id]
        return (By.SOMEBODY if person_key(seat.holder) in there else By.VANISHED), ""

    def note(kind: ChangeKind, seat: Allocation, by: By = By.SOMEBODY, plan: str = "") -> None:
        found.add((kind, by, seat.license_type, seat.id, plan))

    for seat in old.values():
        if seat.id not in new:
            blocked = bool(seat.quarantined)
            kind = ChangeKind.CLEARED if blocked else ChangeKind.RELEASED
            note(kind, seat, *((By.SOMEBODY, "") if blocked else through(seat)))
    for seat in new.values():
        was = old.get(seat.id)
        blocked = was is not None and bool(was.quarantined)
        if was is None and not seat.quarantined:
            note(ChangeKind.ALLOCATED, seat)
        elif seat.quarantined and not blocked:
            note(ChangeKind.QUARANTINED, seat, *through(seat))
        elif blocked and not seat.quarantined:
            note(ChangeKind.REINSTATED, seat)
    return found


def without_returns(changes: Iterable[Told]) -> set[Told]:
    """Leave out that somebody came back, which the world itself knows."""
    return {c for c in changes if c[0] is not ChangeKind.CAME_BACK}
