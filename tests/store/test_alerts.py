"""Alerts in the store: with their messages or not at all, and what they are judged on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from builders import a_pool, a_snapshot, changed_pool
from seatkeeper.core.alert_facts import DayOfPool, ReleaseFacts, Windows
from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.alert_rule import Reading, Status
from seatkeeper.core.alert_rules import default_rules
from seatkeeper.core.alerts import (
    KEEP_RESOLVED,
    Advance,
    Alert,
    AlertKey,
    AlertState,
    Moved,
    Round,
    Silence,
    Why,
    advance,
)
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import OutboxEntry, OutboxState
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.record import CycleSample, Kind
from seatkeeper.core.retention import Retention
from seatkeeper.errors import StoreError, UsageError
from seatkeeper.store import Store, open_store
from seatkeeper.store.tables import LEDGER_HEAD
from stored import JANE, NOW, a_plan, applied, later, some_actions

JOE = replace(JANE, by="Joe")
WAITING = OutboxState.WAITING
KEY = AlertKey("low_availability", "prod", "analyzer")
ALERT = Alert(
    key=KEY,
    state=AlertState.FIRING,
    severity=Severity.WARNING,
    since=NOW,
    seen=later(1),
    says="3 of 200 analyzer seats are free",
    values={"available": 3, "why": "ä"},
    step=2,
    fired_at=later(1),
    told=MessageState.FIRING,
    told_at=later(1),
    told_step=2,
)
ENTRY = OutboxEntry("alert", b"{}", "key-1", NOW)


def moved(*alerts: Alert, entries: tuple[tuple[str, OutboxEntry], ...] = ()) -> Moved:
    return Moved(Advance(kept=alerts), entries)


async def move(store: Store, what: Moved, *sites: str) -> dict[AlertKey, Alert]:
    """Move alerts and return those that were known before."""
    seen: dict[AlertKey, Alert] = {}

    def judge(known: object, _silences: object) -> Moved:
        seen.update(known)  # type: ignore[call-overload]
        return what

    await store.alerts.move(sites or ("prod",), NOW, judge)
    return seen


async def test_an_alert_comes_back_as_it_was(store: Store) -> None:
    bare = Alert(
        key=replace(KEY, subject="professional"),
        state=AlertState.PENDING,
        severity=Severity.INFO,
        since=NOW,
        seen=NOW,
        says="x",
    )
    assert await move(store, moved(ALERT, bare)) == {}
    assert await store.alerts.all() == [ALERT, bare]
    assert await move(store, moved()) == {ALERT.key: ALERT, bare.key: bare}


async def test_only_alerts_of_the_sites_in_hand_are_moved(store: Store) -> None:
    other = replace(ALERT, key=replace(KEY, site="test"))
    await move(store, moved(ALERT, other))
    assert set(await move(store, moved(), "test", "")) == {other.key}


async def test_an_alert_is_replaced_and_forgotten(store: Store) -> None:
    await move(store, moved(ALERT))
    newer = replace(ALERT, says="2 of 200")
    await move(store, moved(newer))
    assert await store.alerts.all() == [newer]
    await move(store, Moved(Advance(forgotten=(KEY,))))
    assert await store.alerts.all() == []


async def test_messages_are_kept_with_their_alerts(store: Store) -> None:
    await move(store, moved(ALERT, entries=(("alert:mail", ENTRY), ("alert:hook", ENTRY))))
    assert await store.outbox.depth() == {
        ("alert:mail", WAITING): 1,
        ("alert:hook", WAITING): 1,
    }


async def test_killed_in_between_nothing_is_kept(store: Store) -> None:
    broken = OutboxEntry("alert", b"{}", None, NOW)  # type: ignore[arg-type]
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the database says
        await move(store, moved(ALERT, entries=(("alert:mail", ENTRY), ("alert:mail", broken))))

    assert await store.alerts.all() == []
    assert await store.outbox.depth() == {}


async def test_what_is_over_for_long_is_pruned(store: Store) -> None:
    over = replace(ALERT, state=AlertState.RESOLVED, resolved_at=NOW)
    firing = replace(ALERT, key=replace(KEY, subject="professional"))
    await move(store, moved(over, firing))
    for seconds, gone in ((0, 0), (1, 1)):
        now = NOW + KEEP_RESOLVED + timedelta(seconds=seconds)
        assert (await store.pruning.count(Retention(), now)).rows["alerts"] == gone
        assert (await store.pruning.prune(Retention(), now)).rows["alerts"] == gone
    assert await store.alerts.all() == [firing]


async def test_a_site_is_gone_when_nothing_of_it_was_judged_or_read_for_long(store: Store) -> None:
    def of(site: str, subject: str, hours: float, state: AlertState) -> Alert:
        key = AlertKey("low_availability", site, subject)
        told = MessageState.FIRING if state is firing else MessageState.RESOLVED
        return replace(ALERT, key=key, seen=later(hours), state=state, told=told)

    firing, resolved = AlertState.FIRING, AlertState.RESOLVED
    itself = replace(ALERT, key=AlertKey("outbox_growing", "", "influx:main"))
    alerts = (
        itself,
        of("configured", "analyzer", 1, firing),
        of("gone", "analyzer", 1, firing),
        of("gone", "professional", 1, resolved),
        of("over", "analyzer", 1, resolved),
        of("judged", "analyzer", 1, firing),
        of("judged", "professional", 9, resolved),
        of("read", "analyzer", 1, firing),
        replace(of("untold", "analyzer", 1, resolved), told=MessageState.FIRING),
    )
    await move(store, moved(*alerts), *{a.key.site for a in alerts})
    for site, hours in (("gone", 1), ("read", 9)):
        await store.cycles.add(CycleSample(site, "monitor", later(hours), 1.0, 5))

    assert await store.alerts.gone_sites(("configured",), later(5)) == ("gone", "untold")
    assert await store.alerts.gone_sites(("configured", "untold"), later(10)) == (
        "gone",
        "judged",
        "read",
    )
    assert await store.alerts.gone_sites(("configured", "gone", "untold"), later(5)) == ()


def a_silence(hours: float = 2) -> Silence:
    return Silence("Jane", "upgrade", NOW, later(hours), site="prod", severity=Severity.INFO)


async def test_a_silence_holds_until_its_end(store: Store) -> None:
    kept = await store.alerts.silence(a_silence(), JANE)
    assert kept == replace(a_silence(), id=kept.id)
    assert await store.alerts.silences(later(1.9)) == [kept]
    assert await store.alerts.silences(later(2)) == []


async def test_a_silence_can_be_ended_early(store: Store) -> None:
    kept = await store.alerts.silence(a_silence(), JANE)
    ended = await store.alerts.unsilence(kept.id, JOE, "done", later(1))
    assert (ended.until, ended.ended_by) == (later(1), "Joe")
    assert await store.alerts.silences(later(1)) == []
    with pytest.raises(UsageError, match="no silence"):
        await store.alerts.unsilence(kept.id, JOE, "done", later(1))


async def test_the_ledger_tells_who_silenced_what_why_and_until_when(store: Store) -> None:
    kept = await store.alerts.silence(a_silence(), JANE)
    await store.alerts.unsilence(kept.id, JOE, "upgrade done", later(1))

    set_, lifted = await store.ledger.show()
    assert (set_.kind, set_.at, set_.site) == (Kind.SILENCED, NOW, "prod")
    assert (set_.by, set_.os_account, set_.why) == (JANE.by, "jdoe", "upgrade")
    assert set_.evidence == {
        "silence": kept.id,
        "by": "Jane",
        "rule": None,
        "severity": "info",
        "until": "2026-11-02T05:00:00Z",
    }
    assert (lifted.kind, lifted.at, lifted.site) == (Kind.UNSILENCED, later(1), "prod")
    assert (lifted.by, lifted.why) == ("Joe", "upgrade done")
    assert lifted.evidence == {
        "silence": kept.id,
        "silenced_by": "Jane",
        "silenced_at": "2026-11-02T03:00:00Z",
        "would_have_ended": "2026-11-02T05:00:00Z",
    }
    assert (await store.ledger.verify()).records == 2


async def test_without_its_record_there_is_no_silence_and_none_is_lifted(store: Store) -> None:
    kept = await store.alerts.silence(a_silence(), JANE)
    # The next record would get the number of one that is there: it cannot be written.
    with store.ledger._db.writing() as conn:
        conn.execute(sa.update(LEDGER_HEAD).values(seq=0))

    with pytest.raises(StoreError):
        await store.alerts.silence(a_silence(), JANE)
    with pytest.raises(StoreError):
        await store.alerts.unsilence(kept.id, JOE, "done", later(1))

    assert await store.alerts.silences(later(1)) == [kept]


async def test_a_silence_that_is_refused_leaves_no_record(store: Store) -> None:
    with pytest.raises(UsageError, match="no silence 7"):
        await store.alerts.unsilence(7, JOE, "done", NOW)
    with pytest.raises(UsageError, match="90 days"):
        await store.alerts.silence(a_silence(hours=24 * 91), JANE)
    assert await store.ledger.show() == []


async def test_the_trend_has_the_last_sample_of_each_day(store: Store) -> None:
    for hours, available in ((-30, 50), (-29, 40), (-4, 30), (-3.5, 20), (-1, 10)):
        pool = changed_pool(a_pool(LicenseType.ANALYZER), total=60, available=available)
        await store.history.observe(a_snapshot(pools=[pool], now=later(hours)))

    facts = await store.alerts.facts("prod", Windows(), NOW, trend=True)
    one, two, three = (later(hours).date() for hours in (-29, -3.5, -1))

    assert facts.days == {
        LicenseType.ANALYZER: (
            DayOfPool(one, 60, 40),
            DayOfPool(two, 60, 20),
            DayOfPool(three, 60, 10),
        )
    }
    assert (await store.alerts.facts("prod", Windows(), NOW, trend=False)).days == {}


async def test_failed_cycles_are_known_with_their_last_error(store: Store) -> None:
    await store.history.observe(a_snapshot(now=NOW))
    for minutes, error in ((0, ""), (15, "no answer"), (30, "refused")):
        at = later(minutes=minutes)
        await store.cycles.add(CycleSample("prod", "monitor", at, 1.0, 5, error))

    cycles = (await store.alerts.facts("prod", Windows(), later(1), trend=False)).cycles

    assert (cycles.last_good, cycles.failures, cycles.error) == (NOW, 2, "refused")
    assert cycles.failing_since == later(minutes=15)


async def test_cycles_of_releasing_tell_of_the_site_too(store: Store) -> None:
    async def cycle(kind: str, minutes: int, error: str = "") -> None:
        await store.cycles.add(CycleSample("prod", kind, later(minutes=minutes), 1.0, 5, error))

    await cycle("release", 0)
    for minutes in (10, 20):
        await cycle("release", minutes, "no answer")
    failing = (await store.alerts.facts("prod", Windows(), later(1), trend=False)).cycles
    await cycle("monitor", 30)
    read = (await store.alerts.facts("prod", Windows(), later(1), trend=False)).cycles

    assert (failing.last_good, failing.failures, failing.error) == (NOW, 2, "no answer")
    assert (read.last_good, read.failures) == (later(minutes=30), 0)


async def test_a_reading_of_a_clock_that_was_ahead_makes_nothing_fresh(store: Store) -> None:
    """One reading 30 days ahead, and since the clock is right the site does not answer."""
    ahead = later(24 * 30)
    await store.cycles.add(CycleSample("prod", "monitor", NOW, 1.0, 5))
    await store.history.observe(a_snapshot(now=ahead))
    await store.cycles.add(CycleSample("prod", "monitor", ahead, 1.0, 5))
    await store.cycles.add(CycleSample("prod", "monitor", later(1), 1.0, 5, "no answer"))

    facts = await store.alerts.facts("prod", Windows(), later(2), trend=True)

    assert (facts.cycles.last_good, facts.cycles.failures) == (NOW, 1)
    assert facts.days == {}


async def test_a_site_that_was_never_read_has_no_cycles(store: Store) -> None:
    cycles = (await store.alerts.facts("prod", Windows(), NOW, trend=False)).cycles
    assert (cycles.last_good, cycles.failures, cycles.due) == (None, 0, None)


async def test_the_next_cycle_of_the_daemon_is_known(store: Store) -> None:
    await store.leases.set_jobs({("prod", "monitor"): ("every 15 minutes", later(1))})
    cycles = (await store.alerts.facts("prod", Windows(), NOW, trend=False)).cycles
    assert cycles.due == later(1)


async def test_queues_tell_what_waits_and_what_was_refused(store: Store) -> None:
    entries = [OutboxEntry("alert", b"{}", f"k{n}", later(n)) for n in range(3)]
    await store.outbox.put("alert:mail", entries)
    first, _, last = await store.outbox.take("alert:mail", 9, NOW)
    await store.outbox.set_aside([last.id], "no such user", later(26))
    await store.outbox.later([first.id], "no answer", later(1))

    (queue,) = await store.alerts.queues()

    assert (queue.target, queue.rows, queue.oldest) == ("alert:mail", 2, NOW)
    assert (queue.error, queue.refused_at) == ("no answer", later(26))


async def test_releases_that_failed_and_people_released_again_and_again(store: Store) -> None:
    actions = some_actions(3)
    for number, hours in enumerate((-72, -48, -24.5)):
        plan = a_plan(*actions[: 3 - number], at=later(hours))
        await applied(store, plan, run_id=f"run-{number}")
    failed = a_plan(*some_actions(2, prefix="x"), at=later(-1))
    await applied(store, failed, Outcome.REFUSED, run_id="run-9")

    async def facts(windows: Windows) -> ReleaseFacts:
        return (await store.alerts.facts("prod", windows, NOW, trend=False)).releases

    assert await facts(Windows()) == ReleaseFacts(failed=2, churners=1)
    assert await facts(Windows(churn_times=1)) == ReleaseFacts(failed=2, churners=2)
    assert await facts(Windows(churn=timedelta(hours=50))) == ReleaseFacts(failed=2, churners=0)
    assert await facts(Windows(failures=timedelta(minutes=30))) == ReleaseFacts(churners=1)


async def test_two_processes_that_judge_at_once_tell_once(url: str) -> None:
    """As a cycle in a child process and the watch of the daemon do."""
    rule = next(r for r in default_rules() if r.name == "excess_users")
    stores = [open_store(url) for _ in range(4)]

    async def judge(number: int) -> None:
        now = later(minutes=number)
        rounds = [Round(rule, "prod", (Reading("", Status.BAD, f"look {number}"),))]

        def move(known: Mapping[AlertKey, Alert], silences: Sequence[Silence]) -> Moved:
            moved = advance(known, rounds, silences, now)
            entries = [
                ("alert:mail", OutboxEntry("alert", b"{}", f"{number} {telling.why}", now))
                for telling in moved.tellings
                if telling.why is not Why.KEPT
            ]
            return Moved(moved, tuple(entries))

        await stores[number % 4].alerts.move(["prod"], now, move)

    await asyncio.gather(*(judge(number) for number in range(12)))

    assert await stores[0].outbox.depth() == {("alert:mail", WAITING): 1}
    (alert,) = await stores[0].alerts.all()
    assert alert.state is AlertState.FIRING
    for store in stores:
        store.close()
