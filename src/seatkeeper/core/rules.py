"""When a seat may be released: the only place that says so.

`judge` gives every seat exactly one verdict. Whatever is not certain keeps the seat.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from seatkeeper.core.facts import LONG_AGO, Facts, disjoint
from seatkeeper.core.model import Allocation
from seatkeeper.core.policy import Exemption, Pause, Policy

AHEAD = timedelta(minutes=5)
"""A date further ahead than this cannot be right (design rule 9)."""


class Reason(StrEnum):
    """Why a seat goes (the first two) or stays."""

    IDLE = "idle"
    NEVER_USED = "never_used"
    ACTIVE = "active"
    ACTIVE_ELSEWHERE = "active_elsewhere"
    NEW_SEAT = "new_seat"
    EXEMPT = "exempt"
    QUARANTINED = "quarantined"
    EXCESS = "excess"
    DELETED_USER = "deleted_user"
    TYPE_DISABLED = "type_disabled"
    UNCLEAR = "unclear"

    __hash__ = str.__hash__  # enum's own hash is a Python function: 100,000 verdicts are counted

    @property
    def releases(self) -> bool:
        """Whether the seat may go."""
        return self in (Reason.IDLE, Reason.NEVER_USED)

    @property
    def words(self) -> str:
        """The reason in a few words."""
        return _WORDS[self]


_WORDS = {
    Reason.IDLE: "not used for longer than the policy allows",
    Reason.NEVER_USED: "granted long ago and never used",
    Reason.ACTIVE: "used recently",
    Reason.ACTIVE_ELSEWHERE: "the person was active on another seat, in the usage rows "
    "or on a site that shares the license",
    Reason.NEW_SEAT: "granted recently",
    Reason.EXEMPT: "protected by a rule",
    Reason.QUARANTINED: "released already, in Qlik's quarantine",
    Reason.EXCESS: "above what the license grants; the user is locked out",
    Reason.DELETED_USER: "the user no longer exists",
    Reason.TYPE_DISABLED: "seats of this type are not released on this site",
    Reason.UNCLEAR: "something is not certain, so the seat stays",
}


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the rules say of one seat.

    `last_activity` is the person's latest activity anywhere, as far as it was looked at;
    `note` says more where the reason alone does not.
    """

    reason: Reason
    last_activity: datetime | None = None
    note: str = ""
    exemption: Exemption | None = None

    @property
    def releases(self) -> bool:
        """Whether the seat may go."""
        return self.reason.releases


_DELETED = Verdict(Reason.DELETED_USER)
_QUARANTINED = Verdict(Reason.QUARANTINED)
_EXCESS = Verdict(Reason.EXCESS)
_DISABLED = Verdict(Reason.TYPE_DISABLED)


def judge(seat: Allocation, facts: Facts, policy: Policy, now: datetime) -> Verdict:
    """Give the one verdict on a seat, from the facts at `now` (aware, UTC).

    `facts` were gathered under the same policy, at the same moment.
    """
    if seat.deleted_user or seat.user_id is None:
        return _DELETED
    if seat.quarantined:
        return _QUARANTINED
    if seat.excess:
        return _EXCESS
    if not policy.of(seat.license_type).enabled:
        return _DISABLED
    user = facts.users.get(seat.user_id)
    latest = facts.last_activity(seat)
    if user is None:
        return Verdict(Reason.UNCLEAR, latest, "the holder is not in the site's list of users")
    if doubt := _doubt(seat, facts, latest, now):
        return Verdict(Reason.UNCLEAR, latest, doubt)
    if protection := facts.protection(user):
        reason = Reason.UNCLEAR if protection.unclear else Reason.EXEMPT
        return Verdict(reason, latest, protection.why, protection.exemption)
    return _by_time(seat, latest, facts, policy, now)


def _real(at: datetime | None) -> datetime | None:
    """Return a date, None for one that stands for "none" (design rule 2)."""
    return None if at is None or at < LONG_AGO else at


def _doubt(seat: Allocation, facts: Facts, latest: datetime | None, now: datetime) -> str:
    """Name what is not certain about the row or its person, empty when nothing is."""
    if seat.doubt:
        return seat.doubt
    if facts.is_listed_twice(seat):
        return "the site listed two seats with the same id"
    if seat.quarantined is None:
        return "the site did not tell whether the seat is in quarantine"
    if facts.is_use_unclear(seat):
        return "another seat of the person has a date that cannot be read"
    horizon = now + AHEAD
    if latest is not None and latest > horizon:
        return f"the latest activity lies in the future ({latest:%Y-%m-%d %H:%M} UTC)"
    if _real(seat.created) is None and _real(seat.last_used) is None:
        return "never used, and no date of its creation"
    if seat.created is not None and seat.created > horizon:
        return f"the seat was created in the future ({seat.created:%Y-%m-%d %H:%M} UTC)"
    return ""


def _by_time(
    seat: Allocation, latest: datetime | None, facts: Facts, policy: Policy, now: datetime
) -> Verdict:
    after, grace = policy.of(seat.license_type).release_after, policy.new_seat_grace
    created, used = _real(seat.created), _real(seat.last_used)
    idle = None if used is None else idle_time(used, now, facts.pauses)
    if created is not None:
        if idle_time(created, now, facts.pauses) < grace:
            return Verdict(Reason.NEW_SEAT, latest)
    elif idle is not None and after <= idle < grace:
        # Without a date of creation only an old enough last use proves that the seat is not new.
        return Verdict(Reason.UNCLEAR, latest, "no date of its creation: it may be new")
    if idle is not None and idle < after:
        return Verdict(Reason.ACTIVE, latest)
    if latest is not None and idle_time(latest, now, facts.pauses) < after:
        return Verdict(Reason.ACTIVE_ELSEWHERE, latest)
    return Verdict(Reason.NEVER_USED if used is None else Reason.IDLE, latest)


def counted_days(since: datetime, now: datetime, policy: Policy) -> int:
    """Return the whole days since a moment that count as idle: those of pauses do not."""
    return max(0, idle_time(since, now, disjoint(policy.pauses)) // timedelta(days=1))


def idle_time(since: datetime, now: datetime, pauses: Sequence[Pause]) -> timedelta:
    """Return the whole elapsed time since `since`, without pauses (which do not overlap)."""
    idle = now - since
    if not pauses:
        return idle
    for pause in pauses:
        overlap = min(pause.end, now) - max(pause.start, since)
        if overlap > timedelta(0):
            idle -= overlap
    return idle
