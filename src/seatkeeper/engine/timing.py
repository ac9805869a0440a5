"""When a job is due next: after a run, after a failure, and when the daemon starts. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from seatkeeper.core.schedule import Schedule
from seatkeeper.engine.jobs import JobKind

START_WAIT = timedelta(minutes=10)
"""Nothing is released so soon after the start: what is overdue waits."""

LATEST = timedelta(hours=3)
"""So long after its time a cron release may still begin; later it waits for its next time."""

RETRIES = tuple(timedelta(seconds=s) for s in (30, 60, 120, 300, 600, 900))
"""After the first, second, … failure in a row; the last one repeats."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """The schedule of one job in its site's time zone.

    `spread` (0 to below 1, None for none) is the place of this site within the period of its
    monitoring, so that many sites are not read all at once.
    """

    kind: JobKind
    schedule: Schedule
    zone: tzinfo
    spread: float | None = None

    @property
    def spec(self) -> str:
        """What the store compares to see that the schedule changed."""
        return f"{self.schedule.text} [{self.zone}]"

    def at_start(self, due: datetime | None, last_run: datetime | None, now: datetime) -> datetime:
        """Say when the job is due as the daemon starts.

        `due` is what the store remembered, None when the schedule is new. Monitoring runs at
        once. A cron release waits for its next time: one that was missed, or was to be tried
        again, is skipped. An overdue one by elapsed time waits START_WAIT.
        """
        if self.kind is JobKind.MONITOR:
            return now
        if not self.schedule.is_elapsed:
            return self.schedule.next_due(None, now, self.zone)
        if due is None or due <= now:
            return self.when_owed(last_run, now)
        if due == self._usual(last_run, now):
            return due
        return max(due, now + START_WAIT)

    def when_owed(self, last_run: datetime | None, now: datetime) -> datetime:
        """Say when a release is due that may have been missed, or broken off by a crash.

        By elapsed time it is owed once its time has passed: after START_WAIT, or at the next
        time of day that its schedule names. A cron time that has passed is not.
        """
        missed = self.schedule.missed_since(last_run, now, self.zone) is not None
        if self.schedule.is_elapsed and (missed or last_run is None):
            if self.schedule.at is not None:
                return self.schedule.next_due(None, now, self.zone)
            return now + START_WAIT
        return self.schedule.next_due(last_run, now, self.zone)

    def after_run(self, began: datetime, now: datetime) -> datetime:
        """Say when the job is due after a run that began then and has ended now."""
        every = self.schedule.every
        if self.spread is None or self.kind is not JobKind.MONITOR or every is None:
            return self.schedule.next_due(began, now, self.zone)
        if self.schedule.at is not None:
            return self.schedule.next_due(began, now, self.zone)
        anchor = _EPOCH + self.spread * every
        return anchor + ((now - anchor) // every + 1) * every

    def after_failure(self, failures: int, since: datetime, now: datetime) -> datetime:
        """Say when a job that failed so often in a row is tried again, never later than usual.

        `since` is when its first try began. A cron release is tried again until LATEST: whoever
        names a time of day does not want it half a day later.
        """
        usual = self.after_run(now, now)
        retry = now + RETRIES[min(failures, len(RETRIES)) - 1]
        return usual if self.is_too_late(since, retry) else min(retry, usual)

    def is_too_late(self, due: datetime | None, now: datetime) -> bool:
        """Tell whether a release that was due then may not begin any more."""
        late = due is not None and now - due > LATEST
        return late and self.kind is JobKind.RELEASE and not self.schedule.is_elapsed

    def _usual(self, last_run: datetime | None, now: datetime) -> datetime | None:
        """Return when it is due by its schedule alone, None when it has been due already."""
        if last_run is None or self.schedule.missed_since(last_run, now, self.zone) is not None:
            return None
        return self.schedule.next_due(last_run, now, self.zone)


def place_of(site: str) -> float:
    """Return a place from 0 to below 1 that a site keeps for ever, as even as a hash can be."""
    digest = hashlib.blake2b(site.casefold().encode("utf-8"), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48
