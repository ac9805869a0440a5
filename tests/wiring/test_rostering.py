from __future__ import annotations

from pathlib import Path

from builders import NOW, a_policy, a_snapshot, a_summary, a_user, an_allocation, judged_of
from seatkeeper.core.roster import RosterQuery
from seatkeeper.flow.ports import Observed
from seatkeeper.store import open_store
from seatkeeper.wiring.rostering import RosterKeeper


async def test_every_cycle_keeps_what_pages_show(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    keeper = RosterKeeper({"prod": a_policy()}, "department", store)
    user = a_user(name="Anna Berg", properties=(("Department", "Sales"),))
    judged = judged_of(a_snapshot([an_allocation()], [user]), a_policy())

    await keeper.follow(
        Observed(judged.snapshot, judged.facts, a_summary(), NOW, verdicts=judged.verdicts)
    )

    (row,) = (await store.roster.page(RosterQuery(), NOW)).rows
    assert (row.site, row.name, row.department, row.releases) == (
        "prod",
        "Anna Berg",
        "Sales",
        True,
    )
    store.close()
