"""What Prometheus is told: every metric of `core.measures`, and never more than it should be."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from builders import NOW, a_policy, a_snapshot, a_summary, a_user, an_allocation, judged_of
from seatkeeper.core.measures import METRICS, Metric, MetricKind
from seatkeeper.core.model import LicenseType, TokenAccess, Tokens
from seatkeeper.core.scrape import Counted, Scrape
from seatkeeper.core.summarise import Beside, summarise
from seatkeeper.core.summary import LicenseState, LicenseSummary, Summary
from seatkeeper.outlets.prometheus import expose

OPEN = "application/openmetrics-text; version=1.0.0"
TOKENS = Tokens(
    total=50.0,
    available=20.0,
    user=TokenAccess(enabled=True, cost=1.0, allocated=10.0, used=9.0),
    login=TokenAccess(enabled=True, cost=1.0, allocated=20.0, used=2.0),
)


def everything(**changes: Any) -> Scrape:
    """Return a scrape in which no metric is without a sample."""
    told: dict[str, Any] = {
        "summaries": {"prod": a_summary(tokens=TOKENS)},
        "releases": {Counted("prod", "professional", "released", "idle"): 3},
        "regrets": {Counted("prod", "analyzer"): 2},
        "budget": Decimal(5000),
        "successes": {("prod", "monitor"): NOW},
        "outbox": {("influx:main", "waiting"): 7},
        "dropped": {"alert:mail": 3},
        "alerts": {("prod", "critical", "firing"): 1},
        "costs": {("prod", "professional", "spend"): Decimal("1400.00")},
    }
    return Scrape(**{**told, **changes})


def families(scrape: Scrape) -> dict[str, Family]:
    """Return what a scrape tells, by name, without the metrics of the process."""
    found = parse(expose(scrape).body.decode())
    return {f.name: f for f in found if not f.name.startswith("process_")}


def number(scrape: Scrape, name: str, **labels: str) -> float:
    """Return one number."""
    every = [s for f in families(scrape).values() for s in f.samples]
    (sample,) = [s for s in every if s.name == name and s.labels.items() >= labels.items()]
    return float(sample.value)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_every_metric_has_the_name_kind_help_and_labels_that_are_agreed(metric: Metric) -> None:
    counter, info = metric.kind is MetricKind.COUNTER, metric.kind is MetricKind.INFO
    family = families(everything())[metric.name.removesuffix("_total") if counter else metric.name]

    assert family.type == ("gauge" if info else metric.kind.value)
    assert family.documentation == metric.help
    assert {s.name for s in family.samples} == {metric.name}
    assert {tuple(sorted(s.labels)) for s in family.samples} == {tuple(sorted(metric.labels))}


def test_there_is_no_metric_that_is_not_agreed() -> None:
    agreed = {m.name.removesuffix("_total") for m in METRICS}

    assert families(everything()).keys() == agreed


def test_both_formats_tell_the_same() -> None:
    scrape = everything()
    opened = expose(scrape, OPEN)

    def samples(found: Any) -> set[Any]:
        every = (s for f in found for s in f.samples if not s.name.startswith("process_"))
        return {(s.name, tuple(sorted(s.labels.items())), s.value) for s in every}

    assert opened.content_type.startswith("application/openmetrics-text")
    assert opened.body.endswith(b"# EOF\n")
    assert expose(scrape).content_type.startswith("text/plain")
    text = samples(parse(expose(scrape).body.decode()))
    assert samples(parse_open(opened.body.decode())) == text


def test_promtool_has_nothing_to_complain_of() -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=expose(everything()).body,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_process_is_measured() -> None:
    text = expose(Scrape()).body.decode()

    assert "process_resident_memory_bytes" in text
    assert "process_cpu_seconds_total" in text


def test_numbers_stand_where_they_belong() -> None:
    scrape = everything()

    assert number(scrape, "qlik_license_seats", license_type="analyzer", state="total") == 200
    assert number(scrape, "qlik_license_capacity_seconds", state="used") == 5000 * 60
    idle = number(scrape, "qlik_license_idle_seats", license_type="professional", bucket="0-7d")
    assert idle == 20
    assert number(scrape, "qlik_license_state", state="valid") == 1
    assert number(scrape, "qlik_license_state", state="expired") == 0
    released = {"license_type": "professional", "outcome": "released", "reason": "idle"}
    assert number(scrape, "qlik_license_releases_total", **released) == 3
    never = {"license_type": "professional", "outcome": "refused", "reason": "idle"}
    assert number(scrape, "qlik_license_releases_total", **never) == 0
    assert number(scrape, "qlik_license_regrets_total", license_type="analyzer") == 2
    assert number(scrape, "qlik_license_monthly_cost", kind="spend") == 1400
    assert number(scrape, "qlik_license_monthly_budget") == 5000


def test_the_license_ends_with_the_last_second_of_its_last_day() -> None:
    end = number(everything(), "qlik_license_expiry_timestamp_seconds", site="prod")

    assert end == a_day_after_midnight(a_summary())


def a_day_after_midnight(summary: Summary) -> float:
    """Return the last second of the last valid day."""
    valid_to = summary.license.valid_to
    assert valid_to is not None
    midnight = NOW.replace(
        year=valid_to.year, month=valid_to.month, day=valid_to.day, hour=0, minute=0, second=0
    )
    return (midnight + timedelta(hours=23, minutes=59, seconds=59)).timestamp()


def test_an_end_that_cannot_be_told_is_not_shown() -> None:
    unknown = a_summary(license=LicenseSummary(state=LicenseState.CANNOT_TELL))
    scrape = everything(summaries={"prod": unknown})

    assert not families(scrape)["qlik_license_expiry_timestamp_seconds"].samples
    assert number(scrape, "qlik_license_state", state="cannot_tell") == 1


def test_names_of_sites_are_quoted_as_they_should_be() -> None:
    strange = 'a "site"\\of\nours'
    scrape = everything(summaries={strange: a_summary(site=strange)})

    assert number(scrape, "qlik_license_cycle_requests", site=strange) == 12


def counted(users: int) -> Summary:
    """Return the numbers of a site of so many users, each with a seat."""
    people = [a_user(rf"EXAMPLE\user{n}") for n in range(users)]
    seats = [
        an_allocation(
            p.label,
            id=f"seat-{n}",
            user_id=p.id,
            license_type=LicenseType.ANALYZER if n % 2 else LicenseType.PROFESSIONAL,
        )
        for n, p in enumerate(people)
    ]
    snapshot = a_snapshot(seats, people)
    policy = a_policy()
    return summarise(judged_of(snapshot, policy), Beside(1.0, 10))


def test_a_hundred_thousand_users_make_as_many_series_as_ten_and_none_is_named() -> None:
    def lines(users: int) -> list[str]:
        text = expose(Scrape(summaries={"prod": counted(users)})).body.decode()
        return [one.rsplit(" ", 1)[0] for one in text.splitlines() if one.startswith("qlik_")]

    few, many = lines(10), lines(100_000)

    assert few == many
    assert "user1" not in "".join(many)
