"""The words of an alert: what, where, since when, the numbers, what to do. No person is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from seatkeeper.core.alert_message import AlertMessage, MessageState
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.alerts import Alert, Telling, Why
from seatkeeper.core.durations import format_duration

RUNBOOKS = "https://github.com/seatkeeper/seatkeeper/blob/main/docs/runbooks"
"""Where the pages lie, one a rule, for everybody who has no copy of their own."""

LONGEST_TITLE = 160
_MINUTE = timedelta(minutes=1)
_OLD = "This alert is no longer watched."


def message_of(telling: Telling, runbooks: str, now: datetime) -> AlertMessage:
    """Return what is told, whole; `runbooks` is where the pages lie (a folder or an address)."""
    alert = telling.alert
    over = telling.why is Why.RESOLVED
    return AlertMessage(
        key=alert.key.text,
        rule=alert.key.rule,
        site=alert.key.site,
        severity=alert.severity,
        state=MessageState.RESOLVED if over else MessageState.FIRING,
        title=_title(telling),
        text="\n".join(_lines(telling, runbook_of(alert.key.rule, runbooks), now)),
        since=alert.since,
        at=now,
        values=dict(alert.values),
        runbook=runbook_of(alert.key.rule, runbooks),
        again=telling.why is Why.KEPT,
    )


def runbook_of(rule: str, runbooks: str) -> str:
    """Return where the page of a rule is; empty for a rule that this version does not know."""
    return f"{runbooks.rstrip('/')}/{rule}.md" if rule in ABOUT else ""


def _title(telling: Telling) -> str:
    alert = telling.alert
    word = {
        Why.RESOLVED: "Resolved",
        Why.REPEATED: f"Still {alert.severity.value}",
        Why.WORSE: f"Now {alert.severity.value}",
    }.get(telling.why, alert.severity.value.capitalize())
    where = f"{alert.key.site}: " if alert.key.site else ""
    what = _what(alert) if telling.why is Why.RESOLVED else alert.says
    title = f"{word}: {where}{what}"
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"


def _what(alert: Alert) -> str:
    about = ABOUT.get(alert.key.rule)
    name = about.title if about else alert.key.rule
    return f"{name} ({alert.key.subject})" if alert.key.subject else name


def _lines(telling: Telling, runbook: str, now: datetime) -> Iterator[str]:
    alert, about = telling.alert, ABOUT.get(telling.alert.key.rule)
    over = telling.why is Why.RESOLVED
    yield f"What: {_what(alert)}, {alert.severity.value}{', resolved' if over else ''}"
    no_site = about.where if about is not None else "Seatkeeper itself"
    yield f"Where: {f'site {alert.key.site}' if alert.key.site else no_site}"
    yield f"Since: {alert.since:%Y-%m-%d %H:%M} UTC ({_length(alert, now)})"
    yield f"Now: {alert.says}"
    if alert.values:
        yield f"Numbers: {', '.join(f'{k}={v}' for k, v in alert.values.items())}"
    if not over and about is not None:
        yield f"What to do: {about.todo}"
    if about is None:
        yield _OLD
    if runbook:
        yield f"Runbook: {runbook}"


def _length(alert: Alert, now: datetime) -> str:
    length = now - alert.since
    for unit in (timedelta(days=1), timedelta(hours=1)):
        if length >= 2 * unit:
            return f"for {format_duration(length - length % unit)}"
    minutes = length - length % _MINUTE
    return f"for {format_duration(minutes)}" if minutes >= _MINUTE else "just now"
