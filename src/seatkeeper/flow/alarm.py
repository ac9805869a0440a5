"""Judge what is known, move the alerts, and leave one message a channel for whatever is new.

A step that follows every reading (`follow`), and a watch for what a reading cannot tell because
none succeeds (`watch`): a site that is down, data that gets old, queues that grow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from seatkeeper.core.alert_facts import Certificate, Known, Spend
from seatkeeper.core.alert_message import message_to_bytes
from seatkeeper.core.alert_rule import Needs, Rule
from seatkeeper.core.alert_rules import windows_of
from seatkeeper.core.alert_text import message_of
from seatkeeper.core.alerts import (
    GONE_AFTER,
    Advance,
    Alert,
    AlertKey,
    Moved,
    Round,
    Silence,
    Telling,
    Unwatched,
    Why,
    advance,
    retired,
    still_on,
)
from seatkeeper.core.channel import target_of
from seatkeeper.core.outbox import OutboxEntry
from seatkeeper.flow.ports import Observed
from seatkeeper.flow.telling_ports import Alerts

NO_SITE = ""
"""The alerts of Seatkeeper itself stand under no site."""

NOT_CONFIGURED = "this site is no longer configured"

KIND = "alert"


def no_certificates(_site: str) -> tuple[Certificate, ...]:
    """Know of no certificate."""
    return ()


def no_period(_site: str, _now: datetime) -> timedelta | None:
    """Know of no schedule."""
    return None


async def no_spend() -> Spend | None:
    """Know of no cost."""
    return None


@dataclass(frozen=True, slots=True)
class AlertChannel:
    """A channel that takes alerts; one that `forgets` is told again what goes on."""

    name: str
    forgets: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """What judges the sites of one configuration.

    `period`: how long two readings of a site are apart; `runbooks`: where the pages lie;
    `targets`: whom the configuration names in the outbox, None where nobody can tell; `routes`:
    where each rule is told, those that are switched off too; `spend`: what all sites cost.
    """

    rules: tuple[Rule, ...]
    channels: tuple[AlertChannel, ...]
    alerts: Alerts
    runbooks: str = ""
    period: Callable[[str, datetime], timedelta | None] = no_period
    certificates: Callable[[str], tuple[Certificate, ...]] = no_certificates
    spend: Callable[[], Awaitable[Spend | None]] = no_spend
    targets: frozenset[str] | None = None
    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def step(self) -> str:
        """What it does, in a word."""
        return "alerts"

    async def follow(self, observed: Observed) -> None:
        """Judge a site after a reading, and Seatkeeper itself."""
        site, now = observed.summary.site, observed.now
        await evaluate(
            self,
            [
                replace(
                    await _known(self, site, now, trend=True),
                    summary=observed.summary,
                ),
                await _itself(self, now),
            ],
            now,
        )

    async def watch(self, sites: Sequence[str], now: datetime) -> None:
        """Judge what can be told without a reading: of these sites, and of Seatkeeper itself.

        They are all that are configured: alerts of another one end when it is gone.
        """
        known = [await _known(self, site, now, trend=False) for site in sites]
        await evaluate(self, [*known, await _itself(self, now)], now)
        if gone := await self.alerts.gone_sites(sites, now - GONE_AFTER):
            await _end(self, gone, now)


async def evaluate(alarm: Alarm, known: Sequence[Known], now: datetime) -> Advance:
    """Judge all of this, keep the alerts and put the messages into the outbox, in one go."""
    rounds = [
        Round(rule, one.site, tuple(rule.kind.read(one)))
        for one in known
        for rule in alarm.rules
        if _asks(rule, one)
    ]

    def judge(before: Mapping[AlertKey, Alert], silences: Sequence[Silence]) -> Moved:
        moved = [advance(before, rounds, silences, now)]
        for one in known:
            names = frozenset(rule.name for rule in alarm.rules if _watches(rule, one.site))
            over = retired(before, Unwatched(one.site, names), silences, now)
            moved.append(_routed(alarm, over))
            unasked = [r for r in alarm.rules if _watches(r, one.site) and not _asks(r, one)]
            its = {key: alert for key, alert in before.items() if key.site == one.site}
            moved.append(still_on(its, unasked, silences, now))
        whole = Advance(
            tuple(a for m in moved for a in m.kept),
            tuple(k for m in moved for k in m.forgotten),
            tuple(t for m in moved for t in m.tellings),
        )
        return Moved(whole, _entries(alarm, whole.tellings, now))

    sites = {one.site for one in known}
    return (await alarm.alerts.move(sites, now, judge)).advance


async def _end(alarm: Alarm, gone: Sequence[str], now: datetime) -> None:
    """End every alert of sites that are not configured any more."""

    def judge(before: Mapping[AlertKey, Alert], silences: Sequence[Silence]) -> Moved:
        ended = [
            _routed(alarm, retired(before, Unwatched(site, says=NOT_CONFIGURED), silences, now))
            for site in gone
        ]
        told = tuple(telling for one in ended for telling in one.tellings)
        kept = tuple(alert for one in ended for alert in one.kept)
        return Moved(Advance(kept, tellings=told), _entries(alarm, told, now))

    await alarm.alerts.move(gone, now, judge)


def _routed(alarm: Alarm, ended: Advance) -> Advance:
    """Lead what is over to those who were told of it, also where its rule is switched off."""
    routes = {**alarm.routes, **{rule.name: rule.route for rule in alarm.rules}}
    return replace(
        ended,
        tellings=tuple(
            replace(one, route=routes.get(one.alert.key.rule, ())) for one in ended.tellings
        ),
    )


def _watches(rule: Rule, site: str) -> bool:
    """Whether a rule is about this site, or, without one, about all of them together."""
    return rule.covers(site) and (rule.kind.about.needs is Needs.ALL) == (site == NO_SITE)


def _asks(rule: Rule, known: Known) -> bool:
    is_enough = rule.kind.about.needs is not Needs.READING or known.summary is not None
    return _watches(rule, known.site) and is_enough


async def _known(alarm: Alarm, site: str, now: datetime, *, trend: bool) -> Known:
    facts = await alarm.alerts.facts(site, windows_of(alarm.rules), now, trend=trend)
    cycles = replace(facts.cycles, period=alarm.period(site, now))
    if trend:
        # This very reading succeeded; that it did is written down after its last step.
        cycles = replace(cycles, last_good=now, failures=0, failing_since=None, error="", due=None)
    return Known(
        site=site,
        now=now,
        facts=replace(facts, cycles=cycles),
        certificates=alarm.certificates(site),
    )


async def _itself(alarm: Alarm, now: datetime) -> Known:
    """Return what is known of Seatkeeper itself, and of all sites together."""
    queues, spend = await alarm.alerts.queues(), await alarm.spend()
    return Known(site=NO_SITE, now=now, queues=queues, targets=alarm.targets, spend=spend)


def _entries(
    alarm: Alarm, tellings: Sequence[Telling], now: datetime
) -> tuple[tuple[str, OutboxEntry], ...]:
    return tuple(
        (target_of(channel.name), _entry(telling, alarm.runbooks, now))
        for telling in tellings
        for channel in _told(telling, alarm.channels)
        if telling.why is not Why.KEPT or channel.forgets
    )


def _told(telling: Telling, channels: Sequence[AlertChannel]) -> list[AlertChannel]:
    """Return whom to tell: those on the route, but never over what the alert is itself about.

    Where the route leads only there, all others are told, else nobody would be.
    """
    key = telling.alert.key
    failing = key.subject if key.rule == "channel_failing" else None
    others = [channel for channel in channels if channel.name != failing]
    on_route = [c for c in others if not telling.route or c.name in telling.route]
    return on_route or (others if failing else [])


def _entry(telling: Telling, runbooks: str, now: datetime) -> OutboxEntry:
    message = message_of(telling, runbooks, now)
    # What is only kept alive waits once, however long the receiver is down.
    when = "" if telling.why is Why.KEPT else f"@{now.isoformat()}"
    key = f"{message.key}{when}:{telling.why.value}"
    return OutboxEntry(KIND, message_to_bytes(message), key, now)
