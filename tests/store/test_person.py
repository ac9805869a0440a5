"""One person's record on both databases, and the story it becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from builders import (
    ANALYZER,
    ANNA,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    changed,
    days_ago,
    judged_of,
)
from seatkeeper.core.changes import ChangeKind, Standing
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.roster import lines_of
from seatkeeper.core.rules import Reason
from seatkeeper.core.story import PersonRecord, StoryKind, story_of
from seatkeeper.store import Store
from stored import ENGINE, JANE, a_grant, a_plan, an_action, applied, hold, later

PRO = MeasuredType.PROFESSIONAL
SEAT = an_allocation(ANNA, id="seat-1", last_used=days_ago(120))
GRANTED = days_ago(400)


async def observe(
    store: Store, *seats: Allocation, now: datetime = NOW, site: str = "prod"
) -> None:
    """Do what a monitoring cycle does with a reading."""
    snapshot = a_snapshot(seats, [a_user(ANNA, name="Anna Berg")], now=now, site=site)
    await store.activity.observe(snapshot, now)
    lines = lines_of(judged_of(snapshot, a_policy(), now=now), "")
    await store.roster.keep(site, now, lines)


async def record(store: Store, user: str = ANNA, *, hours: float = 500) -> PersonRecord:
    found = await store.roster.person("prod", user, later(hours))
    assert found is not None
    return found


async def test_nothing_is_known_of_a_stranger(store: Store) -> None:
    await observe(store, SEAT)

    assert await store.roster.person("prod", r"EXAMPLE\nobody", NOW) is None
    assert await store.roster.person("test", ANNA, NOW) is None
    assert await store.roster.person("prod", "", NOW) is None


async def test_who_holds_seats_has_them_with_verdict_use_and_days(store: Store) -> None:
    analyzer = an_allocation(ANNA, id="seat-2", license_type=ANALYZER, created=days_ago(5))
    await observe(store, SEAT, analyzer)
    await observe(store, an_allocation(ANNA, id="seat-1"), site="test")

    found = await record(store, ANNA.upper(), hours=0)

    assert (found.user, found.name, found.other_sites) == (ANNA, "Anna Berg", ("test",))
    assert [(r.allocation_id, r.reason) for r in found.rows] == [
        ("seat-1", Reason.IDLE),
        ("seat-2", Reason.NEW_SEAT),
    ]
    assert {(s.allocation_id, s.created, s.standing) for s in found.seats} == {
        ("seat-1", days_ago(400), Standing.LIVE),
        ("seat-2", days_ago(5), Standing.LIVE),
    }
    assert found.uses == {PRO: days_ago(120), MeasuredType.ANALYZER: None}
    assert found.active_days == {PRO: (days_ago(120).date(),)}
    assert (found.first_seen, found.ledger_records) == (NOW, 0)


async def test_a_release_and_the_way_back_are_told_once_each(store: Store) -> None:
    await observe(store, SEAT)
    plan = a_plan(an_action(allocation_id="seat-1"), at=later(1))
    await applied(store, plan)
    await observe(store, now=later(2))
    again = an_allocation(ANNA, id="seat-9", created=later(49), last_used=later(50))
    await observe(store, again, now=later(51))

    found = await record(store)

    (release,) = found.releases
    assert (release.plan_id, release.outcome) == (plan.plan_id, Outcome.RELEASED)
    assert (release.approved_by, release.approve_reason) == ("Jane Doe", "fine")
    assert [e.kind for e in found.events][-1] is ChangeKind.RELEASED
    assert {e.kind for e in found.events[:-1]} == {ChangeKind.CAME_BACK, ChangeKind.ALLOCATED}
    assert [(s.allocation_id, s.standing, s.ended) for s in found.seats] == [
        ("seat-9", Standing.LIVE, None),
        ("seat-1", None, later(2)),
    ]
    assert found.ledger_records == 2
    assert [(line.at, line.kind, line.title) for line in story_of(found)] == [
        (later(51), StoryKind.CAME_BACK, "Came back after 2 days"),
        (later(50), StoryKind.USED, "Last use"),
        (later(1), StoryKind.RELEASED, "Released"),
        (GRANTED, StoryKind.GRANTED, "Seat granted"),
    ]


async def test_a_seat_given_back_is_told_with_who_did_it(store: Store) -> None:
    await observe(store, SEAT)
    plan = a_plan(an_action(allocation_id="seat-1"), at=later(1))
    await applied(store, plan)
    await observe(store, now=later(2))
    held = await hold(store)
    (seat,) = await store.plans.released(user=ANNA)
    await store.plans.intend_grants("undo-1", JANE, held, [seat], "asked for it", later(3))
    await store.plans.settle_grants("undo-1", JANE, "prod", [a_grant(seat)], later(3))
    await observe(store, changed(SEAT, id="new-seat", created=later(3)), now=later(4))

    found = await record(store)

    (given,) = found.returns
    assert (given.by, given.why, given.outcome) == (
        "Jane Doe",
        "asked for it",
        GrantOutcome.RESTORED,
    )
    assert given.new_allocation_id == "new-seat"
    assert [line.kind for line in story_of(found)] == [
        StoryKind.GIVEN_BACK,
        StoryKind.RELEASED,
        StoryKind.USED,
        StoryKind.GRANTED,
    ]


async def test_plans_that_name_a_seat_are_told_as_they_ended(store: Store) -> None:
    await observe(store, SEAT)
    action = an_action(allocation_id="seat-1")
    rejected, other, waiting = (
        a_plan(action),
        a_plan(an_action(r"EXAMPLE\bob")),
        a_plan(action, at=later(2)),
    )
    for plan in (rejected, other, waiting):
        await store.plans.record(plan, ENGINE, "run-0")
    await store.plans.reject(rejected.plan_id, JANE, "quarter close", later(1))

    found = await record(store, hours=3)

    assert [(p.plan_id, p.status) for p in found.planned] == [
        (waiting.plan_id, PlanStatus.OPEN),
        (rejected.plan_id, PlanStatus.REJECTED),
    ]
    assert [row.plan_id for row in found.rows] == [waiting.plan_id]
    first, second, *_ = story_of(found)
    assert first.words == f"In plan {waiting.plan_id}, which is waiting for an approval."
    assert second.words == f"Plan {rejected.plan_id}, rejected by Jane Doe: quarter close."
    late = await record(store, hours=200)
    assert [p.status for p in late.planned] == [PlanStatus.EXPIRED, PlanStatus.REJECTED]
    assert [line.plan_id for line in story_of(late) if line.plan_id] == [rejected.plan_id]


async def test_who_was_released_before_anybody_watched_has_a_record(store: Store) -> None:
    plan = a_plan(an_action(allocation_id="seat-1"))
    await applied(store, plan, Outcome.REFUSED)

    found = await record(store)

    assert (found.user, found.rows, found.seats) == (ANNA, (), ())
    assert [(line.kind, line.title) for line in story_of(found)] == [
        (StoryKind.NOT_RELEASED, "Not released, the site said no"),
        (StoryKind.GRANTED, "Seat granted"),
    ]


async def test_an_erased_person_has_no_record(store: Store) -> None:
    await observe(store, SEAT)
    await applied(store, a_plan(an_action(allocation_id="seat-1"), at=later(1)))

    await store.ledger.erase(ANNA, JANE, "asked for it", later(100))

    assert await store.roster.person("prod", ANNA, later(100)) is None


async def test_names_that_are_cut_to_the_same_key_are_told_apart(store: Store) -> None:
    one, other = rf"{ANNA}{'x' * 500}1", rf"{ANNA}{'x' * 500}2"
    seats = [
        an_allocation(one, id="seat-1"),
        an_allocation(other, id="seat-2", license_type=PROFESSIONAL),
    ]
    snapshot = replace(a_snapshot(seats), taken_at=NOW)
    await store.roster.keep("prod", NOW, lines_of(judged_of(snapshot, a_policy()), ""))

    found = await record(store, other)

    assert [row.allocation_id for row in found.rows] == ["seat-2"]
