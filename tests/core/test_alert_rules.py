"""What each rule says of a site; the healthy one of `a_summary` troubles nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from builders import NOW, a_summary, changed_pool
from seatkeeper.core.alert_compliance import (
    AboveEntitlement,
    BothTypes,
    Churn,
    CountsDisagree,
    ExcessUsers,
    SeatsOfGoneUsers,
)
from seatkeeper.core.alert_facts import (
    Certificate,
    CycleFacts,
    DayOfPool,
    Known,
    Queue,
    ReleaseFacts,
    SiteFacts,
    Spend,
)
from seatkeeper.core.alert_health import (
    BlockedPlan,
    CertificateExpiring,
    ChannelFailing,
    CycleLate,
    OutboxGrowing,
    ReleaseFailures,
    SiteUnreachable,
    StaleData,
)
from seatkeeper.core.alert_license import LicenseExpiry, LicenseRefused, LicenseUnclear
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_pools import (
    CapacityAhead,
    HighUtilization,
    LowAvailability,
    OverBudget,
    PoolEmptySoon,
    days_left,
    share_of_month,
)
from seatkeeper.core.alert_rule import NEVER, Amount, Reading, Rule, RuleKind, Status
from seatkeeper.core.alert_rules import KINDS, default_rules
from seatkeeper.core.alerts import Alert, AlertKey, Round, Why, advance
from seatkeeper.core.model import Capacity, LicenseType, Pool
from seatkeeper.core.outbox import Loss
from seatkeeper.core.summary import LicenseState, LicenseSummary, Mismatch, Summary

BAD, BETWEEN, FINE = Status.BAD, Status.BETWEEN, Status.FINE
PROFESSIONAL, ANALYZER = LicenseType
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def known(summary: Summary | None = None, **facts: Any) -> Known:
    """A site with these facts, of the store or beside it."""
    of_store = {n: facts.pop(n) for n in ("days", "cycles", "releases") if n in facts}
    stored = SiteFacts(**of_store)
    return Known(site="prod", now=NOW, summary=summary or a_summary(), facts=stored, **facts)


def free(available: int, total: int = 200) -> Known:
    """A site whose analyzer pool has so many free seats."""
    professional, analyzer = a_summary().pools
    pool = changed_pool(
        analyzer, total=total, available=available, allocated=max(0, total - available)
    )
    return known(a_summary(pools=(professional, pool)))


def complying(**counts: Any) -> Known:
    summary = a_summary()
    return known(
        msgspec.structs.replace(
            summary, compliance=msgspec.structs.replace(summary.compliance, **counts)
        )
    )


def licensed(state: LicenseState, days: int | None = None) -> Known:
    last = None if days is None else (NOW + timedelta(days=days)).date()
    return known(a_summary(license=LicenseSummary(state=state, valid_to=last, days_left=days)))


def days(*available: float, total: int = 200) -> tuple[DayOfPool, ...]:
    first = (NOW - timedelta(days=len(available))).date()
    return tuple(
        DayOfPool(first + timedelta(days=n), total, int(left)) for n, left in enumerate(available)
    )


UNCLEAR = LicenseSummary(state=LicenseState.CANNOT_TELL)


def running_out(left: int) -> Known:
    """A site whose analyzer pool loses five seats a day and has so many left."""
    falling = days(*(left + 5 * n for n in range(27, -1, -1)))
    return replace(free(left), facts=SiteFacts(days={ANALYZER: falling}))


def pools_of(one: Known) -> tuple[Pool, ...]:
    assert one.summary is not None
    return one.summary.pools


def readings(kind: RuleKind, of: Known) -> Mapping[str, Reading]:
    return {r.subject: r for r in kind.read(of)}


def status(kind: RuleKind, of: Known, subject: str = "") -> Status:
    return readings(kind, of)[subject].status


def test_a_healthy_site_troubles_no_rule() -> None:
    early = Capacity(enabled=True, allocated_minutes=20000, used_minutes=700, unavailable_minutes=0)
    for rule in default_rules():
        found = rule.kind.read(known(a_summary(capacity=early)))
        assert [r for r in found if r.status is not FINE] == []


def test_every_rule_is_on_by_default_under_a_name_of_its_own() -> None:
    assert len({rule.name for rule in default_rules()}) == len(KINDS) == 22


@pytest.mark.parametrize(
    ("available", "expected"), [(9, BAD), (10, BETWEEN), (13, BETWEEN), (14, FINE), (0, BAD)]
)
def test_few_free_seats_by_share(available: int, expected: Status) -> None:
    assert status(LowAvailability(), free(available), "analyzer") is expected


def test_few_free_seats_by_count_of_one_type() -> None:
    rule = LowAvailability(analyzer=Amount(count=20), analyzer_clear=Amount(count=25))

    assert status(rule, free(19), "analyzer") is BAD
    assert status(rule, free(20), "analyzer") is BETWEEN
    assert status(rule, free(25), "analyzer") is FINE
    assert status(rule, free(19), "professional") is FINE
    assert status(LowAvailability(analyzer=Amount(count=0)), free(0), "analyzer") is not BAD


@pytest.mark.parametrize("total", [100, 2000])
def test_few_free_seats_by_count_alone_are_over_a_little_above_it_in_every_pool(total: int) -> None:
    rule = LowAvailability(analyzer=Amount(count=10))

    found = [status(rule, free(left, total), "analyzer") for left in (9, 10, 13, 14)]

    assert found == [BAD, BETWEEN, BETWEEN, FINE]


def test_few_free_seats_by_a_large_share_can_be_over() -> None:
    rule = LowAvailability(analyzer=Amount(share=0.9))
    assert [status(rule, free(left), "analyzer") for left in (179, 200)] == [BAD, FINE]


def test_no_free_seat_is_critical_and_worse() -> None:
    few, none = (readings(LowAvailability(), free(n))["analyzer"] for n in (3, 0))

    assert (few.severity, none.severity) == (None, Severity.CRITICAL)
    assert few.step < none.step
    assert few.says == "3 of 200 analyzer seats are free"


@pytest.mark.parametrize(("available", "expected"), [(19, BAD), (20, BETWEEN), (26, FINE)])
def test_high_utilization(available: int, expected: Status) -> None:
    assert status(HighUtilization(), free(available), "analyzer") is expected


def test_a_pool_that_loses_seats_every_day_is_empty_some_day() -> None:
    falling = days(*range(60, 32, -1))

    assert days_left(32, falling) == pytest.approx(34), "as the last days show it"
    assert status(PoolEmptySoon(), known(days={ANALYZER: falling}), "analyzer") is FINE


@pytest.mark.parametrize(
    "history",
    [
        days(*range(30, 24, -1)),
        days(*[50] * 14),
        days(*[50] * 10, *[20] * 4),
        days(*range(20, 48)),
        days(*range(60, 40, -1), *[40] * 8),
        (*days(*range(90, 60, -1))[:-3], *days(*[60] * 3, total=180)),
    ],
    ids=["too short", "even", "one step", "rising", "fell once", "just resized"],
)
def test_no_trend_is_made_up(history: Sequence[DayOfPool]) -> None:
    assert days_left(20, history) is None


@pytest.mark.parametrize(("left", "expected"), [(12, BAD), (17, BETWEEN), (20, FINE), (0, BETWEEN)])
def test_a_pool_that_is_empty_soon(left: int, expected: Status) -> None:
    history = {ANALYZER: days(*range(left + 27, left - 1, -1))}
    of = replace(free(left), facts=SiteFacts(days=history))
    assert status(PoolEmptySoon(), of, "analyzer") is expected


def test_a_sudden_gap_is_no_trend() -> None:
    slowly = {ANALYZER: days(*range(90, 62, -1))}
    of = replace(free(3), facts=SiteFacts(days=slowly))
    assert status(PoolEmptySoon(), of, "analyzer") is FINE


def minutes(used: int, at: datetime) -> Known:
    capacity = Capacity(
        enabled=True, allocated_minutes=1000, used_minutes=used, unavailable_minutes=0
    )
    return Known(site="prod", now=at, summary=a_summary(capacity=capacity))


def test_capacity_minutes_ahead_of_the_month() -> None:
    middle = datetime(2026, 11, 16, tzinfo=UTC)
    assert share_of_month(middle) == 0.5
    for used, expected in ((620, BAD), (580, BETWEEN), (540, FINE), (1000, BAD)):
        assert status(CapacityAhead(), minutes(used, middle), "analyzer_capacity") is expected


def test_little_use_early_in_the_month_says_nothing() -> None:
    second = datetime(2026, 11, 2, 1, tzinfo=UTC)
    assert status(CapacityAhead(), minutes(190, second), "analyzer_capacity") is not BAD
    first = datetime(2026, 11, 1, 1, tzinfo=UTC)
    assert status(CapacityAhead(), minutes(990, first), "analyzer_capacity") is BETWEEN


def test_cost_over_budget() -> None:
    def spent(amount: str) -> Known:
        return known(spend=Spend(Decimal(amount), Decimal(1000), "EUR"))

    assert status(OverBudget(), spent("1000.01")) is BAD
    assert status(OverBudget(), spent("990")) is BETWEEN
    assert status(OverBudget(), spent("980")) is FINE
    assert readings(OverBudget(), spent("1200"))[""].says == (
        "the seats of all sites cost 1200.00 of a budget of 1000.00 EUR a month"
    )
    assert readings(OverBudget(), known()) == {}


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (ExcessUsers(), "excess"),
        (BothTypes(), "both_types"),
        (AboveEntitlement(), "above_allotment"),
    ],
)
def test_one_is_enough_for_an_auditor(rule: RuleKind, count: str) -> None:
    assert status(rule, complying(**{count: 1})) is BAD
    assert status(rule, complying()) is FINE


@pytest.mark.parametrize("kind", ["removed", "blocked", "deleted"])
def test_many_seats_of_users_who_are_gone(kind: str) -> None:
    for count, expected in ((10, BAD), (9, BETWEEN), (7, FINE)):
        assert status(SeatsOfGoneUsers(), complying(**{kind: count}), kind) is expected


def test_users_released_again_and_again() -> None:
    assert status(Churn(), known(releases=ReleaseFacts(churners=1))) is BAD
    assert status(Churn(), known()) is FINE


def test_rows_and_overview_disagree() -> None:
    def apart(rows: int) -> Known:
        one = Mismatch(license_type=ANALYZER, overview=100, rows=rows)
        return complying(mismatches=(one,))

    subject = "analyzer allocated"
    assert status(CountsDisagree(), apart(97), subject) is BAD
    assert status(CountsDisagree(), apart(102), subject) is BETWEEN
    assert status(CountsDisagree(), apart(99), subject) is FINE


def test_the_license_counts_down_step_by_step() -> None:
    steps = [
        readings(LicenseExpiry(), licensed(LicenseState.VALID, left))[""]
        for left in (91, 90, 60, 30, 7)
    ]
    ended = readings(LicenseExpiry(), licensed(LicenseState.EXPIRED, -1))[""]

    assert [r.status for r in steps] == [FINE, BAD, BAD, BAD, BAD]
    assert [r.step for r in (*steps[1:], ended)] == [1, 2, 3, 4, 5]
    assert [r.severity for r in steps[1:]] == [None, None, None, Severity.CRITICAL]
    assert ended.severity is Severity.CRITICAL
    assert "has expired; its last day is 2026-11-01" in ended.says


def test_a_license_of_which_nobody_can_tell() -> None:
    unclear = licensed(LicenseState.CANNOT_TELL)
    assert status(LicenseUnclear(), unclear) is BAD
    assert status(LicenseExpiry(), unclear) is BETWEEN
    assert status(LicenseExpiry(), licensed(LicenseState.EXPIRED)) is BAD
    assert status(LicenseRefused(), unclear) is BETWEEN


def test_a_license_whose_marks_are_clear_is_accepted_though_its_end_cannot_be_told() -> None:
    seen = LicenseSummary(state=LicenseState.CANNOT_TELL, accepted=True)
    assert status(LicenseRefused(), known(a_summary(license=seen))) is FINE


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (LicenseExpiry(), licensed(LicenseState.VALID, 5)),
        (LicenseRefused(), licensed(LicenseState.DENYLISTED)),
        (PoolEmptySoon(), running_out(30)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_told_for_once_neither_ends_an_alert_nor_tells_it_again(
    rule: RuleKind, bad: Known
) -> None:
    unclear = running_out(0)
    unclear = replace(
        unclear, summary=a_summary(pools=pools_of(unclear), license=UNCLEAR), facts=bad.facts
    )
    whys, alerts = [], dict[AlertKey, Alert]()
    for number, one in enumerate((bad, bad, unclear, bad)):
        now = NOW + number * 2 * HOUR
        asked = replace(Rule.of(rule), repeat=NEVER)
        done = advance(alerts, [Round(asked, "prod", tuple(rule.read(one)))], (), now)
        alerts |= {alert.key: alert for alert in done.kept}
        whys += [telling.why for telling in done.tellings if telling.why is not Why.KEPT]

    assert whys == [Why.FIRED]


@pytest.mark.parametrize(
    "state", [LicenseState.DENYLISTED, LicenseState.INVALID, LicenseState.NONE]
)
def test_a_license_that_is_not_accepted(state: LicenseState) -> None:
    assert status(LicenseRefused(), licensed(state)) is BAD
    assert status(LicenseRefused(), licensed(LicenseState.VALID, 100)) is FINE


def test_releases_that_failed() -> None:
    assert status(ReleaseFailures(), known(releases=ReleaseFacts(failed=1))) is BAD


def test_a_blocked_plan_names_its_limits() -> None:
    plan = a_summary().plan
    assert plan is not None
    blocked = msgspec.structs.replace(plan, status="blocked", violations=("grown", "max_share"))
    found = readings(BlockedPlan(), known(a_summary(plan=blocked)))[""]
    assert found.status is BAD
    assert found.says.endswith("is blocked by grown, max_share")


def test_stale_data_goes_by_the_schedule_of_the_site() -> None:
    old = CycleFacts(last_good=NOW - 4 * HOUR)
    assert status(StaleData(), known(cycles=old)) is BAD
    assert status(StaleData(), known(cycles=replace(old, period=2 * HOUR))) is FINE
    assert readings(StaleData(), known()) == {}


def test_a_cycle_that_is_late() -> None:
    for late, expected in ((31, BAD), (30, FINE), (-5, FINE)):
        due = NOW - timedelta(minutes=late)
        assert status(CycleLate(), known(cycles=CycleFacts(due=due))) is expected


def test_one_failed_cycle_is_not_yet_a_site_that_is_down() -> None:
    for failures, expected in ((0, FINE), (1, BETWEEN), (2, BAD)):
        cycles = CycleFacts(failures=failures, failing_since=NOW, error="no answer")
        assert status(SiteUnreachable(), known(cycles=cycles)) is expected


def test_a_certificate_that_ends() -> None:
    for left, expected, step in ((31, FINE, 1), (29, BAD, 1), (6, BAD, 2), (-1, BAD, 2)):
        of = known(certificates=(Certificate("client.pem", NOW + left * DAY),))
        found = readings(CertificateExpiring(), of)["client.pem"]
        assert (found.status, found.step) == (expected, step)


def waiting(minutes: float, target: str, **more: Any) -> Known:
    oldest = NOW - timedelta(minutes=minutes)
    return Known(site="", now=NOW, queues=(Queue(target, 5, oldest, "no answer", **more),))


def test_points_that_wait() -> None:
    for minutes_, expected in ((31, BAD), (20, BETWEEN), (5, FINE)):
        of = waiting(minutes_, "influx:main")
        assert status(OutboxGrowing(), of, "influx:main") is expected
        assert readings(ChannelFailing(), of) == {}


def test_very_many_points_that_wait_are_over_at_half_of_them() -> None:
    for rows, expected in ((50_000, BAD), (49_999, BETWEEN), (25_000, BETWEEN), (24_999, FINE)):
        ten_minutes_ago = NOW - timedelta(minutes=10 if expected is not FINE else 9)
        of = Known(site="", now=NOW, queues=(Queue("influx:main", rows, ten_minutes_ago),))
        assert status(OutboxGrowing(), of, "influx:main") is expected


def test_very_many_points_of_a_reading_that_just_ended_are_no_alarm() -> None:
    """A command judges before it delivers: 60,000 users of which there are points, say."""
    just_put = Queue("influx:main", 60_000, NOW - timedelta(minutes=2))

    of = Known(site="", now=NOW, queues=(just_put,))

    assert status(OutboxGrowing(), of, "influx:main") is BETWEEN


def test_one_is_told_as_one() -> None:
    one = Queue("influx:main", 1, NOW)
    said = {
        kind.about.name: next(iter(kind.read(of))).says
        for kind, of in (
            (ReleaseFailures(), known(releases=ReleaseFacts(failed=1))),
            (Churn(), known(releases=ReleaseFacts(churners=1))),
            (LicenseExpiry(), licensed(LicenseState.VALID, 1)),
            (OutboxGrowing(), Known(site="", now=NOW, queues=(one,))),
            (SeatsOfGoneUsers(), complying(removed=1)),
            (SiteUnreachable(), known(cycles=CycleFacts(failures=1, error="no answer"))),
        )
    }
    assert said == {
        "release_failures": "1 release failed within 1d",
        "churn": "1 user was released more than 2 times within 90 days",
        "license_expiry": "the license of the server ends in 1 day; its last day is 2026-11-03",
        "outbox_growing": "1 point waits for influx:main since 2026-11-02 03:00 UTC",
        "seats_of_gone_users": "removed users hold 1 seat",
        "site_unreachable": "1 cycle failed: no answer",
    }


def test_what_was_dropped_is_said_for_a_day() -> None:
    for hours, expected, step in ((1, BAD, 2), (25, FINE, 1)):
        loss = Loss(1200, NOW - 30 * DAY, NOW - hours * HOUR)
        found = readings(OutboxGrowing(), waiting(5, "influx:main", loss=loss))["influx:main"]
        assert (found.status, found.step) == (expected, step)
        assert "1200 points were dropped in all, the newest of 2026-10-03 03:00 UTC" in found.says
        told = readings(ChannelFailing(), waiting(5, "alert:mail", loss=loss))["mail"]
        assert told.status is expected
        assert "1200 messages were dropped in all" in told.says


def test_a_channel_that_does_not_deliver_or_refuses() -> None:
    for minutes_, expected in ((16, BAD), (10, BETWEEN), (1, FINE)):
        of = waiting(minutes_, "alert:mail")
        assert status(ChannelFailing(), of, "mail") is expected
        assert readings(OutboxGrowing(), of) == {}
    refused = waiting(0, "alert:mail", refused_at=NOW - HOUR)
    assert status(ChannelFailing(), refused, "mail") is BAD
