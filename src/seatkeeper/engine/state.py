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

    def worked(self, site: str, kind: str, now: datetime) -> None:
        """A job did what it should."""
        self.jobs[site, kind] = replace(
            self._known(site, kind), last_success=now, failed="", in_a_row=0
        )

    def failed(self, site: str, kind: str, error: str, now: datetime) -> int:
        """A job failed; return how often in a row."""
        known = self._known(site, kind)
        count = known.in_a_row + 1
        self.jobs[site, kind] = replace(known, last_failure=now, failed=error, in_a_row=count)
        return count

    def is_moot(self, site: str, kind: str) -> None:
        """What failed need not be done any more."""
        if (site, kind) in self.jobs:
            self.jobs[site, kind] = replace(self._known(site, kind), failed="", in_a_row=0)

    def _known(self, site: str, kind: str) -> JobHealth:
        return self.jobs.get((site, kind), JobHealth(site, kind))

    def beat(self) -> Heartbeat:
        """Return everything as one value."""
        return Heartbeat(
            self.started, self.last_look, self.store_error, self.frozen_by, dict(self.jobs)
        )
