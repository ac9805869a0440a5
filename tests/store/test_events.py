"""Events, as they are found on both databases: in order, none left out, known by their keys."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from builders import a_summary
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved
from seatkeeper.core.event import Event, EventKind, Place
from seatkeeper.core.request import RequestKind
from seatkeeper.store import Store
from seatkeeper.store.events import LATE, RECORDS
from stored import ANNA, ENGINE, JANE, NOW, a_plan, an_entry, applied, later, some_actions

START = Place(0, NOW)


def an_alert(**changes: object) -> Alert:
    """Return an alert that fires."""
    told: dict[str, object] = {
        "key": AlertKey("license_expiry", "prod", ""),
        "state": AlertState.FIRING,
        "severity": Severity.WARNING,
        "since": NOW,
        "seen": NOW,
        "says": "20 days left",
        "fired_at": NOW,
    }
    return Alert(**{**told, **changes})  # type: ignore[arg-type]


async def stands(store: Store, *alerts: Alert) -> None:
    """Let alerts stand as they are."""
    sites = {alert.key.site for alert in alerts}
    await store.alerts.move(sites, NOW, lambda _, __: Moved(Advance(kept=alerts)))


async def told(store: Store, place: Place = START, *sites: str) -> tuple[Event, ...]:
    """Return what happened since."""
    return (await store.events.after(place, sites or ("prod",), NOW)).events


async def test_the_life_of_a_plan_is_told_in_its_order(store: Store) -> None:
    plan = a_plan(*some_actions(3))
    await applied(store, plan)
    found = await told(store)

    assert [e.kind for e in found] == [
        EventKind.PLAN_MADE,
        EventKind.PLAN_APPROVED,
        EventKind.PLAN_STARTED,
        EventKind.PLAN_PROGRESS,
        EventKind.PLAN_APPLIED,
    ]
    assert {e.data["plan_id"] for e in found} == {plan.plan_id}
    assert found[3].data["outcomes"] == {"released": 3}
    assert (found[4].data["status"], found[4].data["counts"]) == ("applied", {"released": 3})


async def test_a_rejection_tells_who_and_why(store: Store) -> None:
    plan = a_plan()
    await store.plans.record(plan, ENGINE, "run")
    here = await store.events.here(NOW)
    await store.plans.reject(plan.plan_id, JANE, "quarter close", NOW)
    (event,) = await told(store, here)

    assert event.kind is EventKind.PLAN_REJECTED
    assert (event.data["by"], event.data["why"]) == ("Jane Doe", "quarter close")


async def test_no_event_names_a_user_of_qlik(store: Store) -> None:
    await applied(store, a_plan())
    asked = await store.requests.ask(RequestKind.UNDO, "prod", {"user": ANNA}, JANE, NOW)
    await store.requests.take(asked.id, NOW)
    await store.requests.finish(asked.id, {"said": f"gave {ANNA} a seat"}, NOW)

    assert ANNA not in str(await told(store))
    assert ANNA.partition("\\")[2] not in str(await told(store))


async def test_what_happened_elsewhere_is_not_told(store: Store) -> None:
    await applied(store, a_plan())
    await stands(store, an_alert(), an_alert(key=AlertKey("channel_failing", "", "mail")))
    asked = await store.requests.ask(RequestKind.RUN, "prod", {}, JANE, NOW)
    await store.requests.take(asked.id, NOW)
    await store.requests.finish(asked.id, {}, NOW)
    found = await told(store, START, "test")

    assert [(e.kind, e.site) for e in found] == [(EventKind.ALERT_FIRED, "")]


async def test_a_request_is_told_when_it_is_over(store: Store) -> None:
    for ok in (True, False):
        asked = await store.requests.ask(RequestKind.RUN, "prod", {}, JANE, NOW)
        await store.requests.take(asked.id, NOW)
        await store.requests.finish(asked.id, {"plan_id": "p-1"}, NOW, ok=ok)
    found = await told(store)

    assert [(e.data["ok"], e.data["plan_id"], e.data["asked_by"]) for e in found] == [
        (True, "p-1", "Jane Doe"),
        (False, "p-1", "Jane Doe"),
    ]


async def test_an_alert_is_told_when_it_fires_and_when_it_is_over(store: Store) -> None:
    await stands(store, an_alert(state=AlertState.PENDING, fired_at=None))
    pending = await told(store)
    await stands(store, an_alert())
    (fired,) = await told(store)
    over = an_alert(state=AlertState.RESOLVED, resolved_at=later(minutes=0.5))
    await stands(store, over)
    both = await told(store)

    assert pending == ()
    assert (fired.kind, fired.data["severity"]) == (EventKind.ALERT_FIRED, "warning")
    assert [e.kind for e in both] == [EventKind.ALERT_FIRED, EventKind.ALERT_RESOLVED]
    assert both[0].key == fired.key


async def test_what_is_written_late_is_still_told(store: Store) -> None:
    place = (await store.events.after(START, ("prod",), NOW)).place
    just_in_time = NOW - LATE + timedelta(seconds=1)
    await stands(store, an_alert(fired_at=just_in_time))

    assert [e.at for e in await told(store, place)] == [just_in_time]


async def test_nothing_is_told_twice_by_number_and_nothing_left_out(store: Store) -> None:
    for n in range(RECORDS):
        await store.ledger.append(an_entry(n))
    plans = [a_plan(plan_id=f"plan-{n}") for n in range(3)]
    for plan in plans:
        await store.plans.record(plan, ENGINE, "run")
    place, found, looks = START, [], 0
    while True:
        news = await store.events.after(place, ("prod",), NOW)
        found += [e.data["plan_id"] for e in news.events if e.kind is EventKind.PLAN_MADE]
        place, looks = news.place, looks + 1
        if not news.more:
            break

    assert found == ["plan-0", "plan-1", "plan-2"]
    assert looks == 2
    assert await told(store, place) == ()


async def test_a_place_ahead_of_the_store_is_taken_for_its_end(store: Store) -> None:
    await store.plans.record(a_plan(), ENGINE, "run")
    news = await store.events.after(Place(10**9, later(hours=99)), ("prod",), NOW)

    assert (news.events, news.place) == ((), Place(1, NOW))


@pytest.mark.parametrize("at", [NOW, a_summary().at, later(minutes=0.001)])
def test_a_place_is_read_back_from_its_text(at: datetime) -> None:
    place = Place(812, at)

    assert Place.parse(place.text) == place


@pytest.mark.parametrize(
    "text", ["", "1", "-1-2", "1-", "a-b", "1-2-3", "1" * 30 + "-1", "\u0661-\u0662"]
)
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        Place.parse(text)
