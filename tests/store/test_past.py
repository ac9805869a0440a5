from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from builders import ANALYZER, ANNA, NOW, PROFESSIONAL, a_snapshot, a_user, an_allocation, days_ago
from seatkeeper.core.changes import By, ChangeKind, Standing
from seatkeeper.core.lookback import UserLine, UserQuery, UserSort
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, UsageList, Witness
from seatkeeper.store import Store
from seatkeeper.store.past import Past, days_in, month_of
from stored import JANE, later

DAY = timedelta(days=1)
BOB, CLEO, DAN = r"EXAMPLE\bob", r"EXAMPLE\Cleo", r"EXAMPLE\dan"
PRO = MeasuredType.PROFESSIONAL


async def observe(store: Store, *seats: Allocation, day: int = 0, site: str = "prod") -> None:
    users = [a_user(n) for n in (ANNA, BOB, CLEO, DAN)]
    now = NOW + day * DAY
    await store.activity.observe(a_snapshot(seats, users, now=now, site=site), now)


@pytest.fixture
async def filled(store: Store) -> Store:
    """Anna idle for 40 days, Bob never active, Cleo active today, Dan's analyzer idle for 50."""
    await observe(
        store,
        an_allocation(ANNA, last_used=days_ago(40), created=days_ago(300)),
        an_allocation(BOB, created=days_ago(200)),
        an_allocation(CLEO, last_used=days_ago(0.1), created=days_ago(100)),
        an_allocation(DAN, last_used=days_ago(50), license_type=ANALYZER),
    )
    return store


async def names(store: Store, **query: object) -> list[str]:
    lines = await store.past.users(UserQuery(**query), NOW)  # type: ignore[arg-type]
    return [line.user for line in lines]


async def test_users_are_sorted_over_all_types(filled: Store) -> None:
    assert await names(filled) == [BOB, DAN, ANNA, CLEO]
    assert await names(filled, sort=UserSort.LAST_USED) == [CLEO, ANNA, DAN, BOB]
    assert await names(filled, sort=UserSort.USER) == sorted([ANNA, BOB, CLEO, DAN])
    assert await names(filled, sort=UserSort.CREATED) == [DAN, ANNA, BOB, CLEO]
    assert await names(filled, limit=2) == [BOB, DAN]


async def test_users_are_chosen_by_type_site_and_idle_time(filled: Store) -> None:
    assert await names(filled, license_type=MeasuredType.ANALYZER) == [DAN]
    assert await names(filled, sites=("test",)) == []
    assert await names(filled, idle=timedelta(days=45)) == [BOB, DAN]
    assert await names(filled, idle=timedelta(days=40), license_type=PRO) == [BOB, ANNA]


async def test_a_new_seat_never_used_is_not_idle_for_longer_than_it_exists(store: Store) -> None:
    await observe(store, an_allocation(BOB, created=days_ago(10)))

    assert await names(store, idle=timedelta(days=10)) == [BOB]
    assert await names(store, idle=timedelta(days=11)) == []


async def test_a_line_tells_seat_and_use(filled: Store) -> None:
    (line,) = await filled.past.users(UserQuery(license_type=MeasuredType.ANALYZER), NOW)

    assert line == UserLine(
        site="prod",
        user=DAN,
        license_type=MeasuredType.ANALYZER,
        standing=Standing.LIVE,
        excess=False,
        created=days_ago(400),
        last_used=days_ago(50),
        first_seen=NOW,
    )
    assert line.idle_days(NOW) == 50


async def test_former_holders_are_told_when_asked_for(filled: Store) -> None:
    await observe(filled, day=1)

    assert await names(filled) == []
    assert await names(filled, former=True, limit=1) == [BOB]


async def test_users_of_capacity_need_no_seat(store: Store) -> None:
    rows = Witness({}, {}, {UsageList.CAPACITY: {r"example\dan": days_ago(3)}})
    snapshot = a_snapshot([], [a_user(DAN)])
    object.__setattr__(snapshot, "witness", rows)
    await store.activity.observe(snapshot, NOW)

    assert await names(store, license_type=MeasuredType.ANALYZER_CAPACITY) == [DAN]


