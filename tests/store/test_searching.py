"""Looking through the ledger page by page, and telling at once how its chain stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatkeeper.core.record import Actor, Kind, LedgerRecord
from seatkeeper.errors import LedgerBroken, UsageError
from seatkeeper.store import Head, Ledger, LedgerQuery, Store
from stored import ANNA, ENGINE, JANE, NOW, an_entry

MARY = Actor(by="MARY", os_account="mary", host="desk")
MARY_TOO = Actor(by="Mary", os_account="mary", host="desk")
KINDS = (Kind.RELEASE_INTENT, Kind.RELEASE_OUTCOME, Kind.PLAN_APPROVED)


async def some(store: Store, number: int = 24) -> None:
    """Append records of three sites, kinds and actors; the clock is set back at times."""
    actors = (ENGINE, ENGINE, JANE, MARY, MARY_TOO)
    for n in range(number):
        entry = an_entry(
            n,
            site=("prod", "test", "")[n % 3],
            kind=KINDS[n % 2 + (n == 4)],
            actor=actors[n % 5],
            at=NOW + timedelta(minutes=n if n % 7 else n - 10),
        )
        await store.ledger.append(entry)


async def everything(store: Store) -> list[LedgerRecord]:
    return [record async for page in store.ledger.pages() for record in page]


def matching(query: LedgerQuery, records: list[LedgerRecord]) -> list[int]:
    """Return the numbers of the records that match, newest first, the plain way."""
    wanted = [
        lambda r: query.site in (None, r.site),
        lambda r: query.sites is None or r.site in query.sites,
        lambda r: query.plan_id in (None, r.plan_id),
        lambda r: query.run_id in (None, r.run_id),
        lambda r: query.kind in (None, r.kind),
        lambda r: query.since is None or r.at >= query.since,
        lambda r: query.until is None or r.at < query.until,
        lambda r: query.person is None or r.person.casefold() == query.person.casefold(),
        lambda r: query.by is None or r.by.casefold() == query.by.casefold(),
    ]
    return [r.seq for r in reversed(records) if all(want(r) for want in wanted)]


QUERIES = st.builds(
    LedgerQuery,
    site=st.sampled_from([None, "prod", "nowhere"]),
    sites=st.sampled_from([None, ("prod", ""), ("test",), ()]),
    plan_id=st.sampled_from([None, "plan 1"]),
    run_id=st.sampled_from([None, "run-1"]),
    kind=st.sampled_from([None, *KINDS, Kind.FROZEN]),
    since=st.sampled_from([None, NOW + timedelta(minutes=5), NOW + timedelta(days=1)]),
    until=st.sampled_from([None, NOW + timedelta(minutes=15)]),
    person=st.sampled_from([None, r"example\USER1", ANNA]),
    by=st.sampled_from([None, "mary", "Jane Doe", "nobody"]),
)


@pytest.mark.parametrize("counted", [10_000, 100, 3])
async def test_every_mix_of_filters_finds_what_it_names_and_pages_through_it(
    store: Store, counted: int
) -> None:
    """Counting less, small ledgers are searched as large ones are."""
    await some(store)
    records = await everything(store)
    ledger = Ledger(store.ledger._db, counted=counted)

    for query in _mixes():
        wanted, seen = matching(query, records), list[int]()
        page = await ledger.search(query, 3)
        is_cut = query != LedgerQuery() and len(wanted) > counted
        assert page.more_than_total == is_cut
        assert page.total == (counted if is_cut else len(wanted)), query
        while True:
            seen += [record.seq for record in page.records]
            if page.older is None:
                break
            page = await ledger.search(replace(query, before_seq=page.older), 3)
        assert seen == wanted, query


def _mixes(number: int = 60) -> list[LedgerQuery]:
    """Return the empty query and many others, the same each time."""
    found = [LedgerQuery()]

    @settings(max_examples=number, derandomize=True, database=None, deadline=None)
    @given(QUERIES)
    def collect(query: LedgerQuery) -> None:
        found.append(query)

    collect()
    return found


async def test_a_record_written_between_two_pages_moves_nothing(store: Store) -> None:
    await some(store, 6)
    first = await store.ledger.search(LedgerQuery(), 3)
    await store.ledger.append(an_entry(99))

    second = await store.ledger.search(LedgerQuery(before_seq=first.older), 3)

    assert [r.seq for r in (*first.records, *second.records)] == [6, 5, 4, 3, 2, 1]


async def test_everybody_who_ever_acted_is_named_once(store: Store) -> None:
    assert await store.ledger.actors() == []
    await some(store)

    assert await store.ledger.actors() == ["engine", "Jane Doe", "MARY", "Mary"]


async def test_who_acted_is_told_of_the_sites_that_are_asked_for(store: Store) -> None:
    await some(store, 4)
    for number, (site, who) in enumerate((("here", MARY), ("here", JANE), ("there", MARY_TOO))):
        await store.ledger.append(an_entry(10 + number, site=site, actor=who))

    assert await store.ledger.actors(("here",)) == ["Jane Doe", "MARY"]
    assert await store.ledger.actors(("here", "there")) == ["Jane Doe", "MARY", "Mary"]
    assert await store.ledger.actors(("nowhere",)) == []


async def test_one_record_is_shown_by_its_number(store: Store) -> None:
    await some(store, 3)

    record = await store.ledger.record(2)

    assert record.evidence == {"allocation_id": "seat-1", "idle_days": 1}
    with pytest.raises(UsageError, match="no record 4"):
        await store.ledger.record(4)


async def test_of_one_record_it_is_told_whether_it_is_as_it_was_written(
    sqlite_store: Store,
) -> None:
    await some(sqlite_store, 4)
    with sqlite_store.ledger._db.writing() as conn:
        conn.exec_driver_sql("DROP TRIGGER ledger_no_update")
        conn.exec_driver_sql("UPDATE ledger SET why = 'nothing' WHERE seq = 3")

    holds = [await sqlite_store.ledger.holds(seq) for seq in (0, 1, 2, 3, 4, 5)]

    assert holds == [False, True, True, False, True, False]


async def test_a_ledger_that_was_never_verified_says_so(store: Store) -> None:
    await some(store, 2)

    state = await store.ledger.state()

    assert (state.check, state.continues, state.since_check) == (None, True, 2)
    assert state.head == await store.ledger.head()


@pytest.mark.parametrize("number", [0, 3])
async def test_a_check_is_kept_with_who_when_and_up_to_where(store: Store, number: int) -> None:
    await some(store, number)
    verified = await store.ledger.check("Jane Doe", NOW)
    await store.ledger.append(an_entry(50))

    state = await store.ledger.state()

    assert state.check is not None
    assert (state.check.by, state.check.at, state.check.is_whole) == ("Jane Doe", NOW, True)
    assert state.check.head == verified.head
    assert state.check.seconds >= 0
    assert (state.continues, state.since_check) == (True, 1)


async def test_a_broken_chain_is_kept_until_it_is_found_whole(sqlite_store: Store) -> None:
    await some(sqlite_store, 3)
    _by_hand(sqlite_store, "UPDATE ledger SET why = 'nothing' WHERE seq = 2")
    with pytest.raises(LedgerBroken):
        await sqlite_store.ledger.check("Jane Doe", NOW)

    broken = (await sqlite_store.ledger.state()).check
    _by_hand(sqlite_store, "UPDATE ledger SET why = 'reason 1' WHERE seq = 2")
    await sqlite_store.ledger.check("Jane Doe", NOW)
    whole = (await sqlite_store.ledger.state()).check

    assert broken is not None
    assert whole is not None
    assert (broken.is_whole, broken.bad_seq) == (False, 2)
    assert "record 2 was changed" in broken.error
    assert (whole.is_whole, whole.bad_seq) == (True, None)


async def test_a_mistyped_head_is_told_and_not_kept(store: Store) -> None:
    await some(store, 2)
    await store.ledger.check("Jane Doe", NOW)

    with pytest.raises(LedgerBroken):
        await store.ledger.check("Jane Doe", NOW, Head(1, "f" * 64))

    check = (await store.ledger.state()).check
    assert check is not None
    assert check.is_whole


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET hash = 'x' WHERE seq = 3",
        "DELETE FROM ledger WHERE seq = 3",
        "UPDATE ledger_head SET seq = 2",
    ],
)
async def test_a_chain_that_does_not_continue_the_last_check_is_seen_at_once(
    sqlite_store: Store, change: str
) -> None:
    await some(sqlite_store, 3)
    await sqlite_store.ledger.check("Jane Doe", NOW)
    _by_hand(sqlite_store, change)

    assert not (await sqlite_store.ledger.state()).continues


def _by_hand(store: Store, change: str) -> None:
    """Change the ledger past its triggers."""
    with store.ledger._db.writing() as conn:
        for trigger in ("update", "delete"):
            conn.exec_driver_sql(f"DROP TRIGGER IF EXISTS ledger_no_{trigger}")
        conn.exec_driver_sql(change)
