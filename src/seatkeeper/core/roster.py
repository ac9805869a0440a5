r"""The roster: what a page of users shows of each seat, and how such a page is asked for.

A line holds what a reading alone knows: name, department, marks, the verdict and its reason. Pages
are found by cursors that name a row and a moment, never a person: they stand in addresses.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntFlag, StrEnum

import msgspec

from seatkeeper.core.cost import is_idle
from seatkeeper.core.departments import department_of
from seatkeeper.core.exemptions import folded
from seatkeeper.core.facts import LONG_AGO, Facts
from seatkeeper.core.judged import Judged
from seatkeeper.core.model import Allocation, LicenseType, Snapshot, User
from seatkeeper.core.rules import Reason, Verdict
from seatkeeper.errors import UsageError

MOST_ROWS = 500
"""The longest page."""

MOST_WORDS = 8
"""Words of a search that are looked for; further ones are left out."""

SEARCHED = 200
"""So many characters of a name, and of a display name, are sorted by and searched."""


class Flag(IntFlag):
    """What is true of a seat at a reading; the numbers are kept in databases."""

    IDLE = 1
    """Not used for as long as the policy allows, protected or not."""
    NEVER_USED = 2
    RELEASABLE = 4
    EXEMPT = 8
    NEW_SEAT = 16
    BLOCKED = 32
    INACTIVE = 64
    REMOVED = 128
    """Removed externally."""
    DELETED = 256
    QUARANTINED = 512
    EXCESS = 1024
    UNCLEAR = 2048
    BOTH_TYPES = 4096
    """Its holder holds seats of both types."""


class View(StrEnum):
    """The ready-made choices of seats."""

    ALL = "all"
    IDLE = "idle"
    RELEASABLE = "releasable"
    PLANNED = "planned"
    NEVER_USED = "never_used"
    NEW_SEAT = "new_seat"
    EXEMPT = "exempt"
    MARKED = "marked"
    QUARANTINED = "quarantined"
    EXCESS = "excess"
    BOTH_TYPES = "both_types"
    UNCLEAR = "unclear"

    @property
    def words(self) -> str:
        """The view in a few words."""
        return _VIEW_WORDS[self]

    @property
    def flags(self) -> Flag | None:
        """Of which flags a seat of the view has at least one; None where flags do not tell."""
        return _VIEW_FLAGS.get(self)


_VIEW_WORDS = {
    View.ALL: "All seats",
    View.IDLE: "Idle",
    View.RELEASABLE: "Would be released",
    View.PLANNED: "In the waiting plan",
    View.NEVER_USED: "Never used",
    View.NEW_SEAT: "New",
    View.EXEMPT: "Exempt",
    View.MARKED: "Blocked, inactive or removed",
    View.QUARANTINED: "In quarantine",
    View.EXCESS: "Excess",
    View.BOTH_TYPES: "Both types",
    View.UNCLEAR: "Unclear",
}

_VIEW_FLAGS = {
    View.IDLE: Flag.IDLE,
    View.RELEASABLE: Flag.RELEASABLE,
    View.NEVER_USED: Flag.NEVER_USED,
    View.NEW_SEAT: Flag.NEW_SEAT,
    View.EXEMPT: Flag.EXEMPT,
    View.MARKED: Flag.BLOCKED | Flag.INACTIVE | Flag.REMOVED | Flag.DELETED,
    View.QUARANTINED: Flag.QUARANTINED,
    View.EXCESS: Flag.EXCESS,
    View.BOTH_TYPES: Flag.BOTH_TYPES,
    View.UNCLEAR: Flag.UNCLEAR,
}


class RosterSort(StrEnum):
    """By what a page is sorted; `idle` ascending begins with who was active just now."""

    USER = "user"
    DEPARTMENT = "department"
    LAST_USED = "last_used"
    IDLE = "idle"
    CREATED = "created"


class RosterLine(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    r"""A seat at a reading. Two lines are equal when a page would show the same.

    `user` is `DIR\id`, empty when nobody is named. `idle_since` is what idle time counts from: the
    person's latest activity anywhere, else the day the seat was given. `note` says why it is
    protected or unclear.
    """

    allocation_id: str
    license_type: LicenseType
    user: str
    name: str
    department: str
    flags: int
    created: datetime | None
    last_used: datetime | None
    idle_since: datetime | None
    reason: Reason
    note: str = ""
    exempt_owner: str = ""
    exempt_reason: str = ""
    exempt_until: datetime | None = None

    def has(self, flag: Flag) -> bool:
        """Whether one of these flags holds."""
        return bool(self.flags & flag)


class RosterRow(RosterLine, frozen=True, gc=False, kw_only=True):
    """A line as it is kept; `since` is the first reading at which the verdict had this reason.

    `plan_id` names the plan that waits and would release it.
    """

    site: str
    since: datetime
    plan_id: str = ""

    @property
    def releases(self) -> bool:
        """Whether the rules would release it."""
        return self.reason.releases


@dataclass(frozen=True, slots=True)
class RosterQuery:
    r"""Which seats, in which order; no `sites` are all.

    `text` is looked for in `DIR\id` and display name: each of its words, in any case. `idle` keeps
    seats that nobody used for so long, `idle_below` those of less, days of pauses included. Raises
    UsageError.
    """

    sites: tuple[str, ...] = ()
    license_type: LicenseType | None = None
    department: str | None = None
    view: View = View.ALL
    text: str = ""
    idle: timedelta | None = None
    idle_below: timedelta | None = None
    sort: RosterSort = RosterSort.USER
    descending: bool = False
    limit: int = 50
    cursor: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_ROWS:
            raise UsageError(f"a page has 1 to {MOST_ROWS} rows, not {self.limit}")
        if any(t is not None and t < timedelta(0) for t in (self.idle, self.idle_below)):
            raise UsageError("idle is a time of 0 or more")

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for, in the form in which it is compared."""
        return tuple(folded(self.text[: 2 * SEARCHED]).replace("\0", "").split()[:MOST_WORDS])


