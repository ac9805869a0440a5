"""Ninety simulated days with planted incidents: each is found, told once, and told to be over."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from alert_days import Incident, Script
from fake_alerts import FakeAlerts
from seatkeeper.core.alert_facts import Queue, SiteFacts, Windows
from seatkeeper.core.alert_message import AlertMessage, MessageState, message_from_bytes
from seatkeeper.core.alert_rules import ABOUT, default_rules
from seatkeeper.core.alerts import Alert, AlertKey, AlertState, Moved, Silence
from seatkeeper.flow.alarm import Alarm, AlertChannel
from seatkeeper.store import Store, open_store
from seatkeeper.store.alerts import Alerts

SEED = 3
RESTART_EVERY = 607
"""Cycles between two restarts."""


@dataclass
class Scripted:
    """Facts come from the script; alerts are kept in memory, or in a real store."""

    script: Script
    kept: FakeAlerts | Alerts

    async def facts(self, site: str, windows: Windows, now: datetime, *, trend: bool) -> SiteFacts:
        return await self.script.facts(site, windows, now, trend=trend)

    async def queues(self) -> tuple[Queue, ...]:
        return await self.script.queues()

    async def gone_sites(self, sites: Collection[str], since: datetime) -> tuple[str, ...]:
        return await self.kept.gone_sites(sites, since)

    async def move(
        self,
        sites: Collection[str],
        now: datetime,
        judge: Callable[[Mapping[AlertKey, Alert], Sequence[Silence]], Moved],
    ) -> Moved:
        return await self.kept.move(sites, now, judge)


def an_alarm(script: Script, kept: FakeAlerts | Alerts) -> Alarm:
    return Alarm(
        rules=default_rules(),
        channels=(AlertChannel("mail"), AlertChannel("hook")),
        alerts=Scripted(script, kept),
        certificates=script.certificates,
        spend=script.spend,
    )


@dataclass(frozen=True, slots=True)
class Life:
    """What was planted, when the site was looked at, and what was told by mail."""

    incidents: Sequence[Incident]
    cycles: Sequence[datetime]
    told: Sequence[AlertMessage]


async def lived(script: Script, alarms: Iterator[Alarm]) -> list[datetime]:
    """Live through the days, each cycle with the next alarm; returns the cycles."""
    cycles = []
    for scene, alarm in zip(script.scenes(), alarms, strict=False):
        cycles.append(scene.now)
        if scene.readable:
            await alarm.follow(script.observed())
        else:
            await alarm.watch(["prod"], scene.now)
    return cycles


async def lived_in_memory() -> Life:
    """Live through the days in one process."""
    script, alerts = Script(SEED), FakeAlerts()
    cycles = await lived(script, itertools.repeat(an_alarm(script, alerts)))
    assert all(a.state is AlertState.RESOLVED for a in alerts.known.values())
    told = [message for target, message in alerts.told if target == "alert:mail"]
    return Life(script.incidents, cycles, told)


async def lived_with_restarts(url: str) -> Life:
    """Live through the days with nothing that outlives a restart but the store."""
    script, opened = Script(SEED), list[Store]()

    def alarms() -> Iterator[Alarm]:
        for number in itertools.count():
            if number % RESTART_EVERY == 0:
                for old in opened[-1:]:
                    old.close()
                opened.append(open_store(url))
            yield an_alarm(script, opened[-1].alerts)

    cycles = await lived(script, alarms())
    assert len(opened) >= 4
    rows = await opened[-1].outbox.take("alert:mail", 10_000, cycles[-1])
    opened[-1].close()
    return Life(script.incidents, cycles, [message_from_bytes(r.entry.body) for r in rows])


@pytest.fixture(scope="module")
def life() -> Life:
    """Ninety days in one process."""
    return asyncio.run(lived_in_memory())


def expected(incident: Incident, cycles: Sequence[datetime]) -> tuple[datetime, datetime]:
    """Return the cycles at which an incident must be told, and told to be over."""
    seen = next(c for c in cycles if c >= incident.begin)
    due = seen + ABOUT[incident.rule].hold
    return next(c for c in cycles if c >= due), next(c for c in cycles if c >= incident.end)


def of(incident: Incident) -> str:
    site = "" if ABOUT[incident.rule].needs == "all" else "prod"
    return f"{incident.rule}/{site}/{incident.subject}"


def test_every_rule_has_its_incidents(life: Life) -> None:
    count = Counter(i.rule for i in life.incidents)
    assert len(life.incidents) >= 40
    assert set(count) == set(ABOUT)
    assert min(count.values()) >= 2


def test_every_incident_is_found_within_a_cycle_told_once_and_over_once(life: Life) -> None:
    left = [(m.key, m.state, m.at) for m in life.told]
    for incident in life.incidents:
        fired, over = expected(incident, life.cycles)
        for state, at in ((MessageState.FIRING, fired), (MessageState.RESOLVED, over)):
            assert (of(incident), state, at) in left, (incident, fired, over)
            left.remove((of(incident), state, at))
    assert left == [], "nothing else is told: no false alarm, no repetition"


def test_a_restart_changes_nothing(life: Life, tmp_path: Path) -> None:
    assert asyncio.run(lived_with_restarts(f"sqlite:///{tmp_path}/store.db")) == life
