"""Design rules 21 and 22: what became of a release, from the answer and from reading it again."""

from __future__ import annotations

from datetime import datetime

import pytest

from builders import an_allocation, days_ago
from seatkeeper.core.model import Allocation
from seatkeeper.core.outcome import Answer, Outcome
from seatkeeper.core.readback import ReadBack, Told, tell, tell_later

JUDGED = days_ago(100)
HELD = an_allocation(last_used=JUDGED)
UNREAD = ReadBack(known=False)
GONE = ReadBack(known=True)
STILL_HELD = ReadBack(known=True, row=HELD)

NO_CONTENT = Answer(status=204)
NOT_FOUND = Answer(status=404, text="unknown id")
FORBIDDEN = Answer(status=403, text="not allowed")
SERVER_ERROR = Answer(status=500, text="oops")
LOST = Answer(status=None, text="connection dropped")
NEVER_SENT = Answer(status=None, sent=False, text="connection refused")


def quarantined(last_used: datetime | None, end: datetime | None = None) -> ReadBack:
    """Return a row read back in quarantine."""
    row: Allocation = an_allocation(last_used=last_used, quarantined=True, quarantine_end=end)
    return ReadBack(known=True, row=row)


@pytest.mark.parametrize(
    ("answer", "back", "outcome"),
    [
        (NO_CONTENT, GONE, Outcome.RELEASED),
        (NO_CONTENT, quarantined(JUDGED), Outcome.QUARANTINED),
        (NO_CONTENT, STILL_HELD, Outcome.REFUSED),
        (NO_CONTENT, UNREAD, Outcome.UNKNOWN),
        (NOT_FOUND, GONE, Outcome.ALREADY_GONE),
        (NOT_FOUND, quarantined(JUDGED), Outcome.ALREADY_GONE),
        (NOT_FOUND, STILL_HELD, Outcome.REFUSED),
        (NOT_FOUND, UNREAD, Outcome.ALREADY_GONE),
        (FORBIDDEN, GONE, Outcome.ALREADY_GONE),
        (FORBIDDEN, quarantined(JUDGED), Outcome.ALREADY_GONE),
        (FORBIDDEN, STILL_HELD, Outcome.REFUSED),
        (FORBIDDEN, UNREAD, Outcome.UNKNOWN),
        (SERVER_ERROR, GONE, Outcome.RELEASED),
        (SERVER_ERROR, quarantined(JUDGED), Outcome.QUARANTINED),
        (SERVER_ERROR, STILL_HELD, Outcome.REFUSED),
        (SERVER_ERROR, UNREAD, Outcome.UNKNOWN),
        (LOST, GONE, Outcome.RELEASED),
        (LOST, quarantined(JUDGED), Outcome.QUARANTINED),
        (LOST, STILL_HELD, Outcome.UNKNOWN),
        (LOST, UNREAD, Outcome.UNKNOWN),
        (NEVER_SENT, GONE, Outcome.ALREADY_GONE),
        (NEVER_SENT, quarantined(JUDGED), Outcome.ALREADY_GONE),
        (NEVER_SENT, STILL_HELD, Outcome.REFUSED),
        (NEVER_SENT, UNREAD, Outcome.NOT_ATTEMPTED),
    ],
)
def test_every_answer_with_every_reading_has_one_outcome(
    answer: Answer, back: ReadBack, outcome: Outcome
) -> None:
    told = tell(answer, back, JUDGED)

    assert told.outcome is outcome
    assert not told.give_back


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.RELEASED),
        (302, Outcome.RELEASED),
        (400, Outcome.ALREADY_GONE),
        (499, Outcome.ALREADY_GONE),
        (500, Outcome.RELEASED),
        (503, Outcome.RELEASED),
    ],
)
def test_only_a_clear_no_says_that_somebody_else_took_the_seat(
    status: int, outcome: Outcome
) -> None:
    assert tell(Answer(status=status), GONE, JUDGED).outcome is outcome


@pytest.mark.parametrize(("judged", "now"), [(JUDGED, days_ago(0)), (None, days_ago(3))])
@pytest.mark.parametrize("answer", [NO_CONTENT, SERVER_ERROR, LOST])
def test_a_quarantined_seat_used_after_it_was_judged_is_given_back(
    judged: datetime | None, now: datetime, answer: Answer
) -> None:
    told = tell(answer, quarantined(now), judged)

    assert told.outcome is Outcome.QUARANTINED
    assert told.give_back


