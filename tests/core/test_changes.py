from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import (
    ANNA,
    NOW,
    PROFESSIONAL,
    a_snapshot,
    a_user,
    an_allocation,
    changed,
    days_ago,
)
from seat_world import (
    DEEDS,
    PEOPLE,
    TYPES,
    Deed,
    SeatWorld,
    Told,
    true_changes,
    true_days,
    without_returns,
)
from seatkeeper.core.changes import (
    By,
    Change,
    ChangeKind,
    Differences,
    Known,
    OurRelease,
    differences,
)
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import Allocation, Snapshot, UsageList, Witness, person_key

KEY = person_key(ANNA)
PRO = MeasuredType.PROFESSIONAL


def after(known: Known, found: Differences) -> Known:
    """What is known once the differences are written."""
    uses = {t: dict(known.uses.get(t, {})) for t in MeasuredType}
    for use in found.uses:
        uses[use.license_type][use.person] = use.at
    return Known(seats=found.states, uses=uses)


def a_release(seat: Allocation, **changes: object) -> OurRelease:
    """Our release of a seat, a day ago."""
    release = OurRelease(
        plan_id="plan-1",
        allocation_id=seat.id,
        license_type=seat.license_type,
        person=person_key(seat.holder),
        at=days_ago(1),
        is_sure=True,
    )
    return changed(release, **changes)


def between(
    before: Sequence[Allocation],
    now: Sequence[Allocation],
    *releases: OurRelease,
    users: Sequence[str] = (ANNA,),
) -> list[tuple[ChangeKind, By]]:
    """What is told after two readings of a site with these seats and users."""
    people = [a_user(u) for u in users]
    known = after(
        Known(is_first=True), differences(Known(is_first=True), a_snapshot(before, people))
    )
    found = differences(replace(known, releases=releases), a_snapshot(now, people))
    return [(c.kind, c.by) for c in found.changes]


def told(change: Change) -> Told:
    return (change.kind, change.by, change.license_type, change.allocation_id, change.plan_id)


deeds = st.tuples(
    st.sampled_from(DEEDS),
    st.integers(0, len(PEOPLE) - 1),
    st.integers(0, len(TYPES) - 1),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(deeds, max_size=6), min_size=2, max_size=12))
def test_any_sequence_of_readings_gives_the_days_and_changes_that_are_true(
    steps: list[list[Deed]],
) -> None:
    world = SeatWorld()
    known = Known(is_first=True)
    snapshots: list[Snapshot] = []
    days = set()
    returned: set[str] = set()
    for step in steps:
        snapshots.append(world.step(step))
        releases = [changed(r, came_back=r.plan_id in returned) for r in world.releases]
        found = differences(replace(known, releases=releases), snapshots[-1])
        days |= {(u.person, u.license_type, u.day) for u in found.uses if u.day is not None}
        if len(snapshots) > 1:
            stated = true_changes(snapshots[-2], snapshots[-1], world.releases, returned)
            assert without_returns(map(told, found.changes)) == stated
        else:
            assert found.changes == []
        back = [c.plan_id for c in found.changes if c.kind is ChangeKind.CAME_BACK]
        assert len(back) == len(set(back))
        assert returned.isdisjoint(back)
        returned |= set(back)
        known = after(known, found)
    assert days == true_days(snapshots)
    if len(snapshots) > 1:
        assert returned == _seen_returns(world, snapshots)


def _seen_returns(world: SeatWorld, snapshots: Sequence[Snapshot]) -> set[str]:
    """The returns that a reading could see: the person held a seat of the type at one of them.

    A seat that came back and went again between two readings was never seen.
    """
    seen = set()
    for release in world.releases:
        for snapshot in snapshots[1:]:
            for seat in snapshot.allocations:
                if (
                    snapshot.taken_at > release.at
                    and seat.is_live
                    and person_key(seat.holder) == release.person
                    and seat.license_type is release.license_type
                ):
                    seen.add(release.plan_id)
    assert seen <= world.returned
    return seen


def test_the_first_reading_is_no_news() -> None:
    found = differences(Known(is_first=True), a_snapshot([an_allocation(last_used=days_ago(3))]))

    assert found.changes == []
    assert [(u.person, u.license_type, u.day) for u in found.uses] == [
        (KEY, PRO, date(2026, 10, 30))
    ]
    assert found.labels == {KEY: ANNA}


