"""Ninety simulated days with planted incidents: each is found, told once, and told to be over."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alert_days import Incident, Script
from fake_alerts import FakeAlerts
from seatkeeper.core.alert_facts import Queue, SiteFacts, Windows
from seatkeeper.core.alert_message import AlertMessage, MessageState, message_from_bytes
from seatkeeper.core.alert_rule import Needs
from seatkeeper.core.alert_rules import ABOUT, default_rules
from seatkeeper.core.alerts import Alert, AlertKey, AlertState, Moved, Silence
from seatkeeper.flow.alarm import Alarm, AlertChannel
from seatkeeper.store import Store, open_store
from seatkeeper.store.alerts import Alerts

SEED = 3
RESTART_EVERY = 17
"""Cycles between two restarts: a few hours, less than most incidents last."""


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
class Cycle:
    """One look at the site, and whether it could be read."""

    at: datetime
    readable: bool


@dataclass(frozen=True, slots=True)
class Life:
    """What was planted, when the site was looked at, and what was told by mail."""

    incidents: Sequence[Incident]
    cycles: Sequence[Cycle]
    told: Sequence[AlertMessage]


async def lived(script: Script, alarms: Iterator[Alarm]) -> list[Cycle]:
    """Live through the days, each cycle with the next alarm; returns the cycles."""
    cycles = []
    for scene, alarm in zip(script.scenes(), alarms, strict=False):
        cycles.append(Cycle(scene.now, scene.readable))
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
    rows = await opened[-1].outbox.take("alert:mail", 10_000, cycles[-1].at)
    opened[-1].close()
    return Life(script.incidents, cycles, [message_from_bytes(r.entry.body) for r in rows])


@pytest.fixture(scope="module")
def life() -> Life:
    """Ninety days in one process."""
    return asyncio.run(lived_in_memory())


Event = tuple[str, datetime]


def expected(incident: Incident, cycles: Sequence[Cycle]) -> list[Event]:
    """Return what must be told of an incident, and at which cycles."""
    about = ABOUT[incident.rule]
    judged = [c.at for c in cycles if c.readable or about.needs is not Needs.READING]
    seen = next(at for at in judged if at >= incident.begin)
    over = next(at for at in judged if at >= incident.end)
    told = next(at for at in judged if at >= seen + about.hold)
    events, worse = [("first", told)], [incident.begin + after for after in incident.worse]
    for at in judged:
        if told < at < over and any(told < step <= at for step in worse):
            events.append(("worse", told := at))
        elif told < at < over and at - told >= about.repeat:
            events.append(("again", told := at))
    return [*events, ("over", over)]


def event(message: AlertMessage) -> Event:
    """Return what a message says in a word, and when."""
    if message.state is MessageState.RESOLVED:
        return "over", message.at
    words = {"Still": "again", "Now": "worse"}
    return words.get(message.title.split()[0], "first"), message.at


def of(incident: Incident) -> str:
    site = "" if ABOUT[incident.rule].needs == "all" else "prod"
    return f"{incident.rule}/{site}/{incident.subject}"


def test_every_rule_has_its_incidents(life: Life) -> None:
    count = Counter(i.rule for i in life.incidents)
    assert len(life.incidents) >= 40
    assert set(count) == set(ABOUT)
    assert min(count.values()) >= 2


def test_incidents_are_long_enough_for_repetitions_and_overlap(life: Life) -> None:
    days = [i for i in life.incidents if i.end - i.begin > timedelta(days=2)]
    among = [i for i in life.incidents if any(d.begin < i.begin and i.end < d.end for d in days)]
    assert len(days) >= 10
    assert len({i.rule for i in among}) >= 5
    assert len([i for i in life.incidents if i.worse]) == 2


def test_every_incident_is_found_within_a_cycle_and_told_once_a_step_in_order(life: Life) -> None:
    wanted, told = defaultdict[str, list[Event]](list), defaultdict[str, list[Event]](list)
    for incident in life.incidents:
        wanted[of(incident)] += expected(incident, life.cycles)
    for message in life.told:
        told[message.key].append(event(message))

    assert told == wanted, "nothing else is told: no false alarm, nothing twice, nothing missing"
    assert [m.at for m in life.told] == sorted(m.at for m in life.told)
    assert {word for events in told.values() for word, _ in events} == {
        *("first", "again", "worse", "over")
    }


def test_restarts_fall_into_alerts_that_fire_and_into_those_that_are_pending(life: Life) -> None:
    restarts = [c.at for c in life.cycles[::RESTART_EVERY]]
    found: Counter[str] = Counter()
    for one in life.incidents:
        (_, fired), *_, (_, over) = expected(one, life.cycles)
        found["firing"] += sum(fired < at < over for at in restarts)
        found["pending"] += sum(one.begin <= at <= fired for at in restarts)

    assert found["firing"] >= 40
    assert found["pending"] >= 10


def test_a_restart_changes_nothing(life: Life, tmp_path: Path) -> None:
    assert asyncio.run(lived_with_restarts(f"sqlite:///{tmp_path}/store.db")) == life
