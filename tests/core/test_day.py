"""Is today a good day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import ANALYZER, NOW, PROFESSIONAL, a_summary
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Alert, AlertKey, AlertState
from seatkeeper.core.day import Answer, PoolOutlook, SiteDay, Where, judge_day
from seatkeeper.core.forecast import Forecast
from seatkeeper.core.plan import Limit, PlanStatus
from seatkeeper.core.record import PlanLine

TODAY = NOW.date()


def a_site(**changes: Any) -> SiteDay:
    told: dict[str, Any] = {
        "site": "prod",
        "summary": a_summary(),
        "stale": False,
        "pools": (PoolOutlook(ANALYZER, 18, 400),),
    }
    return SiteDay(**{**told, **changes})


def a_line(status: PlanStatus = PlanStatus.OPEN, **changes: Any) -> PlanLine:
    line = PlanLine(
        plan_id="20261102-030000-0a1b2c3d",
        site="prod",
        status=status,
        created_at=NOW,
        expires_at=NOW + timedelta(hours=20),
        actions=50,
        deferred=0,
    )
    return replace(line, **changes)


def an_alert(rule: str = "stale_data", severity: Severity = Severity.WARNING) -> Alert:
    key = AlertKey(rule, "prod", "analyzer")
    return Alert(key, AlertState.FIRING, severity, NOW, NOW, "something is wrong")


def running_dry(days: int, left: int = 18) -> PoolOutlook:
    slope = -left / days
    return PoolOutlook(ANALYZER, left, 400, Forecast(TODAY, left, slope, slope, slope))


def test_nothing_to_do_is_a_quiet_day() -> None:
    day = judge_day([a_site()], NOW)

    assert (day.answer, day.todo) == (Answer.QUIET, ())
    assert day.sentence == "All quiet. Nobody is locked out, and nothing waits for you."


def test_a_plan_waits_for_somebody() -> None:
    day = judge_day([a_site(waiting=(a_line(),))], NOW)

    assert day.answer is Answer.NEEDS_YOU
    assert day.sentence == "Nobody is locked out. One thing waits for you."
    assert day.todo[0].title == "A plan for prod waits for approval"
    assert day.todo[0].says == (
        "It would release 50 seats that nobody uses. It expires in 20 hours."
    )


def test_a_blocked_plan_names_its_limits() -> None:
    line = a_line(PlanStatus.BLOCKED, violations=(Limit.MAX_SHARE,))
    day = judge_day([a_site(waiting=(line,))], NOW)

    assert day.todo[0].title == "A plan for prod breaks one limit"
    assert "max_share" in day.todo[0].says


def test_a_pool_that_runs_dry_soon_waits_with_its_date() -> None:
    day = judge_day([a_site(pools=(running_dry(30),))], NOW)

    assert day.answer is Answer.NEEDS_YOU
    assert day.todo[0].where is Where.IDLE
    assert day.todo[0].title == "Analyzer at prod runs dry on 2 December"
    assert day.todo[0].says == "18 seats are left of 400, and about 4 go each week."


@pytest.mark.parametrize(("days", "answer"), [(3, Answer.ACT_NOW), (46, Answer.QUIET)])
def test_how_soon_decides(days: int, answer: Answer) -> None:
    assert judge_day([a_site(pools=(running_dry(days, 92),))], NOW).answer is answer


EMPTY = PoolOutlook(ANALYZER, 0, 400)


def test_an_empty_pool_is_a_bad_day_and_waits_for_somebody() -> None:
    day = judge_day([a_site(pools=(EMPTY,)), a_site(site="test")], NOW)

    assert day.answer is Answer.ACT_NOW
    assert day.sentence == (
        "No analyzer seat is left at prod: the next user without one is locked out."
    )
    assert [(todo.title, todo.where) for todo in day.todo] == [
        ("No analyzer seat is left at prod", Where.IDLE)
    ]


def test_a_pool_that_was_empty_when_it_was_last_read_says_when_that_was() -> None:
    day = judge_day([a_site(pools=(EMPTY,), stale=True)], NOW + timedelta(hours=9))

    assert day.answer is Answer.ACT_NOW
    assert day.sentence == (
        "No analyzer seat is left at prod, as far as was read 9 hours ago: the next user without"
        " one is locked out."
    )
    assert [todo.title for todo in day.todo] == [
        "No analyzer seat is left at prod",
        "prod gave no new numbers for 9 hours",
    ]


def test_whoever_has_minutes_of_capacity_left_is_not_locked_out() -> None:
    assert judge_day([a_site(pools=(EMPTY,), minutes=1)], NOW).answer is Answer.QUIET
    pro = PoolOutlook(PROFESSIONAL, 0, 50)
    assert judge_day([a_site(pools=(pro,), minutes=1)], NOW).answer is Answer.ACT_NOW


def test_people_above_the_license_are_locked_out() -> None:
    above = PoolOutlook(PROFESSIONAL, 0, 50, excess=3)
    day = judge_day([a_site(pools=(above,))], NOW)

    assert day.answer is Answer.ACT_NOW
    assert day.sentence == (
        "3 people are locked out at prod: more professional seats are held than the license grants."
    )
    assert day.todo[0].title == "3 professional seats at prod above the license"


def test_an_alert_that_needs_somebody_outweighs_a_site_that_nobody_sees() -> None:
    alert = an_alert(severity=Severity.CRITICAL)
    blind = a_site(site="test", stale=True)
    day = judge_day([a_site(alerts=(alert,)), blind], NOW + timedelta(days=2))

    assert day.answer is Answer.ACT_NOW
    assert day.sentence == (
        "Something needs you now. One thing waits for you."
        " Nobody can tell: test gave no new numbers for 2 days."
    )


def test_old_data_foretell_nothing() -> None:
    day = judge_day([a_site(pools=(running_dry(30),), stale=True)], NOW)

    assert [todo.where for todo in day.todo] == [Where.SETTINGS]


@pytest.mark.parametrize(
    ("severity", "answer"),
    [
        (Severity.CRITICAL, Answer.ACT_NOW),
        (Severity.WARNING, Answer.NEEDS_YOU),
        (Severity.INFO, Answer.QUIET),
    ],
)
def test_an_alert_about_seatkeeper_itself_is_part_of_the_day_once(
    severity: Severity, answer: Answer
) -> None:
    own = replace(an_alert(severity=severity), key=AlertKey("channel_failing", "", "ops"))
    day = judge_day([a_site(), a_site(site="test")], NOW, [own])

    assert day.answer is answer
    assert len(day.todo) == (severity is not Severity.INFO)
    assert all(t.title == "1 alert is firing about Seatkeeper itself" for t in day.todo)


def test_in_mode_observe_no_plan_waits_for_anybody() -> None:
    assert judge_day([a_site(waiting=(a_line(),), releases=False)], NOW).answer is Answer.QUIET


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(seconds=30), "0 minutes"),
        (timedelta(minutes=61), "61 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=71), "2 days"),
    ],
)
def test_times_are_said_in_words_that_fit(left: timedelta, words: str) -> None:
    line = a_line(expires_at=NOW + left)

    assert f"It expires in {words}." in judge_day([a_site(waiting=(line,))], NOW).todo[0].says


def test_a_pool_of_which_nothing_was_bought_locks_nobody_out() -> None:
    assert judge_day([a_site(pools=(PoolOutlook(ANALYZER, 0, 0),))], NOW).answer is Answer.QUIET


@pytest.mark.parametrize("changes", [{"stale": True}, {"summary": None, "stale": True}])
def test_old_data_never_look_like_good_data(changes: dict[str, Any]) -> None:
    day = judge_day([a_site(), a_site(site="test", **changes)], NOW + timedelta(days=3))
    told = (
        "test gave no new numbers for 3 days" if "summary" not in changes else "test was never read"
    )

    assert day.answer is Answer.CANNOT_TELL
    assert day.sentence == f"Nobody can tell: {told}."
    assert [(todo.title, todo.where) for todo in day.todo] == [(told, Where.SETTINGS)]


def test_several_sites_that_nobody_sees_are_counted_and_named_below() -> None:
    sites = [a_site(), a_site(site="test", stale=True), a_site(site="new", summary=None)]
    day = judge_day(sites, NOW + timedelta(days=3))

    assert day.sentence == "Nobody can tell of 2 of 3 sites."
    assert [todo.title for todo in day.todo] == [
        "test gave no new numbers for 3 days",
        "new was never read",
    ]


def test_before_the_first_reading_nobody_can_tell() -> None:
    day = judge_day([a_site(summary=None, stale=True, pools=())], NOW)

    assert day.sentence == "Nobody can tell yet: nothing was read."


def test_a_critical_alert_needs_somebody_now() -> None:
    alert = an_alert(severity=Severity.CRITICAL)
    day = judge_day([a_site(alerts=(alert,))], NOW)

    assert day.answer is Answer.ACT_NOW
    assert day.todo[0].title == "1 alert is firing at prod"


def test_news_alone_need_nobody() -> None:
    assert judge_day([a_site(alerts=(an_alert(severity=Severity.INFO),))], NOW).todo == ()


def test_what_is_said_already_is_not_said_again() -> None:
    alerts = (an_alert("blocked_plan"), an_alert("pool_empty_soon"))
    site = a_site(waiting=(a_line(),), pools=(running_dry(30),), alerts=alerts)

    assert [todo.where for todo in judge_day([site], NOW).todo] == [Where.PLAN, Where.IDLE]


def test_what_is_urgent_stands_first() -> None:
    site = a_site(waiting=(a_line(),), pools=(running_dry(2),))

    assert [todo.urgent for todo in judge_day([site], NOW).todo] == [True, False]
