"""From a day and a time on the wall of a time zone to the moment in UTC.

A time that the clock skips in spring is moved to the first moment after the gap; one that comes
twice in autumn is taken the first time. This is what cron does on Debian.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

_MINUTE = timedelta(minutes=1)


def moment_of(day: date, at: time, zone: tzinfo) -> datetime:
    """Return the moment (UTC) at which the clock in `zone` first shows that time on that day."""
    wall = datetime.combine(day, at)
    while _is_skipped(wall, zone):
        wall += _MINUTE
    return wall.replace(tzinfo=zone).astimezone(UTC)


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first moment (UTC) of a day in `zone`."""
    return moment_of(day, time(), zone)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first moment (UTC) after a day in `zone`."""
    return start_of_day(day + timedelta(days=1), zone)


def _is_skipped(wall: datetime, zone: tzinfo) -> bool:
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) != wall
