from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from seatkeeper.core.record import Kind
from seatkeeper.errors import LedgerBroken, StoreError
from seatkeeper.store import Head, LedgerQuery, Store
from seatkeeper.store.tables import LEDGER, PERSON
from stored import JANE, NOW, an_entry, later


async def append(store: Store, number: int) -> None:
    for n in range(number):
        await store.ledger.append(an_entry(n))


async def test_an_empty_ledger_verifies(store: Store) -> None:
    verified = await store.ledger.verify()

    assert (verified.records, verified.persons, verified.head) == (0, 0, Head())


async def test_a_record_tells_who_what_why_when_and_on_what_evidence(store: Store) -> None:
    await store.ledger.append(an_entry(1))

    (record,) = await store.ledger.show()

    assert (record.seq, record.kind, record.site) == (1, Kind.RELEASE_OUTCOME, "prod")
    assert (record.by, record.os_account, record.host) == ("Jane Doe", "jdoe", "qlik-1")
    assert (record.why, record.plan_id, record.run_id) == ("reason 1", "plan 0", "run-1")
    assert record.at == an_entry(1).at
    assert record.person == r"EXAMPLE\user1"
    assert record.evidence == {"allocation_id": "seat-1", "idle_days": 1}


async def test_the_chain_can_be_recomputed_with_nothing_but_json_and_sha256(store: Store) -> None:
    await append(store, 3)

    with store.ledger._db.reading() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM ledger ORDER BY seq").all()

    before = "0" * 64
    for row in rows:
        columns = json.dumps(list(row[:-1]), separators=(",", ":"), ensure_ascii=False)
        before = hashlib.sha256((before + columns).encode()).hexdigest()
        assert row[-1] == before
    assert (await store.ledger.head()) == Head(3, before)


async def test_no_name_stands_in_the_chain(store: Store) -> None:
    await append(store, 3)

    with store.ledger._db.reading() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM ledger").all()

    assert "user" not in str(rows).casefold()


async def test_one_person_has_one_reference_in_whatever_case(store: Store) -> None:
    for name in (r"EXAMPLE\Anna", r"example\ANNA", r"EXAMPLE\Anna"):
        await store.ledger.append(an_entry(person=name))

    records = await store.ledger.show()

    assert len({r.person_ref for r in records}) == 1
    assert {r.person for r in records} == {r"EXAMPLE\Anna"}
    assert (await store.ledger.verify()).persons == 1


async def test_two_persons_with_the_same_salted_name_elsewhere_differ(store: Store) -> None:
    await append(store, 7)

    with store.ledger._db.reading() as conn:
        salts = conn.execute(sa.select(PERSON.c.salt)).scalars().all()

    assert len(set(salts)) == 7
    assert {len(salt) for salt in salts} == {64}


async def test_a_record_may_be_about_nobody(store: Store) -> None:
    await store.ledger.append(an_entry(person=""))

    (record,) = await store.ledger.show()

    assert (record.person, record.person_ref) == ("", "")
    assert (await store.ledger.verify()).persons == 0


@pytest.mark.parametrize("text", ["nul \0 here", "lone \ud800 half", "\U0001f600 ünï", "'; --"])
async def test_any_text_is_kept_and_verifies(store: Store, text: str) -> None:
    person = f"EXAMPLE\\{text}"
    await store.ledger.append(an_entry(why=text, site=text, person=person, evidence={"a": "ü\0"}))

    (record,) = await store.ledger.show()

    assert record.site == record.why
    assert (await store.ledger.verify()).records == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (LedgerQuery(), list(range(1, 13))),
        (LedgerQuery(site="test"), []),
        (LedgerQuery(plan_id="plan 1"), [4, 5, 6]),
        (LedgerQuery(run_id="run-1", kind=Kind.FROZEN), []),
        (LedgerQuery(person=r"example\USER2"), [3, 10]),
        (LedgerQuery(person=r"EXAMPLE\nobody"), []),
        (LedgerQuery(since=an_entry(9).at), [10, 11, 12]),
        (LedgerQuery(after_seq=3, before_seq=6), [4, 5]),
        (LedgerQuery(person=r"EXAMPLE\user2", since=an_entry(9).at), [10]),
    ],
)
async def test_records_are_found_by_what_they_are_about(
    store: Store, query: LedgerQuery, found: list[int]
) -> None:
    await append(store, 12)

    assert [r.seq for r in await store.ledger.show(query)] == found


