"""When a job is due next: after a run, after a failure, and when the daemon starts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from seatkeeper.core.schedule import Schedule
from seatkeeper.engine.jobs import JobKind

START_WAIT = timedelta(minutes=10)
"""Nothing is released so soon after the start: what is overdue waits."""

MISSED = timedelta(minutes=10)
"""A cron time that nobody could keep is skipped when it is older than this."""

RETRIES = tuple(timedelta(seconds=s) for s in (30, 60, 120, 300, 600, 900))
"""After the first, second, … failure in a row; the last one repeats."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The schedule of one job in its site's time zone."""

    kind: JobKind
    schedule: Schedule
    zone: tzinfo

    @property
    def spec(self) -> str:
        """What the store compares to see that the schedule changed."""
        return f"{self.schedule.text} [{self.zone}]"

    def at_start(self, due: datetime | None, last_run: datetime | None, now: datetime) -> datetime:
        """Say when the job is due as the daemon starts; `due` is what the store remembered.

        Monitoring runs at once. An overdue release by elapsed time waits START_WAIT, a missed
        cron time is skipped.
        """
        if self.kind is JobKind.MONITOR:
            return now
        if due is not None and due > now:
            return due
        if self.schedule.is_elapsed:
            return now + START_WAIT
        return self.schedule.next_due(last_run, now, self.zone)

    def after_run(self, began: datetime, now: datetime) -> datetime:
        """Say when the job is due after a run that began then and has ended now."""
        return self.schedule.next_due(began, now, self.zone)

    def after_failure(self, failures: int, began: datetime, now: datetime) -> datetime:
        """Say when a job that failed so often in a row is tried again, never later than usual."""
        retry = now + RETRIES[min(failures, len(RETRIES)) - 1]
        return min(retry, self.after_run(began, now))

    def is_too_late(self, due: datetime | None, now: datetime) -> bool:
        """Tell whether a cron release has to be skipped: the process was frozen over its time."""
        late = due is not None and now - due > MISSED
        return late and self.kind is JobKind.RELEASE and not self.schedule.is_elapsed
