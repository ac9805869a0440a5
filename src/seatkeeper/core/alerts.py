"""From what the rules say to alerts: pending, firing, resolved, and what is to be told of them.

Pure: the time is an argument, and all that is remembered stands in the alerts themselves. So a
restart that reads them back neither repeats nor forgets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.alert_rule import NEVER, Reading, Rule, Status, Value
from seatkeeper.core.outbox import OutboxEntry

MOST_SILENCE = timedelta(days=90)
KEEP_RESOLVED = timedelta(days=90)
"""How long an alert that is over can be looked at."""

LATE = timedelta(hours=1)
"""No judgement comes so late: what an alert saw so much later was told by a clock ahead."""

GONE_AFTER = timedelta(days=1)
"""A site that is not configured is gone when nothing was heard of it for so long.

Sooner might be wrong: a replica with the configuration of yesterday may still read it.
"""


class AlertState(StrEnum):
    """The life of an alert."""

    PENDING = "pending"
    """It is bad, but not for as long as the rule wants."""
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What makes an alert itself: its rule, its site (empty: none) and its subject."""

    rule: str
    site: str
    subject: str

    @property
    def text(self) -> str:
        """The key in one text, the same in every message of the alert."""
        return f"{self.rule}/{self.site}/{self.subject}"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it is kept.

    `since`: when it was first seen to be bad; `seen`: when it was last judged. `told`: what
    receivers know of it, None when they know nothing; `told_step`: the worst step they know.
    """

    key: AlertKey
    state: AlertState
    severity: Severity
    since: datetime
    seen: datetime
    says: str
    values: Mapping[str, Value] = field(default_factory=dict)
    step: int = 1
    fired_at: datetime | None = None
    fine_since: datetime | None = None
    resolved_at: datetime | None = None
    told: MessageState | None = None
    told_at: datetime | None = None
    told_step: int = 0

    @property
    def is_on(self) -> bool:
        """Whether it is not over."""
        return self.state is not AlertState.RESOLVED


@dataclass(frozen=True, slots=True)
class Silence:
    """A wish not to be told for a while: who, why, until when, and of what.

    A part of the matcher that is None matches everything.
    """

    by: str
    reason: str
    at: datetime
    until: datetime
    rule: str | None = None
    site: str | None = None
    severity: Severity | None = None
    id: int = 0
    ended_by: str = ""
    """Who ended it early; its `until` is the moment then."""

    def __post_init__(self) -> None:
        """Refuse what nobody can mean."""
        if not self.by.strip() or not self.reason.strip():
            raise ValueError("a silence has somebody who answers for it, and a reason")
        if self.until < self.at:
            raise ValueError("a silence cannot end before it begins")

    def hides(self, alert: Alert, now: datetime) -> bool:
        """Whether nothing is told of this alert now."""
        key = alert.key
        return (
            self.at <= now < self.until
            and self.rule in (None, key.rule)
            and (self.site is None or self.site.casefold() == key.site.casefold())
            and self.severity in (None, alert.severity)
        )


class Why(StrEnum):
    """Why something is told."""

    FIRED = "fired"
    WORSE = "worse"
    REPEATED = "repeated"
    RESOLVED = "resolved"
    KEPT = "kept"
    """Nothing is new; for receivers that forget what they are not told again."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to tell of an alert."""

    alert: Alert
    why: Why
    route: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Round:
    """What one rule said of one site (empty: of no site) at one moment."""

    rule: Rule
    site: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Advance:
    """What came of one judgement.

    Alerts to keep, keys to forget, and what is to be told.
    """

    kept: tuple[Alert, ...] = ()
    forgotten: tuple[AlertKey, ...] = ()
    tellings: tuple[Telling, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of one judgement, and the messages for each target of the outbox."""

    advance: Advance
    entries: tuple[tuple[str, OutboxEntry], ...] = ()


def advance(
    known: Mapping[AlertKey, Alert],
    rounds: Sequence[Round],
    silences: Sequence[Silence],
    now: datetime,
) -> Advance:
    """Move every alert that these rounds are about; what they do not mention is over.

    A judgement that is older than what an alert has seen already changes nothing (see LATE).
    """
    kept: list[Alert] = []
    forgotten: list[AlertKey] = []
    tellings: list[Telling] = []
    for rule, key, reading in _subjects(known, rounds):
        before = known.get(key)
        if before is not None and _comes_late(before, now):
            continue
        after = _moved(key, before and _righted(before, now), reading, rule, now)
        if after is None:
            if before is not None:
                forgotten.append(key)
            continue
        repeat = NEVER if reading is not None and reading.quiet else rule.repeat
        after, why = _unless_hidden(after, repeat, silences, now)
        if why is not None:
            tellings.append(Telling(after, why, rule.route))
        if after != before:
            kept.append(after)
    return Advance(tuple(kept), tuple(forgotten), tuple(tellings))


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A site of which only the rules of these names are asked any more; `says` why."""

    site: str
    names: frozenset[str] = frozenset()
    says: str = "nobody watches this any more"

    def has(self, key: AlertKey) -> bool:
        """Whether nothing watches this alert."""
        return key.site == self.site and key.rule not in self.names


def retired(
    known: Mapping[AlertKey, Alert],
    unwatched: Unwatched,
    silences: Sequence[Silence],
    now: datetime,
) -> Advance:
    """End what is still on though no rule watches it any more, and tell those who heard of it.

    What a silence hides is told when that ends. The tellings have no route: its rule is gone.
    """
    kept: list[Alert] = []
    tellings: list[Telling] = []
    for key, before in known.items():
        if not unwatched.has(key) or _comes_late(before, now):
            continue
        after = _over(_righted(before, now), unwatched.says, {}, now) if before.is_on else before
        after, why = _unless_hidden(after, NEVER, silences, now)
        if why is not None:
            tellings.append(Telling(after, why))
        if after != before:
            kept.append(after)
    return Advance(tuple(kept), (), tuple(tellings))


def still_on(
    known: Mapping[AlertKey, Alert],
    rules: Iterable[Rule],
    silences: Sequence[Silence],
    now: datetime,
) -> Advance:
    """Tell what could not be judged now, as it was judged last.

    To receivers that forget, that it goes on; to all, what a silence had hidden. Nothing is told
    again: the reading that says whether it is still so is missing.
    """
    of_name = {rule.name: rule for rule in rules}
    kept: list[Alert] = []
    tellings: list[Telling] = []
    for key, before in known.items():
        if key.rule not in of_name or _comes_late(before, now):
            continue
        after, why = _unless_hidden(before, NEVER, silences, now)
        if why is not None:
            tellings.append(Telling(after, why, of_name[key.rule].route))
        if after != before:
            kept.append(after)
    return Advance(tuple(kept), (), tuple(tellings))


def _comes_late(alert: Alert, now: datetime) -> bool:
    """Whether the alert was judged later than now already, and that can be true."""
    return now < alert.seen <= now + LATE


def _unless_hidden(
    alert: Alert, repeat: timedelta, silences: Sequence[Silence], now: datetime
) -> tuple[Alert, Why | None]:
    """Say what is to be told of an alert, nothing while a silence hides it."""
    if any(silence.hides(alert, now) for silence in silences):
        return alert, None
    return _told(alert, repeat, now)


def _subjects(
    known: Mapping[AlertKey, Alert], rounds: Sequence[Round]
) -> Iterable[tuple[Rule, AlertKey, Reading | None]]:
    """Yield what was said, and what is known and was not mentioned."""
    for one in rounds:
        name = one.rule.name
        said = {AlertKey(name, one.site, r.subject): r for r in sorted(one.readings, key=_how_bad)}
        for key, reading in said.items():
            yield one.rule, key, reading
        for key in known:
            if key.rule == name and key.site == one.site and key not in said:
                yield one.rule, key, None


def _how_bad(reading: Reading) -> tuple[int, int]:
    """Order readings so that the worst of a subject is the one that counts."""
    return list(Status).index(reading.status), reading.step


def _righted(alert: Alert, now: datetime) -> Alert:
    """Return the alert without times that only a clock ahead can have told: now instead."""
    if alert.seen <= now:
        return alert

    def past(at: datetime | None) -> datetime | None:
        return None if at is None else min(at, now)

    return replace(
        alert,
        seen=now,
        since=min(alert.since, now),
        fired_at=past(alert.fired_at),
        fine_since=past(alert.fine_since),
        resolved_at=past(alert.resolved_at),
        told_at=past(alert.told_at),
    )


def _moved(
    key: AlertKey, alert: Alert | None, reading: Reading | None, rule: Rule, now: datetime
) -> Alert | None:
    """Return the alert after this reading; None when there is nothing to remember."""
    bad = reading is not None and reading.status is Status.BAD
    if alert is None or not alert.is_on:
        if reading is None or not bad:
            return alert
        alert = _begun(key, alert, reading, rule, now)
    elif alert.state is AlertState.PENDING and not bad:
        # What receivers believe to be firing must still be told to be over.
        return _ended(alert, reading, now) if alert.told is MessageState.FIRING else None
    elif alert.state is AlertState.FIRING:
        return _gone_on(alert, reading, rule, now)
    else:
        alert = _noted(alert, reading, rule, now)
    if now - alert.since >= rule.hold:
        return replace(alert, state=AlertState.FIRING, fired_at=now)
    return alert


def _begun(
    key: AlertKey, before: Alert | None, reading: Reading, rule: Rule, now: datetime
) -> Alert:
    begun = Alert(
        key=key,
        state=AlertState.PENDING,
        severity=reading.severity or rule.severity,
        since=now,
        seen=now,
        says=reading.says,
        values=dict(reading.values),
        step=reading.step,
    )
    if before is None:
        return begun
    return replace(begun, told=before.told, told_at=before.told_at)


def _noted(alert: Alert, reading: Reading | None, rule: Rule, now: datetime) -> Alert:
    """Take over what the reading says; between the thresholds it is as bad as it was."""
    if reading is None:
        return replace(alert, seen=now)
    noted = replace(alert, seen=now, says=reading.says, values=dict(reading.values))
    if reading.status is not Status.BAD:
        return noted
    severity = reading.severity or rule.severity
    return replace(noted, step=reading.step, severity=severity, fine_since=None)


def _gone_on(alert: Alert, reading: Reading | None, rule: Rule, now: datetime) -> Alert:
    fine = reading is None or reading.status is Status.FINE
    alert = _noted(alert, reading, rule, now)
    if not fine:
        return replace(alert, fine_since=None)
    since = alert.fine_since or now
    if now - since >= rule.clear_after:
        return _ended(alert, reading, now)
    return replace(alert, fine_since=since)


def _ended(alert: Alert, reading: Reading | None, now: datetime) -> Alert:
    says = reading.says if reading is not None else "there is no sign of it any more"
    values = dict(reading.values) if reading is not None else {}
    return _over(alert, says, values, now)


def _over(alert: Alert, says: str, values: Mapping[str, Value], now: datetime) -> Alert:
    return replace(
        alert,
        state=AlertState.RESOLVED,
        seen=now,
        resolved_at=now,
        fine_since=None,
        says=says,
        values=values,
    )


def _told(alert: Alert, repeat: timedelta, now: datetime) -> tuple[Alert, Why | None]:
    """Say what is to be told of an alert that no silence hides."""
    why = _why(alert, repeat, now)
    if why is None or why is Why.KEPT:
        return alert, why
    if why is Why.RESOLVED:
        told = replace(alert, told=MessageState.RESOLVED, told_at=now, told_step=0)
    else:
        step = max(alert.step, 0 if why is Why.FIRED else alert.told_step)
        told = replace(alert, told=MessageState.FIRING, told_at=now, told_step=step)
    return told, why


def _why(alert: Alert, repeat: timedelta, now: datetime) -> Why | None:
    if alert.state is AlertState.PENDING:
        return None
    heard = alert.told is MessageState.FIRING
    if alert.state is AlertState.RESOLVED:
        return Why.RESOLVED if heard else None
    if not heard:
        return Why.FIRED
    if alert.step > alert.told_step:
        return Why.WORSE
    if repeat > NEVER and alert.told_at is not None and now - alert.told_at >= repeat:
        return Why.REPEATED
    return Why.KEPT
