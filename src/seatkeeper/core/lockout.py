"""After how many wrong passwords a sign-in waits, and how long: it never bars for good.

A name that waits is refused without looking at the password, so that guessing costs time and an
attacker cannot keep its owner out for longer than MOST.
"""

from __future__ import annotations

from datetime import datetime, timedelta

FREE_TRIES = 5
"""So many wrong passwords in a row cost nothing: people mistype."""

FIRST_WAIT = timedelta(seconds=30)

MOST = timedelta(minutes=15)

FORGOTTEN = timedelta(hours=24)
"""After so long without a try, the count begins anew."""


def wait_after(failures: int) -> timedelta:
    """Return how long a name waits after so many wrong passwords in a row."""
    if failures < FREE_TRIES:
        return timedelta(0)
    doublings = min(failures - FREE_TRIES, 10)
    return min(FIRST_WAIT * (1 << doublings), MOST)


def failures_now(failures: int, last: datetime | None, now: datetime) -> int:
    """Return how many of the failures still count."""
    return 0 if last is None or now - last >= FORGOTTEN else failures


def locked_until(failures: int, last: datetime | None, now: datetime) -> datetime | None:
    """Return until when the name waits, None when it may try now."""
    if last is None:
        return None
    until = last + wait_after(failures_now(failures, last, now))
    return until if until > now else None
