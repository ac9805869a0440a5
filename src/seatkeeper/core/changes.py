"""What differs between two readings of a site: who was active on which day, and what seats did.

A day is a day of UTC: sites, people and the database then agree where it ends, and no day is 23
or 25 hours long. Use between two readings is known by the latest moment only, so a person counts
as active on the day of that moment; with a reading a day nothing is missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import msgspec

from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import (
    Allocation,
    LicenseType,
    Snapshot,
    UsageList,
    person_key,
)
from seatkeeper.core.rules import AHEAD

TYPE_OF_LIST = {
    UsageList.PROFESSIONAL: MeasuredType.PROFESSIONAL,
    UsageList.ANALYZER: MeasuredType.ANALYZER,
    UsageList.CAPACITY: MeasuredType.ANALYZER_CAPACITY,
    UsageList.TOKENS: MeasuredType.TOKEN_USER,
    UsageList.LOGIN: MeasuredType.TOKEN_LOGIN,
}
"""Of which license type a list of usage rows tells the use."""

TYPE_OF_SEAT = {
    LicenseType.PROFESSIONAL: MeasuredType.PROFESSIONAL,
    LicenseType.ANALYZER: MeasuredType.ANALYZER,
}


class Standing(StrEnum):
    """Whether somebody holds a seat."""

    LIVE = "live"
    QUARANTINED = "quarantined"
    ORPHANED = "orphaned"
    """Its user was deleted."""

    @classmethod
    def of(cls, seat: Allocation) -> Standing:
        """Return the standing of a row."""
        if seat.quarantined is True:
            return cls.QUARANTINED
        return cls.ORPHANED if seat.deleted_user else cls.LIVE


class ChangeKind(StrEnum):
    """What happened to a seat."""

    ALLOCATED = "allocated"
    RELEASED = "released"
    QUARANTINED = "quarantined"
    REINSTATED = "reinstated"
    """Out of quarantine, and held again."""
    CAME_BACK = "came_back"
    """We released it, and the same person holds a seat of the type again: a regret."""
    CLEARED = "cleared"
    """A seat that nobody held any more is gone: its quarantine is over."""


class By(StrEnum):
    """Through whom a seat changed."""

    US = "us"
    SOMEBODY = "somebody"
    """An administrator, or a rule of the site."""
    VANISHED = "vanished"
    """Its user is gone from the site, and the seat with them."""


class SeatState(msgspec.Struct, frozen=True, gc=False):
    """A seat as far as changes go; `person` is a `person_key`, empty when the row names nobody."""

    id: str
    license_type: LicenseType
    person: str
    standing: Standing
    excess: bool


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a seat; `plan_id` and the id are those of our release."""

    kind: ChangeKind
    by: By
    license_type: LicenseType
    allocation_id: str
    person: str
    plan_id: str = ""


class OurRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release of ours that took effect, or may have; `is_sure` tells which."""

    plan_id: str
    allocation_id: str
    license_type: LicenseType
    person: str
    at: datetime
    is_sure: bool
    came_back: bool = False
    """It was told before that the person holds a seat again."""
    given_back: bool = False
    """We gave the seat back: somebody asked for an undo."""


class Use(msgspec.Struct, frozen=True, gc=False):
    """The latest use of a license type by a person, new or later than before.

    `day` is set when that day was not known as a day of activity.
    """

    person: str
    license_type: MeasuredType
    at: datetime | None
    day: date | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What was kept of a site up to now; `seats` by id, `uses` by type and person."""

    seats: Mapping[str, SeatState] = field(default_factory=dict)
    uses: Mapping[MeasuredType, Mapping[str, datetime | None]] = field(default_factory=dict)
    releases: Sequence[OurRelease] = ()
    is_first: bool = False
    """The site was never looked at: what is there is no news."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What has to be written after a reading.

    `seats` are new or changed, `gone` the ids of those that are no longer listed. `labels` has
    the name of every person in `seats` and `uses`.
    """

    seats: list[Allocation]
    states: dict[str, SeatState]
    gone: list[str]
    uses: list[Use]
    changes: list[Change]
    labels: dict[str, str]

    @property
    def counts(self) -> ChangeCounts:
        """Return how much of each happened."""
        return Counter((c.kind, c.by, c.license_type) for c in self.changes)


