"""Lists of plans, runs and requests, in pages that leave nothing out and tell nothing twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.request import RequestKind, RequestState
from seatkeeper.store import PlanQuery, RequestQuery, RunQuery, Store
from stored import ENGINE, JANE, NOW, a_plan, applied, later


async def test_plans_of_one_moment_are_each_on_one_page(store: Store) -> None:
    plans = [a_plan(plan_id=f"plan-{n}", at=NOW if n < 4 else later(n)) for n in range(7)]
    for plan in plans:
        await store.plans.record(plan, ENGINE, "run")
    found: list[str] = []
    before = None
    while page := await store.plans.listed(PlanQuery(("prod",), before=before), later(9), 2):
        found += [line.plan_id for line in page]
        before = (page[-1].created_at, page[-1].plan_id)

    assert found == ["plan-6", "plan-5", "plan-4", "plan-3", "plan-2", "plan-1", "plan-0"]


@pytest.mark.parametrize(
    ("status", "now", "found"),
    [
        (PlanStatus.OPEN, NOW, ["waits"]),
        (PlanStatus.REJECTED, NOW, ["rejected"]),
        (PlanStatus.EXPIRED, NOW, []),
        (PlanStatus.OPEN, later(72), []),
        (PlanStatus.EXPIRED, later(72), ["waits"]),
        (None, NOW, ["waits", "rejected"]),
    ],
)
async def test_a_status_is_the_one_of_this_moment(
    store: Store, status: PlanStatus | None, now: datetime, found: list[str]
) -> None:
    for name in ("waits", "rejected"):
        await store.plans.record(a_plan(plan_id=name), ENGINE, "run")
    await store.plans.reject("rejected", JANE, "not now", NOW)
    lines = await store.plans.listed(PlanQuery(("prod",), status), now, 10)

    assert [line.plan_id for line in lines] == found
    assert all(line.status is status for line in lines if status is not None)


async def test_nothing_of_another_site_is_listed(store: Store) -> None:
    await store.plans.record(a_plan(site="other"), ENGINE, "run")
    await store.requests.ask(RequestKind.RUN, "other", {}, JANE, NOW)

    assert await store.plans.listed(PlanQuery(("prod", "test")), NOW, 10) == []
    assert await store.requests.listed(RequestQuery(("prod",)), 10) == []
    assert await store.plans.listed(PlanQuery(()), NOW, 10) == []


async def test_runs_tell_who_applied_what_and_whether_to_the_end(store: Store) -> None:
    plan = a_plan()
    await applied(store, plan)
    (run,) = await store.plans.runs(RunQuery(("prod",)), 10)
    none: Any = await store.plans.runs(RunQuery(("prod",), plan_id="another"), 10)
    older = await store.plans.runs(RunQuery(("prod",), before=(run.started_at, run.run_id)), 10)

    assert (run.plan_id, run.site, run.complete) == (plan.plan_id, "prod", True)
    assert await store.plans.run(run.run_id) == run
    assert await store.plans.run("unknown") is None
    assert (none, older) == ([], [])


async def test_requests_are_listed_by_kind_and_state_newest_first(store: Store) -> None:
    both = ("prod", "test")
    for kind, site in (
        (RequestKind.RUN, "prod"),
        (RequestKind.UNDO, "prod"),
        (RequestKind.RUN, "test"),
    ):
        await store.requests.ask(kind, site, {"plan": "p"}, JANE, NOW)
    first, *_ = await store.requests.listed(RequestQuery(both, RequestKind.RUN), 1)
    rest = RequestQuery(both, RequestKind.RUN, before=first.id)
    queued = RequestQuery(both, state=RequestState.QUEUED)

    assert [r.id for r in await store.requests.listed(rest, 10)] == [first.id - 2]
    assert len(await store.requests.listed(queued, 10)) == 3
    assert await store.requests.listed(RequestQuery(both, state=RequestState.DONE), 10) == []
