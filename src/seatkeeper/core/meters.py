"""The numbers of the pools as they are kept: each by license type and name, minutes by day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.model import LicenseType, Overview, Pool, TokenAccess

RESET_HOURS = timedelta(hours=14)
"""A site may begin its month so long after UTC does: its time zone is not known."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One number of a pool; minutes for analyzer capacity, tokens for what tokens pay for."""

    license_type: MeasuredType
    name: str
    value: float


def meters(overview: Overview) -> list[Meter]:
    """Return every number the site reports, as it gives them; what it does not tell is left out."""
    found = [m for pool in overview.pools if pool.enabled for m in _of_pool(pool)]
    if (capacity := overview.capacity) is not None and capacity.enabled:
        numbers = {
            "allocated": capacity.allocated_minutes,
            "used": capacity.used_minutes,
            "unavailable": capacity.unavailable_minutes,
        }
        found += [Meter(MeasuredType.ANALYZER_CAPACITY, n, v) for n, v in numbers.items()]
    if (tokens := overview.tokens) is not None:
        found += [
            Meter(MeasuredType.TOKENS_AVAILABLE, "total", tokens.total),
            Meter(MeasuredType.TOKENS_AVAILABLE, "available", tokens.available),
            *_of_access(MeasuredType.TOKEN_USER, tokens.user),
            *_of_access(MeasuredType.TOKEN_LOGIN, tokens.login),
        ]
    return found


def _of_pool(pool: Pool) -> Iterator[Meter]:
    license_type = {
        LicenseType.PROFESSIONAL: MeasuredType.PROFESSIONAL,
        LicenseType.ANALYZER: MeasuredType.ANALYZER,
    }[pool.license_type]
    for name in ("total", "allocated", "available", "used", "quarantined", "excess"):
        if (value := getattr(pool, name)) is not None:
            yield Meter(license_type, name, value)


def _of_access(license_type: MeasuredType, access: TokenAccess | None) -> Iterator[Meter]:
    if access is None or not access.enabled:
        return
    for name in ("cost", "allocated", "used", "quarantined", "unavailable"):
        if (value := getattr(access, name)) is not None:
            yield Meter(license_type, name, value)


@dataclass(frozen=True, slots=True)
class MonthReading:
    """The minutes that were used since the month began, at one moment."""

    at: datetime
    used: float


def minutes_between(
    before: MonthReading, after: MonthReading, most: float = 0
) -> tuple[date, float]:
    """Return the minutes used between two readings, and the day (UTC) they are counted on.

    That is the day of the middle of the time between. The count of the site begins anew with its
    month: another month tells it, except in its first hours (RESET_HOURS), in which the site may
    still be in the old one; around the turn of the month, fewer minutes than before tell it, too.
    What was used between the last reading and the end of the old month nobody knows.

    Anywhere else fewer minutes are a correction, or a service that starts: nothing was used until
    there are more than there were. `most`: the largest reading of this month (`most_since`).
    """
    start = before.at
    used = after.used - before.used
    begin = _month_of(after.at)
    another_month = before.at < begin and after.at - begin >= RESET_HOURS
    if another_month or (used < 0 and _may_turn(before.at, after.at)):
        start, used = max(before.at, begin), after.used
    elif not _may_turn(before.at, after.at):
        used = after.used - max(before.used, most)
    return (start + (after.at - start) / 2).astimezone(UTC).date(), max(used, 0)


def most_since(at: datetime) -> date:
    """Return the first day (UTC) of a month whose readings are surely of that month."""
    return (_month_of(at) + timedelta(days=1)).date()


def _may_turn(before: datetime, after: datetime) -> bool:
    """Tell whether the month of the site may have turned between two moments."""
    begin = _month_of(after)
    following = _month_of(begin + timedelta(days=32))
    return before < begin + RESET_HOURS or after > following - RESET_HOURS


def _month_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
