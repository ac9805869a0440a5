from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seatkeeper.simulator.founding import found_site
from seatkeeper.simulator.moments import DAY, NEVER, to_ms
from seatkeeper.simulator.options import SimOptions
from seatkeeper.simulator.people import live_on
from seatkeeper.simulator.records import Records
from seatkeeper.simulator.rows import Habit, Seat, SeatType
from seatkeeper.simulator.serve import Simulator
from seatkeeper.simulator.site import Site
from seatkeeper.simulator.switches import Switches
from simulator.world import ANALYZER, PROFESSIONAL, StillClock

START = datetime(2026, 2, 4, 12, 0, tzinfo=UTC)
NOW = to_ms(START)
NOWHERE = Path("unused")


def founded(users: int = 1000, seed: int = 1, **more: int) -> Records:
    return found_site(SimOptions(NOWHERE, users=users, seed=seed, now=START, **more))  # type: ignore[arg-type]


def site_of(records: Records) -> Site:
    site = Site(records, Switches())
    site.clock = StillClock(NOW)
    return site


def live(site: Site, days: float) -> None:
    site.clock.set(site.clock.now() + int(days * DAY))
    live_on(site)


def seats_of(records: Records) -> list[Seat]:
    return [*records.seats[PROFESSIONAL].values(), *records.seats[ANALYZER].values()]


@pytest.fixture(scope="module")
def thousand() -> Records:
    return founded()


def used_within(records: Records, days: float) -> float:
    seats = seats_of(records)
    return sum(seat.last_used > NOW - days * DAY for seat in seats) / len(seats)


def test_most_seats_are_used_and_some_are_not(thousand: Records) -> None:
    never = sum(seat.last_used == NEVER for seat in seats_of(thousand)) / len(seats_of(thousand))

    assert 0.25 < used_within(thousand, 1) < 0.5
    assert 0.5 < used_within(thousand, 7) < 0.75
    assert 0.68 < used_within(thousand, 30) < 0.88
    assert 0.75 < used_within(thousand, 90) < 0.93
    assert 0.01 < never < 0.1


def test_weekends_are_quiet(thousand: Records) -> None:
    used = [seat.last_used for seat in seats_of(thousand) if seat.last_used > NOW - 60 * DAY]
    weekend = sum(to_weekday(moment) >= 5 for moment in used)

    assert 0 < weekend / len(used) < 0.1


def to_weekday(moment: int) -> int:
    return datetime.fromtimestamp(moment / 1000, UTC).weekday()


def test_no_date_lies_ahead_or_before_its_time(thousand: Records) -> None:
    for seat in seats_of(thousand):
        assert seat.created <= NOW
        assert seat.modified <= NOW
        assert seat.last_used == NEVER or seat.created <= seat.last_used <= NOW
        assert seat.quarantined == (seat.quarantine_end > NOW)


def test_people_are_of_many_kinds(thousand: Records) -> None:
    users = list(thousand.users.values())
    share = {
        "removed": sum(user.removed for user in users) / len(users),
        "blocked": sum(user.blocked for user in users) / len(users),
        "partners": sum(user.directory == "PARTNER" for user in users) / len(users),
        "makers": sum("bi-" in str(user.attributes) for user in users) / len(users),
        "tagged": sum(bool(user.tags) for user in users) / len(users),
    }

    assert 0.03 < share["removed"] < 0.11
    assert 0 < share["blocked"] < 0.03
    assert 0.03 < share["partners"] < 0.1
    assert 0.12 < share["makers"] < 0.25
    assert 0.01 < share["tagged"] < 0.08
    assert {user.directory for user in users} == {"EXAMPLE", "example", "PARTNER", "INTERNAL"}
    assert {"Email", "email", "group", "Group"} <= {
        kind for user in users for kind, _ in user.attributes
    }
    assert any(user.user_id.startswith("svc_") for user in users)
    assert sum(user.roles == ("RootAdmin",) and user.directory == "EXAMPLE" for user in users) == 3
    assert all(user.delete_prohibited for user in users if user.directory == "INTERNAL")
    assert len({user.key for user in users}) == len(users)


def test_people_who_left_keep_their_seats(thousand: Records) -> None:
    left = {user.id for user in thousand.users.values() if user.removed}

    assert any(seat.user in left for seat in seats_of(thousand))


def test_the_analyzer_pool_is_dry_and_a_few_rows_wait(thousand: Records) -> None:
    rows = thousand.seats[ANALYZER]

    assert len(rows) == thousand.totals[ANALYZER] == 700
    assert 0 < len(thousand.quarantined[ANALYZER]) < 10
    assert sum(not seat.user for seat in rows.values()) == 1
    assert thousand.totals[PROFESSIONAL] > len(thousand.seats[PROFESSIONAL]) > 100


def test_some_people_hold_both_types(thousand: Records) -> None:
    both = [
        user
        for user in thousand.users
        if thousand.seats_held(PROFESSIONAL, user) and thousand.seats_held(ANALYZER, user)
    ]

    assert both


def test_equal_seeds_make_equal_sites() -> None:
    first, second = founded(seed=5), founded(seed=5)

    assert first.contents().users == second.contents().users
    assert first.contents().seats == second.contents().seats


def test_other_seeds_make_other_sites() -> None:
    assert founded(seed=5).contents().seats != founded(seed=6).contents().seats


