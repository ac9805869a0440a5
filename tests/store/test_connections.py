"""What checks found is kept until the next one, and names nobody who was erased."""

from __future__ import annotations

from seatkeeper.core.findings import Area, Checked, failed, ok
from seatkeeper.store import Store
from stored import ANNA, JANE, NOW, a_plan, applied, later


async def test_the_newest_findings_of_each_site_stay(store: Store) -> None:
    old = Checked("prod", NOW, "the schedule", (failed(Area.STORE, "gone", "mend it"),))
    new = Checked("prod", later(1), "Jane Doe", (ok(Area.STORE, "there"),))
    general = Checked("", NOW, "Jane Doe", (ok(Area.CHANNELS, "none"),))
    for one in (old, general, new):
        await store.connections.keep(one)

    assert await store.connections.all() == {"": general, "prod": new}


async def test_findings_that_name_an_erased_person_are_gone(store: Store) -> None:
    await applied(store, a_plan())
    naming = Checked("prod", NOW, "the schedule", (ok(Area.EXEMPTIONS, f"1 user ({ANNA})"),))
    other = Checked("test", NOW, "the schedule", (ok(Area.EXEMPTIONS, "1 user (EXAMPLE\\ben)"),))
    for one in (naming, other):
        await store.connections.keep(one)

    await store.ledger.erase(ANNA, JANE, "asked for it", later(1))

    assert list(await store.connections.all()) == ["test"]