@pytest.mark.parametrize(
    ("judged", "now"), [(JUDGED, JUDGED), (JUDGED, days_ago(101)), (JUDGED, None), (None, None)]
)
def test_a_quarantined_seat_not_used_since_is_not_given_back(
    judged: datetime | None, now: datetime | None
) -> None:
    assert not tell(NO_CONTENT, quarantined(now), judged).give_back


@pytest.mark.parametrize("answer", [NOT_FOUND, FORBIDDEN, NEVER_SENT])
def test_what_somebody_else_quarantined_is_not_given_back(answer: Answer) -> None:
    assert not tell(answer, quarantined(days_ago(0)), JUDGED).give_back


def test_details_say_what_happened() -> None:
    assert tell(NO_CONTENT, GONE, JUDGED).detail == ""
    assert tell(FORBIDDEN, STILL_HELD, JUDGED).detail == "status 403: not allowed"
    assert tell(NO_CONTENT, STILL_HELD, JUDGED).detail == "status 204, yet the seat is still held"
    assert tell(LOST, GONE, JUDGED).detail == "no clear answer, but the seat is gone"
    assert tell(SERVER_ERROR, GONE, JUDGED).detail == "status 500: oops, but the seat is gone"
    assert tell(Answer(status=503), STILL_HELD, JUDGED).detail == "status 503"
    assert "status 403" in tell(FORBIDDEN, UNREAD, JUDGED).detail
    assert "no clear answer" in tell(LOST, UNREAD, JUDGED).detail
    assert tell(NEVER_SENT, UNREAD, JUDGED).detail == "no connection: connection refused"
    assert tell(NEVER_SENT, STILL_HELD, JUDGED).detail == "no connection: connection refused"
    until = quarantined(JUDGED, days_ago(-3))
    assert tell(NO_CONTENT, until, JUDGED).detail == (
        "in Qlik's quarantine until 2026-11-05 03:00 UTC"
    )
    assert tell(NO_CONTENT, quarantined(JUDGED), JUDGED).detail == "in Qlik's quarantine"


# Settled later, from a fresh reading


@pytest.mark.parametrize(
    ("back", "earlier", "outcome"),
    [
        (GONE, Outcome.UNKNOWN, Outcome.RELEASED),
        (GONE, None, Outcome.RELEASED),
        (quarantined(JUDGED), Outcome.UNKNOWN, Outcome.QUARANTINED),
        (quarantined(JUDGED), None, Outcome.QUARANTINED),
        (STILL_HELD, Outcome.UNKNOWN, Outcome.REFUSED),
        (STILL_HELD, None, Outcome.NOT_ATTEMPTED),
    ],
)
def test_an_intent_is_settled_by_what_is_read_later(
    back: ReadBack, earlier: Outcome | None, outcome: Outcome
) -> None:
    told = tell_later(back, earlier, is_over=True)

    assert told is not None
    assert told.outcome is outcome
    assert not told.give_back


@pytest.mark.parametrize("earlier", [Outcome.UNKNOWN, None])
@pytest.mark.parametrize(
    ("back", "outcome"),
    [(GONE, Outcome.RELEASED), (quarantined(JUDGED), Outcome.QUARANTINED)],
)
def test_a_seat_that_went_settles_its_release_however_early(
    back: ReadBack, earlier: Outcome | None, outcome: Outcome
) -> None:
    told = tell_later(back, earlier, is_over=False)

    assert told is not None
    assert told.outcome is outcome


def test_a_seat_still_held_proves_nothing_while_the_delete_may_be_carried_out() -> None:
    told = tell_later(STILL_HELD, None, is_over=False)

    assert told is not None
    assert told.outcome is Outcome.UNKNOWN
    assert tell_later(STILL_HELD, Outcome.UNKNOWN, is_over=False) is None


def test_an_intent_stays_open_while_nothing_can_be_read() -> None:
    assert tell_later(UNREAD, Outcome.UNKNOWN, is_over=True) is None
    assert tell_later(UNREAD, None, is_over=True) is None


def test_nothing_is_given_back_unless_it_is_said() -> None:
    assert not Told(Outcome.RELEASED).give_back
