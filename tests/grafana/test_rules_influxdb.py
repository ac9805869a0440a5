"""The alert rules for InfluxDB on a real one: each fires where it should, and only there.

`prod` is wrong in every way, `odd` has a license of which nobody can tell the end, `calm` is well.
The points are those that a monitoring cycle writes. Butler wrote its own into the same database,
of a site that is in no way well; it names none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders import ANALYZER, PROFESSIONAL, a_pool, a_summary, changed_pool
from influx import Influx, an_influx
from seatkeeper.core.points import Beside, points_of
from seatkeeper.core.summary import (
    ComplianceSummary,
    LicenseState,
    LicenseSummary,
    PlanSummary,
    Summary,
)
from seatkeeper.grafana.rules import RULES, Limit, Rule
from seatkeeper.outlets.lines import encoder

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALM = Beside(
    cost={"analyzer": {"spend": 900.0}},
    budget=2000.0,
    outbox=3,
    set_aside=0,
    dropped=700,
    failed_releases=0,
)
STALE = "NumbersStale"
ASKED = [rule for rule in RULES if rule.influx and rule.name != STALE]


BUTLER = (
    "qlik_sense_license,license_type=analyzer total=200,allocated=200,available=0,excess=9.0",
    "qlik_sense_license,license_type=analyzer_capacity allocated_minutes=10,used_minutes=10",
    "qlik_sense_server_license days_until_expiry=-5",
)


def a_calm_one(at: datetime) -> Summary:
    """Return the numbers of a healthy site that has bought no professional seat."""
    professional, analyzer = a_summary(site="calm", at=at).pools
    none = changed_pool(professional, total=0, allocated=0, available=0, used=0)
    return a_summary(site="calm", at=at, pools=(none, analyzer))


def a_bad_one(at: datetime, age: timedelta) -> Summary:
    """Return the numbers of a site on which everything is wrong; the more so the newer."""
    free = 3 + age // DAY * 3
    analyzer = changed_pool(a_pool(ANALYZER), total=200, allocated=200 - free, available=free)
    pools = (changed_pool(a_pool(PROFESSIONAL), total=50, allocated=50, available=0), analyzer)
    healthy = a_summary()
    assert healthy.capacity is not None
    return a_summary(
        site="prod",
        at=at,
        pools=tuple(changed_pool(pool, excess=2) for pool in pools),
        license=LicenseSummary(state=LicenseState.DENYLISTED, days_left=3),
        compliance=ComplianceSummary(removed=7),
        capacity=replace(healthy.capacity, used_minutes=19_500),
        plan=PlanSummary(
            plan_id="plan-1",
            status="blocked",
            created_at=at,
            actions=1,
            deferred=0,
            violations=("max_share",),
        ),
    )


def lines(end: datetime) -> Iterator[bytes]:
    """Give the points of twenty days: one reading a day, and the last two days every hour.

    `prod` was not read any more for the last ten hours.
    """
    encode = encoder({})
    stamp = int((end - HOUR).timestamp()) * 1_000_000_000
    for line in BUTLER:
        yield f"{line} {stamp}".encode()
    ages = [n * DAY for n in range(20, 2, -1)] + [n * HOUR for n in range(48, -1, -1)]
    for age in ages:
        at = end - age
        bad = Beside(
            cost={"analyzer": {"spend": 1200.0}},
            budget=2000.0,
            outbox=5000,
            set_aside=2,
            dropped=int((2 * DAY - age) / HOUR) if age < 2 * DAY else 0,
            failed_releases=4,
        )
        unclear = LicenseSummary(state=LicenseState.CANNOT_TELL)
        points = points_of(a_calm_one(at), CALM)
        points += points_of(a_summary(site="odd", at=at, license=unclear), CALM)
        if age > 10 * HOUR:
            points += points_of(a_bad_one(at, age), bad)
        yield from (entry.body for entry in encode(points))


@pytest.fixture(scope="module")
def influx() -> Iterator[Influx]:
    with an_influx() as server:
        server.ask("CREATE DATABASE butler")
        server.write(b"\n".join(lines(datetime.now(UTC))).decode())
        yield server


def answers(influx: Influx, rule: Rule) -> list[tuple[str, list[Any]]]:
    """Return the values of each series with its site."""
    query = rule.influx.replace("$timeFilter", "time > now() - 1d")
    return [
        (one.get("tags", {}).get("site", ""), [row[-1] for row in one["values"]])
        for one in influx.ask(query, "butler")
    ]


def fires(rule: Rule, value: float) -> bool:
    """Whether Grafana would take the number for an alert."""
    limit, bound = rule.influx_limit or (rule.limit, rule.bound)
    return value > bound if limit is Limit.ABOVE else value < bound


@pytest.mark.parametrize("rule", ASKED, ids=lambda r: r.name)
def test_a_rule_fires_where_something_is_wrong_and_nowhere_else(influx: Influx, rule: Rule) -> None:
    # The budget is of all sites together, so its rule names none.
    wrong = {"ServerLicenseUnclear": "odd", "OverBudget": ""}.get(rule.name, "prod")

    found = {site for site, values in answers(influx, rule) if fires(rule, values[-1])}

    assert found == {wrong}


def test_the_budget_is_compared_with_what_all_sites_cost(influx: Influx) -> None:
    (rule,) = (rule for rule in RULES if rule.name == "OverBudget")
    (_, values), *others = answers(influx, rule)

    assert not others
    assert values[-1] == pytest.approx((900 + 900 + 1200) / 2000)


def test_numbers_are_stale_where_no_reading_came(influx: Influx) -> None:
    (rule,) = (rule for rule in RULES if rule.name == STALE)
    # The newest span has only just begun: it lasts for an hour before anybody is told.
    recent = {site: values[-2:] for site, values in answers(influx, rule)}

    assert all(fires(rule, number) for number in recent["prod"])
    assert not fires(rule, max(recent["calm"]))
