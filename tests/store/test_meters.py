from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import sqlalchemy as sa

from builders import ANNA, NOW, a_pool, a_snapshot, a_user
from seatkeeper.core.lookback import MeterDay, UserQuery
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import (
    Capacity,
    Overview,
    Pool,
    ServerLicense,
    Snapshot,
    Tokens,
    UsageList,
    Witness,
)
from seatkeeper.core.summary import LicenseState
from seatkeeper.store import Store, open_store
from seatkeeper.store.engine import Database
from seatkeeper.store.schema import upgrade
from seatkeeper.store.watch_tables import METER_SAMPLE
from stored import JANE, later

DAY = timedelta(days=1)
TODAY = NOW.date()
PRO = MeasuredType.PROFESSIONAL


def a_reading(
    hours: float = 0, *pools: Pool, used: int | None = None, tokens: float | None = None
) -> Snapshot:
    """A reading of these pools, of capacity with so many minutes used, of so many tokens."""
    overview = Overview(
        pools=pools,
        capacity=None if used is None else Capacity(True, 1000, used, 0),
        tokens=None if tokens is None else Tokens(total=10, available=tokens),
    )
    snapshot = a_snapshot([], [a_user(ANNA)], now=NOW + timedelta(hours=hours))
    return replace(snapshot, overview=overview)


async def observe(store: Store, *readings: Snapshot) -> None:
    for reading in readings:
        await store.history.observe(reading)


async def day_of(store: Store, name: str, license_type: MeasuredType = PRO) -> list[MeterDay]:
    found = await store.past.pool_days("prod", TODAY - 400 * DAY)
    return [d for d in found if (d.license_type, d.name) == (license_type, name)]


async def test_a_day_keeps_the_last_value_and_its_bounds(store: Store) -> None:
    await observe(store, *(a_reading(n, a_pool(allocated=a)) for n, a in enumerate((5, 9, 3, 6))))
    await observe(store, a_reading(24, a_pool(allocated=7)))

    assert await day_of(store, "allocated") == [
        MeterDay(TODAY, PRO, "allocated", 6, 3, 9),
        MeterDay(TODAY + DAY, PRO, "allocated", 7, 7, 7),
    ]
    assert [d.least for d in await day_of(store, "available")] == [10, 10]


async def test_tokens_and_capacity_are_kept_too(store: Store) -> None:
    await observe(store, a_reading(used=100, tokens=4), a_reading(1, used=130, tokens=2.5))

    (tokens,) = await day_of(store, "available", MeasuredType.TOKENS_AVAILABLE)
    assert (tokens.last, tokens.least, tokens.most) == (2.5, 2.5, 4)
    (used,) = await day_of(store, "used", MeasuredType.ANALYZER_CAPACITY)
    assert (used.last, used.least) == (130, 100)


async def test_minutes_are_counted_by_day_and_over_a_month(store: Store) -> None:
    readings = [a_reading(24 * d, used=30 * d if d < 28 else 12 * (d - 28)) for d in range(32)]
    await observe(store, *readings)

    days = await store.past.capacity_days("prod", TODAY)

    assert days[TODAY] == 30
    assert len(days) == 30
    assert sum(days.values()) == 27 * 30 + 3 * 12


async def test_the_same_reading_again_counts_nothing_twice(store: Store) -> None:
    await observe(store, a_reading(used=10), a_reading(1, used=16), a_reading(1, used=16))

    assert await store.past.capacity_days("prod", TODAY) == {TODAY: 6}


async def test_minutes_that_were_corrected_are_not_counted_again(store: Store) -> None:
    """Also when the service that counts them starts anew, and when a day passes meanwhile."""
    used = (5000, 5010, 5004, 5010, 0, 0, 5010, 5030)
    await observe(store, *(a_reading(5 * n, used=u) for n, u in enumerate(used)))

    assert sum((await store.past.capacity_days("prod", TODAY)).values()) == 30


async def test_a_clock_that_was_ahead_stops_no_minutes(store: Store) -> None:
    ahead = a_reading(24 * 20, used=100)
    await observe(store, ahead, *(a_reading(n, used=100 + 10 * n) for n in range(3)))

    assert await store.past.capacity_days("prod", TODAY) == {TODAY: 20}


