"""What is kept of a person becomes one time line, each thing told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from builders import ANALYZER, ANNA, NOW, PROFESSIONAL
from seatkeeper.core.changes import By, ChangeKind, Standing
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.story import (
    KnownSeat,
    PersonRecord,
    PlannedSeat,
    SeatEvent,
    SeatRelease,
    SeatReturn,
    StoryLine,
    story_of,
)

STORY = """\
2026-11-17 Planned: In plan plan-3, approved by Jane Doe.
2026-11-14 Seat in quarantine: Professional seat, by an administrator or a rule of the site.
2026-11-12 Given back: Professional seat of plan plan-2, by Jane Doe (asked for it). \
The user holds the seat again.
2026-11-11 Released into quarantine: Professional seat, plan plan-2, approved by auto. \
Not used for longer than the policy allows. \
The user lost the seat; Qlik blocks it until 7 days after its last use.
2026-11-07 Came back after 4 days: Analyzer seat again, after the release of 2026-11-03 \
by plan plan-1.
2026-11-04 Seat gone: Professional seat, because the user is gone from the site.
2026-11-03 Released: Analyzer seat, plan plan-1, approved by Jane Doe (looked at it). \
Granted long ago and never used. The seat is free again. Took two tries.
2026-11-02 Last use: Professional, 03:00 UTC.
2026-11-02 Seat granted: Professional seat, given at the site.
2026-11-01 Seat granted: Analyzer seat, given at the site.
"""


def day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def release(
    at: int, plan: str, seat: str, outcome: Outcome | None = Outcome.RELEASED, **more: str
) -> SeatRelease:
    kind = ANALYZER if plan == "plan-1" else PROFESSIONAL
    return SeatRelease(day(at), plan, seat, kind, more.pop("reason", "idle"), outcome, **more)


def event(at: int, kind: ChangeKind, seat: str, by: By = By.SOMEBODY, plan: str = "") -> SeatEvent:
    license_type = ANALYZER if plan == "plan-1" or seat == "a2" else PROFESSIONAL
    return SeatEvent(day(at), kind, by, license_type, seat, plan)


def words_of(lines: tuple[StoryLine, ...]) -> str:
    return "".join(f"{line.at:%Y-%m-%d} {line.title}: {line.words}\n" for line in lines)


def test_a_story_of_everything() -> None:
    record = PersonRecord(
        site="prod",
        user=ANNA,
        seats=(
            KnownSeat("p2", PROFESSIONAL, day(11), day(10), Standing.QUARANTINED),
            KnownSeat("a2", ANALYZER, day(5), day(5), Standing.LIVE),
            KnownSeat("p0", PROFESSIONAL, day(0), ended=day(2)),
            KnownSeat("a1", ANALYZER, day(0), day(-1), ended=day(2)),
        ),
        uses={MeasuredType.PROFESSIONAL: NOW, MeasuredType.ANALYZER: None},
        events=(
            event(12, ChangeKind.QUARANTINED, "p2"),
            event(11, ChangeKind.CAME_BACK, "p1", By.US, "plan-2"),
            event(11, ChangeKind.ALLOCATED, "p2"),
            event(10, ChangeKind.QUARANTINED, "p1", By.US, "plan-2"),
            event(5, ChangeKind.CAME_BACK, "a1", By.SOMEBODY, "plan-1"),
            event(5, ChangeKind.ALLOCATED, "a2"),
            event(2, ChangeKind.RELEASED, "p0", By.VANISHED),
            event(2, ChangeKind.RELEASED, "a1", By.US, "plan-1"),
            event(0, ChangeKind.ALLOCATED, "p0"),
        ),
        planned=(
            PlannedSeat(day(15), "plan-3", "p2", PlanStatus.APPROVED, approved_by="Jane Doe"),
            PlannedSeat(day(14), "plan-0", "p2", PlanStatus.SUPERSEDED),
            PlannedSeat(day(0), "plan-1", "a1", PlanStatus.APPLIED),
        ),
        releases=(
            release(9, "plan-2", "p1", Outcome.QUARANTINED, approved_by="auto"),
            release(
                1,
                "plan-1",
                "a1",
                reason="never_used",
                approved_by="Jane Doe",
                approve_reason="looked at it",
                detail="took two tries",
            ),
        ),
        returns=(
            SeatReturn(
                day(10),
                "plan-2",
                "p1",
                PROFESSIONAL,
                "asked for it",
                "Jane Doe",
                GrantOutcome.RESTORED,
                new_allocation_id="p2",
            ),
        ),
    )

    assert words_of(story_of(record)) == STORY


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_every_outcome_of_a_release_is_told(outcome: Outcome | None) -> None:
    (line,) = story_of(PersonRecord("prod", ANNA, releases=(release(0, "p", "s", outcome),)))

    assert line.title
    assert line.words.startswith("Professional seat, plan p.")
    assert line.words.endswith(".")


@pytest.mark.parametrize("outcome", [None, *GrantOutcome])
def test_every_outcome_of_giving_back_is_told(outcome: GrantOutcome | None) -> None:
    given = SeatReturn(NOW, "p", "s", ANALYZER, "", outcome=outcome)

    (line,) = story_of(PersonRecord("prod", ANNA, returns=(given,)))

    assert (line.title == "Given back") is (outcome is GrantOutcome.RESTORED)


@pytest.mark.parametrize("by", list(By))
@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_change_of_a_seat_is_told(kind: ChangeKind, by: By) -> None:
    seats = (KnownSeat("s", PROFESSIONAL, NOW),)

    lines = story_of(PersonRecord("prod", ANNA, seats=seats, events=(event(0, kind, "s", by),)))

    assert len(lines) == 1


@pytest.mark.parametrize("status", list(PlanStatus))
def test_a_plan_is_told_unless_nobody_decided_on_it(status: PlanStatus) -> None:
    planned = (PlannedSeat(NOW, "plan-1", "s", status, note="rejected by Jane: no"),)

    lines = story_of(PersonRecord("prod", ANNA, planned=planned))

    silent = status in (PlanStatus.EXPIRED, PlanStatus.SUPERSEDED)
    assert len(lines) == (0 if silent else 1)


def test_nobody_has_no_story() -> None:
    assert story_of(PersonRecord("prod", ANNA)) == ()


def test_moments_in_words_are_those_of_the_zone() -> None:
    at = datetime(2026, 4, 15, 22, 30, tzinfo=UTC)
    record = PersonRecord(site="prod", user=ANNA, uses={MeasuredType.PROFESSIONAL: at})

    assert story_of(record, ZoneInfo("Europe/Oslo"))[0].words == "Professional, 00:30 CEST."


def test_a_seat_that_is_gone_was_granted_when_its_plan_says() -> None:
    record = PersonRecord(
        site="prod", user=ANNA, releases=(replace(release(9, "plan-2", "p1"), created=day(-200)),)
    )
    granted = story_of(record)[-1]

    assert (granted.title, granted.at) == ("Seat granted", day(-200))
