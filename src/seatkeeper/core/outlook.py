"""What would have to change for a seat to go, or to stay; and when it would go by itself.

Pure arithmetic on the same thresholds as the rules; days of pause do not count, as there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.durations import format_duration
from seatkeeper.core.facts import LONG_AGO
from seatkeeper.core.model import Allocation
from seatkeeper.core.policy import Pause, Policy
from seatkeeper.core.rules import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Outlook:
    """`goes_on`: the moment from which the seat may go if nothing changes, None for never.

    `changes` are sentences, each one thing that would turn the verdict.
    """

    goes_on: datetime | None
    changes: tuple[str, ...]


def reached_on(since: datetime, length: timedelta, pauses: Iterable[Pause]) -> datetime:
    """Return when so much time that counts has passed; `pauses` do not overlap."""
    at = since + length
    for pause in sorted(pauses, key=lambda p: p.start):
        start = max(pause.start, since)
        if pause.end > start and start < at:
            at += pause.end - start
    return at


def outlook_of(
    seat: Allocation, verdict: Verdict, policy: Policy, pauses: Iterable[Pause]
) -> Outlook:
    """Say what would turn this verdict; `pauses` do not overlap."""
    if verdict.releases:
        return Outlook(_goes_on(seat, verdict, policy, pauses), _to_stay(seat, verdict, policy))
    if verdict.reason in (Reason.ACTIVE, Reason.ACTIVE_ELSEWHERE, Reason.NEW_SEAT):
        at = _goes_on(seat, verdict, policy, pauses)
        if at is None:
            return Outlook(None, ("the site would have to tell when the seat was granted",))
        unused = f"it may go from {at:%Y-%m-%d %H:%M} UTC on if nobody uses it until then"
        return Outlook(at, (unused,))
    return Outlook(None, (_to_go(seat, verdict),))


def _goes_on(
    seat: Allocation, verdict: Verdict, policy: Policy, pauses: Iterable[Pause]
) -> datetime | None:
    """The latest of the ends of grace, the seat's and the person's idle time."""
    pauses = tuple(pauses)
    after = policy.of(seat.license_type).release_after
    ends = [
        reached_on(at, length, pauses)
        for at, length in (
            (seat.created, policy.new_seat_grace),
            (seat.last_used, after),
            (verdict.last_activity, after),
        )
        if at is not None and at >= LONG_AGO
    ]
    if seat.created is None or seat.created < LONG_AGO:
        # Only a last use as old as the grace proves that such a seat is not new.
        ends += [
            reached_on(at, policy.new_seat_grace, pauses)
            for at in (seat.last_used,)
            if at is not None and at >= LONG_AGO
        ]
    return max(ends, default=None)


def _to_stay(seat: Allocation, verdict: Verdict, policy: Policy) -> tuple[str, ...]:
    kept = [
        "it stays if the person uses Qlik Sense before it is released",
        "it stays if an exemption in policy.never_release protects the person",
    ]
    if verdict.reason is Reason.NEVER_USED:
        length, key = policy.new_seat_grace, "policy.new_seat_grace"
    else:
        length = policy.of(seat.license_type).release_after
        key = f"policy.{seat.license_type.value}.release_after"
    kept.append(f"it stays while {key} is longer than the time without use ({_now(length)})")
    return tuple(kept)


def _now(length: timedelta) -> str:
    return f"now {format_duration(length)}"


def _to_go(seat: Allocation, verdict: Verdict) -> str:
    if verdict.reason is Reason.EXEMPT:
        return _without_protection(verdict)
    if verdict.reason is Reason.QUARANTINED:
        end = seat.quarantine_end
        when = f"on {end:%Y-%m-%d %H:%M} UTC" if end else "seven days after its last use"
        return f"nothing to do: Qlik frees it {when}"
    if verdict.reason is Reason.TYPE_DISABLED:
        return f"policy.{seat.license_type.value}.enabled would have to be true"
    return _CURES[verdict.reason]


_CURES = {
    Reason.EXCESS: "the license would have to grant more seats, or other seats be released",
    Reason.DELETED_USER: "nothing to do: Qlik frees the seat of a deleted user by itself",
    Reason.UNCLEAR: "the site would have to tell what is in doubt; until then the seat stays",
}


def _without_protection(verdict: Verdict) -> str:
    exemption = verdict.exemption
    if exemption is None:
        return f"the protection ({verdict.note}) would have to end"
    if exemption.expires is not None:
        return (
            f"the exemption by {exemption.text} ends at {exemption.expires:%Y-%m-%d %H:%M} UTC; "
            "from then on the other rules decide"
        )
    return f"the exemption by {exemption.text} would have to be taken out of the configuration"
