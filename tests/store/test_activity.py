from __future__ import annotations

import asyncio
from datetime import date, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from builders import ANNA, NOW, PROFESSIONAL, a_snapshot, a_user, an_allocation, changed, days_ago
from seat_world import SeatWorld, Told, some_steps, true_changes, true_days, without_returns
from seatkeeper.core.changes import By, ChangeKind
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType, Snapshot, person_key
from seatkeeper.core.outcome import Outcome
from seatkeeper.store import Store
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.past import month_of
from seatkeeper.store.watch_tables import (
    ACTIVE_DAY,
    ACTIVITY_MONTH,
    HOLDER,
    LAST_USE,
    SEAT,
    SEAT_EVENT,
)
from stored import JANE, a_grant, a_plan, an_action, applied, hold, later

DAY = timedelta(days=1)
PRO = MeasuredType.PROFESSIONAL


def rows(store: Store, found: sa.Table | sa.Select[tuple[object, ...]]) -> list[AnyRow]:
    """Every row of a table, in the order of its key, or of a query."""
    query = sa.select(found).order_by(*found.primary_key) if isinstance(found, sa.Table) else found
    with store.ledger._db.reading() as conn:
        return list(conn.execute(query))


def days_kept(store: Store) -> set[tuple[str, MeasuredType, date]]:
    """Every day of activity as it is kept: person, type and day."""
    joined = sa.select(ACTIVITY_MONTH, HOLDER.c.person_key).join(
        HOLDER, HOLDER.c.id == ACTIVITY_MONTH.c.holder
    )
    return {
        (row.person_key, row.license_type, date(row.month // 12, row.month % 12 + 1, bit + 1))
        for row in rows(store, joined)
        for bit in range(31)
        if row.days >> bit & 1
    }


def events_kept(store: Store) -> set[Told]:
    """Every change as it is kept."""
    return {
        (ChangeKind(e.kind), By(e.through), LicenseType(e.license_type), e.allocation_id, e.plan_id)
        for e in rows(store, SEAT_EVENT)
    }


def readings(used: timedelta | None = timedelta(0), day: int = 0) -> Snapshot:
    """A reading on which Anna holds a seat, used so long before it."""
    now = NOW + day * DAY
    seat = an_allocation(last_used=None if used is None else now - used)
    return a_snapshot([seat], now=now)


async def observe(
    store: Store, snapshot: Snapshot
) -> dict[tuple[ChangeKind, By, LicenseType], int]:
    return dict(await store.activity.observe(snapshot, snapshot.taken_at))


@pytest.mark.parametrize("seed", range(3))
async def test_a_random_world_is_kept_as_it_was(store: Store, seed: int) -> None:
    world, random = SeatWorld(), Random(seed)  # noqa: S311 - a seeded simulation
    snapshots: list[Snapshot] = []
    planted: set[str] = set()
    stated: set[Told] = set()
    for number, step in enumerate(some_steps(random, 25)):
        snapshots.append(world.step(step))
        for release in world.releases[len(planted) :]:
            action = an_action(
                rf"EXAMPLE\{release.person.partition(chr(92))[2].upper()}",
                allocation_id=release.allocation_id,
                license_type=release.license_type,
            )
            plan = a_plan(action, at=release.at, plan_id=release.plan_id)
            await applied(store, plan, run_id=f"run-{release.plan_id}")
            planted.add(release.plan_id)
        back = {e[4] for e in events_kept(store) if e[0] is ChangeKind.CAME_BACK}
        told = await observe(store, snapshots[-1])
        if number:
            stated |= true_changes(snapshots[-2], snapshots[-1], world.releases, back)
        else:
            assert told == {}

    assert days_kept(store) == true_days(snapshots)
    assert without_returns(events_kept(store)) == stated
    back = {e[4] for e in events_kept(store) if e[0] is ChangeKind.CAME_BACK}
    assert back
    assert back <= world.returned
    assert {s.allocation_id for s in rows(store, SEAT)} == set(world.seats)


async def test_twenty_planted_returns_are_all_found(store: Store) -> None:
    people = [rf"EXAMPLE\p{n}" for n in range(20)]
    seats = [an_allocation(p, id=f"old-{p}") for p in people]
    users = [a_user(p) for p in people]
    await observe(store, a_snapshot(seats, users))
    actions = [an_action(s.holder, allocation_id=s.id) for s in seats]
    await applied(store, a_plan(*actions, at=NOW + timedelta(hours=1)))
    gone = await observe(store, a_snapshot([], users, now=NOW + DAY))
    assert gone == {(ChangeKind.RELEASED, By.US, PROFESSIONAL): 20}

    found = 0
    for day, person in enumerate(people, start=2):
        now = NOW + day * DAY
        seats = [
            an_allocation(p, id=f"new-{p}", created=NOW + n * DAY)
            for n, p in enumerate(people[: day - 1], start=2)
        ]
        told = await observe(store, a_snapshot(seats, users, now=now))
        assert told[ChangeKind.ALLOCATED, By.SOMEBODY, PROFESSIONAL] == 1, person
        found += told[ChangeKind.CAME_BACK, By.SOMEBODY, PROFESSIONAL]

    assert found == 20


async def test_what_we_quarantined_is_ours_and_its_return_is_a_regret(store: Store) -> None:
    seat = an_allocation()
    await observe(store, a_snapshot([seat]))
    action = an_action(allocation_id=seat.id)
    await applied(store, a_plan(action, at=later(1)), Outcome.QUARANTINED)

    blocked = await observe(store, a_snapshot([changed(seat, quarantined=True)], now=NOW + DAY))
    free = await observe(store, a_snapshot([seat], now=NOW + 2 * DAY))

    assert blocked == {(ChangeKind.QUARANTINED, By.US, PROFESSIONAL): 1}
    assert free == {
        (ChangeKind.REINSTATED, By.SOMEBODY, PROFESSIONAL): 1,
        (ChangeKind.CAME_BACK, By.SOMEBODY, PROFESSIONAL): 1,
    }


async def test_a_seat_that_we_gave_back_came_back_through_us(store: Store) -> None:
    seat = an_allocation()
    await observe(store, a_snapshot([seat]))
    await applied(store, a_plan(an_action(allocation_id=seat.id), at=later(1)))
    await observe(store, a_snapshot([], [a_user(ANNA)], now=NOW + DAY))
    held = await hold(store)
    released = await store.plans.released(user=ANNA)
    await store.plans.intend_grants("undo-1", JANE, held, released, "asked", NOW + DAY)
    grants = [a_grant(one) for one in released]
    await store.plans.settle_grants("undo-1", JANE, "prod", grants, NOW + DAY)

    told = await observe(store, a_snapshot([an_allocation(id="new-seat")], now=NOW + 2 * DAY))

    assert told == {
        (ChangeKind.ALLOCATED, By.SOMEBODY, PROFESSIONAL): 1,
        (ChangeKind.CAME_BACK, By.US, PROFESSIONAL): 1,
    }


async def test_days_of_activity_are_bits_of_a_month_and_are_counted(store: Store) -> None:
    for day in range(4):
        await observe(store, readings(timedelta(hours=26 if day == 2 else 1), day))

    (month,) = rows(store, ACTIVITY_MONTH)
    assert (month.month, month.license_type) == (month_of(NOW.date()), PRO)
    assert f"{month.days:b}" == "10110"
    assert [(r.day, r.users) for r in rows(store, ACTIVE_DAY)] == [
        ("2026-11-02", 1),
        ("2026-11-03", 1),
        ("2026-11-05", 1),
    ]


async def test_a_day_before_the_site_was_watched_is_kept_but_not_counted(store: Store) -> None:
    await observe(store, readings(5 * DAY))

    assert days_kept(store) == {(person_key(ANNA), PRO, days_ago(5).date())}
    assert rows(store, ACTIVE_DAY) == []


async def test_an_older_reading_and_the_same_again_change_nothing(store: Store) -> None:
    await observe(store, readings(day=1))
    await observe(store, a_snapshot([], now=NOW))

    assert await observe(store, a_snapshot([], now=NOW + DAY)) == {}
    assert len(rows(store, SEAT)) == 1


async def test_a_clock_that_was_ahead_stops_nothing(store: Store) -> None:
    await observe(store, readings(day=1000))
    await observe(store, readings(day=1))

    assert await observe(store, a_snapshot([], now=NOW + 2 * DAY)) != {}


async def test_of_several_processes_at_once_one_writes(store: Store) -> None:
    for day, seats in ((0, []), (1, [an_allocation(last_used=NOW)])):
        reading = a_snapshot(seats, [a_user(ANNA)], now=NOW + day * DAY)
        told = await asyncio.gather(*(observe(store, reading) for _ in range(3)))
        assert sum(len(one) for one in told) == day

    assert [e.kind for e in rows(store, SEAT_EVENT)] == [ChangeKind.ALLOCATED]
    assert len(rows(store, HOLDER)) == 1


async def test_a_seat_never_used_has_a_holder_and_no_day(store: Store) -> None:
    await observe(store, readings(None))

    assert [(r.at, r.first_seen) for r in rows(store, LAST_USE)] == [(None, NOW)]
    assert [r.label for r in rows(store, HOLDER)] == [ANNA]
    assert rows(store, ACTIVITY_MONTH) == []


async def test_strange_names_are_kept_once(store: Store) -> None:
    names = [r"EXAMPLE\o'Brien", "EXAMPLE\\nul\0l", r"EXAMPLE\Ünal, Ayşe=1", "EXAMPLE\\end\\"]
    seats = [an_allocation(n, last_used=NOW, id=f"seat-{i}") for i, n in enumerate(names)]
    await observe(store, a_snapshot(seats))
    await observe(store, a_snapshot(seats, now=NOW + DAY))

    assert len(rows(store, HOLDER)) == len(rows(store, LAST_USE)) == 4
    assert rows(store, SEAT_EVENT) == []


async def test_the_same_person_on_two_sites_is_two_holders(store: Store) -> None:
    for site in ("prod", "test"):
        await observe(store, a_snapshot([an_allocation()], site=site))

    assert [(r.site, r.label) for r in rows(store, HOLDER)] == [("prod", ANNA), ("test", ANNA)]
    assert [r.site for r in rows(store, SEAT)] == ["prod", "test"]


async def test_who_is_erased_has_no_name_and_is_no_news_when_read_again(store: Store) -> None:
    await observe(store, readings())
    await store.ledger.erase(ANNA, JANE, "asked for it", later(1))
    assert [(r.person_key, r.label) for r in rows(store, HOLDER)] == [(None, None)]

    assert await observe(store, readings(day=1)) == {}

    assert [r.label for r in rows(store, HOLDER)] == [None, ANNA]


async def test_the_latest_activity_of_people_on_other_sites_is_known_by_person(
    store: Store,
) -> None:
    ben, clara = r"EXAMPLE\ben", r"EXAMPLE\clara"
    seats = {
        "one": [an_allocation(ANNA, last_used=days_ago(9)), an_allocation(clara)],
        "two": [
            an_allocation(ANNA.upper(), last_used=days_ago(3)),
            an_allocation(ben, last_used=days_ago(5)),
        ],
        "three": [an_allocation(ANNA, last_used=days_ago(1))],
    }
    for site, held in seats.items():
        await store.activity.observe(a_snapshot(held, site=site), NOW)

    found = await store.activity.latest(["one", "two"])

    assert found == {person_key(ANNA): days_ago(3), person_key(ben): days_ago(5)}
    assert await store.activity.latest([]) == {}
