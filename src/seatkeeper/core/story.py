r"""The story of one person on one site: what is kept of them, merged into one time line in words.

What the store knows from several sides (a release we recorded and the change a reading saw, a
seat given back and the new seat of it) is told once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum

from seatkeeper.core.changes import By, ChangeKind, Standing
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.roster import RosterRow
from seatkeeper.core.rules import Reason


@dataclass(frozen=True, slots=True)
class KnownSeat:
    """A seat the person holds, or held: then `standing` is None, and `ended` when it was gone.

    `first_seen` is the first reading that listed it.
    """

    allocation_id: str
    license_type: LicenseType
    first_seen: datetime
    created: datetime | None = None
    standing: Standing | None = None
    excess: bool = False
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeatEvent:
    """A change of a seat that a reading saw; `plan_id` is the plan of our release."""

    at: datetime
    kind: ChangeKind
    by: By
    license_type: LicenseType
    allocation_id: str
    plan_id: str = ""


@dataclass(frozen=True, slots=True)
class PlannedSeat:
    """A seat in a plan that was not carried out for it; `note` says how the plan ended."""

    at: datetime
    plan_id: str
    allocation_id: str
    status: PlanStatus
    approved_by: str = ""
    ended_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SeatRelease:
    """A release we meant: when, why, who let us, what became of it; `outcome` None is open."""

    at: datetime
    plan_id: str
    allocation_id: str
    license_type: LicenseType
    reason: str
    outcome: Outcome | None = None
    detail: str = ""
    approved_by: str = ""
    approve_reason: str = ""
    created: datetime | None = None
    """When the seat was granted, as the plan knew."""


@dataclass(frozen=True, slots=True)
class SeatReturn:
    """A seat we gave back, or tried to: by whom, why, what became of it; `outcome` None is open."""

    at: datetime
    plan_id: str
    allocation_id: str
    license_type: LicenseType
    why: str
    by: str = ""
    outcome: GrantOutcome | None = None
    detail: str = ""
    new_allocation_id: str = ""


@dataclass(frozen=True, slots=True)
class PersonRecord:
    r"""All that is kept of `DIR\id` on a site; each tuple is newest first.

    `rows` are the seats as last read, with verdict and facts. `uses` is the latest use of each
    license type. `ledger_records` counts what the ledger holds of them on this site.
    """

    site: str
    user: str
    first_seen: datetime | None = None
    rows: tuple[RosterRow, ...] = ()
    seats: tuple[KnownSeat, ...] = ()
    uses: Mapping[MeasuredType, datetime | None] = field(default_factory=dict)
    events: tuple[SeatEvent, ...] = ()
    planned: tuple[PlannedSeat, ...] = ()
    releases: tuple[SeatRelease, ...] = ()
    returns: tuple[SeatReturn, ...] = ()
    active_days: Mapping[MeasuredType, tuple[date, ...]] = field(default_factory=dict)
    ledger_records: int = 0
    other_sites: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The display name, empty for whoever holds no seat now."""
        return next((row.name for row in self.rows if row.name), "")


