r"""Why one person's seats stay or go: the facts, the rule that decided, what would change it.

Judges with the very rules that make plans, on the rows of this person alone, so that an
explanation can never tell another story than a plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches

from seatkeeper.core.deciding import Rule, deciding_rule
from seatkeeper.core.exemptions import carriers
from seatkeeper.core.facts import LONG_AGO, Elsewhere, Facts, Sources
from seatkeeper.core.model import Allocation, Snapshot, User, person_key
from seatkeeper.core.outlook import Outlook, outlook_of
from seatkeeper.core.policy import Exemption, Policy
from seatkeeper.core.rules import Verdict, idle_time, judge

MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class Person:
    r"""Every row that belongs to one person: same QRS id, or same `DIR\id` without regard to case.

    `names` are person keys, the asked one among them.
    """

    users: tuple[User, ...]
    seats: tuple[Allocation, ...]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Activity:
    """One source of activity; `at` None means that it knows of none."""

    source: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Matching:
    """An exemption that matches the person; an expired one protects no more."""

    exemption: Exemption
    protects: bool


@dataclass(frozen=True, slots=True)
class SeatExplained:
    """One seat: its verdict, the rule that decided, and the facts it decided on.

    `age` and `idle` are whole time that counts (pauses taken off) since the seat was granted, and
    since the person's last activity; None when there is no such date.
    """

    seat: Allocation
    verdict: Verdict
    rule: Rule
    activity: tuple[Activity, ...]
    age: timedelta | None
    idle: timedelta | None
    release_after: timedelta
    new_seat_grace: timedelta
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about one person on one site."""

    person: Person
    seats: tuple[SeatExplained, ...]
    exemptions: tuple[Matching, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an explanation is made from: a reading, the policy, the moment.

    `partners` is what each site that shares the license knows, by the site's name.
    """

    snapshot: Snapshot
    policy: Policy
    now: datetime
    partners: Mapping[str, Elsewhere] = field(default_factory=dict)


def explain(label: str, asked: Asked) -> Explanation:
    r"""Explain every seat of `DIR\id` (any case); no row at all when nobody is called so."""
    person = person_of(asked.snapshot, label)
    facts = _facts_about(person, asked)
    return Explanation(
        person=person,
        seats=tuple(_explained(seat, person, facts, asked) for seat in person.seats),
        exemptions=tuple(
            Matching(exemption, exemption.protects_at(asked.now))
            for exemption in asked.policy.exemptions
            if carriers(exemption, person.users)
        ),
    )


def person_of(snapshot: Snapshot, label: str) -> Person:
    r"""Gather the rows of whoever is called `DIR\id`."""
    names, ids = {person_key(label.strip())}, set[str]()
    while True:
        users = [u for u in snapshot.users.values() if u.id in ids or u.key in names]
        seats = [s for s in snapshot.allocations if _is_of(s, names, ids)]
        known = len(names) + len(ids)
        ids.update(u.id for u in users)
        ids.update(s.user_id for s in seats if s.user_id is not None)
        names.update(u.key for u in users)
        names.update(person_key(s.holder) for s in seats if s.holder)
        if len(names) + len(ids) == known:
            return Person(tuple(users), tuple(seats), frozenset(names))


def _is_of(seat: Allocation, names: set[str], ids: set[str]) -> bool:
    return seat.user_id in ids or (bool(seat.holder) and person_key(seat.holder) in names)


def near_names(snapshot: Snapshot, label: str) -> list[str]:
    r"""Return the few `DIR\id` that look most like a text, best first."""
    wanted = person_key(label.strip())
    labels = {user.key: user.label for user in snapshot.users.values()}
    same_id = [key for key in labels if key.partition("\\")[2] == wanted.rpartition("\\")[2]]
    near = [key for key in labels if abs(len(key) - len(wanted)) <= 3 and key[:1] == wanted[:1]]
    close = get_close_matches(wanted, near, n=MOST_NEAR, cutoff=0.7)
    return [labels[key] for key in dict.fromkeys([*sorted(same_id), *close])][:MOST_NEAR]


def _facts_about(person: Person, asked: Asked) -> Facts:
    """Gather the facts on this person alone, and on rows that have an id in common with theirs."""
    ids = {seat.id for seat in person.seats}
    rows = [seat for seat in asked.snapshot.allocations if seat.id in ids]
    users = {user.id: user for user in person.users}
    everything = Sources.of(asked.snapshot, *asked.partners.values())
    sources = replace(everything, users=users, allocations=rows)
    return Facts(sources, asked.policy, asked.now)


def _explained(seat: Allocation, person: Person, facts: Facts, asked: Asked) -> SeatExplained:
    policy, now = asked.policy, asked.now
    verdict = judge(seat, facts, policy, now)
    latest = facts.last_activity(seat)
    return SeatExplained(
        seat=seat,
        verdict=verdict,
        rule=deciding_rule(verdict, seat, policy),
        activity=tuple(_activity(seat, person, asked)),
        age=_time_since(seat.created, facts, now),
        idle=_time_since(latest, facts, now),
        release_after=policy.of(seat.license_type).release_after,
        new_seat_grace=policy.new_seat_grace,
        outlook=outlook_of(seat, verdict, policy, facts.pauses),
    )


def _time_since(at: datetime | None, facts: Facts, now: datetime) -> timedelta | None:
    return None if at is None or at < LONG_AGO else idle_time(at, now, facts.pauses)


def _activity(seat: Allocation, person: Person, asked: Asked) -> Iterator[Activity]:
    """Yield every source that was looked at, also those that know of nothing."""
    yield Activity("this seat", seat.last_used)
    for other in person.seats:
        if other is not seat:
            doubt = f" ({other.doubt})" if other.is_use_unclear else ""
            yield Activity(f"{other.license_type.value} seat {other.id}{doubt}", other.last_used)
    yield Activity("usage rows", _latest(asked.snapshot.witness.by_person, person))
    for name, known in asked.partners.items():
        doubt = "" if known.unclear.isdisjoint(person.names) else " (a date cannot be read)"
        yield Activity(f"site {name}{doubt}", _latest(known.latest, person))


def _latest(known: Mapping[str, datetime], person: Person) -> datetime | None:
    return max((known[name] for name in person.names if name in known), default=None)
