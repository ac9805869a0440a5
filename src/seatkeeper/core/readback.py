"""What became of one release, told from the site's answer and from reading the row again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.model import Allocation
from seatkeeper.core.outcome import Answer, Outcome


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the row looked like after the DELETE; `known` False when it could not be read."""

    known: bool
    row: Allocation | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The outcome in a word and a detail; `give_back`: somebody active lost the seat."""

    outcome: Outcome
    detail: str = ""
    give_back: bool = False


MAY_STILL_GO = Told(
    Outcome.UNKNOWN, "the process ended; the seat is still held, and may still be released"
)
_BY_OTHERS = Told(Outcome.ALREADY_GONE, "somebody else released the seat at the same moment")


def tell(answer: Answer, back: ReadBack, judged_last_used: datetime | None) -> Told:
    """Tell what became of a release that was sent, or that the connection refused."""
    if not back.known:
        return _without_read_back(answer)
    if back.row is None:
        return _gone(answer)
    if back.row.quarantined:
        return _quarantined(answer, back.row, judged_last_used)
    return _still_held(answer)


def _without_read_back(answer: Answer) -> Told:
    if not answer.sent:
        return Told(Outcome.NOT_ATTEMPTED, f"no connection: {answer.text}")
    if answer.status == 404:
        return Told(Outcome.ALREADY_GONE, "the site no longer knows the seat")
    said = f"status {answer.status}" if answer.status is not None else "no clear answer"
    return Told(Outcome.UNKNOWN, f"{said}, and the seat could not be read afterwards")


def _gone(answer: Answer) -> Told:
    if answer.is_success:
        return Told(Outcome.RELEASED)
    if _was_not_us(answer):
        return _BY_OTHERS
    return Told(Outcome.RELEASED, f"{_said(answer)}, but the seat is gone")


def _was_not_us(answer: Answer) -> bool:
    """Tell whether our request certainly did nothing: never sent, or clearly turned down."""
    return not answer.sent or (answer.status is not None and 400 <= answer.status < 500)


def _quarantined(answer: Answer, row: Allocation, judged_last_used: datetime | None) -> Told:
    if _was_not_us(answer):
        # What an administrator released on purpose is not ours to give back.
        return _BY_OTHERS
    newer = row.last_used is not None and (
        judged_last_used is None or row.last_used > judged_last_used
    )
    if newer:
        return Told(Outcome.QUARANTINED, "the user became active at that very moment", True)
    until = f" until {row.quarantine_end:%Y-%m-%d %H:%M} UTC" if row.quarantine_end else ""
    return Told(Outcome.QUARANTINED, f"in Qlik's quarantine{until}")


def _still_held(answer: Answer) -> Told:
    if not answer.sent:
        return Told(Outcome.REFUSED, f"no connection: {answer.text}")
    if answer.status is None:
        return Told(Outcome.UNKNOWN, "no clear answer, and the seat is still held")
    if answer.is_success:
        return Told(Outcome.REFUSED, f"status {answer.status}, yet the seat is still held")
    return Told(Outcome.REFUSED, _said(answer))


def _said(answer: Answer) -> str:
    if answer.status is None:
        return "no clear answer"
    return f"status {answer.status}" + (f": {answer.text}" if answer.text else "")


def tell_later(back: ReadBack, earlier: Outcome | None, *, is_over: bool) -> Told | None:
    """Settle an intent from a fresh reading; None when the reading tells nothing new.

    `earlier` is `unknown`, or None when the process ended before it could record anything.
    `is_over`: the site cannot be carrying the DELETE out any more. Before that a seat still held
    proves nothing.
    """
    if not back.known:
        return None
    if back.row is None:
        return Told(Outcome.RELEASED, "settled by a fresh reading: the seat is gone")
    if back.row.quarantined:
        return Told(Outcome.QUARANTINED, "settled by a fresh reading")
    if not is_over:
        return None if earlier is Outcome.UNKNOWN else MAY_STILL_GO
    if earlier is Outcome.UNKNOWN:
        return Told(Outcome.REFUSED, "settled by a fresh reading: the seat is still held")
    return Told(Outcome.NOT_ATTEMPTED, "the process ended; the seat is still held")