def test_nothing_new_is_no_difference() -> None:
    snapshot = a_snapshot([an_allocation(last_used=days_ago(3))])
    known = after(Known(), differences(Known(), snapshot))

    again = differences(known, snapshot)

    assert (again.seats, again.gone, again.uses, again.changes) == ([], [], [], [])


def test_a_seat_that_is_gone_was_released_by_us_by_another_or_with_its_user() -> None:
    seat = an_allocation()

    assert between([seat], [], a_release(seat)) == [(ChangeKind.RELEASED, By.US)]
    assert between([seat], []) == [(ChangeKind.RELEASED, By.SOMEBODY)]
    assert between([seat], [], users=()) == [(ChangeKind.RELEASED, By.VANISHED)]


def test_a_release_that_is_not_settled_counts_as_ours_but_never_as_a_return() -> None:
    seat = an_allocation()
    unsure = a_release(seat, is_sure=False)

    assert between([seat], [], unsure) == [(ChangeKind.RELEASED, By.US)]
    assert between([seat], [seat], unsure) == []


def test_a_seat_taken_and_returned_between_two_readings_is_a_return() -> None:
    seat = an_allocation()

    assert between([seat], [seat], a_release(seat)) == [(ChangeKind.CAME_BACK, By.SOMEBODY)]


def test_a_second_seat_held_all_along_is_no_return() -> None:
    one, two = an_allocation(id="one"), an_allocation(id="two")

    assert between([one, two], [two], a_release(one)) == [(ChangeKind.RELEASED, By.US)]


def test_a_return_is_told_once() -> None:
    seat, new = an_allocation(id="old"), an_allocation(id="new", created=NOW)
    release = a_release(seat)

    assert (ChangeKind.CAME_BACK, By.SOMEBODY) in between([], [new], release)
    assert between([new], [new], changed(release, came_back=True)) == []


def test_usage_rows_tell_activity_of_their_type() -> None:
    rows = {UsageList.CAPACITY: {"example\\guest": days_ago(2)}}
    snapshot = replace(a_snapshot([], [a_user(r"EXAMPLE\Guest")]), witness=Witness({}, {}, rows))

    (use,) = differences(Known(), snapshot).uses

    assert (use.license_type, use.day) == (MeasuredType.ANALYZER_CAPACITY, date(2026, 10, 31))
    assert differences(Known(), snapshot).labels == {"example\\guest": r"EXAMPLE\Guest"}


@pytest.mark.parametrize(
    ("skew", "ahead", "days"),
    [
        pytest.param(0, timedelta(minutes=4), 1, id="a little"),
        pytest.param(0, timedelta(minutes=6), 0, id="too far"),
        pytest.param(10, timedelta(minutes=14), 1, id="by the clock of the site"),
        pytest.param(-10, timedelta(minutes=4), 1, id="a slow clock of the site"),
    ],
)
def test_a_moment_ahead_of_the_site_is_no_activity(skew: int, ahead: timedelta, days: int) -> None:
    seat = an_allocation(last_used=NOW + ahead)
    snapshot = a_snapshot([seat], skew=timedelta(minutes=skew))

    assert sum(u.day is not None for u in differences(Known(), snapshot).uses) == days


def test_a_day_is_a_day_of_utc_and_two_uses_on_it_are_one() -> None:
    morning = a_snapshot([an_allocation(last_used=NOW - timedelta(hours=2))])
    later = a_snapshot([an_allocation(last_used=NOW - timedelta(hours=1))])
    known = after(Known(), differences(Known(), morning))

    (use,) = differences(known, later).uses

    assert (use.day, use.is_new) == (None, False)


def test_an_erased_holder_is_known_again_without_any_event() -> None:
    seat = an_allocation()
    known = after(Known(), differences(Known(), a_snapshot([seat])))
    nameless = {i: changed(s, person="") for i, s in known.seats.items()}

    found = differences(replace(known, seats=nameless), a_snapshot([seat]))

    assert (found.changes, [s.id for s in found.seats]) == ([], [seat.id])


def test_a_user_who_was_deleted_leaves_a_seat_that_nobody_holds() -> None:
    seat = an_allocation()
    orphan = changed(seat, deleted_user=True)

    assert between([seat], [orphan], users=()) == [(ChangeKind.RELEASED, By.VANISHED)]
    assert between([orphan], [], users=()) == [(ChangeKind.CLEARED, By.SOMEBODY)]
    assert between([], [orphan], users=()) == []
    assert seat.license_type is PROFESSIONAL
