"""What `check` finds, as people and programs see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.render import line, lines
from seatkeeper.core.findings import Finding, SiteFindings, State, counts

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class SiteChecked(SiteFindings):
    """Everything found for one site, as people and programs see it."""

    @classmethod
    def of(cls, found: SiteFindings) -> SiteChecked:
        """Show what was found."""
        return cls(found.site, found.general, found.own, found.next_runs)

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
