"""The organisation lives on: people join, leave, change departments, and log in by their habits.

Works on any stretch of time at once: of somebody with a seat the last login in it counts, of a
guest each one, because each costs minutes. When they come is in `seasons`.
"""

from __future__ import annotations

import math
import random

from seatkeeper.simulator import names
from seatkeeper.simulator.moments import DAY, to_datetime
from seatkeeper.simulator.persons import PersonMaker
from seatkeeper.simulator.rows import SCHEDULER, Habit, User
from seatkeeper.simulator.seasons import HIRING, last_visit, visits
from seatkeeper.simulator.site import SEATED, Site

JOIN_A_YEAR = 0.12
LEAVE_A_YEAR = 0.10
_STOP_A_YEAR = 0.08
_MOVE_A_YEAR = 0.06
_DELETE_A_YEAR = 0.5
_AWAY = {Habit.STOPPED, Habit.NEVER}
_GUESTS_SINCE = 40 * DAY
"""So far back stays of guests matter: for the month's minutes and the usage rows."""


def live_on(site: Site) -> None:
    """Let people live from where history ended until the site's clock; earlier changes nothing."""
    facts = site.records.facts
    start, end = facts.lived_until, site.clock.now()
    if end <= start:
        return
    site.settle()
    rng, ids = random.Random(f"{facts.seed}:{start}"), site.rng
    site.rng = rng  # rows made by a history are as reproducible as the history
    years = (end - start) / DAY / 365
    people = [user for user in site.records.users.values() if not user.delete_prohibited]
    for user in people:
        _change(site, rng, user, years)
    hiring = HIRING[to_datetime(end).month - 1]
    facts.joined += _join(site, rng, len(people) * JOIN_A_YEAR * hiring * years, (start, end))
    _log_in(site, start, end)
    facts.lived_until = end
    site.rng = ids


def _chance(rng: random.Random, a_year: float, years: float) -> bool:
    return rng.random() < 1 - math.exp(-a_year * years)


def _change(site: Site, rng: random.Random, user: User, years: float) -> None:
    if user.removed:
        if not user.lost and _chance(rng, _DELETE_A_YEAR, years):
            site.delete_user(user)
        return
    if "RootAdmin" in user.roles or user.user_id.startswith("svc_"):
        return
    now = site.clock.now()
    if _chance(rng, LEAVE_A_YEAR, years):
        user.removed = user.inactive = True
        if user.habit is not Habit.NEVER:
            user.habit, user.stopped = Habit.STOPPED, now
        site.records.facts.left += 1
    elif user.habit not in _AWAY and _chance(rng, _STOP_A_YEAR, years):
        user.habit, user.stopped = Habit.STOPPED, now
        return
    elif _chance(rng, _MOVE_A_YEAR, years):
        _move(rng, user)
    else:
        return
    user.modified, user.modified_by = now, SCHEDULER
    site.records.save_user(user)


def _move(rng: random.Random, user: User) -> None:
    """Put somebody into another department: its group and its property or attribute follow."""
    fresh = rng.choice(list(names.DEPARTMENTS))
    after = dict.fromkeys(names.DEPARTMENTS, fresh)
    after |= {name.lower(): fresh.lower() for name in names.DEPARTMENTS}
    user.attributes = tuple((kind, after.get(value, value)) for kind, value in user.attributes)
    user.properties = tuple(
        (key, fresh if value in names.DEPARTMENTS else value) for key, value in user.properties
    )


def _join(site: Site, rng: random.Random, expected: float, span: tuple[int, int]) -> int:
    number = int(expected) + (rng.random() < expected % 1)
    if not number:
        return 0
    maker = PersonMaker.for_site(rng, site.records)
    for _ in range(number):
        user = maker.person(rng.randrange(*span), span[1])
        while site.records.user_by_key(user.directory, user.user_id) is not None:
            user.user_id = maker.login(user.name.replace(" ", "."))
        if user.habit is Habit.STOPPED:
            user.habit = Habit.WEEKLY
        site.records.save_user(user)
    return number


def _log_in(site: Site, start: int, end: int) -> None:
    logins: list[tuple[int, str]] = []
    for user in site.records.users.values():
        if user.habit in _AWAY or user.inactive or user.blocked:
            continue
        if _is_guest(site, user):
            since = max(start, end - _GUESTS_SINCE)
            logins += [(at, user.id) for at in visits(user, since, end)]
        else:
            at = last_visit(user, end, start)
            if at > max(start, user.created):
                logins.append((at, user.id))
    for at, key in sorted(logins):
        site.login(site.records.users[key], at)


def _is_guest(site: Site, user: User) -> bool:
    return user.directory == names.PARTNERS and not any(
        site.records.seats_held(kind, user.id) for kind in SEATED
    )