ChangeCounts = Mapping[tuple[ChangeKind, By, LicenseType], int]


def differences(known: Known, snapshot: Snapshot, named: Callable[[str], str] = str) -> Differences:
    """Compare a reading with what is known; `named` gives a name the form in which it is kept."""
    labels: dict[str, str] = {}
    states, rows = _states(snapshot, named, labels)
    changed = [rows[i] for i, state in states.items() if known.seats.get(i) != state]
    gone = [i for i in known.seats if i not in states]
    uses = list(_uses(known, snapshot, states, named))
    changes: list[Change] = []
    if not known.is_first:
        people = {named(user.key) for user in snapshot.users.values()}
        ours = {r.allocation_id: r for r in known.releases if not r.came_back}
        changes = [
            *_seat_changes(known, states, changed, gone, _Cause(ours, people)),
            *_returns(known, states, rows),
        ]
    wanted = {states[seat.id].person for seat in changed} | {use.person for use in uses}
    return Differences(
        seats=changed,
        states=states,
        gone=gone,
        uses=uses,
        changes=changes,
        labels=_labels_of(wanted, labels, snapshot, named),
    )


def _states(
    snapshot: Snapshot, named: Callable[[str], str], labels: dict[str, str]
) -> tuple[dict[str, SeatState], dict[str, Allocation]]:
    """Return state and row of each seat by id, and fill in the names of the holders."""
    users = snapshot.users
    states: dict[str, SeatState] = {}
    rows: dict[str, Allocation] = {}
    for seat in snapshot.allocations:
        user = users.get(seat.user_id or "")
        label = seat.holder if user is None else user.label
        person = ""
        if label:
            label = named(label)
            person = person_key(label)
            labels[person] = label
        standing = Standing.of(seat)
        states[seat.id] = SeatState(seat.id, seat.license_type, person, standing, seat.excess)
        rows[seat.id] = seat
    return states, rows


def _uses(
    known: Known,
    snapshot: Snapshot,
    states: Mapping[str, SeatState],
    named: Callable[[str], str],
) -> Iterator[Use]:
    """Give the uses that are new or later; what lies ahead of the site's clock is left out."""
    ahead = max(snapshot.skew or timedelta(0), timedelta(0)) + AHEAD
    latest: dict[MeasuredType, dict[str, datetime | None]] = {t: {} for t in MeasuredType}
    limit = snapshot.taken_at + ahead

    def remember(of_type: dict[str, datetime | None], person: str, at: datetime | None) -> None:
        at = None if at is None or at > limit else at
        before = of_type.setdefault(person, at)
        if at is not None and (before is None or before < at):
            of_type[person] = at

    for seat in snapshot.allocations:
        if person := states[seat.id].person:
            remember(latest[TYPE_OF_SEAT[seat.license_type]], person, seat.last_used)
    for name, by_person in snapshot.witness.by_list.items():
        for key, active in by_person.items():
            remember(latest[TYPE_OF_LIST[name]], named(key), active)
    for license_type, now in latest.items():
        known_uses = known.uses.get(license_type, {})
        for person, at in now.items():
            use = _use(person, license_type, at, person in known_uses, known_uses.get(person))
            if use is not None:
                yield use


def _use(
    person: str,
    license_type: MeasuredType,
    at: datetime | None,
    is_known: bool,
    before: datetime | None,
) -> Use | None:
    if is_known and (at is None or (before is not None and at <= before)):
        return None
    day = None if at is None else at.astimezone(UTC).date()
    if before is not None and before.astimezone(UTC).date() == day:
        day = None
    return Use(person, license_type, at, day, not is_known)


