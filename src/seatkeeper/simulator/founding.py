"""Founds a simulated organisation that looks as if it had worked with the site for years.

Nothing is stepped through: joining, leaving and last uses are drawn once for each person, so that
120,000 people take seconds.
"""

from __future__ import annotations

import gc
import random
import time

from seatkeeper.simulator import names
from seatkeeper.simulator.document_tables import new_document
from seatkeeper.simulator.entitlement import RULES
from seatkeeper.simulator.moments import DAY, HOUR, MINUTE, SiteClock, to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.persons import ANALYSTS, DEVELOPERS, PersonMaker
from seatkeeper.simulator.records import Facts, Records
from seatkeeper.simulator.rows import REPOSITORY, CapacityUse, Habit, User, make_guid
from seatkeeper.simulator.rows import SeatType as Type
from seatkeeper.simulator.seasons import visits
from seatkeeper.simulator.seating import seat_people
from seatkeeper.simulator.site import LONGEST_STAY

HISTORY = 400 * DAY
_STAYS_SINCE = 31 * DAY
"""So far back stays are made, so that the month that runs is complete."""
_EVERY_SERVICE = 200
"""So many users for one service account."""


def found_site(options: SimOptions) -> Records:
    """Make a whole site from its options; equal options with equal `now` give equal sites."""
    gc.disable()  # nothing of 120,000 people is garbage, looking for it is a sixth of the time
    try:
        return _found(options)
    finally:
        gc.enable()


def _found(options: SimOptions) -> Records:
    rng = random.Random(options.seed)
    now = time.time_ns() // 1_000_000 if options.now is None else to_ms(options.now)
    records = Records(_facts(options, rng, now))
    _add_documents(records, rng, now)
    _add_accounts(records, rng, now)
    _add_people(records, rng, options.users, now)
    seat_people(records, rng, options, now)
    _add_stays(records, rng, now)
    return records


def _facts(options: SimOptions, rng: random.Random, now: int) -> Facts:
    minutes = options.capacity_minutes
    digits = f"{rng.randrange(10**16):016}"
    return Facts(
        name=options.site_name,
        seed=options.seed,
        serial=" ".join(digits[place : place + 4] for place in range(0, 16, 4)),
        license_id=make_guid(rng),
        licensed_since=now - 700 * DAY,
        valid_to=(now // DAY + options.license_days) * DAY,
        capacity_minutes=options.users * 10 if minutes is None else minutes,
        tokens=options.tokens,
        clock_offset=0 if options.now is None else SiteClock.showing(now).offset,
        founded=now - HISTORY,
        lived_until=now,
    )


def _add_documents(records: Records, rng: random.Random, now: int) -> None:
    since = now - HISTORY

    def add(kind: str, **content: object) -> str:
        key = make_guid(rng)
        records.save_document(kind, new_document(kind, content, key, since, REPOSITORY))
        return key

    for tag in names.TAGS:
        add("tag", name=tag)
    add("custompropertydefinition", name="Department", choiceValues=list(names.DEPARTMENTS))
    add("custompropertydefinition", name="LicenseManage", choiceValues=["do-not-release"])
    wanted = f'((user.group="{DEVELOPERS}" or user.group="{ANALYSTS}"))'
    rules = {
        "professionalaccessgroup": ("License.ProfessionalAccessGroup", "BI makers", wanted),
        "analyzeraccessgroup": (
            "License.AnalyzerAccessGroup",
            "All staff",
            f'((user.userDirectory="{names.MAIN}"))',
        ),
        "analyzertimeaccesstype": (
            "License.AnalyzerTimeAccessType",
            "Partners",
            f'((user.userDirectory="{names.PARTNERS}"))',
        ),
    }
    for kind, (schema, name, text) in rules.items():
        key = add(kind, name=name)
        add(RULES, name=f"Access for {name}", rule=text, resourceFilter=f"{schema}_{key}")
    if records.facts.tokens:
        passes = {"assignedAccessTypes": 100, "usedAccessTypes": 37, "remainingAccessTypes": 63}
        add("loginaccesstype", name="Casual users", assignedTokens=10, **passes)


def _add_accounts(records: Records, rng: random.Random, now: int) -> None:
    for login in names.SYSTEM_ACCOUNTS:
        records.save_user(
            User(
                make_guid(rng),
                login,
                "INTERNAL",
                login,
                now - 2 * HISTORY,
                now - 2 * HISTORY,
                REPOSITORY,
                roles=("RootAdmin",) if login == "sa_repository" else (),
                delete_prohibited=True,
            )
        )


def _add_people(records: Records, rng: random.Random, number: int, now: int) -> None:
    maker = PersonMaker.for_site(rng, records)
    services = min(max(1, number // _EVERY_SERVICE), number // 3)
    admins = min(3, (number - services) // 10)
    for place in range(number):
        joined = _joined(rng, now)
        user = maker.person(joined, now)
        if place < services:
            _make_service(user, maker, place)
        elif place < services + admins:
            user.roles, user.habit = ("RootAdmin",), rng.choice((Habit.DAILY, Habit.WEEKLY))
            user.directory = names.MAIN
        else:
            _maybe_gone(user, rng, now)
        records.save_user(user)


def _joined(rng: random.Random, now: int) -> int:
    """Draw when somebody joined: most long ago, a tenth of them within the last year."""
    if rng.random() < 0.1:
        return now - int(rng.uniform(0, 365) * DAY)
    return now - int(rng.uniform(365, 2000) * DAY)


def _make_service(user: User, maker: PersonMaker, place: int) -> None:
    service = names.SERVICES[place % len(names.SERVICES)]
    user.user_id = maker.login(f"svc_{service}")
    user.name = f"Service {user.user_id[4:]}"
    user.directory = names.MAIN
    user.attributes, user.tags = (("group", "service-accounts"),), ()
    user.habit = Habit.DAILY if place % 3 else Habit.NEVER


def _maybe_gone(user: User, rng: random.Random, now: int) -> None:
    draw = rng.random()
    if draw < 0.07:
        left = max(user.created, now - int(rng.uniform(1, 300) * DAY))
        user.removed, user.inactive = True, rng.random() < 0.9
        user.modified = left
        if user.habit is not Habit.NEVER:
            user.habit, user.stopped = Habit.STOPPED, left - int(rng.uniform(0, 5) * DAY)
    elif draw < 0.077:
        user.blocked = user.inactive = True
        user.modified = max(user.created, now - int(rng.uniform(1, 300) * DAY))
        user.habit, user.stopped = Habit.STOPPED, user.modified


def _add_stays(records: Records, rng: random.Random, now: int) -> None:
    """Let partners without a seat use the analyzer capacity during the last weeks."""
    since = now - _STAYS_SINCE
    for user in records.users.values():
        if user.directory != names.PARTNERS or user.inactive:
            continue
        if any(records.seats_held(kind, user.id) for kind in (Type.PROFESSIONAL, Type.ANALYZER)):
            continue
        for start in visits(user, since, now):
            stop = min(now, start + rng.randrange(MINUTE, LONGEST_STAY))
            records.save_capacity_use(CapacityUse(make_guid(rng), user.id, start, stop))
    for _ in range(len(records.capacity_uses) // 20):
        start = now - int(rng.uniform(1, 28 * 24) * HOUR)
        records.save_capacity_use(CapacityUse(make_guid(rng), "", start, start + 10 * MINUTE))
