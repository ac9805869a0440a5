from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from builders import a_snapshot, a_user, a_witness
from seatkeeper.core.model import ServerLicense, Snapshot, UsageList, UsageState, User
from seatkeeper.core.plan import Limit, OverrideNote
from seatkeeper.store import Store
from seatkeeper.store.watch_tables import MARK, POOL_SAMPLE
from stored import ENGINE, NOW, a_plan, a_violation, changed, some_actions

DAY = timedelta(days=1)


def a_reading(
    *marked: str, day: float = 0, usage: UsageState = UsageState.NOT_GIVEN, site: str = "prod"
) -> Snapshot:
    """A snapshot with ten plain users and these who are removed externally."""
    users: list[User] = [a_user(rf"EXAMPLE\plain{n}") for n in range(10)]
    users += [a_user(rf"EXAMPLE\{name}", removed_externally=True) for name in marked]
    return a_snapshot(users=users, usage=usage, site=site, now=NOW + day * DAY)


async def newly_marked(store: Store, day: float, site: str = "prod") -> int:
    return (await store.history.baseline(site, "policy-1", NOW + day * DAY)).newly_marked


async def test_a_site_never_read_has_no_baseline(store: Store) -> None:
    baseline = await store.history.baseline("prod", "policy-1", NOW)

    assert baseline.first_seen is None
    assert (baseline.newly_marked, baseline.eligible_by_day) == (0, ())
    assert baseline.license_number is None


async def test_who_was_marked_at_the_first_reading_is_not_new(store: Store) -> None:
    await store.history.observe(a_reading("old1", "old2"))

    assert await newly_marked(store, 0) == 0
    assert (await store.history.baseline("prod", "policy-1", NOW)).first_seen == NOW


async def test_who_is_marked_later_counts_for_fourteen_days(store: Store) -> None:
    await store.history.observe(a_reading("old"))
    await store.history.observe(a_reading("old", "new1", "new2", day=1))
    await store.history.observe(a_reading("old", "new1", "new2", "new3", day=2))

    assert [await newly_marked(store, day) for day in (2, 15, 15.5, 17)] == [3, 3, 1, 0]


async def test_reading_again_moves_no_baseline(store: Store) -> None:
    await store.history.observe(a_reading())
    await store.history.observe(a_reading("new", day=1))
    before = await store.history.baseline("prod", "policy-1", NOW + 2 * DAY)

    for hour in range(5):
        await store.history.observe(a_reading("new", day=1 + hour / 24))

    assert await store.history.baseline("prod", "policy-1", NOW + 2 * DAY) == before


async def test_a_mark_that_ended_is_forgotten_and_new_when_it_returns(store: Store) -> None:
    await store.history.observe(a_reading("anna"))
    await store.history.observe(a_reading(day=1))
    assert await newly_marked(store, 1) == 0

    await store.history.observe(a_reading("anna", day=2))

    assert await newly_marked(store, 2) == 1


async def test_inactive_users_are_marked_and_unknown_flags_are_not(store: Store) -> None:
    await store.history.observe(a_reading())
    users = [
        a_user(r"EXAMPLE\a", inactive=True),
        a_user(r"EXAMPLE\b", inactive=None, removed_externally=None),
        a_user(r"EXAMPLE\c", blocked=True),
    ]

    await store.history.observe(a_snapshot(users=users, now=NOW + DAY))

    assert await newly_marked(store, 1) == 1


async def test_one_person_in_two_spellings_is_marked_once(store: Store) -> None:
    await store.history.observe(a_reading())
    users = [
        a_user(r"EXAMPLE\Anna", inactive=True),
        a_user(r"example\ANNA", inactive=True, id="another"),
    ]

    await store.history.observe(a_snapshot(users=users, now=NOW + DAY))

    assert await newly_marked(store, 1) == 1


async def test_sites_do_not_share_their_marks(store: Store) -> None:
    await store.history.observe(a_reading())
    await store.history.observe(a_reading("new", site="test"))

    await store.history.observe(a_reading("new", day=1))

    assert [await newly_marked(store, 1, site) for site in ("prod", "test")] == [1, 0]


async def test_no_name_lies_among_the_marks(store: Store) -> None:
    await store.history.observe(a_reading("anna"))

    with store.history._db.reading() as conn:
        (mark,) = conn.execute(sa.select(MARK)).all()

    assert len(mark.person_mac) == 16
    assert b"anna" not in mark.person_mac


async def test_the_last_known_license_number_stays(store: Store) -> None:
    await store.history.observe(a_reading())
    silent = a_reading(day=1)
    unlicensed = Snapshot(
        site="test",
        taken_at=NOW,
        users={},
        allocations=[],
        overview=silent.overview,
        server_license=ServerLicense(number=None, signed=True),
    )
    await store.history.observe(unlicensed)

    assert await store.history.license_numbers() == {"prod": "0000 1111"}
    baseline = await store.history.baseline("prod", "policy-1", NOW)
    assert baseline.license_number == "0000 1111"