async def test_users_are_sorted_by_their_minutes_whoever_has_none_last(filled: Store) -> None:
    today = NOW.date()
    use = {r"example\dan": days_ago(3), r"example\bob": days_ago(1), r"example\cleo": days_ago(2)}
    minutes = {(r"example\dan", today): 6, (r"example\cleo", today): 30}
    snapshot = a_snapshot([], [a_user(n) for n in (BOB, CLEO, DAN)], now=NOW + DAY)
    witness = Witness({}, {}, {UsageList.CAPACITY: use}, minutes)
    await filled.activity.observe(replace(snapshot, witness=witness), NOW + DAY)

    query = UserQuery(sort=UserSort.MINUTES, former=True, since=today)
    lines = await filled.past.users(query, NOW)

    assert [(line.user, line.minutes) for line in lines] == [
        (CLEO, 30),
        (DAN, 6),
        (CLEO, None),
        (ANNA, None),
        (BOB, None),
        (BOB, None),
        (DAN, None),
    ]


async def test_an_erased_user_has_no_name(filled: Store) -> None:
    await filled.ledger.erase(BOB, JANE, "asked for it", later(1))

    assert await names(filled) == ["", DAN, ANNA, CLEO]


async def test_days_of_a_user_over_months(store: Store) -> None:
    for day in (0, 20, 40, 70):
        await observe(
            store, an_allocation(ANNA, last_used=NOW + day * DAY - timedelta(hours=1)), day=day
        )

    days = await store.past.active_days("prod", ANNA.upper(), date(2026, 11, 3))

    assert days == {PRO: [date(2026, 11, 22), date(2026, 12, 12), date(2027, 1, 11)]}
    assert await store.past.active_days("prod", "EXAMPLE\\nobody", date(2026, 1, 1)) == {}
    active = await store.past.active_users("prod", date(2026, 11, 22))
    assert active == {
        (PRO, date(2026, 11, 22)): 1,
        (PRO, date(2026, 12, 12)): 1,
        (PRO, date(2027, 1, 11)): 1,
    }


@pytest.mark.parametrize("many", [0, 100])
async def test_days_with_use_are_counted_for_each_month_of_each_user(
    store: Store, many: int
) -> None:
    """The same whether a few people are looked for or everybody is read."""
    past = Past(store.ledger._db, many=many)
    for day in (0, 1, 5, 20, 40, 70):
        used = NOW + day * DAY - timedelta(hours=1)
        bobs = an_allocation(BOB, last_used=NOW + DAY - timedelta(hours=1)) if day else None
        seats = [an_allocation(ANNA, last_used=used), *([bobs] if bobs else [])]
        await observe(store, *seats, an_allocation(DAN), day=day)

    query = UserQuery(sort=UserSort.USER, since=date(2026, 11, 3))
    lines = {line.user: line for line in await past.users(query, NOW + 70 * DAY)}

    november, december, january = date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)
    assert lines[ANNA].active == ((november, 3), (december, 1), (january, 1))
    assert lines[BOB].active == ((november, 1),)
    assert (lines[ANNA].active_days, lines[DAN].active, lines[DAN].active_days) == (5, (), 0)
    (first, *_) = await past.users(UserQuery(sort=UserSort.USER), NOW)
    assert first.active == ()


async def test_changes_are_counted_by_day(filled: Store) -> None:
    await observe(filled, an_allocation(CLEO, last_used=days_ago(0.1)), day=1)

    assert await filled.past.changes("prod", NOW) == {
        ((NOW + DAY).date(), ChangeKind.RELEASED, By.SOMEBODY, ANALYZER): 1,
        ((NOW + DAY).date(), ChangeKind.RELEASED, By.SOMEBODY, PROFESSIONAL): 2,
    }
    assert await filled.past.changes("prod", NOW + 2 * DAY) == {}


def test_bits_are_days_of_a_month() -> None:
    month = month_of(date(2028, 2, 29))

    assert days_in(month, 1 | 1 << 28) == [date(2028, 2, 1), date(2028, 2, 29)]
    assert days_in(month_of(date(2026, 12, 31)), 1 << 30) == [date(2026, 12, 31)]