class StoryKind(StrEnum):
    """What a line of a story tells."""

    GRANTED = "granted"
    USED = "used"
    PLANNED = "planned"
    RELEASED = "released"
    NOT_RELEASED = "not_released"
    GIVEN_BACK = "given_back"
    CAME_BACK = "came_back"
    QUARANTINED = "quarantined"
    REINSTATED = "reinstated"
    TAKEN = "taken"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened: a few words, and a sentence with who, why and the numbers."""

    at: datetime
    kind: StoryKind
    title: str
    words: str
    license_type: LicenseType | None = None
    plan_id: str = ""


def story_of(record: PersonRecord, zone: tzinfo = UTC) -> tuple[StoryLine, ...]:
    """Tell what is kept of a person, newest first; moments in words are those of `zone`."""
    lines = [
        *_granted(record),
        *_used(record, zone),
        *map(_planned, _told_plans(record)),
        *map(_released, record.releases),
        *map(_given_back, record.returns),
        *_changes(record, zone),
    ]
    return tuple(sorted(lines, key=lambda line: (line.at, _ORDER[line.kind]), reverse=True))


_ORDER = {kind: number for number, kind in enumerate(StoryKind)}
"""At one moment a seat is granted before it is used, and planned before it is released."""


def _seat(license_type: LicenseType) -> str:
    return f"{license_type.value.capitalize()} seat"


def _granted(record: PersonRecord) -> Iterator[StoryLine]:
    """Tell of each seat when it was given: its own date, else the reading that first saw it."""
    returned = {r.new_allocation_id for r in record.returns if r.new_allocation_id}
    back = {(e.at, e.license_type) for e in record.events if e.kind is ChangeKind.CAME_BACK}
    seen = {e.allocation_id: e for e in record.events if e.kind is ChangeKind.ALLOCATED}
    planned = {r.allocation_id: r.created for r in record.releases}
    for seat in (*record.seats, *_released_unseen(record)):
        event = seen.get(seat.allocation_id)
        if seat.allocation_id in returned:
            continue
        if event is not None and (event.at, event.license_type) in back:
            continue  # told as the return it is
        at = seat.created or planned.get(seat.allocation_id) or (event.at if event else None)
        if at is not None:
            words = f"{_seat(seat.license_type)}, given at the site."
            yield StoryLine(at, StoryKind.GRANTED, "Seat granted", words, seat.license_type)


def _released_unseen(record: PersonRecord) -> Iterator[KnownSeat]:
    """Yield the seats of which releases alone tell."""
    known = {seat.allocation_id for seat in record.seats}
    for one in record.releases:
        if one.allocation_id not in known:
            known.add(one.allocation_id)
            yield KnownSeat(one.allocation_id, one.license_type, one.at)


def _used(record: PersonRecord, zone: tzinfo) -> Iterator[StoryLine]:
    for measured, at in record.uses.items():
        if at is not None:
            kind = _TYPES.get(measured)
            words = (
                f"{measured.value.replace('_', ' ').capitalize()}, {at.astimezone(zone):%H:%M %Z}."
            )
            yield StoryLine(at, StoryKind.USED, "Last use", words, kind)


_TYPES = {MeasuredType(kind.value): kind for kind in LicenseType}


def _told_plans(record: PersonRecord) -> Iterator[PlannedSeat]:
    """Leave out plans that nobody decided on: the next one names the same seats."""
    carried_out = {(r.plan_id, r.allocation_id) for r in record.releases}
    for planned in record.planned:
        silent = planned.status in (PlanStatus.EXPIRED, PlanStatus.SUPERSEDED)
        if not silent and (planned.plan_id, planned.allocation_id) not in carried_out:
            yield planned


def _planned(planned: PlannedSeat) -> StoryLine:
    if planned.status is PlanStatus.REJECTED:
        title = "Planned, the plan was rejected"
        words = f"Plan {planned.plan_id}, {planned.note}."
    else:
        title = "Planned"
        words = f"In plan {planned.plan_id}, which is {_STATUS.get(planned.status, 'over')}."
        if planned.status is PlanStatus.APPROVED and planned.approved_by:
            words = f"In plan {planned.plan_id}, approved by {planned.approved_by}."
    return StoryLine(planned.at, StoryKind.PLANNED, title, words, plan_id=planned.plan_id)


_STATUS = {
    PlanStatus.OPEN: "waiting for an approval",
    PlanStatus.BLOCKED: "blocked by a limit",
    PlanStatus.APPROVED: "approved, not applied yet",
    PlanStatus.APPLYING: "being applied now",
    PlanStatus.APPLIED: "applied; this seat was left alone",
    PlanStatus.PARTLY_APPLIED: "applied in part; this seat was left alone",
}


def _released(release: SeatRelease) -> StoryLine:
    effect = release.outcome in (Outcome.RELEASED, Outcome.QUARANTINED)
    said = [f"{_seat(release.license_type)}, plan {release.plan_id}"]
    if release.approved_by:
        said[0] += f", approved by {release.approved_by}"
        if release.approve_reason:
            said[0] += f" ({release.approve_reason})"
    if release.reason in set(Reason):
        said.append(_sentence(Reason(release.reason).words))
    if release.outcome is None:
        title = "Release under way"
    else:
        title = _TITLES[release.outcome]
        said.append(_sentence(release.outcome.words))
    if release.detail and _sentence(release.detail) not in said:
        said.append(_sentence(release.detail))
    return StoryLine(
        at=release.at,
        kind=StoryKind.RELEASED if effect else StoryKind.NOT_RELEASED,
        title=title,
        words=". ".join(part.rstrip(".") for part in said) + ".",
        license_type=release.license_type,
        plan_id=release.plan_id,
    )


_TITLES = {
    Outcome.RELEASED: "Released",
    Outcome.QUARANTINED: "Released into quarantine",
    Outcome.ALREADY_GONE: "Not released, already gone",
    Outcome.CHANGED: "Not released, something had changed",
    Outcome.REFUSED: "Not released, the site said no",
    Outcome.UNKNOWN: "Release without a clear answer",
    Outcome.NOT_ATTEMPTED: "Not released, the run ended before",
}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _given_back(one: SeatReturn) -> StoryLine:
    restored = one.outcome is GrantOutcome.RESTORED
    said = [f"{_seat(one.license_type)} of plan {one.plan_id}"]
    if one.by:
        said[0] += f", by {one.by}"
    if one.why:
        said[0] += f" ({one.why})"
    if one.outcome is not None:
        said.append(_sentence(one.outcome.words))
    if one.detail and _sentence(one.detail) not in said:
        said.append(_sentence(one.detail))
    return StoryLine(
        at=one.at,
        kind=StoryKind.GIVEN_BACK,
        title="Given back" if restored else "Giving back did not succeed",
        words=". ".join(part.rstrip(".") for part in said) + ".",
        license_type=one.license_type,
        plan_id=one.plan_id,
    )


def _changes(record: PersonRecord, zone: tzinfo) -> Iterator[StoryLine]:
    """Tell what readings saw, unless we recorded it ourselves."""
    ours = {(r.plan_id, r.allocation_id): r for r in record.releases}
    given = {
        (r.plan_id, r.allocation_id)
        for r in record.returns
        if r.outcome in (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)
    }
    for event in record.events:
        key = (event.plan_id, event.allocation_id)
        if event.kind is ChangeKind.CAME_BACK:
            if key not in given:
                yield _came_back(event, ours.get(key), zone)
        elif event.kind is not ChangeKind.ALLOCATED and not (event.by is By.US and key in ours):
            yield _change(event)


def _came_back(event: SeatEvent, release: SeatRelease | None, zone: tzinfo) -> StoryLine:
    title, words = "Came back", f"{_seat(event.license_type)} again"
    if release is not None:
        days = max(0, (event.at - release.at).days)
        title = f"Came back after {days} day{'' if days == 1 else 's'}"
        released = release.at.astimezone(zone)
        words += f", after the release of {released:%Y-%m-%d} by plan {release.plan_id}"
    return StoryLine(
        event.at, StoryKind.CAME_BACK, title, f"{words}.", event.license_type, event.plan_id
    )


def _change(event: SeatEvent) -> StoryLine:
    kind, title = _SEEN[event.kind]
    words = f"{_seat(event.license_type)}, {_THROUGH[event.by]}."
    return StoryLine(event.at, kind, title, words, event.license_type, event.plan_id)


_SEEN = {
    ChangeKind.RELEASED: (StoryKind.TAKEN, "Seat gone"),
    ChangeKind.QUARANTINED: (StoryKind.QUARANTINED, "Seat in quarantine"),
    ChangeKind.REINSTATED: (StoryKind.REINSTATED, "Out of quarantine"),
    ChangeKind.CLEARED: (StoryKind.CLEARED, "Quarantine over"),
}

_THROUGH = {
    By.US: "released by Seatkeeper",
    By.SOMEBODY: "by an administrator or a rule of the site",
    By.VANISHED: "because the user is gone from the site",
}
