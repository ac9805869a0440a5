"""The outbox: the same sentences for both databases and for the one in memory."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fake_outbox import FakeOutbox
from lease_process import Process
from seatkeeper.core.outbox import OutboxEntry, OutboxState, Waiting
from seatkeeper.core.points import pseudonym
from seatkeeper.core.retention import Retention
from seatkeeper.store import Owner, Store, open_store
from seatkeeper.store.outbox import KEEP_SET_ASIDE, Outbox, names
from stored import ANNA, JANE, NOW, later

SECOND = timedelta(seconds=1)
WAITING, SET_ASIDE = OutboxState.WAITING, OutboxState.SET_ASIDE


def an_entry(number: int = 1, body: bytes | None = None) -> OutboxEntry:
    body = b"pools value=%d" % number if body is None else body
    return OutboxEntry("point", body, f"key-{number}", NOW + timedelta(seconds=number))


def some_entries(*numbers: int) -> list[OutboxEntry]:
    return [an_entry(n) for n in numbers]


@pytest.fixture(params=["stored", "in memory"])
def outbox(request: pytest.FixtureRequest, dialect: str) -> Outbox | FakeOutbox:  # noqa: ARG001 - which store
    if request.param == "in memory":
        return FakeOutbox()
    store: Store = request.getfixturevalue("store")
    return store.outbox


async def numbers(outbox: Outbox | FakeOutbox, limit: int = 100) -> list[str]:
    return [row.entry.key for row in await outbox.take("influx:main", limit, NOW)]


async def test_rows_come_back_in_order_and_byte_for_byte(outbox: Outbox | FakeOutbox) -> None:
    strange = an_entry(2, body="ä\0\n\\".encode() + b"\xff")
    await outbox.put("influx:main", [an_entry(1), strange])
    await outbox.put("influx:main", [an_entry(3)])

    rows = await outbox.take("influx:main", 2, NOW)

    assert [r.entry for r in rows] == [an_entry(1), strange]
    assert [(r.target, r.tries) for r in rows] == [("influx:main", 0)] * 2


async def test_a_row_stays_until_it_arrived(outbox: Outbox | FakeOutbox) -> None:
    await outbox.put("influx:main", some_entries(1, 2, 3))
    taken = await outbox.take("influx:main", 2, NOW)

    assert await numbers(outbox) == ["key-1", "key-2", "key-3"]
    await outbox.done([r.id for r in taken])
    assert await numbers(outbox) == ["key-3"]


async def test_an_entry_put_twice_waits_once(outbox: Outbox | FakeOutbox) -> None:
    await outbox.put("influx:main", some_entries(1, 2))
    await outbox.put("influx:main", some_entries(2, 3))
    await outbox.put("influx:other", some_entries(1))

    assert await numbers(outbox) == ["key-1", "key-2", "key-3"]
    assert await outbox.depth() == {("influx:main", WAITING): 3, ("influx:other", WAITING): 1}


async def test_nothing_overtakes_a_row_that_has_to_wait(outbox: Outbox | FakeOutbox) -> None:
    await outbox.put("influx:main", some_entries(1, 2))
    first, _ = await outbox.take("influx:main", 2, NOW)
    await outbox.later([first.id], "no answer", later(minutes=1))
    await outbox.put("influx:main", some_entries(3))

    assert await numbers(outbox) == []
    rows = await outbox.take("influx:main", 10, later(minutes=1))
    assert [(r.entry.key, r.tries) for r in rows] == [("key-1", 1), ("key-2", 0), ("key-3", 0)]


async def test_what_is_set_aside_is_out_of_the_way_and_counted(
    outbox: Outbox | FakeOutbox,
) -> None:
    await outbox.put("influx:main", some_entries(1, 2))
    first, _ = await outbox.take("influx:main", 2, NOW)

    await outbox.set_aside([first.id], "field type conflict", NOW)

    assert await numbers(outbox) == ["key-2"]
    assert await outbox.depth() == {("influx:main", SET_ASIDE): 1, ("influx:main", WAITING): 1}


async def test_what_waits_and_what_was_refused_is_said(store: Store) -> None:
    outbox = store.outbox
    await outbox.put("influx:main", some_entries(1, 2, 3))
    await outbox.put("alert:mail", some_entries(9))
    one, two, _ = await outbox.take("influx:main", 9, NOW)
    await outbox.set_aside([one.id], "field type conflict", NOW)
    await outbox.later([two.id], "no answer", later(1))

    assert await outbox.waiting() == [
        Waiting("alert:mail", 1, an_entry(9).at),
        Waiting("influx:main", 2, an_entry(2).at, "no answer", later(1)),
    ]
    (refused,) = await outbox.refused()
    assert (refused.row.entry, refused.error) == (an_entry(1), "field type conflict")
    for now, gone in ((NOW, 0), (NOW + SECOND, 1)):
        pruned = await store.pruning.prune(Retention(), now + KEEP_SET_ASIDE)
        assert pruned.rows["messages"] == gone


async def test_how_long_a_refused_row_is_kept_counts_from_when_it_was_set_aside(
    store: Store,
) -> None:
    await store.outbox.put("influx:main", some_entries(1))
    (row,) = await store.outbox.take("influx:main", 9, NOW)
    await store.outbox.set_aside([row.id], "field type conflict", later(25))

    pruned = await store.pruning.prune(Retention(), later(24) + KEEP_SET_ASIDE)
    assert pruned.rows["messages"] == 0
    assert [q.refused_at for q in await store.alerts.queues()] == [later(25)]


async def test_what_was_set_aside_gives_way_when_it_is_put_again(
    outbox: Outbox | FakeOutbox,
) -> None:
    await outbox.put("influx:main", some_entries(1, 2))
    await outbox.put("influx:other", some_entries(1))
    both = await outbox.take("influx:main", 9, NOW)
    await outbox.set_aside([row.id for row in both], "field type conflict", NOW)

    await outbox.put("influx:main", some_entries(1))

    assert await numbers(outbox) == ["key-1"]
    assert await outbox.depth() == {
        ("influx:main", WAITING): 1,
        ("influx:main", SET_ASIDE): 1,
        ("influx:other", WAITING): 1,
    }


async def test_what_was_set_aside_can_be_tried_again_at_its_old_place(store: Store) -> None:
    outbox = store.outbox
    await outbox.put("influx:main", some_entries(1, 2))
    first, _ = await outbox.take("influx:main", 9, NOW)
    await outbox.set_aside([first.id], "field type conflict", NOW)

    assert await outbox.retry("influx:main") == 1
    assert await outbox.retry("influx:main") == 0
    assert await numbers(outbox) == ["key-1", "key-2"]


async def test_a_target_that_is_no_longer_wanted_is_forgotten(store: Store) -> None:
    await store.outbox.put("influx:old", some_entries(1, 2))

    assert await store.outbox.drop("influx:old") == 2
    assert await store.outbox.depth() == {}


@pytest.fixture
def second(url: str) -> Iterator[Store]:
    """The same store in the eyes of another process that lives."""
    opened = open_store(url, owner=Owner.this_process("seatkeeper monitor"))
    yield opened
    opened.close()


async def test_one_process_at_a_time_works_on_a_target(store: Store, second: Store) -> None:
    await store.outbox.put("influx:main", some_entries(1))

    assert len(await store.outbox.take("influx:main", 9, NOW)) == 1
    assert await second.outbox.take("influx:main", 9, NOW) == []
    await store.outbox.leave("influx:main")
    assert len(await second.outbox.take("influx:main", 9, NOW)) == 1


async def test_the_place_of_a_killed_process_is_taken_over_at_once(store: Store, url: str) -> None:
    await store.outbox.put("influx:main", some_entries(1, 2))
    with Process("take_rows", url, "influx:main", "9") as process:
        assert process.heard() == "took 2"
        assert await store.outbox.take("influx:main", 9, NOW) == []
        process.send(signal.SIGKILL)
        process.end()

    assert len(await store.outbox.take("influx:main", 9, NOW)) == 2


@pytest.mark.parametrize(
    "body",
    [
        rb"release,user=EXAMPLE\\anna.berg days=3 1",
        rb'usage user="example\\Anna.Berg" 1',
        rb'{"text":"seat of EXAMPLE\\anna.berg, idle"}',
        rb"seat of EXAMPLE\anna.berg",
    ],
)
def test_a_name_is_found_however_it_is_escaped(body: bytes) -> None:
    assert names(body, ANNA)


def test_another_whose_name_begins_alike_is_not_meant() -> None:
    assert not names(rb"seat of EXAMPLE\anna.bergman", ANNA)


async def test_what_names_an_erased_person_is_not_sent_any_more(store: Store) -> None:
    hashed = pseudonym(await store.pseudonyms.key())(ANNA.upper())
    about_anna = [an_entry(1, ANNA.encode()), an_entry(3, f'user="{hashed}"'.encode())]
    await store.outbox.put("alert:mail", [*about_anna, an_entry(2)])

    erased = await store.ledger.erase(ANNA, JANE, "asked for it", later(1))

    assert erased.messages == 2
    assert await store.outbox.depth() == {("alert:mail", WAITING): 1}