async def test_minutes_of_people_are_the_most_that_was_told(store: Store) -> None:
    key = r"example\anna.berg"
    for hours, told in enumerate(({TODAY: 12, TODAY - DAY: 30}, {TODAY: 24, TODAY - DAY: 6})):
        witness = Witness(
            {}, {}, {UsageList.CAPACITY: {key: NOW}}, {(key, d): m for d, m in told.items()}
        )
        snapshot = replace(a_reading(hours), witness=witness)
        await store.activity.observe(snapshot, snapshot.taken_at)

    assert await minutes_since(store, TODAY - DAY) == [(ANNA, 54)]
    assert await minutes_since(store, TODAY) == [(ANNA, 24)]
    assert await minutes_since(store, TODAY + DAY) == [(ANNA, None)]
    await store.ledger.erase(ANNA, JANE, "asked for it", later(1))
    assert await minutes_since(store, TODAY) == [("", 24)]


async def minutes_since(store: Store, day: date) -> list[tuple[str, int | None]]:
    query = UserQuery(license_type=MeasuredType.ANALYZER_CAPACITY, since=day)
    return [(line.user, line.minutes) for line in await store.past.users(query, NOW)]


async def test_the_license_is_kept_when_it_changes(store: Store) -> None:
    def with_license(hours: float, license_: ServerLicense | None) -> Snapshot:
        return replace(a_reading(hours), server_license=license_)

    valid = ServerLicense("0000", signed=True, valid_to=TODAY + DAY, allotments=(("analyzer", 5),))
    await observe(store, *(with_license(n, valid) for n in range(3)))
    await observe(store, with_license(10, replace(valid, allotments=(("analyzer", 9),))))
    await observe(store, with_license(20, replace(valid, valid_to=None)), with_license(30, None))

    changes = await store.past.license_changes("prod", NOW + timedelta(hours=5))

    assert [(c.at - NOW) / timedelta(hours=1) for c in changes] == [0, 10, 20, 30]
    assert [c.license.state for c in changes] == [
        LicenseState.VALID,
        LicenseState.VALID,
        LicenseState.CANNOT_TELL,
        LicenseState.NONE,
    ]
    assert changes[1].license.allotments == (("analyzer", 9),)


async def test_a_clock_that_was_ahead_hides_no_change_of_the_license(store: Store) -> None:
    valid = ServerLicense("0000", signed=True, valid_to=TODAY + 400 * DAY)
    await observe(store, replace(a_reading(24 * 20), server_license=valid))
    await observe(store, replace(a_reading(1), server_license=valid))
    await observe(store, replace(a_reading(2), server_license=None))

    found = await store.past.license_changes("prod", NOW)

    states = {(c.at - NOW) / timedelta(hours=1): c.license.state for c in found}
    assert (states[1], states[2]) == (LicenseState.VALID, LicenseState.NONE)


async def test_single_readings_from_before_become_days_when_the_store_is_upgraded(
    empty_url: str,
) -> None:
    db = Database(empty_url)
    with db.writing() as conn:
        upgrade(conn, "0006")
        conn.exec_driver_sql(
            "INSERT INTO site (site, first_seen, last_seen, usage_given) VALUES ('prod', '', '',"
            " FALSE)"
        )
        for hour, allocated in enumerate((5, 9, 4)):
            conn.exec_driver_sql(
                "INSERT INTO pool_sample (site, at, license_type, total, allocated, available, "  # noqa: S608 - our own numbers
                "used, quarantined) VALUES ('prod', "
                f"'2026-11-02T0{hour}:00:00.000000Z', 'professional', 10, {allocated}, 1, 0, 0)"
            )
    db.close()

    store = open_store(empty_url)

    assert await day_of(store, "allocated") == [MeterDay(TODAY, PRO, "allocated", 4, 4, 9)]
    assert await day_of(store, "excess") == []
    store.close()


async def test_each_site_has_its_own_numbers(store: Store) -> None:
    await observe(store, a_reading(0, a_pool(allocated=1)))
    await observe(store, replace(a_reading(0, a_pool(allocated=2)), site="test"))

    assert [d.last for d in await day_of(store, "allocated")] == [1]
    with store.ledger._db.reading() as conn:
        assert conn.execute(sa.select(METER_SAMPLE)).all() == []
