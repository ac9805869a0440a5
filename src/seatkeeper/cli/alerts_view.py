"""Alerts and silences as people and programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from seatkeeper.cli.render import line, moment, safe
from seatkeeper.core.alert_text import runbook_of
from seatkeeper.core.alerts import Alert, Silence

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class AlertList:
    """Alerts as they stand, the silences that hold, and where the runbook pages lie."""

    alerts: tuple[Alert, ...]
    silences: tuple[Silence, ...]
    now: datetime
    runbooks: str

    def data(self) -> Any:
        """Return the JSON contract of `alerts list`."""
        return {
            "alerts": [self._alert(alert) for alert in self.alerts],
            "silences": [silence_data(silence) for silence in self.silences],
        }

    def _alert(self, alert: Alert) -> dict[str, Any]:
        key = alert.key
        return {
            "rule": key.rule,
            "site": key.site,
            "subject": key.subject,
            "state": alert.state,
            "severity": alert.severity,
            "says": alert.says,
            "values": dict(alert.values),
            "since": alert.since,
            "fired_at": alert.fired_at,
            "resolved_at": alert.resolved_at,
            "told_at": alert.told_at,
            "silenced_by": self._silenced_by(alert),
            "runbook": runbook_of(key.rule, self.runbooks),
        }

    def _silenced_by(self, alert: Alert) -> int | None:
        return next((s.id for s in self.silences if s.hides(alert, self.now)), None)

    def drawing(self) -> Sequence[RenderableType]:
        """Return what people see."""
        first = self._table() if self.alerts else line("no alert")
        return [first, *(line(silence_words(silence)) for silence in self.silences)]

    def _table(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for title in ("state", "severity", "site", "rule", "since (UTC)", "what"):
            table.add_column(title)
        for alert in self.alerts:
            silenced = self._silenced_by(alert)
            hidden = f" (silence {silenced})" if silenced is not None and alert.is_on else ""
            cells = (
                alert.state.value + hidden,
                alert.severity.value,
                alert.key.site or "-",
                alert.key.rule,
                moment(alert.since),
                alert.says,
            )
            table.add_row(*(Text(safe(cell)) for cell in cells))
        return table


@dataclass(frozen=True, slots=True)
class SilenceView:
    """One silence, new or just ended."""

    silence: Silence

    def data(self) -> Any:
        """Return the JSON contract of `alerts silence` and `alerts unsilence`."""
        return silence_data(self.silence)

    def drawing(self) -> Sequence[RenderableType]:
        """Return what people see."""
        return [line(silence_words(self.silence))]


def silence_data(silence: Silence) -> dict[str, Any]:
    """Return a silence for programs."""
    return {
        "id": silence.id,
        "rule": silence.rule,
        "site": silence.site,
        "severity": silence.severity,
        "by": silence.by,
        "reason": silence.reason,
        "at": silence.at,
        "until": silence.until,
        "ended_by": silence.ended_by,
    }


def silence_words(silence: Silence) -> str:
    """Return a silence for people."""
    parts = (
        f"rule {silence.rule}" if silence.rule else "",
        f"site {silence.site}" if silence.site else "",
        f"severity {silence.severity.value}" if silence.severity else "",
    )
    what = ", ".join(filter(None, parts)) or "everything"
    if silence.ended_by:
        return f"silence {silence.id} ({what}) was ended by {silence.ended_by}"
    until = moment(silence.until)
    return f"silence {silence.id}: {what} until {until} UTC, {silence.by}: {silence.reason}"
