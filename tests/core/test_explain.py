from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from builders import (
    ANALYZER,
    ANNA,
    NOW,
    PROFESSIONAL,
    a_policy,
    a_snapshot,
    a_user,
    an_allocation,
    an_exemption,
    days_ago,
)
from seatkeeper.core.explain import Asked, Explanation, explain, near_names, person_of
from seatkeeper.core.facts import Elsewhere, Facts, Sources
from seatkeeper.core.model import Snapshot
from seatkeeper.core.outlook import reached_on
from seatkeeper.core.policy import ExemptionKind, MarkRule, Pause, Policy, TypePolicy
from seatkeeper.core.rules import Reason, Verdict, idle_time, judge
from worlds import world_of

WORLDS = 400


def explained(snapshot: Snapshot, policy: Policy | None = None, user: str = ANNA) -> Explanation:
    return explain(user, Asked(snapshot, policy or a_policy(), NOW))


def verdicts(found: Explanation) -> list[Verdict]:
    return [seat.verdict for seat in found.seats]


def test_every_explanation_tells_what_a_plan_would_and_names_the_deciding_rule() -> None:
    reasons: Counter[Reason] = Counter()

    for seed in range(WORLDS):
        world = world_of(seed)
        facts = Facts(Sources.of(world.snapshot, *world.partners), world.policy, NOW)
        partners = {f"site {n}": known for n, known in enumerate(world.partners)}
        asked = Asked(world.snapshot, world.policy, NOW, partners)
        for seat in world.snapshot.allocations:
            if not seat.holder:
                continue
            found = explain(seat.holder, asked)
            one = next(s for s in found.seats if s.seat is seat)
            expected = judge(seat, facts, world.policy, NOW)
            assert one.verdict == expected, (seed, seat)
            assert one.rule.key, (seed, seat)
            assert one.rule.words, (seed, seat)
            assert one.outlook.changes, (seed, seat)
            reasons[expected.reason] += 1

    assert set(reasons) == set(Reason)


def test_a_seat_may_go_at_the_moment_that_was_told_and_not_before() -> None:
    told = 0
    for seed in range(WORLDS):
        world = world_of(seed)
        asked = Asked(world.snapshot, world.policy, NOW)
        for label in {seat.holder for seat in world.snapshot.allocations if seat.holder}:
            for one in explain(label, asked).seats:
                at = one.outlook.goes_on
                if at is None or one.verdict.releases or at <= NOW:
                    continue
                told += 1
                early, due = (
                    _verdict_at(world.snapshot, world.policy, label, one.seat.id, moment)
                    for moment in (at - timedelta(microseconds=1), at)
                )
                assert not early.releases, (seed, label)
                # By then an exemption may have ended or a clock be right again; no other reason.
                assert due.releases or due.reason in (Reason.EXEMPT, Reason.UNCLEAR), (seed, label)

    assert told > 100


def _verdict_at(
    snapshot: Snapshot, policy: Policy, label: str, seat_id: str, at: object
) -> Verdict:
    found = explain(label, Asked(snapshot, policy, at))  # type: ignore[arg-type]
    return next(s.verdict for s in found.seats if s.seat.id == seat_id)


def test_a_person_is_found_in_any_case() -> None:
    snapshot = a_snapshot([an_allocation(last_used=days_ago(200))])

    assert len(explained(snapshot, user=ANNA.upper()).seats) == 1
    assert len(explained(snapshot, user=f" {ANNA} ").seats) == 1


def test_rows_under_another_spelling_of_the_name_belong_to_the_person() -> None:
    renamed = an_allocation(r"OLD\anna", last_used=days_ago(3), license_type=ANALYZER)
    user = a_user()
    snapshot = a_snapshot(
        [an_allocation(), an_allocation(r"OLD\anna", user_id=user.id), renamed],
        [user, a_user(r"OLD\anna")],
    )

    person = person_of(snapshot, ANNA)

    assert {seat.holder for seat in person.seats} == {ANNA, r"OLD\anna"}
    assert len(person.seats) == 3


def test_every_source_of_activity_is_shown_also_those_that_know_nothing() -> None:
    seats = [
        an_allocation(last_used=days_ago(200)),
        an_allocation(last_used=days_ago(5), license_type=ANALYZER),
    ]
    partners = {"test": Elsewhere({ANNA.casefold(): days_ago(2)}), "dr": Elsewhere({})}

    found = explain(ANNA, Asked(a_snapshot(seats), a_policy(), NOW, partners))

    professional = next(s for s in found.seats if s.seat.license_type is PROFESSIONAL)
    assert [(a.source, a.at) for a in professional.activity] == [
        ("this seat", days_ago(200)),
        (f"analyzer seat {seats[1].id}", days_ago(5)),
        ("usage rows", None),
        ("site test", days_ago(2)),
        ("site dr", None),
    ]
    assert professional.verdict.reason is Reason.ACTIVE_ELSEWHERE


