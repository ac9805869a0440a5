"""Judging and telling: which channel hears what, with which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from builders import NOW, a_policy, a_snapshot, a_summary, changed_pool, facts_of
from fake_alerts import FakeAlerts
from seatkeeper.core.alert_facts import CycleFacts, Queue, SiteFacts
from seatkeeper.core.alert_rules import default_rules
from seatkeeper.core.alerts import AlertState, Silence
from seatkeeper.core.summary import PlanSummary
from seatkeeper.flow.alarm import Alarm, AlertChannel
from seatkeeper.flow.ports import Observed

MAIL, HOOK = AlertChannel("mail"), AlertChannel("hook")
MANAGER = AlertChannel("am", forgets=True)


def an_alarm(*channels: AlertChannel, **changes: Any) -> tuple[Alarm, FakeAlerts]:
    alerts = FakeAlerts()
    told: dict[str, Any] = {"rules": default_rules(), "channels": channels or (MAIL, HOOK)}
    return Alarm(alerts=alerts, **(told | changes)), alerts


def observed(free: int = 100, minutes: int = 0) -> Observed:
    """A reading with so many free analyzer seats of 200."""
    professional, analyzer = a_summary().pools
    pool = changed_pool(analyzer, total=200, available=free, allocated=120)
    summary = a_summary(pools=(professional, pool), capacity=None)
    snapshot = a_snapshot()
    now = NOW + timedelta(minutes=minutes)
    return Observed(snapshot, facts_of(snapshot, a_policy()), summary, now)


async def test_every_channel_is_told_once_and_told_when_it_is_over() -> None:
    alarm, alerts = an_alarm()
    for minutes, free in ((0, 100), (15, 3), (30, 3), (45, 50)):
        await alarm.follow(observed(free, minutes))
    assert alerts.heard() == [
        ("alert:mail", "low_availability", "firing"),
        ("alert:hook", "low_availability", "firing"),
        ("alert:mail", "low_availability", "resolved"),
        ("alert:hook", "low_availability", "resolved"),
    ]
    assert len(set(alerts.keys)) == 2


async def test_a_route_leads_to_its_channels_alone() -> None:
    rules = tuple(replace(rule, route=("hook",)) for rule in default_rules())
    alarm, alerts = an_alarm(rules=rules)
    await alarm.follow(observed(3))
    assert alerts.heard() == [("alert:hook", "low_availability", "firing")]


async def test_a_channel_that_forgets_is_told_at_every_cycle() -> None:
    alarm, alerts = an_alarm(MAIL, MANAGER)
    for minutes in (0, 15, 30):
        await alarm.follow(observed(3, minutes))
    again = [(target, m.again) for target, m in alerts.told]
    assert again == [
        ("alert:mail", False),
        ("alert:am", False),
        ("alert:am", True),
        ("alert:am", True),
    ]
    assert alerts.keys[-1] == alerts.keys[-2], "while it waits, it waits once"


async def test_what_cannot_be_judged_is_kept_alive_for_a_channel_that_forgets() -> None:
    alarm, alerts = an_alarm(MAIL, MANAGER)
    await alarm.follow(observed(3))
    alerts.heard()
    await alarm.watch(["prod"], NOW + timedelta(hours=1))
    assert [(target, m.again) for target, m in alerts.told] == [("alert:am", True)]
    alerts.heard()
    later = NOW + timedelta(hours=2)
    alerts.silences = [Silence("Jane", "upgrade", NOW, later + timedelta(hours=1))]
    await alarm.watch(["prod"], later)
    assert alerts.heard() == []


async def test_a_failing_channel_is_told_on_the_others() -> None:
    alarm, alerts = an_alarm()
    alerts.waiting = (Queue("alert:hook", 3, NOW - timedelta(minutes=20), "no answer"),)
    await alarm.watch(["prod"], NOW)
    assert alerts.heard() == [("alert:mail", "channel_failing", "firing")]


async def test_a_failing_channel_that_is_alone_on_the_route_is_told_on_all_others() -> None:
    rules = tuple(replace(rule, route=("hook",)) for rule in default_rules())
    alarm, alerts = an_alarm(MAIL, HOOK, MANAGER, rules=rules)
    alerts.waiting = (Queue("alert:hook", 3, NOW - timedelta(minutes=20), "no answer"),)
    await alarm.watch(["prod"], NOW)
    assert alerts.heard() == [
        ("alert:mail", "channel_failing", "firing"),
        ("alert:am", "channel_failing", "firing"),
    ]


async def test_what_waits_for_somebody_who_is_not_configured_names_the_cure() -> None:
    alarm, alerts = an_alarm(targets=frozenset({"alert:mail", "alert:hook"}))
    old = NOW - timedelta(hours=1)
    alerts.waiting = tuple(Queue(t, 1, old) for t in ("alert:old", "influx:old", "alert:hook"))
    await alarm.watch(["prod"], NOW)
    says = {a.key.subject: a.says for a in alerts.known.values()}
    assert "`seatkeeper outbox drop alert:old`" in says["old"]
    assert "`seatkeeper outbox drop influx:old`" in says["influx:old"]
    assert "drop" not in says["hook"]


async def test_a_site_that_is_down_is_noticed_without_a_reading() -> None:
    alarm, alerts = an_alarm(MAIL)
    since = NOW - timedelta(hours=4)
    alerts.of_store = SiteFacts(cycles=CycleFacts(since, 5, since, "no answer"))
    await alarm.watch(["prod"], NOW)
    assert {rule for _, rule, _ in alerts.heard()} == {"stale_data", "site_unreachable"}

    await alarm.follow(observed(minutes=15))
    assert {m.state.value for _, m in alerts.told} == {"resolved"}


async def test_while_a_site_is_down_its_pools_are_not_judged() -> None:
    alarm, alerts = an_alarm(MAIL)
    await alarm.follow(observed(3))
    alerts.heard()
    await alarm.watch(["prod"], NOW + timedelta(minutes=15))
    assert alerts.heard() == []
    (alert,) = alerts.known.values()
    assert alert.state is AlertState.FIRING


async def test_a_rule_that_is_switched_off_leaves_no_alert_behind() -> None:
    alarm, alerts = an_alarm(MAIL)
    await alarm.follow(observed(3))
    alerts.heard()
    rules = tuple(r for r in default_rules() if r.name != "low_availability")
    await replace(alarm, rules=rules).watch(["prod"], NOW + timedelta(minutes=15))
    assert alerts.heard() == [("alert:mail", "low_availability", "resolved")]


async def test_a_rule_that_is_switched_off_is_told_to_be_over_where_it_was_told() -> None:
    rules = tuple(replace(rule, route=("hook",)) for rule in default_rules())
    alarm, alerts = an_alarm(rules=rules, routes={rule.name: rule.route for rule in rules})
    await alarm.follow(observed(3))
    alerts.heard()
    left = tuple(r for r in rules if r.name != "low_availability")
    await replace(alarm, rules=left).watch(["prod"], NOW + timedelta(minutes=15))
    assert alerts.heard() == [("alert:hook", "low_availability", "resolved")]


async def test_what_a_silence_hid_is_told_at_its_end_also_while_the_site_is_down() -> None:
    alarm, alerts = an_alarm(MAIL)
    alerts.silences = [Silence("Jane", "upgrade", NOW, NOW + timedelta(hours=2))]
    await alarm.follow(observed(3))
    for hours in (1, 2, 48):
        await alarm.watch(["prod"], NOW + timedelta(hours=hours))
    assert alerts.heard() == [("alert:mail", "low_availability", "firing")]


async def test_a_site_that_is_gone_under_a_silence_is_told_after_it() -> None:
    alarm, alerts = an_alarm(MAIL)
    await alarm.follow(observed(3))
    alerts.heard()
    alerts.silences = [Silence("Jane", "moving", NOW, NOW + timedelta(hours=30), site="prod")]
    for hours in (26, 40, 52):
        await alarm.watch(["test"], NOW + timedelta(hours=hours))
    assert alerts.heard() == [("alert:mail", "low_availability", "resolved")]


async def test_a_site_that_is_no_longer_configured_leaves_no_alert_behind() -> None:
    alarm, alerts = an_alarm(MAIL, MANAGER)
    await alarm.follow(observed(3))
    alerts.heard()

    for hours in (1, 23):
        await alarm.watch(["test"], NOW + timedelta(hours=hours))
    assert alerts.heard() == [], "a replica may not know yet that it is gone"
    for hours in (25, 26, 27):
        await alarm.watch(["test"], NOW + timedelta(hours=hours))

    ended = [(target, m.state.value, m.site) for target, m in alerts.told]
    assert ended == [("alert:mail", "resolved", "prod"), ("alert:am", "resolved", "prod")]
    assert "Now: this site is no longer configured" in alerts.told[0][1].text
    assert all(alert.state is AlertState.RESOLVED for alert in alerts.known.values())


async def test_a_site_that_is_gone_is_told_where_its_alerts_were_told() -> None:
    rules = tuple(replace(rule, route=("hook",)) for rule in default_rules())
    alarm, alerts = an_alarm(rules=rules)
    await alarm.follow(observed(3))
    alerts.heard()
    await alarm.watch([], NOW + timedelta(days=2))
    assert alerts.heard() == [("alert:hook", "low_availability", "resolved")]


async def test_a_site_that_comes_back_is_judged_anew() -> None:
    alarm, alerts = an_alarm(MAIL)
    await alarm.follow(observed(3))
    await alarm.watch([], NOW + timedelta(days=2))
    alerts.heard()
    await alarm.follow(observed(3, minutes=3 * 24 * 60))
    assert alerts.heard() == [("alert:mail", "low_availability", "firing")]


async def test_a_silence_keeps_the_state_and_tells_nobody() -> None:
    alarm, alerts = an_alarm(MAIL)
    alerts.silences = [Silence("Jane", "upgrade", NOW, NOW + timedelta(hours=1), site="prod")]
    await alarm.follow(observed(3))
    assert alerts.heard() == []
    await alarm.follow(observed(3, minutes=60))
    assert alerts.heard() == [("alert:mail", "low_availability", "firing")]


async def test_a_plan_that_stale_activity_alone_blocks_is_told_once_in_weeks() -> None:
    alarm, alerts = an_alarm(MAIL)
    await lived_through(alarm, *[("stale_activity",)] * 27, (), ())
    assert heard_by_day(alerts) == [(0, "Warning"), (27, "Resolved")]


async def test_a_plan_that_anything_else_blocks_is_told_again() -> None:
    alarm, alerts = an_alarm(MAIL)
    await lived_through(alarm, *[("grown", "stale_activity")] * 7, ())
    assert heard_by_day(alerts) == [
        (0, "Warning"),
        (3, "Still warning"),
        (6, "Still warning"),
        (7, "Resolved"),
    ]


async def test_a_quiet_block_that_gets_company_is_told_at_once() -> None:
    alarm, alerts = an_alarm(MAIL)
    stale = ("stale_activity",)
    await lived_through(alarm, *[stale] * 5, ("grown", *stale), *[stale] * 5, ())
    assert heard_by_day(alerts) == [(0, "Warning"), (5, "Now warning"), (11, "Resolved")]


async def test_a_quiet_block_goes_on_while_its_plan_expires_between_two_rare_runs() -> None:
    alarm, alerts = an_alarm(MAIL)
    stale = ("stale_activity",)
    week = [("blocked", stale)] * 3 + [("expired", stale)] * 4
    await lived_through_plans(alarm, [*week * 3, ("open", ())])
    assert heard_by_day(alerts) == [(0, "Warning"), (21, "Resolved")]


async def test_a_plan_that_expired_begins_no_alert() -> None:
    alarm, alerts = an_alarm(MAIL)
    await lived_through_plans(alarm, [("expired", ("stale_activity",)), ("open", ())])
    assert heard_by_day(alerts) == []


async def lived_through(alarm: Alarm, *limits: tuple[str, ...]) -> None:
    """Live through days of which each has a plan that breaks these limits."""
    await lived_through_plans(alarm, [("blocked" if some else "open", some) for some in limits])


async def lived_through_plans(alarm: Alarm, plans: list[tuple[str, tuple[str, ...]]]) -> None:
    """Live through days with the newest plan of each, four readings a day."""
    for number, (status, limits) in enumerate(plans):
        for hour in (0, 6, 12, 18):
            read = observed(minutes=(number * 24 + hour) * 60)
            plan = PlanSummary(
                plan_id=f"p-{number}",
                status=status,
                created_at=read.now,
                actions=6,
                deferred=0,
                violations=limits,
            )
            summary = msgspec.structs.replace(read.summary, plan=plan)
            await alarm.follow(replace(read, summary=summary))


def heard_by_day(alerts: FakeAlerts) -> list[tuple[int, str]]:
    """What was told, by day: the first words of each title."""
    return [((m.at - NOW).days, m.title.partition(":")[0]) for _, m in alerts.told]


async def test_a_message_says_what_where_since_when_the_numbers_and_what_to_do() -> None:
    alarm, alerts = an_alarm(MAIL, runbooks="https://wiki.example.com/runbooks/")
    for minutes, free in ((0, 3), (15, 0), (200, 50)):
        await alarm.follow(observed(free, minutes))
    few, none, over = (m for _, m in alerts.told)

    assert few.title == "Warning: prod: 3 of 200 analyzer seats are free"
    assert few.text.splitlines() == [
        "What: Few free seats (analyzer), warning",
        "Where: site prod",
        "Since: 2026-11-02 03:00 UTC (just now)",
        "Now: 3 of 200 analyzer seats are free",
        "Numbers: available=3, total=200",
        "What to do: See who could go (`seatkeeper plan`), approve a plan, or buy seats.",
        "Runbook: https://wiki.example.com/runbooks/low_availability.md",
    ]
    assert few.values == {"available": 3, "total": 200}
    assert none.title == "Now critical: prod: 0 of 200 analyzer seats are free"
    assert none.key == few.key == over.key == "low_availability/prod/analyzer"
    assert over.title == "Resolved: prod: Few free seats (analyzer)"
    assert over.text.splitlines()[0] == "What: Few free seats (analyzer), critical, resolved"
    assert "Since: 2026-11-02 03:00 UTC (for 3h)" in over.text