async def test_showing_some_gives_the_newest_in_order(store: Store) -> None:
    await append(store, 12)

    assert [r.seq for r in await store.ledger.show(limit=3)] == [10, 11, 12]
    older = await store.ledger.show(LedgerQuery(before_seq=10), limit=3)
    assert [r.seq for r in older] == [7, 8, 9]


async def test_pages_give_every_record_once_and_what_is_appended_meanwhile(store: Store) -> None:
    await append(store, 10)
    seen: list[int] = []

    async for page in store.ledger.pages(size=4):
        if not seen:
            await store.ledger.append(an_entry(99))
        seen += [r.seq for r in page]

    assert seen == list(range(1, 12))


async def test_appending_at_once_keeps_the_chain_whole(store: Store) -> None:
    await asyncio.gather(*(store.ledger.append(an_entry(n)) for n in range(60)))

    verified = await store.ledger.verify()

    assert (verified.records, verified.persons) == (60, 7)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET why = 'forged' WHERE seq = 2",
        "UPDATE ledger SET why = why",
        "DELETE FROM ledger WHERE seq = 3",
        "DELETE FROM ledger",
    ],
)
async def test_the_database_refuses_to_change_the_ledger(store: Store, statement: str) -> None:
    await append(store, 3)

    with (
        pytest.raises(StoreError, match="append-only"),
        store.ledger._db.writing() as conn,
    ):
        conn.exec_driver_sql(statement)

    assert (await store.ledger.verify()).records == 3


async def test_the_database_refuses_to_replace_a_record(store: Store) -> None:
    await append(store, 3)
    row = "SELECT seq, at, kind, site, run_id, plan_id, actor, os_account, host, 'forged', "
    row += "policy_digest, person_ref, body, hash FROM ledger WHERE seq = 2"
    replacing = {
        "sqlite": [
            f"INSERT OR REPLACE INTO ledger {row}",
            f"INSERT INTO ledger {row} ON CONFLICT (seq) DO UPDATE SET why = 'forged'",
        ],
        "postgresql": [
            f"INSERT INTO ledger {row} ON CONFLICT (seq) DO UPDATE SET why = 'forged'",
            "TRUNCATE ledger",
        ],
    }[store.describe().dialect]

    for statement in replacing:
        with pytest.raises(StoreError), store.ledger._db.writing() as conn:
            conn.exec_driver_sql(statement)

    assert (await store.ledger.verify()).records == 3


async def test_sqlite_refuses_to_replace_even_for_a_tool_without_our_settings(
    sqlite_store: Store,
) -> None:
    await append(sqlite_store, 3)
    other = sa.create_engine(f"sqlite:///{sqlite_store.describe().place}")

    with pytest.raises(DBAPIError, match="append-only"), other.begin() as conn:
        conn.exec_driver_sql("INSERT OR REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 2")

    other.dispose()


async def test_a_record_changed_by_hand_is_named_when_it_is_shown(store: Store) -> None:
    await append(store, 2)
    with store.ledger._db.writing() as conn:
        row = conn.execute(sa.select(LEDGER).where(LEDGER.c.seq == 2)).one()
        conn.execute(sa.insert(LEDGER).values({**row._asdict(), "seq": 3, "kind": "nonsense"}))

    with pytest.raises(LedgerBroken, match="record 3"):
        await store.ledger.show()


async def test_a_store_without_its_head_records_nothing_more(store: Store) -> None:
    with store.ledger._db.writing() as conn:
        conn.exec_driver_sql("DELETE FROM ledger_head")

    with pytest.raises(StoreError, match="lost its head"):
        await store.ledger.append(an_entry())


async def test_a_cancelled_append_is_finished_or_was_never_there(store: Store) -> None:
    tasks = [asyncio.create_task(store.ledger.append(an_entry(n))) for n in range(20)]
    await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    before = (await store.ledger.verify()).records

    await asyncio.sleep(0.05)

    assert (await store.ledger.verify()).records == before


async def test_the_person_who_acts_is_named_with_account_and_host(store: Store) -> None:
    await store.control.freeze(JANE, "audit", NOW, later(1))

    (record,) = await store.ledger.show()

    assert (record.by, record.os_account, record.host) == ("Jane Doe", "jdoe", "qlik-1")
