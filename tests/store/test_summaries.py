from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from builders import NOW, a_summary, changed
from seatkeeper.store import Store
from seatkeeper.store.watch_tables import SUMMARY


async def test_the_newest_summary_of_each_site_is_kept(store: Store) -> None:
    prod, test = a_summary(), a_summary(site="test", tokens=None)
    newer = changed(prod, at=NOW + timedelta(hours=1))
    for summary in (prod, test, newer):
        await store.summaries.keep(summary)

    assert await store.summaries.newest("prod") == newer
    assert await store.summaries.all() == {"prod": newer, "test": test}


async def test_a_site_that_was_never_read_has_none(store: Store) -> None:
    assert await store.summaries.newest("prod") is None
    assert await store.summaries.all() == {}


async def test_a_slower_reading_does_not_replace_a_newer_one(store: Store) -> None:
    newer, older = a_summary(), a_summary(at=NOW - timedelta(minutes=5))
    await store.summaries.keep(newer)
    await store.summaries.keep(older)

    assert await store.summaries.newest("prod") == newer


async def test_a_reading_of_a_clock_that_was_ahead_gives_way(store: Store) -> None:
    await store.summaries.keep(a_summary(at=NOW + timedelta(days=30)))
    await store.summaries.keep(a_summary())

    assert await store.summaries.newest("prod") == a_summary()


async def test_the_same_reading_may_be_counted_again(store: Store) -> None:
    again = a_summary(plan=None)
    await store.summaries.keep(a_summary())
    await store.summaries.keep(again)

    assert await store.summaries.newest("prod") == again


async def test_a_summary_of_another_version_counts_as_none(store: Store) -> None:
    await store.summaries.keep(a_summary())
    with store.ledger._db.writing() as conn:
        conn.execute(sa.update(SUMMARY).values(body=b'{"site": "prod"}'))

    assert await store.summaries.newest("prod") is None
