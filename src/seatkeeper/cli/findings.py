"""What `check` finds: one line each, ok, a warning or a failure, the latter two with a cure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.render import line, lines

if TYPE_CHECKING:
    from rich.console import RenderableType


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
class SiteChecked:
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

    def data(self) -> Any:
        """Return the JSON contract of `check`."""
        return {
            "site": self.site,
            "ok": not self.has_failed,
            "counts": counts(self.findings),
            "checks": [
                {"area": f.area, "state": f.state, "text": f.text, "cure": f.cure}
                for f in self.findings
            ],
            "next_runs": self.next_runs,
        }

    def drawing(self) -> Sequence[RenderableType]:
        """Return what concerns this site alone, line by line, and the sum."""
        numbers = counts(self.own)
        total = ", ".join(f"{numbers[state]} {state.value}" for state in State)
        return [
            lines("", f"site {self.site}", style="bold"),
            *lines_of(self.own),
            line(f"{self.site}: {total}", style="bold"),
        ]


@dataclass(frozen=True, slots=True)
class GeneralChecked:
    """What concerns every site, as people see it."""

    title: str
    findings: Sequence[Finding]

    def data(self) -> Any:
        """Return the findings."""
        return [f.text for f in self.findings]

    def drawing(self) -> Sequence[RenderableType]:
        """Return one line each."""
        return [line(self.title, style="bold"), *lines_of(self.findings)]


_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "bold red"}


def lines_of(findings: Iterable[Finding]) -> list[RenderableType]:
    """Draw findings, each failed or warned one with its cure below."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for found in findings:
        texts = (found.text, f"cure: {found.cure}") if found.cure else (found.text,)
        state = line(f"  {found.state.value}", style=_STYLES[found.state])
        table.add_row(state, line(found.area.value), lines(*texts))
    return [table]
