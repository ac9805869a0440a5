"""What a page of users shows of a seat, and cursors that name nobody."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from builders import (
    ANALYZER,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    days_ago,
    facts_of,
    judged_of,
)
from seatkeeper.core.cost import group_seats
from seatkeeper.core.model import Allocation, Snapshot, User
from seatkeeper.core.policy import ExemptionKind, Policy
from seatkeeper.core.roster import (
    MOST_ROWS,
    Cursor,
    Flag,
    RosterLine,
    RosterQuery,
    RosterSort,
    View,
    cursor_from,
    lines_of,
    sort_key,
)
from seatkeeper.core.rules import Reason
from seatkeeper.core.summarise import Beside, summarise
from seatkeeper.core.summary import IdleBucket
from seatkeeper.errors import UsageError

ANNA = r"EXAMPLE\anna"


def lines(snapshot: Snapshot, policy: Policy | None = None) -> list[RosterLine]:
    return list(lines_of(judged_of(snapshot, policy or a_policy()), "Department"))


def line(seat: Allocation, user: User | None = None, policy: Policy | None = None) -> RosterLine:
    (found,) = lines(a_snapshot([seat], None if user is None else [user]), policy)
    return found


def test_a_line_holds_what_a_reading_alone_knows() -> None:
    user = a_user(ANNA, name="Anna Berg", properties=(("department", "Sales"),))
    seat = an_allocation(ANNA, last_used=days_ago(120), created=days_ago(400))

    found = line(seat, user)

    assert (found.user, found.name, found.department) == (ANNA, "Anna Berg", "Sales")
    assert (found.reason, Flag(found.flags)) == (Reason.IDLE, Flag.IDLE | Flag.RELEASABLE)
    assert (found.last_used, found.idle_since) == (days_ago(120), days_ago(120))


@pytest.mark.parametrize(
    ("seat", "user", "flags"),
    [
        (an_allocation(ANNA), {}, Flag.IDLE | Flag.RELEASABLE | Flag.NEVER_USED),
        (an_allocation(ANNA, last_used=days_ago(1)), {}, Flag(0)),
        (an_allocation(ANNA, last_used=NOW), {"blocked": True}, Flag.BLOCKED),
        (an_allocation(ANNA, last_used=NOW), {"inactive": True}, Flag.INACTIVE),
        (an_allocation(ANNA, last_used=NOW), {"removed_externally": True}, Flag.REMOVED),
        (an_allocation(ANNA, created=days_ago(1)), {}, Flag.NEW_SEAT | Flag.NEVER_USED),
        (an_allocation(ANNA, last_used=NOW, quarantined=True), {}, Flag.QUARANTINED),
        (an_allocation(ANNA, last_used=NOW, excess=True), {}, Flag.EXCESS),
        (an_allocation(ANNA, last_used=NOW, deleted_user=True), {}, Flag.DELETED),
        (an_allocation(ANNA, last_used=days_ago(-3)), {}, Flag.UNCLEAR),
        (an_allocation(ANNA, doubt="a date that cannot be read"), {}, Flag.UNCLEAR),
    ],
)
def test_marks_and_verdict_are_flags(seat: Allocation, user: dict[str, bool], flags: Flag) -> None:
    assert Flag(line(seat, a_user(ANNA, **user)).flags) == flags


def test_an_exemption_is_told_with_owner_reason_and_end_and_idle_stays_idle() -> None:
    exemption = an_exemption(
        ExemptionKind.USER, ANNA, owner="Jane", reason="audit", expires=days_ago(-30)
    )

    found = line(an_allocation(ANNA, last_used=days_ago(120)), policy=a_policy(exemption))

    assert Flag(found.flags) == Flag.EXEMPT | Flag.IDLE
    assert (found.exempt_owner, found.exempt_reason) == ("Jane", "audit")
    assert (found.exempt_until, found.note) == (days_ago(-30), rf"user {ANNA}")


def test_idle_time_counts_from_the_latest_activity_anywhere_else_from_the_grant() -> None:
    seats = [
        an_allocation(ANNA, last_used=days_ago(200)),
        an_allocation(ANNA, license_type=ANALYZER, created=days_ago(50)),
        an_allocation(r"EXAMPLE\bob", created=days_ago(60)),
    ]
    snapshot = a_snapshot(seats, witness={ANNA: days_ago(20)})

    anna, hers, bob = lines(snapshot)

    assert (anna.last_used, anna.idle_since, anna.reason) == (
        days_ago(200),
        days_ago(20),
        Reason.ACTIVE_ELSEWHERE,
    )
    assert hers.idle_since == days_ago(20)
    assert bob.idle_since == days_ago(60)
    assert [bool(x.has(Flag.BOTH_TYPES)) for x in (anna, hers, bob)] == [True, True, False]


def test_a_seat_of_nobody_known_has_a_line() -> None:
    orphan = an_allocation("", id="x", user_id=None, deleted_user=True, created=None)

    (found,) = lines(a_snapshot([orphan], []))

    assert (found.user, found.name, found.idle_since) == ("", "", None)
    assert found.reason is Reason.DELETED_USER


@pytest.mark.parametrize("seed", range(8))
def test_flags_count_what_the_summary_and_the_costs_count(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a seeded test
    policy = a_policy(
        an_exemption(ExemptionKind.PATTERN, "*7"), off=random.choice([ANALYZER, None])
    )
    seats = [
        an_allocation(
            rf"EXAMPLE\u{n % 40}",
            license_type=random.choice([PROFESSIONAL, ANALYZER]),
            id=f"seat-{n}",
            last_used=random.choice([None, days_ago(random.randrange(-2, 200))]),
            created=random.choice([None, days_ago(random.randrange(400))]),
            quarantined=random.random() < 0.1,
            excess=random.random() < 0.1,
            deleted_user=random.random() < 0.1,
            doubt=random.choice(["", "", "", "a date that cannot be read"]),
        )
        for n in range(60)
    ]
    snapshot = a_snapshot(seats)
    summary = summarise(judged_of(snapshot, policy), Beside(1.0, 1))
    groups = group_seats(snapshot, facts_of(snapshot, policy), policy, "", NOW).groups

    found = lines(snapshot, policy)

    def number(flag: Flag) -> int:
        return sum(line.has(flag) for line in found)

    assert number(Flag.IDLE) == sum(group.idle for group in groups)
    assert number(Flag.RELEASABLE) == sum(seats.releasable for seats in summary.seats)
    assert number(Flag.NEVER_USED) == sum(s.idle[IdleBucket.NEVER] for s in summary.seats)
    assert number(Flag.QUARANTINED) == sum(s.quarantined for s in summary.seats)
    assert number(Flag.BOTH_TYPES) >= 2 * summary.compliance.both_types


def test_every_view_has_words_and_all_but_two_are_told_by_flags() -> None:
    assert all(view.words for view in View)
    assert [view for view in View if view.flags is None] == [View.ALL, View.PLANNED]


def test_a_cursor_is_read_back_and_names_nobody() -> None:
    cursor = Cursor(forward=True, skipped=25, row=77, sort=RosterSort.USER)

    assert cursor_from(cursor.text, RosterSort.USER) == cursor
    assert cursor.text.isascii()


@pytest.mark.parametrize(
    "text", ["x", "%", "äöü", "W10", "bnVsbA", "WzEsMiwzXQ", "A" * 5000, "\ud800", "WzEsMiwz LDRd"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="first page"):
        cursor_from(text, RosterSort.USER)


def test_a_cursor_of_another_order_or_beyond_all_numbers_is_refused() -> None:
    for cursor in (
        Cursor(forward=True, skipped=0, row=1, sort=RosterSort.IDLE),
        Cursor(forward=True, skipped=-1, row=1, sort=RosterSort.USER),
        Cursor(forward=True, skipped=0, row=2**63, sort=RosterSort.USER),
        Cursor(forward=True, skipped=0, row=1, sort=RosterSort.USER, at=2**63),
    ):
        with pytest.raises(UsageError, match="sorted otherwise"):
            cursor_from(cursor.text, RosterSort.USER)


@pytest.mark.parametrize("limit", [0, -1, MOST_ROWS + 1])
def test_a_page_has_a_length(limit: int) -> None:
    with pytest.raises(UsageError, match="rows"):
        RosterQuery(limit=limit)


def test_a_negative_time_is_no_idle_time() -> None:
    with pytest.raises(UsageError, match="idle"):
        RosterQuery(idle=timedelta(days=-1))


def test_texts_are_compared_without_case_and_marks_as_one_letter() -> None:
    assert sort_key("BJO\u0308RN Strasse") == sort_key("björn STRAẞE")
    assert len(sort_key("ß" * 10_000)) == 200
    assert RosterQuery(text="  Björn \t ASTRID ").words == ("björn", "astrid")
