"""The roster on both databases: what is written, what a page holds, and who is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from builders import (
    ANALYZER,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    changed,
    days_ago,
    judged_of,
)
from seatkeeper.core.model import Allocation, User
from seatkeeper.core.policy import ExemptionKind, Policy
from seatkeeper.core.retention import Retention
from seatkeeper.core.roster import (
    Flag,
    RosterPage,
    RosterQuery,
    RosterRow,
    RosterSort,
    View,
    lines_of,
    sort_key,
)
from seatkeeper.core.rules import Reason
from seatkeeper.errors import UsageError
from seatkeeper.store import Store
from seatkeeper.store.columns import AnyRow
from seatkeeper.store.roster import Roster
from seatkeeper.store.watch_tables import ROSTER, ROSTER_READING
from stored import JANE, a_plan, a_violation, an_action, later

DAY = timedelta(days=1)
ANNA, BOB = r"EXAMPLE\anna", r"EXAMPLE\bob"


async def keep(
    store: Store,
    seats: Iterable[Allocation],
    users: Sequence[User] | None = None,
    *,
    hours: float = 0,
    site: str = "prod",
    policy: Policy | None = None,
) -> int:
    """Keep a reading of a site so many hours after NOW; returns the rows it took."""
    now = later(hours)
    snapshot = a_snapshot(seats, users, now=now, site=site)
    judged = judged_of(snapshot, policy or a_policy(), now=now)
    return await store.roster.keep(site, now, lines_of(judged, "Department"))


async def page(store: Store, query: RosterQuery | None = None, **asked: Any) -> RosterPage:
    return await store.roster.page(query or RosterQuery(**asked), later(1))


async def users(store: Store, **asked: Any) -> list[str]:
    return [row.user for row in (await page(store, **asked)).rows]


async def all_pages(store: Store, query: RosterQuery) -> list[RosterPage]:
    found = [await page(store, query)]
    while (cursor := found[-1].next) is not None:
        found.append(await page(store, replace(query, cursor=cursor)))
    return found


def kept(store: Store) -> list[AnyRow]:
    with store.ledger._db.reading() as conn:
        return list(conn.execute(sa.select(ROSTER).order_by(ROSTER.c.id)))


async def test_what_was_read_is_shown(store: Store) -> None:
    anna = a_user(ANNA, name="Anna Berg", blocked=True, properties=(("department", "Sales"),))
    exemption = an_exemption(
        ExemptionKind.USER, ANNA, owner="Jane", reason="audit", expires=days_ago(-9)
    )
    seat = an_allocation(ANNA, license_type=ANALYZER, last_used=days_ago(120))

    await keep(store, [seat], [anna], policy=a_policy(exemption))

    found = await page(store)
    assert found.rows == (
        RosterRow(
            site="prod",
            allocation_id=seat.id,
            license_type=ANALYZER,
            user=ANNA,
            name="Anna Berg",
            department="Sales",
            flags=Flag.EXEMPT | Flag.IDLE | Flag.BLOCKED,
            created=days_ago(400),
            last_used=days_ago(120),
            idle_since=days_ago(120),
            reason=Reason.EXEMPT,
            since=NOW,
            note=rf"user {ANNA}",
            exempt_owner="Jane",
            exempt_reason="audit",
            exempt_until=days_ago(-9),
        ),
    )
    assert (found.total, found.first, found.next, found.previous) == (1, 1, None, None)
    assert found.read_at == {"prod": NOW}


async def test_only_rows_that_changed_are_written(store: Store) -> None:
    seats = [an_allocation(rf"EXAMPLE\u{n}", last_used=days_ago(n)) for n in range(30)]
    assert await keep(store, seats) == 30

    assert await keep(store, seats, hours=1) == 0
    seats[3] = changed(seats[3], last_used=later(1))
    assert await keep(store, seats[:-2], hours=2) == 3

    assert len(kept(store)) == 28
    assert (await page(store)).read_at == {"prod": later(2)}
    assert {row.last_used for row in kept(store)} >= {later(1)}


async def test_a_verdict_stands_since_it_was_first_given(store: Store) -> None:
    seat = an_allocation(ANNA, last_used=days_ago(89))
    await keep(store, [seat])
    await keep(store, [seat], hours=24)
    (row,) = (await page(store)).rows
    assert (row.reason, row.since, row.releases) == (Reason.IDLE, later(24), True)

    await keep(store, [seat], [a_user(ANNA, blocked=True)], hours=48)

    (row,) = (await page(store)).rows
    assert (row.since, Flag(row.flags)) == (
        later(24),
        Flag.IDLE | Flag.RELEASABLE | Flag.BLOCKED,
    )


async def test_an_older_reading_leaves_the_newer_one(store: Store) -> None:
    await keep(store, [an_allocation(ANNA)], hours=2)

    assert await keep(store, [an_allocation(BOB)], hours=1) == 0

    assert await users(store) == [ANNA]


async def test_after_a_clock_that_was_ahead_readings_are_kept_again(store: Store) -> None:
    await keep(store, [an_allocation(ANNA)], hours=24 * 400)

    await keep(store, [an_allocation(BOB)])

    assert await users(store) == [BOB]
    assert (await page(store)).read_at == {"prod": NOW}


async def test_an_id_that_a_site_lists_twice_is_one_row(store: Store) -> None:
    twice = [an_allocation(ANNA, id="same"), an_allocation(BOB, id="same")]
    await keep(store, twice)
    await keep(store, twice, hours=1)

    (row,) = (await page(store)).rows
    assert (row.user, row.reason) == (BOB, Reason.UNCLEAR)


async def test_two_seats_of_one_person_and_one_name_on_two_sites_are_rows_of_their_own(
    store: Store,
) -> None:
    both = [an_allocation(ANNA), an_allocation(ANNA, license_type=ANALYZER)]
    await keep(store, both)
    await keep(store, [an_allocation(ANNA, id=both[0].id)], site="test")

    found = await page(store)
    assert [(r.site, r.license_type) for r in found.rows] == [
        ("prod", PROFESSIONAL),
        ("prod", ANALYZER),
        ("test", PROFESSIONAL),
    ]
    assert found.counts[View.BOTH_TYPES] == 2
    assert (await page(store, sites=("test",))).total == 1
    assert (await page(store, sites=("nowhere",))).total == 0
    assert (await page(store, license_type=ANALYZER)).total == 1


def some_people(number: int, random: Random) -> tuple[list[Allocation], list[User]]:
    """Return seats with many equal dates and departments, and their holders."""
    people = [
        a_user(
            rf"EXAMPLE\{random.choice('aäßZ')}{n}",
            name=random.choice(["Ana", "Øyvind", ""]),
            blocked=random.random() < 0.2,
            properties=(("department", random.choice(["Sales", "sales", "Ärzte", ""])),),
        )
        for n in range(number)
    ]
    seats = [
        an_allocation(
            user.label,
            license_type=random.choice([PROFESSIONAL, ANALYZER]),
            last_used=random.choice([None, *(days_ago(d) for d in (1, 50, 100, 150))]),
            created=random.choice([None, days_ago(400), days_ago(5)]),
        )
        for user in people
    ]
    return seats, people


_KEYS = {
    RosterSort.USER: lambda r: (sort_key(r.user),),
    RosterSort.DEPARTMENT: lambda r: (sort_key(r.department), sort_key(r.user)),
    RosterSort.LAST_USED: lambda r: (r.last_used is not None, r.last_used or NOW),
    RosterSort.IDLE: lambda r: (r.idle_since is None, r.idle_since or NOW),
    RosterSort.CREATED: lambda r: (r.created is not None, r.created or NOW),
}


@pytest.mark.parametrize("few", [0, 2_000])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", list(RosterSort))
async def test_pages_of_every_order_hold_each_row_once_there_and_back(
    store: Store, sort: RosterSort, descending: bool, few: int
) -> None:
    store.roster = Roster(store.ledger._db, few=few)  # both ways of finding rows
    random = Random(11)  # noqa: S311 - a seeded test
    for site in ("prod", "test"):
        await keep(store, *some_people(23, random), site=site)
    query = RosterQuery(view=View.NEVER_USED, sort=sort, descending=descending, limit=4)

    found = await all_pages(store, query)

    rows = [row for one in found for row in one.rows]
    everything = (await page(store, replace(query, limit=500))).rows
    assert len(rows) == found[0].total == found[0].counts[View.NEVER_USED] > 8
    assert tuple(rows) == everything
    assert all(row.has(Flag.NEVER_USED) for row in rows)
    keys = [_KEYS[sort](row) for row in rows]
    falls = descending is not (sort is RosterSort.IDLE)
    assert keys == sorted(keys, reverse=falls)
    assert [one.first for one in found] == [1 + 4 * n for n in range(len(found))]
    back = [found[-1]]
    while (cursor := back[-1].previous) is not None:
        back.append(await page(store, replace(query, cursor=cursor)))
    assert [one.rows for one in reversed(back)] == [one.rows for one in found]
    assert [one.first for one in reversed(back)] == [one.first for one in found]
    assert back[-1].previous is None


async def test_a_page_goes_on_where_it_ended_although_rows_come_and_go(store: Store) -> None:
    seats = [an_allocation(rf"EXAMPLE\u{n:02}") for n in range(12)]
    await keep(store, seats)
    query = RosterQuery(limit=4)
    first = await page(store, query)
    newer = [an_allocation(r"EXAMPLE\a"), an_allocation(r"EXAMPLE\u045")]

    await keep(store, [*newer, *seats[1:]], hours=1)  # u00 is gone

    second = await page(store, replace(query, cursor=first.next or ""))
    assert [r.user[8:] for r in second.rows] == ["u04", "u045", "u05", "u06"]
    assert (second.total, second.first) == (13, 5)
    back = await page(store, replace(query, cursor=second.previous or ""))
    assert [r.user[8:] for r in back.rows] == ["a", "u01", "u02", "u03"]
    assert back.previous is None


@pytest.mark.parametrize("sites", [("prod",), ("prod", "test")])
async def test_where_the_row_of_a_cursor_is_gone_its_number_is_taken(
    store: Store, sites: tuple[str, ...]
) -> None:
    seats = [an_allocation(rf"EXAMPLE\u{n:02}") for n in range(12)]
    for site in sites:
        await keep(store, seats if site == "prod" else [], site=site)
    query = RosterQuery(limit=4)
    first = await page(store, query)

    await keep(store, [s for n, s in enumerate(seats) if n != 3], hours=1)

    second = await page(store, replace(query, cursor=first.next or ""))
    assert [r.user[8:] for r in second.rows] == ["u05", "u06", "u07", "u08"]


async def test_a_cursor_of_a_time_holds_it_although_the_row_moved(store: Store) -> None:
    seats = [an_allocation(rf"EXAMPLE\u{n:02}", last_used=days_ago(50 - n)) for n in range(9)]
    await keep(store, seats)
    query = RosterQuery(limit=3, sort=RosterSort.LAST_USED)
    first = await page(store, query)

    await keep(store, [changed(s, last_used=NOW) if n == 2 else s for n, s in enumerate(seats)])

    second = await page(store, replace(query, cursor=first.next or ""))
    assert [r.user[8:] for r in second.rows] == ["u03", "u04", "u05"]


async def test_a_cursor_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="first page"):
        await page(store, cursor="nonsense")


HOSTILE = (
    r"EXAMPLE\100%_sure",
    r"EXAMPLE\100 percent",
    r"EXAMPLE\<script>alert(1)</script>",
    "EXAMPLE\\\u202egnp.exe",
    r"EXAMPLE\o'neil",
    "EXAMPLE\\nul\0byte",
    "EXAMPLE\\lone\ud800half",
    r"EXAMPLE\ÄRZTE",
    "EXAMPLE\\" + "x" * 10_000,
    "EXAMPLE\\" + "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(10_000)),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%", [0]),
        ("_", [0]),
        ("100", [0, 1]),
        ("0%_S", [0]),
        ("<SCRIPT>", [2]),
        ("\u202e", [3]),
        ("O'Neil", [4]),
        ("nul", [5]),
        ("\0", list(range(10))),
        ("half", [6]),
        ("\ud800", [6]),
        ("ärzte", [7]),
        ("A\u0308rzte", [7]),
        (r"example\ärzte", [7]),
        ("display ärz", [7]),
        ("nobody", []),
        ("xxxx", [8]),
        ("' OR 1=1 --", []),
        ("x" * 5000, []),
    ],
)
async def test_texts_are_looked_for_as_they_stand(
    store: Store, text: str, found: list[int]
) -> None:
    seats = [an_allocation(name, id=f"seat-{n}") for n, name in enumerate(HOSTILE)]
    await keep(store, seats, [a_user(name, name=f"Display {n}") for n, name in enumerate(HOSTILE)])

    result = await page(store, text=text)

    assert sorted(int(r.allocation_id[5:]) for r in result.rows) == found
    assert result.total == result.counts[View.ALL] == len(found)


async def test_names_are_kept_whole_however_long(store: Store) -> None:
    long = HOSTILE[-1]
    seat = an_allocation(long, id="seat")
    await keep(store, [seat], [a_user(long, name="n" * 10_000)])

    (row,) = (await page(store)).rows

    assert (row.user, row.name) == (long, "n" * 10_000)


async def test_filters_narrow_together_and_counts_follow_them(store: Store) -> None:
    random = Random(5)  # noqa: S311 - a seeded test
    await keep(store, *some_people(60, random))
    everything = (await page(store, limit=500)).rows

    for _ in range(30):
        asked = RosterQuery(
            license_type=random.choice([None, PROFESSIONAL, ANALYZER]),
            department=random.choice([None, "SALES", "ärzte", "(none)", "nowhere"]),
            view=random.choice([v for v in View if v is not View.PLANNED]),
            text=random.choice(["", "ø", "a", "ß1", "ss"]),
            idle=random.choice([None, 50 * DAY, 100 * DAY, 9_000_000 * DAY]),
            limit=500,
        )
        wanted = [row for row in everything if _is_meant(row, asked)]
        found = await page(store, asked)
        assert list(found.rows) == [r for r in wanted if _is_in(r, asked.view)]
        assert found.total == len(found.rows)
        assert found.counts == {v: sum(_is_in(r, v) for r in wanted) for v in View}


def _is_meant(row: RosterRow, asked: RosterQuery) -> bool:
    text = f"{sort_key(row.user)}\n{sort_key(row.name)}"
    idle = None if row.idle_since is None else later(1) - row.idle_since
    return (
        asked.license_type in (None, row.license_type)
        and (asked.department is None or sort_key(asked.department) == sort_key(row.department))
        and all(word in text for word in asked.words)
        and (asked.idle is None or (idle is not None and idle >= asked.idle))
    )


def _is_in(row: RosterRow, view: View) -> bool:
    if view is View.PLANNED:
        return bool(row.plan_id)
    return view is View.ALL or row.has(view.flags or Flag(0))


async def test_the_waiting_plan_is_a_view_until_it_is_over(store: Store) -> None:
    await keep(store, [an_allocation(rf"EXAMPLE\u{n}", id=f"seat-{n}") for n in range(6)])
    await keep(store, [an_allocation(ANNA, id="seat-1")], site="test")
    actions = [an_action(rf"EXAMPLE\u{n}", allocation_id=f"seat-{n}") for n in (3, 1, 9)]
    plan = a_plan(*actions, violations=(a_violation(),))
    await store.plans.record(plan, JANE, "run-1")

    found = await page(store, view=View.PLANNED, sort=RosterSort.IDLE)

    assert {r.allocation_id: r.plan_id for r in found.rows} == dict.fromkeys(
        ("seat-1", "seat-3"), plan.plan_id
    )
    assert (found.total, found.counts[View.PLANNED], found.counts[View.ALL]) == (2, 2, 7)
    assert (await page(store, text="u3")).counts[View.PLANNED] == 1
    newer = a_plan(actions[0], at=later(0.5))
    await store.plans.record(newer, JANE, "run-2")
    assert (await page(store)).counts[View.PLANNED] == 1
    await store.plans.reject(newer.plan_id, JANE, "no", later(1))
    assert (await page(store)).counts[View.PLANNED] == 2
    late = await store.roster.page(RosterQuery(), later(24 * 30))
    assert late.counts[View.PLANNED] == 0


async def test_departments_are_counted_without_regard_to_case(store: Store) -> None:
    people = [
        a_user(rf"EXAMPLE\u{n}", properties=(("Department", name),))
        for n, name in enumerate(["Sales", "sales", "Ärzte", "", "Sales"])
    ]
    seats = [an_allocation(user.label) for user in people]
    await keep(store, seats, people)
    await keep(store, seats[2:3], people, site="test")

    assert await store.roster.departments() == {"Sales": 3, "Ärzte": 2, "(none)": 1}
    assert await store.roster.departments(["test"]) == {"Ärzte": 1}
    await keep(store, seats[:1], people, hours=1)
    assert await store.roster.departments(["prod"]) == {"Sales": 1}


async def test_an_erased_person_is_gone_and_the_others_stay(store: Store) -> None:
    long, other = rf"{ANNA}{'x' * 500}1", rf"{ANNA}{'x' * 500}2"
    seats = [an_allocation(name) for name in (ANNA, BOB, long, other)]
    for site in ("prod", "test"):
        await keep(store, seats, site=site)
    assert (await page(store)).total == 8

    for person in (ANNA.upper(), long):
        await store.ledger.erase(person, JANE, "asked for it", later(1))

    assert await users(store, limit=10) == [other, other, BOB, BOB]
    assert (await page(store)).total == 4
    await keep(store, seats, hours=2)
    assert (await page(store, sites=("prod",))).total == 4  # the site still shows them


async def test_a_site_that_is_read_no_more_is_forgotten_in_the_end(store: Store) -> None:
    await keep(store, [an_allocation(ANNA)], site="old")
    await keep(store, [an_allocation(BOB)], hours=24 * 60)
    retention = Retention(raw=7 * DAY, daily=31 * DAY)

    await store.pruning.prune(retention, later(24 * 60))

    assert await users(store) == [BOB]
    with store.ledger._db.reading() as conn:
        assert conn.execute(sa.select(ROSTER_READING.c.site)).scalars().all() == ["prod"]


USUAL = (
    RosterQuery(),
    RosterQuery(sort=RosterSort.DEPARTMENT),
    RosterQuery(sort=RosterSort.LAST_USED, descending=True),
    RosterQuery(sort=RosterSort.IDLE, descending=True, view=View.IDLE),
    RosterQuery(sort=RosterSort.CREATED),
    RosterQuery(text="anna", license_type=PROFESSIONAL),
    RosterQuery(view=View.PLANNED),
    RosterQuery(department="Sales", idle=90 * DAY),
)


@pytest.mark.parametrize("few", [0, 2_000])
@pytest.mark.parametrize("query", USUAL, ids=str)
async def test_no_page_reads_every_row(sqlite_store: Store, query: RosterQuery, few: int) -> None:
    store = sqlite_store
    store.roster = Roster(store.ledger._db, few=few)
    await keep(store, [an_allocation(rf"EXAMPLE\u{n}", id=f"seat-{n}") for n in range(9)])
    plan = a_plan(an_action(allocation_id="seat-1"))
    await store.plans.record(plan, JANE, "run-1")
    asked: list[tuple[str, Any]] = []
    engine = store.ledger._db._engine

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    first = await page(store, replace(query, limit=3))
    await page(store, replace(query, limit=3, cursor=first.next or ""))

    sa.event.remove(engine, "before_cursor_execute", note)
    steps = []
    with store.ledger._db.reading() as conn:
        for statement, parameters in asked:
            if "FROM roster" in statement:
                explained = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps += [row.detail for row in explained]
    assert steps
    scans = [step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert [step for step in scans if "roster_reading" not in step] == []
    walked = few == 0 or (query.view is View.ALL and not query.text and not query.department)
    sorts = [s for s in steps if "ORDER BY" in s]
    assert not (walked and sorts and query.view is not View.PLANNED)
