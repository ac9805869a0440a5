"""Webhooks of events on both databases: nothing lost, nothing doubled, from now on at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved
from seatkeeper.core.event import EventKind
from seatkeeper.core.hook import Hook, event_text
from seatkeeper.core.request import RequestKind
from seatkeeper.store import Store, open_store
from seatkeeper.store.events import RECORDS
from stored import ANNA, ENGINE, JANE, NOW, a_plan, an_entry, applied, later, some_actions

ALL = Hook("event:all", frozenset(EventKind), ("prod", "test"))
LONG_AGO = NOW - timedelta(days=30)


async def look(store: Store, hook: Hook = ALL, at: datetime = NOW) -> int:
    """Look for news once."""
    return await store.hooks.catch_up(hook, LONG_AGO, at)


async def waiting(store: Store, hook: Hook = ALL) -> list[dict[str, Any]]:
    """Return the events that wait for a webhook, in their order."""
    rows = await store.outbox.take(hook.target, 10_000, later(hours=100))
    await store.outbox.leave(hook.target)
    return [msgspec.json.decode(row.entry.body) for row in rows]


def types(told: Sequence[dict[str, Any]]) -> list[str]:
    """Return what happened, in a word each."""
    return [one["type"] for one in told]


async def delivered(store: Store, hook: Hook = ALL) -> None:
    """Let everything that waits arrive."""
    rows = await store.outbox.take(hook.target, 10_000, later(hours=100))
    await store.outbox.done([row.id for row in rows])
    await store.outbox.leave(hook.target)


async def fires(store: Store, site: str = "prod", **changes: Any) -> None:
    """Let an alert fire, or end."""
    alert = Alert(
        key=AlertKey("license_expiry", site, ""),
        state=AlertState.FIRING,
        severity=Severity.WARNING,
        since=NOW,
        seen=NOW,
        says="20 days left",
        fired_at=NOW,
    )
    alert = replace(alert, **changes)
    await store.alerts.move({site}, NOW, lambda _, __: Moved(Advance(kept=(alert,))))


async def test_a_new_webhook_is_told_from_now_on(store: Store) -> None:
    await store.plans.record(a_plan(plan_id="before"), ENGINE, "run")
    await fires(store)

    first = await look(store)
    again = await look(store, at=later(minutes=0.1))
    await store.plans.record(a_plan(plan_id="after"), ENGINE, "run")
    await look(store, at=later(minutes=0.2))

    assert (first, again) == (0, 0)
    assert [one["data"]["plan_id"] for one in await waiting(store)] == ["after"]


async def test_what_happens_waits_once_and_in_its_order(store: Store) -> None:
    await look(store)
    await applied(store, a_plan(*some_actions(3)))
    put = await look(store, at=later(minutes=1))
    again = await look(store, at=later(minutes=1))
    await delivered(store)
    after = await look(store, at=later(minutes=1.1))
    await store.plans.record(a_plan(), ENGINE, "run")
    await look(store, at=later(minutes=1.2))

    assert (put, again, after) == (5, 0, 0)
    assert types(await waiting(store)) == ["plan.made"]


async def test_an_event_without_a_number_is_not_told_again_after_it_was_delivered(
    store: Store,
) -> None:
    await look(store)
    await fires(store)
    asked = await store.requests.ask(RequestKind.RUN, "prod", {}, JANE, NOW)
    await store.requests.take(asked.id, NOW)
    await store.requests.finish(asked.id, {}, NOW)

    put = [await look(store, at=later(minutes=0.1))]
    await delivered(store)
    put += [await look(store, at=later(minutes=m)) for m in (0.2, 0.9, 1.5, 30)]
    await fires(store, state=AlertState.RESOLVED, resolved_at=later(minutes=31))
    put += [await look(store, at=later(minutes=m)) for m in (31.1, 31.2)]

    assert put == [2, 0, 0, 0, 0, 1, 0]


async def test_each_webhook_is_told_only_of_its_events_and_sites(store: Store) -> None:
    approvals = Hook("event:approvals", frozenset({EventKind.PLAN_APPROVED}), ("prod", "test"))
    test_only = Hook("event:test", frozenset(EventKind), ("test",))
    hooks = (ALL, approvals, test_only)
    for hook in hooks:
        await look(store, hook)
    for site in ("prod", "test", "gone"):
        plan = a_plan(site=site, plan_id=site)
        await store.plans.record(plan, ENGINE, "run")
        await store.plans.approve(plan.plan_id, JANE, "seen", NOW)
    await fires(store, "")
    for hook in hooks:
        await look(store, hook, later(minutes=0.1))

    told = {h.target: [(o["type"], o["site"]) for o in await waiting(store, h)] for h in hooks}
    assert told["event:approvals"] == [("plan.approved", "prod"), ("plan.approved", "test")]
    assert told["event:test"] == [
        ("plan.made", "test"),
        ("plan.approved", "test"),
        ("alert.fired", ""),
    ]
    assert len(told["event:all"]) == 5


async def test_after_a_long_break_everything_is_told_part_by_part(store: Store) -> None:
    await look(store)
    for n in range(RECORDS):
        await store.ledger.append(an_entry(n))
    await store.plans.record(a_plan(plan_id="last"), ENGINE, "run")

    put = await look(store, at=later(hours=20))

    assert put == 1
    assert [one["data"]["plan_id"] for one in await waiting(store)] == ["last"]


async def test_what_is_older_than_what_may_wait_is_not_told_any_more(store: Store) -> None:
    await look(store)
    await store.plans.record(a_plan(plan_id="old"), ENGINE, "run")
    await store.plans.record(a_plan(plan_id="new", at=later(hours=48)), ENGINE, "run")

    await store.hooks.catch_up(ALL, later(hours=24), later(hours=50))

    assert [one["data"]["plan_id"] for one in await waiting(store)] == ["new"]


async def test_a_webhook_that_was_dropped_is_told_from_now_on(store: Store) -> None:
    await look(store)
    await store.plans.record(a_plan(plan_id="old"), ENGINE, "run")
    await look(store)
    await store.outbox.drop(ALL.target)
    await store.plans.record(a_plan(plan_id="meanwhile"), ENGINE, "run")
    await look(store)
    await store.plans.record(a_plan(plan_id="new"), ENGINE, "run")
    await look(store)

    assert [one["data"]["plan_id"] for one in await waiting(store)] == ["new"]


async def test_two_daemons_on_one_store_put_each_event_once(store: Store, url: str) -> None:
    other = open_store(url, command="seatkeeper serve")
    await look(store)
    put = 0
    for n in range(5):
        await store.plans.record(a_plan(plan_id=f"plan {n}"), ENGINE, "run")
        put += await look(store) + await look(other)
        await delivered(store)
    other.close()

    assert put == 5


async def test_no_event_that_waits_names_a_user_of_qlik(store: Store) -> None:
    await look(store)
    await applied(store, a_plan())
    asked = await store.requests.ask(RequestKind.UNDO, "prod", {"user": ANNA}, JANE, NOW)
    await store.requests.take(asked.id, NOW)
    await store.requests.finish(asked.id, {"said": f"gave {ANNA} a seat"}, NOW)
    await look(store, at=later(minutes=0.1))

    told = str(await waiting(store))
    assert "request.done" in told
    assert ANNA.partition("\\")[2] not in told


async def test_events_about_one_thing_have_one_name_and_others_another(store: Store) -> None:
    await look(store)
    await applied(store, a_plan(plan_id="one"))
    await store.plans.record(a_plan(plan_id="two"), ENGINE, "run")
    await fires(store)
    await look(store, at=later(minutes=0.1))
    rows = await store.outbox.take(ALL.target, 100, NOW)

    about = [event_text(row.entry.body).about for row in rows]
    assert sorted(set(about)) == ["alert prod license_expiry ", "plan prod one", "plan prod two"]
    assert about.count("plan prod one") == 5


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        event_text(b'{"rule": "low_availability"}')
