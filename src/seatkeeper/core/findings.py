"""What a check finds: one line each, ok, a warning or a failure, the latter two with a cure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How something is found."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Area(StrEnum):
    """What a finding is about."""

    CONFIGURATION = "configuration"
    STORE = "store"
    FREEZE = "freeze"
    CERTIFICATES = "certificates"
    CONNECTION = "connection"
    RIGHTS = "rights"
    CLOCK = "clock"
    LICENSE = "license"
    SHARING = "sharing"
    EXEMPTIONS = "exemptions"
    SCHEDULE = "schedule"
    MODE = "mode"
    LEASE = "lease"
    METRICS = "metrics"
    CHANNELS = "channels"
    OUTBOX = "outbox"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `check`; `cure` is empty when nothing is to be done."""

    area: Area
    state: State
    text: str
    cure: str = ""

    def __post_init__(self) -> None:
        if self.state is not State.OK and not self.cure:
            raise ValueError(f"a {self.state.value} needs a cure: {self.text}")


def ok(area: Area, text: str) -> Finding:
    """Report that something is as it should be."""
    return Finding(area, State.OK, text)


def warning(area: Area, text: str, cure: str) -> Finding:
    """Report something that keeps nothing from working, but should be looked at."""
    return Finding(area, State.WARNING, text, cure)


def failed(area: Area, text: str, cure: str) -> Finding:
    """Report something that keeps Seatkeeper from doing its work."""
    return Finding(area, State.FAILED, text, cure)


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Count by state, every state named."""
    states = [f.state for f in findings]
    return {state.value: states.count(state) for state in State}


@dataclass(frozen=True, slots=True)
class SiteFindings:
    """Everything found for one site; `general` concerns every site and is shown once."""

    site: str
    general: Sequence[Finding]
    own: Sequence[Finding]
    next_runs: dict[str, tuple[datetime, ...]] = field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        """What concerns this site."""
        return [*self.general, *self.own]

    @property
    def has_failed(self) -> bool:
        """Whether anything is in the way."""
        return any(f.state is State.FAILED for f in self.findings)


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings that are kept of one site, or of what concerns every site (`site` empty).

    `by` is who asked for the check, or the schedule.
    """

    site: str
    at: datetime
    by: str
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> State:
        """The worst of the findings."""
        states = {found.state for found in self.findings}
        return next((s for s in (State.FAILED, State.WARNING) if s in states), State.OK)
