"""When a job of a site is due: cron texts, or a length of time since the last run.

`every 14 days` is fourteen days after the last run, wherever that falls; a cron text names times
on the wall of the site's time zone and behaves at clock changes as Debian's cron does (a skipped
time runs right after the gap, a repeated one once). Nothing here looks at a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Self

from cronsim import CronSim, CronSimError

from seatkeeper.core.localtime import moment_of

EXAMPLES = "'every 6 hours', 'every 14 days', 'every day at 02:30', '0 3 * * *'"
LONGEST = timedelta(days=366)

_UNITS = {
    "min": timedelta(minutes=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_EVERY = re.compile(
    r"every (?:(?P<count>[0-9]{1,6}) )?(?P<unit>min|minute|hour|day|week)s?(?: (?P<at>at .+))?"
)
_AT = re.compile(r"at (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}) ?(?P<half>am|pm)?")
_PROBE = datetime(2026, 1, 1, tzinfo=UTC)
"""From here on a cron text must come due within 50 years, or it never does (30 February)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it was written, understood: either `cron`, or `every` (and perhaps `at`)."""

    text: str
    every: timedelta | None = None
    at: time | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a schedule; raises ValueError with examples when it cannot be understood."""
        plain = " ".join(text.lower().split())
        if plain.startswith(("every", "at ")):
            return cls._elapsed(" ".join(text.split()), plain)
        return cls._cron(" ".join(text.split()))

    @classmethod
    def _elapsed(cls, text: str, plain: str) -> Self:
        found = _EVERY.fullmatch(f"every day {plain}" if plain.startswith("at ") else plain)
        if found is None:
            raise ValueError(f"this schedule cannot be understood; good ones are {EXAMPLES}")
        every = int(found["count"] or 1) * _UNITS[found["unit"]]
        if not timedelta(0) < every <= LONGEST:
            raise ValueError("a schedule comes at least every minute and at most every 366 days")
        at = _time_of(found["at"]) if found["at"] else None
        if at is not None and every % timedelta(days=1):
            raise ValueError("only a schedule in days or weeks takes a time: 'every day at 02:30'")
        return cls(text=text, every=every, at=at)

    @classmethod
    def _cron(cls, text: str) -> Self:
        if len(text.split()) != 5:
            raise ValueError(
                f"neither cron (five fields) nor time since the last run; good ones are {EXAMPLES}"
            )
        try:
            if next(CronSim(text, _PROBE), None) is None:
                raise ValueError("this cron text names a day that never comes")
        except CronSimError as error:
            part = str(error).removeprefix("Bad ")
            raise ValueError(f"this cron text has a bad {part}; good ones are {EXAMPLES}") from None
        return cls(text=text)

    @property
    def is_elapsed(self) -> bool:
        """Whether it counts from the last run, and so survives down time; cron does not."""
        return self.every is not None

    def next_due(self, last_run: datetime | None, now: datetime, zone: tzinfo) -> datetime:
        """Return the next moment (UTC) after `now`; it is `now` itself when a first run is due.

        An elapsed-time schedule goes on from the last run in whole steps, so that time spent
        down, frozen or in a long run never piles up runs. Whether one has been missed meanwhile
        is what `missed_since` tells.
        """
        if self.every is None:
            return _after(now, CronSim(self.text, now.astimezone(zone)))
        if self.at is not None:
            return self._next_at(self.every, self.at, (last_run, now), zone)
        if last_run is None:
            return now.astimezone(UTC)
        # In one and the same zone Python subtracts wall times, and days are not always 24 hours.
        last = last_run.astimezone(UTC)
        steps = (now.astimezone(UTC) - last) // self.every + 1
        return last + steps * self.every

    def missed_since(
        self, last_run: datetime | None, now: datetime, zone: tzinfo
    ) -> datetime | None:
        """Return when the run after `last_run` fell due, if that has passed; never for cron.

        A cron time that nobody was there for is skipped; elapsed time is owed until it is done.
        """
        if self.every is None or last_run is None:
            return None
        due = self.next_due(last_run, last_run, zone)
        return due if due <= now else None

    def _next_at(
        self, every: timedelta, at: time, seen: tuple[datetime | None, datetime], zone: tzinfo
    ) -> datetime:
        last_run, now = seen
        days = every // timedelta(days=1)
        today = now.astimezone(zone).date()
        start = today if last_run is None else last_run.astimezone(zone).date()
        skipped = max(0, (today - start).days // days - 1)
        day = start + skipped * every
        if last_run is not None:
            day += every
        while (moment := moment_of(day, at, zone)) <= now:
            day += every if last_run is not None else timedelta(days=1)
        return moment


def next_runs(
    schedule: Schedule, last_run: datetime | None, now: datetime, zone: tzinfo, count: int = 5
) -> tuple[datetime, ...]:
    """Return the next runs (UTC) as they will be if each starts when it is due.

    The first is `now` when a run by elapsed time is owed.
    """
    return tuple(islice(_runs(schedule, last_run, now, zone), count))


def _runs(
    schedule: Schedule, last_run: datetime | None, now: datetime, zone: tzinfo
) -> Iterator[datetime]:
    if schedule.missed_since(last_run, now, zone) is not None:
        last_run = now
        yield now.astimezone(UTC)
    while True:
        last_run = now = schedule.next_due(last_run, now, zone)
        yield now


def _after(now: datetime, times: CronSim) -> datetime:
    """Take the first time after `now`: in the hour that comes twice cronsim may look back."""
    return next(moment for t in times if (moment := t.astimezone(UTC)) > now)


def _time_of(text: str) -> time:
    found = _AT.fullmatch(text)
    if found is not None:
        hour, minute, half = int(found["hour"]), int(found["minute"]), found["half"]
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "pm" else 0)
        elif half:
            hour = 24
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise ValueError("the time of day is written as in 'at 02:30'")
