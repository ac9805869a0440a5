"""The last summaries in the formats of Prometheus; names and labels stand in `core.measures`.

No user is a label, and the number of series depends on the number of sites alone. Nothing here
reads a site or the store: it is handed a `Scrape`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from seatkeeper import __version__
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import AlertState
from seatkeeper.core.measures import METRICS, MeasuredType, MetricKind
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import OutboxState
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.rules import Reason
from seatkeeper.core.scrape import Counted, Scrape
from seatkeeper.core.summary import LicenseState, Summary

Sample = tuple[tuple[str, ...], float]
"""The values of the labels, in the order of `METRICS`, and the number."""

COMPLIANCE = (
    "excess",
    "both_types",
    "removed",
    "blocked",
    "inactive",
    "deleted",
    "above_allotment",
)
NOT_BEGUN = "none"
"""The label `reason` of an action that nothing was begun for."""

_REASONS = (*(r.value for r in Reason if r.releases), NOT_BEGUN)
_STATES = ("total", "allocated", "available", "used", "quarantined", "excess")
_OPEN_ALERTS = (AlertState.PENDING, AlertState.FIRING)
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Exposition:
    """An answer to a scrape."""

    body: bytes
    content_type: str


def expose(scrape: Scrape, accept: str = "") -> Exposition:
    """Write everything in the format that `accept` (the header) asks for, text otherwise."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(scrape))
    ProcessCollector(registry=registry)
    encode, content_type = choose_encoder(accept)
    return Exposition(encode(registry), content_type)


class _Numbers(Collector):
    """The metrics of a scrape, each of `METRICS` even where it has no sample now."""

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def collect(self) -> Iterator[Metric]:
        """Return every metric with its samples."""
        found: dict[str, list[Sample]] = {metric.name: [] for metric in METRICS}
        for name, sample in _samples(self._scrape):
            found[name].append(sample)
        for metric in METRICS:
            family: GaugeMetricFamily | CounterMetricFamily | InfoMetricFamily
            if metric.kind is MetricKind.COUNTER:
                family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
            elif metric.kind is MetricKind.GAUGE:
                family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            else:
                name = metric.name.removesuffix("_info")
                family = InfoMetricFamily(name, metric.help)
                family.add_metric((), {"version": __version__})
            if not isinstance(family, InfoMetricFamily):
                for labels, number in found[metric.name]:
                    family.add_metric(labels, number)
            yield family


def _samples(scrape: Scrape) -> Iterator[tuple[str, Sample]]:
    for summary in scrape.summaries.values():
        yield from _license(summary)
        yield from _seats(summary)
        yield from _plan_and_reading(summary)
        yield from _counters(summary.site, scrape)
    for (site, license_type, kind), money in scrape.costs.items():
        yield "qlik_license_monthly_cost", ((site, license_type, kind), float(money))
    if scrape.budget is not None:
        yield "qlik_license_monthly_budget", ((), float(scrape.budget))
    for (site, job), at in scrape.successes.items():
        number = at.timestamp()
        yield "qlik_license_last_success_timestamp_seconds", ((site, job), number)
    yield from _own_health(scrape)


def _license(summary: Summary) -> Iterator[tuple[str, Sample]]:
    site, license_ = summary.site, summary.license
    if license_.valid_to is not None:
        end = datetime.combine(license_.valid_to, time(), UTC) + _DAY - _SECOND
        yield "qlik_license_expiry_timestamp_seconds", ((site,), end.timestamp())
    for state in LicenseState:
        yield "qlik_license_state", ((site, state.value), float(state is license_.state))
    for kind in COMPLIANCE:
        yield "qlik_license_compliance", ((site, kind), getattr(summary.compliance, kind))


def _seats(summary: Summary) -> Iterator[tuple[str, Sample]]:
    site = summary.site
    for pool in summary.pools:
        if pool.enabled:
            for state in _STATES:
                if (number := getattr(pool, state)) is not None:
                    yield "qlik_license_seats", ((site, pool.license_type.value, state), number)
    for seats in summary.seats:
        kind = seats.license_type.value
        for bucket, number in seats.idle.items():
            yield "qlik_license_idle_seats", ((site, kind, bucket.value), number)
        yield "qlik_license_releasable_seats", ((site, kind), seats.releasable)
    if (capacity := summary.capacity) is not None and capacity.enabled:
        for state in ("allocated", "used", "unavailable"):
            seconds = getattr(capacity, f"{state}_minutes") * 60
            yield "qlik_license_capacity_seconds", ((site, state), seconds)
    yield from _tokens(summary)


def _tokens(summary: Summary) -> Iterator[tuple[str, Sample]]:
    if (tokens := summary.tokens) is None:
        return
    name, site = "qlik_license_tokens", summary.site
    for state, number in (("total", tokens.total), ("available", tokens.available)):
        yield name, ((site, MeasuredType.TOKENS_AVAILABLE.value, state), number)
    for kind, access in (
        (MeasuredType.TOKEN_LOGIN, tokens.login),
        (MeasuredType.TOKEN_USER, tokens.user),
    ):
        if access is not None and access.enabled:
            for state, number in (("allocated", access.allocated), ("used", access.used)):
                yield name, ((site, kind.value, state), number)


def _plan_and_reading(summary: Summary) -> Iterator[tuple[str, Sample]]:
    site, plan, reading = summary.site, summary.plan, summary.reading
    if plan is not None:
        yield "qlik_license_plan_seats", ((site, "actions"), plan.actions)
        yield "qlik_license_plan_seats", ((site, "deferred"), plan.deferred)
        yield "qlik_license_plan_violations", ((site,), len(plan.blocking))
    yield "qlik_license_cycle_seconds", ((site,), reading.seconds)
    yield "qlik_license_cycle_requests", ((site,), reading.requests)


def _counters(site: str, scrape: Scrape) -> Iterator[tuple[str, Sample]]:
    """Begin every series at 0, so that the first release is an increase."""
    for kind in LicenseType:
        for outcome in Outcome:
            for reason in _REASONS:
                one = Counted(site, kind, outcome, "" if reason == NOT_BEGUN else reason)
                labels = (site, kind.value, outcome.value, reason)
                yield "qlik_license_releases_total", (labels, scrape.releases.get(one, 0))
        regrets = scrape.regrets.get(Counted(site, kind), 0)
        yield "qlik_license_regrets_total", ((site, kind.value), regrets)


def _own_health(scrape: Scrape) -> Iterable[tuple[str, Sample]]:
    for target in sorted({target for target, _ in scrape.outbox} | {*scrape.dropped}):
        yield "seatkeeper_outbox_dropped_total", ((target,), scrape.dropped.get(target, 0))
        for state in OutboxState:
            number = scrape.outbox.get((target, state), 0)
            yield "seatkeeper_outbox_entries", ((target, state.value), number)
    for site in ("", *scrape.summaries):
        for severity in Severity:
            for alert in _OPEN_ALERTS:
                number = scrape.alerts.get((site, severity, alert), 0)
                yield "seatkeeper_alerts", ((site, severity.value, alert.value), number)