@dataclass(frozen=True, slots=True)
class RosterPage:
    """The seats of a page, and what is around it.

    `total` counts the seats of the view, `counts` those of every view under the same filters.
    `first` is the number of the first row, from 1. `next` and `previous` are cursors, None at an
    end. `read_at` is when each site was read.
    """

    rows: tuple[RosterRow, ...]
    total: int
    counts: Mapping[View, int]
    first: int
    next: str | None = None
    previous: str | None = None
    read_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActiveYear:
    """Days of use in each of the last months, oldest first; None while nobody watched."""

    months: tuple[int | None, ...]

    @property
    def days(self) -> int:
        """All of them."""
        return sum(days or 0 for days in self.months)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A place between two rows: after `row`, or before it when not `forward`.

    `skipped` rows stand before the page. `at` is the time that the row was sorted by, as it is
    stored; what sorts by a name is looked up, so that no cursor holds one.
    """

    forward: bool
    skipped: int
    row: int
    sort: RosterSort
    at: int = 0

    @property
    def text(self) -> str:
        """The cursor as it stands in an address."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode("ascii").rstrip("=")


def cursor_from(text: str, sort: RosterSort) -> Cursor:
    """Read a cursor back; raises UsageError for what is none, or belongs to another order."""
    try:
        body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(body, type=Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise UsageError("this page of users cannot be found; begin at the first page") from None
    fits = 0 <= cursor.row < 2**63 and 0 <= cursor.skipped < 2**31 and abs(cursor.at) < 2**63
    if cursor.sort is not sort or not fits:
        raise UsageError("this page of users was sorted otherwise; begin at the first page")
    return cursor


def sort_key(text: str) -> str:
    """Return the form by which users, names and departments are sorted, and searched.

    Long ones are cut: what stands behind is found by nobody.
    """
    return folded(text[:SEARCHED])[:SEARCHED]


def lines_of(judged: Judged, attribute: str) -> Iterator[RosterLine]:
    """Give the line of each seat; `attribute` names departments, as `cost.attribute` does."""
    snapshot, facts = judged.snapshot, judged.facts
    both = _holders_of_both(snapshot, facts)
    wanted = attribute.casefold()
    for seat, verdict in zip(snapshot.allocations, judged.verdicts, strict=True):
        user = snapshot.users.get(seat.user_id or "")
        looked_at = verdict.reason not in _NOT_LOOKED_AT
        latest = verdict.last_activity if looked_at else facts.last_activity(seat)
        flags = _flags(seat, user, verdict) | _idle(seat, verdict, judged)
        if latest is None and seat.is_live and not facts.is_use_unclear(seat):
            flags |= _NEVER
        if seat.is_live and both and facts.holder_key(seat) in both:
            flags |= _BOTH
        exemption = verdict.exemption
        created = seat.created if seat.created and seat.created >= LONG_AGO else None
        yield RosterLine(
            allocation_id=seat.id,
            license_type=seat.license_type,
            user=seat.holder if user is None else user.label,
            name="" if user is None else user.name,
            department=department_of(user, wanted),
            flags=flags,
            created=created,
            last_used=seat.last_used,
            idle_since=latest or created,
            reason=verdict.reason,
            note=verdict.note,
            exempt_owner=exemption.owner if exemption else "",
            exempt_reason=exemption.reason if exemption else "",
            exempt_until=exemption.expires if exemption else None,
        )


def _holders_of_both(snapshot: Snapshot, facts: Facts) -> set[str]:
    held: dict[LicenseType, set[str]] = {kind: set() for kind in LicenseType}
    for seat in snapshot.allocations:
        if seat.is_live:
            held[seat.license_type].add(facts.holder_key(seat))
    return set.intersection(*held.values())


# Plain numbers: the operators of an enum cost more than everything else of a line.
_BOTH = int(Flag.BOTH_TYPES)
_IDLE, _NEVER, _RELEASABLE = int(Flag.IDLE), int(Flag.NEVER_USED), int(Flag.RELEASABLE)
_BLOCKED, _INACTIVE, _REMOVED = int(Flag.BLOCKED), int(Flag.INACTIVE), int(Flag.REMOVED)
_DELETED, _QUARANTINED, _EXCESS = int(Flag.DELETED), int(Flag.QUARANTINED), int(Flag.EXCESS)

_BY_REASON = {
    Reason.IDLE: _IDLE | _RELEASABLE,
    Reason.NEVER_USED: _IDLE | _RELEASABLE,
    Reason.EXEMPT: int(Flag.EXEMPT),
    Reason.NEW_SEAT: int(Flag.NEW_SEAT),
    Reason.UNCLEAR: int(Flag.UNCLEAR),
}

_NOT_BY_TIME = frozenset({Reason.EXEMPT, Reason.EXCESS, Reason.TYPE_DISABLED, Reason.UNCLEAR})
"""Verdicts that do not say whether the seat is idle."""


_NOT_LOOKED_AT = frozenset(
    {Reason.EXCESS, Reason.TYPE_DISABLED, Reason.DELETED_USER, Reason.QUARANTINED}
)
"""Verdicts that need no look at the person's activity."""


def _flags(seat: Allocation, user: User | None, verdict: Verdict) -> int:
    flags = _BY_REASON.get(verdict.reason, 0)
    if seat.excess:
        flags |= _EXCESS
    if seat.quarantined:
        flags |= _QUARANTINED
    if seat.deleted_user or seat.user_id is None:
        flags |= _DELETED
    if user is not None:
        if user.blocked:
            flags |= _BLOCKED
        if user.inactive:
            flags |= _INACTIVE
        if user.removed_externally:
            flags |= _REMOVED
    return flags


def _idle(seat: Allocation, verdict: Verdict, judged: Judged) -> int:
    """Ask the clock where the verdict did not."""
    if verdict.reason not in _NOT_BY_TIME or not seat.is_live:
        return 0
    return _IDLE if is_idle(seat, judged.facts, judged.policy, judged.now) else 0