@dataclass(frozen=True, slots=True)
class _Cause:
    """Tells through whom a seat changed."""

    ours: Mapping[str, OurRelease]
    people: set[str]

    def of(self, state: SeatState) -> tuple[By, str]:
        release = self.ours.get(state.id)
        if release is not None:
            return By.US, release.plan_id
        return (By.SOMEBODY if state.person in self.people else By.VANISHED), ""


def _seat_changes(
    known: Known,
    states: Mapping[str, SeatState],
    changed: Sequence[Allocation],
    gone: Sequence[str],
    cause: _Cause,
) -> Iterator[Change]:
    for seat in changed:
        before, after = known.seats.get(seat.id), states[seat.id]
        kind = _KINDS.get((before.standing if before else None, after.standing))
        if kind is ChangeKind.RELEASED:
            yield _change(kind, after, By.VANISHED)
        elif kind is ChangeKind.QUARANTINED:
            yield _change(kind, after, *cause.of(after))
        elif kind is not None:
            yield _change(kind, after, By.SOMEBODY)
    for seat_id in gone:
        before = known.seats[seat_id]
        if before.standing is Standing.LIVE:
            yield _change(ChangeKind.RELEASED, before, *cause.of(before))
        else:
            yield _change(ChangeKind.CLEARED, before, By.SOMEBODY)


_KINDS = {
    (None, Standing.LIVE): ChangeKind.ALLOCATED,
    (None, Standing.QUARANTINED): ChangeKind.QUARANTINED,
    (Standing.LIVE, Standing.QUARANTINED): ChangeKind.QUARANTINED,
    (Standing.LIVE, Standing.ORPHANED): ChangeKind.RELEASED,
    (Standing.QUARANTINED, Standing.LIVE): ChangeKind.REINSTATED,
    (Standing.ORPHANED, Standing.LIVE): ChangeKind.REINSTATED,
}
"""What happened to a seat that is listed now, by its standing before and after."""


def _change(kind: ChangeKind, seat: SeatState, by: By, plan_id: str = "") -> Change:
    return Change(
        kind=kind,
        by=by,
        license_type=seat.license_type,
        allocation_id=seat.id,
        person=seat.person,
        plan_id=plan_id,
    )


def _returns(
    known: Known, states: Mapping[str, SeatState], rows: Mapping[str, Allocation]
) -> Iterator[Change]:
    """Give each release of ours whose person holds a seat of the type again, once.

    A second seat that they held all along is none: the seat is the very one, or newer.
    """
    waiting = [r for r in known.releases if r.is_sure and r.person and not r.came_back]
    if not waiting:
        return
    wanted = {(r.person, r.license_type) for r in waiting}
    held: dict[tuple[str, LicenseType], list[SeatState]] = {}
    for state in states.values():
        who = (state.person, state.license_type)
        if state.standing is Standing.LIVE and who in wanted:
            held.setdefault(who, []).append(state)
    for release in waiting:
        for seat in held.get((release.person, release.license_type), ()):
            created = rows[seat.id].created
            newer = seat.id not in known.seats or (created is not None and created >= release.at)
            if seat.id == release.allocation_id or newer:
                yield Change(
                    kind=ChangeKind.CAME_BACK,
                    by=By.US if release.given_back else By.SOMEBODY,
                    license_type=release.license_type,
                    allocation_id=release.allocation_id,
                    person=release.person,
                    plan_id=release.plan_id,
                )
                break


def _labels_of(
    wanted: set[str], labels: Mapping[str, str], snapshot: Snapshot, named: Callable[[str], str]
) -> dict[str, str]:
    """Return the names of these people; who is known by usage rows alone stands in the users."""
    wanted.discard("")
    missing = wanted - labels.keys()
    others = {}
    if missing:
        for user in snapshot.users.values():
            label = named(user.label)
            if (key := person_key(label)) in missing:
                others[key] = label
    return {person: labels.get(person) or others.get(person, person) for person in wanted}
