"""The questions behind a verdict: in the order of the rules, and the last one decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from builders import (
    ANNA,
    NOW,
    PROFESSIONAL,
    a_policy,
    an_allocation,
    an_exemption,
    days_ago,
    verdict_on,
)
from seatkeeper.core.policy import ExemptionKind, Pause, Policy
from seatkeeper.core.questions import ORDER, questions_of
from seatkeeper.core.roster import Flag, RosterRow
from seatkeeper.core.rules import Reason


def a_row(reason: Reason, **changes: object) -> RosterRow:
    told: dict[str, object] = {
        "site": "prod",
        "allocation_id": "seat-1",
        "license_type": an_allocation().license_type,
        "user": ANNA,
        "name": "Anna Berg",
        "department": "Sales",
        "flags": 0,
        "created": days_ago(400),
        "last_used": days_ago(100),
        "idle_since": days_ago(100),
        "reason": reason,
        "since": NOW,
    }
    return RosterRow(**{**told, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_verdict_ends_with_the_question_that_decided(reason: Reason) -> None:
    questions = questions_of(a_row(reason), Policy(), NOW)

    assert [q.decides for q in questions] == [False] * (len(questions) - 1) + [True]


def test_every_reason_belongs_to_one_question() -> None:
    assert sorted(reason for reasons in ORDER for reason in reasons) == sorted(Reason)


# Each seat has several reasons to stay; which of them the rules name tells what they ask first.
BOTH: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "gone before disabled": ({"quarantined": True}, {"off": PROFESSIONAL}),
    "disabled before doubt": ({"last_used": NOW + timedelta(days=3)}, {"off": PROFESSIONAL}),
    "doubt before exempt": ({"last_used": NOW + timedelta(days=3)}, {"exempt": True}),
    "exempt before new": ({"created": days_ago(1), "last_used": None}, {"exempt": True}),
    "new before used": ({"created": days_ago(1), "last_used": days_ago(0)}, {}),
}


@pytest.mark.parametrize("which", list(BOTH))
def test_the_order_is_that_of_the_rules(which: str) -> None:
    seat, rules = BOTH[which]
    exemptions = [an_exemption(ExemptionKind.USER, ANNA)] if rules.get("exempt") else []
    policy = a_policy(*exemptions, off=rules.get("off"))
    verdict = verdict_on(an_allocation(ANNA, **seat), policy)
    place = next(n for n, reasons in enumerate(ORDER) if verdict.reason in reasons)

    assert place == list(BOTH).index(which)


def test_facts_stand_beside_the_answer() -> None:
    exempt = questions_of(
        a_row(
            Reason.EXEMPT,
            note="protected by user x",
            exempt_owner="HR",
            exempt_until=NOW + timedelta(days=30),
        ),
        Policy(),
        NOW,
    )
    used = questions_of(a_row(Reason.IDLE), Policy(), NOW)
    never = questions_of(a_row(Reason.NEVER_USED, flags=int(Flag.NEVER_USED)), Policy(), NOW)

    assert exempt[-1].fact == "protected by user x, owner HR, until 2026-12-02"
    assert used[-1].answer == "no, 100 days ago"
    assert never[-1].answer == "never used"


def test_days_of_a_pause_are_told_apart_from_those_that_count() -> None:
    pause = Pause(days_ago(60), days_ago(20), "works holiday")
    row = a_row(Reason.ACTIVE)
    used = questions_of(row, Policy(pauses=(pause,)), NOW)[-1]

    assert (used.asks, used.answer) == ("Used within 90d?", "yes, 60 days that count")
    assert used.fact == "last use 2026-07-25; 40 of 100 days are pause"


def test_dates_are_those_of_the_zone() -> None:
    used_at = datetime(2026, 4, 15, 22, 30, tzinfo=UTC)
    row = a_row(Reason.IDLE, last_used=used_at)

    assert questions_of(row, Policy(), NOW)[-1].fact == "last use 2026-04-15"
    in_oslo = questions_of(row, Policy(), NOW, ZoneInfo("Europe/Oslo"))
    assert in_oslo[-1].fact == "last use 2026-04-16"