def test_a_date_that_cannot_be_read_is_told_where_the_activity_would_stand() -> None:
    other = an_allocation(license_type=ANALYZER, doubt="lastUsed 'soon' is no date")
    partners = {"test": Elsewhere({}, frozenset({ANNA.casefold()}))}
    snapshot = a_snapshot([an_allocation(last_used=days_ago(200)), other])

    found = explain(ANNA, Asked(snapshot, a_policy(), NOW, partners))

    professional = next(s for s in found.seats if s.seat.license_type is PROFESSIONAL)
    assert professional.verdict.reason is Reason.UNCLEAR
    assert [a.source for a in professional.activity] == [
        "this seat",
        f"analyzer seat {other.id} (lastUsed 'soon' is no date)",
        "usage rows",
        "site test (a date cannot be read)",
    ]


def test_an_expired_exemption_is_shown_as_one_that_protects_no_more() -> None:
    ended = an_exemption(ExemptionKind.USER, ANNA, expires=days_ago(1), owner="HR")
    lasting = an_exemption(ExemptionKind.PATTERN, r"*\anna*")
    other = an_exemption(ExemptionKind.TAG, "Keep")
    snapshot = a_snapshot([an_allocation(last_used=days_ago(200))])

    found = explained(snapshot, a_policy(ended, lasting, other))

    assert [(m.exemption, m.protects) for m in found.exemptions] == [
        (ended, False),
        (lasting, True),
    ]


@pytest.mark.parametrize(
    ("policy", "user", "key"),
    [
        (a_policy(an_exemption(ExemptionKind.TAG, "keep")), {"tags": ("Keep",)}, "tags"),
        (a_policy(inactive=MarkRule.YES), {"inactive": True}, "inactive"),
        (a_policy(blocked=MarkRule.NO), {"blocked": False}, "blocked"),
        (
            a_policy(an_exemption(ExemptionKind.CUSTOM_PROPERTY, "L", "keep")),
            {"properties": (("l", "Keep"),)},
            "custom_properties",
        ),
    ],
)
def test_the_rule_that_protects_is_named_by_its_key(
    policy: Policy, user: dict[str, object], key: str
) -> None:
    snapshot = a_snapshot([an_allocation(last_used=days_ago(200))], [a_user(**user)])

    found = explained(snapshot, policy)

    assert found.seats[0].rule.key == f"policy.never_release.{key}"


def test_a_built_in_protection_is_named_as_one() -> None:
    snapshot = a_snapshot([an_allocation()], [a_user(roles=("RootAdmin",))])

    found = explained(snapshot, a_policy(built_in_protection=True))

    assert found.seats[0].rule.key == "policy.built_in_protection"
    assert "root administrator" in found.seats[0].rule.words


def test_the_threshold_that_keeps_an_active_seat_is_named_with_its_value() -> None:
    found = explained(
        a_snapshot([an_allocation(last_used=days_ago(10))]), a_policy(professional=30)
    )

    assert found.seats[0].rule.words == "policy.professional.release_after is 30d"
    assert found.seats[0].outlook.goes_on == NOW + timedelta(days=20)


def test_days_of_pause_move_the_day_on_which_a_seat_may_go() -> None:
    pause = Pause(NOW + timedelta(days=1), NOW + timedelta(days=11))
    policy = a_policy(professional=30, pauses=(pause,))

    found = explained(a_snapshot([an_allocation(last_used=days_ago(10))]), policy)

    assert found.seats[0].outlook.goes_on == NOW + timedelta(days=30)


def test_a_disabled_type_says_which_key_would_have_to_change() -> None:
    policy = a_policy()
    off = TypePolicy(enabled=False, release_after=timedelta(days=90))

    found = explained(a_snapshot([an_allocation()]), a_policy(professional=90, analyzer=90))
    disabled = explained(
        a_snapshot([an_allocation()]),
        Policy(professional=off, built_in_protection=False, limits=policy.limits),
    )

    assert found.seats[0].verdict.releases
    assert disabled.seats[0].rule.key == "policy.professional.enabled"
    assert "policy.professional.enabled would have to be true" in disabled.seats[0].outlook.changes


def test_nobody_of_that_name_has_neither_users_nor_seats() -> None:
    found = explained(a_snapshot([an_allocation()]), user=r"EXAMPLE\nobody")

    assert (found.person.users, found.seats) == ((), ())


def test_near_spellings_are_found_for_a_typing_error_and_for_another_directory() -> None:
    snapshot = a_snapshot([], [a_user(), a_user(r"OTHER\bo.lind"), a_user(r"EXAMPLE\carl")])

    assert near_names(snapshot, r"example\ana.berg") == [ANNA]
    assert near_names(snapshot, r"EXAMPLE\bo.lind") == [r"OTHER\bo.lind"]
    assert near_names(snapshot, r"EXAMPLE\zzzzzz") == []


@pytest.mark.parametrize("days", [0, 1, 29, 30, 45, 400])
def test_time_that_counts_is_reached_exactly_when_the_rules_say_so(days: int) -> None:
    pauses = (
        Pause(days_ago(40), days_ago(35)),
        Pause(days_ago(20), days_ago(5)),
        Pause(NOW + timedelta(days=2), NOW + timedelta(days=9)),
    )
    length = timedelta(days=days)

    at = reached_on(days_ago(38), length, pauses)

    assert idle_time(days_ago(38), at, pauses) >= length
    assert days == 0 or idle_time(days_ago(38), at - timedelta(seconds=1), pauses) < length
