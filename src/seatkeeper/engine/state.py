"""What the engine knows of itself, for the health pages and the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from seatkeeper.core.health import Heartbeat, JobHealth


@dataclass(slots=True)
class EngineState:
    """Counts and times; turned into a Heartbeat when somebody asks."""

    started: datetime
    last_look: datetime | None = None
    store_error: str = ""
    frozen_by: str = ""
    jobs: dict[tuple[str, str], JobHealth] = field(default_factory=dict)
    failures: dict[tuple[str, str], int] = field(default_factory=dict)

    def worked(self, site: str, kind: str, now: datetime) -> None:
        """A job did what it should."""
        self.failures.pop((site, kind), None)
        known = self.jobs.get((site, kind), JobHealth(site, kind))
        self.jobs[site, kind] = replace(known, last_success=now, failed="")

    def failed(self, site: str, kind: str, error: str, now: datetime) -> int:
        """A job failed; return how often in a row."""
        known = self.jobs.get((site, kind), JobHealth(site, kind))
        self.jobs[site, kind] = replace(known, last_failure=now, failed=error)
        count = self.failures.get((site, kind), 0) + 1
        self.failures[site, kind] = count
        return count

    def beat(self) -> Heartbeat:
        """Return everything as one value."""
        return Heartbeat(
            self.started, self.last_look, self.store_error, self.frozen_by, dict(self.jobs)
        )
