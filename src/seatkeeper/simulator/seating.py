"""Who of a newly founded organisation holds which seat, since when, and when it was last used."""

from __future__ import annotations

import random

from seatkeeper.simulator import names
from seatkeeper.simulator.entitlement import overflowing
from seatkeeper.simulator.moments import DAY, NEVER
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.persons import ANALYSTS, DEVELOPERS
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import REPOSITORY, Habit, Seat, SeatType, User, make_guid
from seatkeeper.simulator.seasons import last_visit

_SHARES = {SeatType.PROFESSIONAL: 0.22, SeatType.ANALYZER: 0.70}
"""Seats the license grants for each user, when nobody says otherwise."""
_BOTH = 0.015
_NEVER_USED = 0.4
_QUARANTINE = 7 * DAY
Wish = tuple[User, SeatType]


def seat_people(records: Records, rng: random.Random, options: SimOptions, now: int) -> None:
    """Give out seats: as many rows as `allocations` says, or what people need and there is."""
    wishes = _wishes(records, rng)
    if options.allocations is None:
        _set_totals(records, options)
        wishes = _within_totals(records, wishes)
    else:
        wishes = _exactly(records, rng, wishes, options.allocations)
        _set_totals(records, options, wishes)
    for user, kind in wishes:
        records.save_seat(_seat(rng, user, kind, now))
    if options.allocations is None:
        _add_quarantine(records, rng, now)
    for kind in SeatType:
        over = max(0, records.live(kind) - records.totals[kind])
        for key in overflowing(records.seats[kind].values(), over, "newest") if over else ():
            records.seats[kind][key].excess = True
            records.save_seat(records.seats[kind][key])


def _wishes(records: Records, rng: random.Random) -> list[Wish]:
    wishes: list[Wish] = []
    for user in records.users.values():
        if user.delete_prohibited or user.directory == names.PARTNERS:
            continue
        if user.habit is Habit.NEVER and rng.random() > _NEVER_USED:
            continue
        makes = any(value in {DEVELOPERS, ANALYSTS} for _, value in user.attributes)
        if makes or "RootAdmin" in user.roles or user.user_id.startswith("svc_"):
            wishes.append((user, SeatType.PROFESSIONAL))
            if rng.random() < _BOTH:
                wishes.append((user, SeatType.ANALYZER))
        else:
            wishes.append((user, SeatType.ANALYZER))
    return wishes


def _set_totals(records: Records, options: SimOptions, wishes: list[Wish] | None = None) -> None:
    given = {
        SeatType.PROFESSIONAL: options.professional,
        SeatType.ANALYZER: options.analyzer,
    }
    for kind, total in given.items():
        rows = sum(wish[1] is kind for wish in wishes or ())
        fitting = rows + max(1, rows // 50)
        if wishes is None:
            fitting = max(5, round(options.users * _SHARES[kind]))
        records.totals[kind] = fitting if total is None else total
    records.totals[SeatType.USER] = options.tokens


def _within_totals(records: Records, wishes: list[Wish]) -> list[Wish]:
    """Let those go without who joined last, where the pool is too small."""
    kept: list[Wish] = []
    for kind in SeatType:
        asking = [wish for wish in wishes if wish[1] is kind]
        asking.sort(key=lambda wish: wish[0].created)
        kept += asking[: records.totals[kind]]
    return kept


def _exactly(records: Records, rng: random.Random, wishes: list[Wish], number: int) -> list[Wish]:
    if len(wishes) > number:
        return rng.sample(wishes, number)
    taken = {(user.id, kind) for user, kind in wishes}
    people = [user for user in records.users.values() if not user.delete_prohibited]
    seated = {user.id for user, _ in wishes}
    people.sort(key=lambda user: user.id in seated)
    for kind in (SeatType.ANALYZER, SeatType.PROFESSIONAL):
        for user in people:
            if len(wishes) == number:
                return wishes
            if (user.id, kind) not in taken:
                wishes.append((user, kind))
    return wishes


def _seat(rng: random.Random, user: User, kind: SeatType, now: int) -> Seat:
    last_used = last_visit(user, now)
    if last_used < user.created:
        last_used = NEVER
    latest = now if last_used == NEVER else last_used
    earliest = max(user.created, latest - 1000 * DAY)
    created = min(earliest + int((latest - earliest) * rng.random() ** 2), latest)
    modified, by = (created, REPOSITORY) if last_used == NEVER else (last_used, user.label)
    seat = Seat(make_guid(rng), kind, user.id, created, modified, by)
    seat.last_used = seat.activity = last_used
    return seat


def _add_quarantine(records: Records, rng: random.Random, now: int) -> None:
    """Leave a few rows that an administrator released lately, one of them of a deleted user."""
    seats = [seat for seat in records.seats[SeatType.ANALYZER].values() if seat.last_used > NEVER]
    lately = [seat for seat in seats if now - _QUARANTINE + DAY < seat.last_used]
    chosen = rng.sample(lately, min(len(lately), len(seats) // 250))
    for number, seat in enumerate(chosen):
        seat.quarantined, seat.quarantine_end = True, seat.last_used + _QUARANTINE
        seat.modified_by = REPOSITORY
        if number == 0:
            user = records.users[seat.user]
            records.leave_ownerless(seat)
            seat.deleted_user, seat.deleted_directory = user.user_id, user.directory
            records.drop_user(user)
        records.save_seat(seat)