@pytest.mark.parametrize("number", [0, 1, 150, 240, 399, 400])
def test_exactly_so_many_rows_as_asked_for(number: int) -> None:
    records = founded(200, allocations=number)

    assert len(seats_of(records)) == number
    for kind in (PROFESSIONAL, ANALYZER):
        assert records.totals[kind] >= len(records.seats[kind])
        assert all(len(records.seats_held(kind, user)) <= 1 for user in records.users)


def test_totals_can_be_given() -> None:
    records = founded(200, professional=7, analyzer=9, capacity_minutes=60)

    assert (records.totals[PROFESSIONAL], records.totals[ANALYZER]) == (7, 9)
    assert records.facts.capacity_minutes == 60
    assert len(records.seats[ANALYZER]) <= 9


def test_more_rows_than_the_license_grants_are_locked_out() -> None:
    records = founded(100, allocations=100, analyzer=20)

    rows = records.seats[ANALYZER].values()
    assert sum(seat.excess for seat in rows) == len(rows) - 20 > 0


@pytest.mark.parametrize("users", [1, 2, 3, 10])
def test_tiny_sites_can_be_made(users: int) -> None:
    records = founded(users)

    assert len(records.users) >= users
    live(site_of(records), 30)


def test_a_large_site_is_made_in_seconds() -> None:
    start = time.process_time()

    records = founded(30_000, allocations=25_000)

    assert len(seats_of(records)) == 25_000
    assert time.process_time() - start < 5


def test_tokens_bring_login_passes() -> None:
    records = founded(20, tokens=50)

    assert records.totals[SeatType.USER] == 50
    assert len(records.documents["loginaccesstype"]) == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"users": 0}, "at least one user"),
        ({"users": 10, "allocations": 21}, "at most 20"),
        ({"analyzer": -1}, "must not be negative"),
    ],
)
def test_options_that_cannot_be_are_told(more: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SimOptions(NOWHERE, **more)  # type: ignore[arg-type]


def test_a_start_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        SimOptions(NOWHERE, now=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


async def test_people_live_on_while_the_site_serves(tmp_path: Path) -> None:
    async with Simulator(SimOptions(tmp_path, users=300, live_every=0.05)) as made:
        before = made.site.clock.now()
        made.site.clock.set(before + 7 * DAY)

        changed = asyncio.Event()
        made.site.records.watchers.append(lambda _kind, _key: changed.set())

        async with asyncio.timeout(10):
            await changed.wait()

        assert any(seat.last_used > before for seat in seats_of(made.site.records))


# Living on


def test_after_a_week_those_who_come_daily_were_there() -> None:
    site = site_of(founded())
    daily = [
        seat
        for seat in seats_of(site.records)
        if (user := site.records.users.get(seat.user)) and user.habit is Habit.DAILY
    ]

    live(site, 7)

    newer = sum(seat.last_used > NOW for seat in daily if not seat.quarantined)
    assert newer / len(daily) > 0.75
    assert all(seat.last_used <= site.clock.now() for seat in seats_of(site.records))


def test_those_who_stay_away_are_not_there() -> None:
    site = site_of(founded())
    before = {
        seat.id: seat.last_used
        for seat in seats_of(site.records)
        if (user := site.records.users.get(seat.user))
        and user.habit in {Habit.STOPPED, Habit.NEVER}
    }

    live(site, 30)

    for seat in seats_of(site.records):
        assert before.get(seat.id, seat.last_used) == seat.last_used


def test_in_half_a_year_people_join_and_leave() -> None:
    site = site_of(founded())
    before = set(site.records.users)
    removed = sum(user.removed for user in site.records.users.values())

    live(site, 180)

    facts = site.records.facts
    assert 20 < facts.joined < 90
    assert 20 < facts.left < 90
    assert len(set(site.records.users) - before) == facts.joined
    assert before - set(site.records.users)
    assert sum(user.removed for user in site.records.users.values()) != removed


def test_joiners_get_seats_by_rule_until_the_pool_is_dry() -> None:
    site = site_of(founded())

    live(site, 60)

    records = site.records
    assert len(records.seats[ANALYZER]) <= records.totals[ANALYZER]
    assert any(seat.created > NOW for seat in seats_of(records))
    assert records.facts.turned_away > 0


def test_freed_seats_are_taken_by_those_who_waited() -> None:
    site = site_of(founded())
    for seat in list(site.records.seats[ANALYZER].values()):
        if seat.last_used < NOW - 90 * DAY and not seat.quarantined:
            site.release(ANALYZER, seat.id)
    free = site.free(ANALYZER)

    live(site, 10)

    assert free > 20
    assert site.free(ANALYZER) < free


def test_living_on_is_reproducible() -> None:
    first, second = site_of(founded()), site_of(founded())

    live(first, 45)
    live(second, 45)

    assert set(first.records.users) == set(second.records.users)
    assert first.records.contents().seats == second.records.contents().seats
    assert first.records.contents().capacity_uses == second.records.contents().capacity_uses


def test_going_back_in_time_changes_nothing() -> None:
    site = site_of(founded(100))
    before = [(seat.id, seat.last_used) for seat in seats_of(site.records)]

    live(site, -3)

    assert [(seat.id, seat.last_used) for seat in seats_of(site.records)] == before
