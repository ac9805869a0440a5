"""After how many wrong passwords a sign-in waits, and how long: it never bars for good.

A name that waits is refused without looking at the password, so that guessing costs time. Wrong
passwords count for the address they come from, so that whoever guesses at one keeps nobody out who
signs in from another. From all addresses together a name has many more free tries: only who
guesses from many at once, and goes on, keeps its owner waiting, for MOST after each try.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FREE_TRIES = 5
"""So many wrong passwords in a row cost nothing: people mistype."""

FREE_TRIES_ANYWHERE = 100
"""The same for one name from all addresses together."""

FIRST_WAIT = timedelta(seconds=30)

MOST = timedelta(minutes=15)

FORGOTTEN = timedelta(hours=24)
"""After so long without a try, the count begins anew."""


def wait_after(failures: int, free: int = FREE_TRIES) -> timedelta:
    """Return how long a name waits after so many wrong passwords in a row, the first ones free."""
    if failures < free:
        return timedelta(0)
    doublings = min(failures - free, 10)
    return min(FIRST_WAIT * (1 << doublings), MOST)


def failures_now(failures: int, last: datetime | None, now: datetime) -> int:
    """Return how many of the failures still count."""
    return 0 if last is None or now - last >= FORGOTTEN else failures


def locked_until(
    failures: int, last: datetime | None, now: datetime, free: int = FREE_TRIES
) -> datetime | None:
    """Return until when the name waits, None when it may try now."""
    if last is None:
        return None
    until = last + wait_after(failures_now(failures, last, now), free)
    return until if until > now else None