async def test_usage_rows_given_once_are_remembered(store: Store) -> None:
    async def given() -> bool:
        return (await store.history.baseline("prod", "policy-1", NOW)).usage_given_before

    await store.history.observe(a_reading(usage=UsageState.UNREADABLE))
    before = await given()
    await store.history.observe(a_reading(day=1, usage=UsageState.GIVEN))
    await store.history.observe(a_reading(day=2, usage=UsageState.UNREADABLE))

    assert (before, await given()) == (False, True)


async def test_each_list_of_usage_rows_that_ever_held_some_is_remembered(store: Store) -> None:
    async def given() -> frozenset[UsageList]:
        return (await store.history.baseline("prod", "policy-1", NOW)).usage_lists

    def reading(day: float, **lists: UsageState) -> Snapshot:
        return replace(a_reading(day=day), witness=a_witness(UsageState.NOT_GIVEN, **lists))

    before = await given()
    await store.history.observe(reading(0))
    never = await given()
    await store.history.observe(reading(1, professional=UsageState.GIVEN, login=UsageState.EMPTY))
    one = await given()
    await store.history.observe(reading(2, capacity=UsageState.GIVEN))
    await store.history.observe(reading(3, analyzer=UsageState.UNREADABLE))

    assert (before, never) == (frozenset(), frozenset())
    assert one == {UsageList.PROFESSIONAL}
    assert await given() == {UsageList.PROFESSIONAL, UsageList.CAPACITY}


async def test_pools_are_sampled_once_a_reading(store: Store) -> None:
    for day in (0, 0, 1):
        await store.history.observe(a_reading(day=day))

    with store.history._db.reading() as conn:
        days = [(at - NOW).days for at in conn.execute(sa.select(POOL_SAMPLE.c.at)).scalars()]

    assert sorted(days) == [0, 0, 1, 1]


async def test_each_day_counts_with_its_first_passed_plan(store: Store) -> None:
    passed = OverrideNote(limit=Limit.GROWN, by="J", reason="r", until=NOW, message="m")
    plans = [
        a_plan(*some_actions(1), at=NOW - 15 * DAY),
        a_plan(*some_actions(2), at=NOW - 13 * DAY),
        a_plan(*some_actions(3), at=NOW - 2 * DAY),
        a_plan(*some_actions(4), at=NOW - 2 * DAY + DAY / 2),
        a_plan(*some_actions(5), at=NOW - DAY, violations=(a_violation(),)),
        a_plan(*some_actions(6), at=NOW - DAY + DAY / 24, overridden=(passed,)),
        a_plan(*some_actions(7), at=NOW - DAY + DAY / 12, policy_digest="other"),
        a_plan(*some_actions(8), at=NOW - DAY + DAY / 6, site="test"),
        a_plan(*some_actions(9), at=NOW - DAY + DAY / 4, deferred=some_actions(2, "d")),
        a_plan(*some_actions(10), at=NOW),
    ]
    for plan in plans:
        await store.plans.record(plan, ENGINE, "run-0")

    baseline = await store.history.baseline("prod", "policy-1", NOW + DAY / 2)

    assert baseline.eligible_by_day == (2, 3, 11)


async def test_planning_again_moves_no_baseline(store: Store) -> None:
    await store.plans.record(a_plan(*some_actions(2), at=NOW - DAY), ENGINE, "run-0")
    before = await store.history.baseline("prod", "policy-1", NOW + DAY / 2)

    for hour in range(5):
        plan = a_plan(*some_actions(9), at=NOW + hour * DAY / 24)
        await store.plans.record(plan, ENGINE, "run-0")

    assert before.eligible_by_day == (2,)
    assert await store.history.baseline("prod", "policy-1", NOW + DAY / 2) == before


async def test_the_first_plan_of_today_counts_where_it_is_all_there_is(store: Store) -> None:
    for hour in range(3):
        plan = a_plan(*some_actions(2 + hour), at=NOW + hour * DAY / 24)
        await store.plans.record(plan, ENGINE, "run-0")

    baseline = await store.history.baseline("prod", "policy-1", NOW + DAY / 2)

    assert baseline.eligible_by_day == (2,)


async def test_a_large_site_is_compared_with_its_last_reading(store: Store) -> None:
    users = {
        str(n): a_user(rf"EXAMPLE\u{n}", id=str(n), removed_externally=n % 2 == 0)
        for n in range(120_000)
    }
    await store.history.observe(a_large_reading(users, NOW))
    for n in range(0, 2_000, 2):
        users[str(n)] = changed(users[str(n)], removed_externally=False)
        users[str(n + 1)] = changed(users[str(n + 1)], inactive=True)

    await store.history.observe(a_large_reading(users, NOW + DAY))

    assert await newly_marked(store, 1) == 1_000


def a_large_reading(users: dict[str, User], now: datetime) -> Snapshot:
    return Snapshot(
        site="prod",
        taken_at=now,
        users=users,
        allocations=[],
        overview=a_reading().overview,
        server_license=None,
    )


async def test_the_last_reading_is_told_with_its_pools(store: Store) -> None:
    assert await store.history.last_reading("prod") is None
    await store.history.observe(a_reading())
    await store.history.observe(a_reading(day=1))

    last = await store.history.last_reading("prod")

    assert last is not None
    assert last.at == NOW + DAY
    assert last.pools == a_reading().overview.pools
