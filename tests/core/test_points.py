"""Points as Butler's users know them, and ours beside them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from builders import (
    NOW,
    a_policy,
    a_snapshot,
    a_summary,
    an_allocation,
    days_ago,
    facts_of,
)
from seatkeeper.core import measures
from seatkeeper.core.model import Capacity, LicenseType, TokenAccess, Tokens
from seatkeeper.core.points import (
    Beside,
    Point,
    ReleasedSeat,
    active_on,
    nanoseconds,
    points_of,
    release_points,
    user_points,
)
from seatkeeper.core.scrape import Scrape
from seatkeeper.core.summary import LicenseState, LicenseSummary, PlanSummary, Summary
from seatkeeper.outlets.prometheus import expose

AT = nanoseconds(NOW)
PROFESSIONAL, ANALYZER = LicenseType


def named(points: list[Point], name: str, license_type: str = "") -> Point:
    """The one point of that measurement and type."""
    found = [p for p in points if p.measurement == name]
    if license_type:
        found = [p for p in found if dict(p.tags)["license_type"] == license_type]
    (one,) = found
    return one


def full() -> tuple[Summary, Beside]:
    tokens = Tokens(
        total=20,
        available=3.5,
        user=TokenAccess(enabled=True, cost=1, allocated=10, used=9, quarantined=1),
        login=TokenAccess(enabled=True, cost=0.1, allocated=5, used=2.5, unavailable=0),
    )
    beside = Beside(
        releases=(a_release(),),
        active_users={PROFESSIONAL: 12},
        regrets={ANALYZER: 1},
        cost={"professional": {"spend": 12.5, "savings": 20.0}},
        budget=30.0,
        failed_cycles=0,
        outbox=7,
        set_aside=1,
        dropped=2,
        failed_releases=3,
    )
    return a_summary(tokens=tokens), beside


def a_release(number: int = 1, **changes: object) -> ReleasedSeat:
    told: dict[str, object] = {
        "allocation_id": f"seat-{number}",
        "license_type": ANALYZER,
        "user": rf"EXAMPLE\u{number}",
        "days_idle": 120,
        "at": NOW - timedelta(hours=1),
    }
    return ReleasedSeat(**(told | changes))  # type: ignore[arg-type]


def test_a_pool_is_written_as_butler_writes_it() -> None:
    point = named(points_of(a_summary()), "qlik_sense_license", "professional")

    assert point.tags == (("site", "prod"), ("license_type", "professional"))
    assert point.at == AT
    assert point.fields == {
        "total": 50.0,
        "allocated": 40.0,
        "available": 10.0,
        "used": 35.0,
        "quarantined": 0.0,
        "excess": 0.0,
    }


def test_the_budget_of_all_sites_stands_at_a_point_without_a_site() -> None:
    told = [p for p in points_of(*full()) if "budget" in p.fields]

    assert [(p.measurement, p.tags, p.fields) for p in told] == [
        ("qlik_license_cost", (), {"budget": 30.0})
    ]


def test_minutes_and_tokens_are_written_as_butler_writes_them() -> None:
    points = points_of(*full())

    def fields(license_type: str) -> dict[str, object]:
        return dict(named(points, "qlik_sense_license", license_type).fields)

    assert fields("analyzer_capacity") == {
        "allocated_minutes": 20000.0,
        "used_minutes": 5000.0,
        "unavailable_minutes": 0.0,
    }
    assert fields("token_user") == {
        "allocated_tokens": 10.0,
        "used_tokens": 9.0,
        "quarantined_tokens": 1.0,
        "token_cost": 1.0,
    }
    assert fields("token_login") == {
        "allocated_tokens": 5.0,
        "used_tokens": 2.5,
        "unavailable_tokens": 0.0,
        "token_cost": 0.1,
    }
    assert fields("tokens_available") == {"available_tokens": 3.5, "total_tokens": 20.0}


def test_a_pool_that_is_off_or_not_reported_gives_no_point() -> None:
    off = Capacity(enabled=False, allocated_minutes=0, used_minutes=0, unavailable_minutes=0)
    points = points_of(a_summary(pools=(), capacity=off))

    assert not [p for p in points if p.measurement == "qlik_sense_license"]


@pytest.mark.parametrize(
    ("license_", "fields"),
    [
        (
            LicenseSummary(state=LicenseState.VALID, valid_to=date(2027, 6, 30), days_left=240),
            {"license_expired": False, "expiry_date": "2027-06-30", "days_until_expiry": 240.0},
        ),
        (
            LicenseSummary(state=LicenseState.EXPIRED, valid_to=date(2026, 10, 30), days_left=-3),
            {"license_expired": True, "expiry_date": "2026-10-30", "days_until_expiry": -3.0},
        ),
        (
            LicenseSummary(state=LicenseState.EXPIRED),
            {"license_expired": True, "expiry_date": "cannot tell"},
        ),
        (LicenseSummary(state=LicenseState.CANNOT_TELL), {"expiry_date": "cannot tell"}),
    ],
)
def test_the_server_license_says_what_is_known_and_no_more(
    license_: LicenseSummary, fields: dict[str, object]
) -> None:
    point = named(points_of(a_summary(license=license_)), "qlik_sense_server_license")

    assert (point.tags, point.fields) == ((("site", "prod"),), fields)


def test_a_site_without_a_license_gives_no_point_of_it() -> None:
    points = points_of(a_summary(license=LicenseSummary(state=LicenseState.NONE)))

    assert "qlik_sense_server_license" not in {p.measurement for p in points}


@pytest.mark.parametrize(("status", "limits"), [("blocked", 2), ("approved", 0), ("applied", 0)])
def test_a_plan_that_was_let_through_is_blocked_by_no_limit(status: str, limits: int) -> None:
    broken = ("max_share", "grown")
    plan = PlanSummary(
        plan_id="p", status=status, created_at=NOW, actions=6, deferred=0, violations=broken
    )
    summary = a_summary(plan=plan)

    (point,) = [p for p in points_of(summary) if p.measurement == measures.PLAN.name]
    exposed = expose(Scrape({"prod": summary})).body.decode()

    assert point.fields["violations"] == limits
    assert f'\nqlik_license_plan_violations{{site="prod"}} {limits}.0\n' in exposed


def test_nobody_is_named_unless_butlers_tag_is_asked_for() -> None:
    summary, beside = full()

    plain = named(points_of(summary, beside), "qlik_sense_license_release")
    tagged = named(points_of(summary, beside, user_tag=True), "qlik_sense_license_release")

    assert plain.tags == (("site", "prod"), ("license_type", "analyzer"))
    assert tagged.tags == (*plain.tags, ("user", r"EXAMPLE\u1"))
    assert plain.fields == tagged.fields == {"days_since_last_use": 120.0}
    assert plain.at == AT - 3_600_000_000_000
    assert "EXAMPLE" not in str(points_of(summary, beside))


def test_seats_released_at_the_same_moment_do_not_fall_on_each_other() -> None:
    releases = [a_release(n) for n in (3, 1, 2)]

    points = release_points("prod", releases)

    assert len({p.key for p in points}) == 3
    assert {p.key for p in release_points("prod", releases[::-1])} == {p.key for p in points}


def test_every_number_is_a_float_and_every_name_stands_in_the_measures() -> None:
    known = {m.name: m for m in measures.MEASUREMENTS}
    points = points_of(*full(), user_tag=True)

    for point in points:
        measurement = known[point.measurement]
        tags = {name for name, _ in point.tags} - {"site"}
        assert point.fields.keys() <= measurement.fields.keys()
        assert tags <= {*measurement.tags, "user"}
        for name, value in point.fields.items():
            assert isinstance(value, (float, bool, str)), name
    # The points of users are made from the snapshot.
    assert {p.measurement for p in points} == known.keys() - {"qlik_license_user"}


def test_points_of_users_have_no_tag_of_the_person() -> None:
    used = an_allocation(r"EXAMPLE\anna", last_used=days_ago(40))
    snapshot = a_snapshot([used, an_allocation(r"EXAMPLE\bo")])
    facts = facts_of(snapshot, a_policy())

    points = user_points(snapshot, facts, NOW, lambda label: f"hash of {len(label)}")

    assert {p.tags for p in points} == {(("site", "prod"), ("license_type", "professional"))}
    assert sorted(map(str, (dict(p.fields) for p in points))) == [
        "{'user': 'hash of 10'}",
        "{'user': 'hash of 12', 'days_idle': 40.0}",
    ]
    assert len({p.at for p in points}) == 2


def test_who_was_active_today_is_counted_once_a_type() -> None:
    today = NOW - timedelta(minutes=5)
    seats = [
        an_allocation(r"EXAMPLE\anna", last_used=today),
        an_allocation(r"EXAMPLE\anna", last_used=None, license_type=ANALYZER),
        an_allocation(r"EXAMPLE\bo", last_used=days_ago(1)),
        an_allocation(r"EXAMPLE\cy", last_used=today, deleted_user=True),
    ]
    snapshot = a_snapshot(seats)

    active = active_on(NOW.date(), snapshot, facts_of(snapshot, a_policy()))

    assert active == {PROFESSIONAL: 1, ANALYZER: 1}
