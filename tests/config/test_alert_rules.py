"""Rules in the configuration: what they become, and what is refused with place and cure."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config_files import load_text, top
from seatkeeper.core.alert_health import ChannelFailing
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_pools import LowAvailability
from seatkeeper.core.alert_rule import Amount
from seatkeeper.core.alert_rules import default_rules
from seatkeeper.errors import ConfigError
from seatkeeper.settings.alerts import AlertsSettings

CHANNELS = """
  channels:
    - {name: Mail, kind: apprise, url: 'mailto://mail.example.com?to=a@example.com'}
    - {name: butler, kind: butler_mqtt, host: mqtt.example.com}
"""


def alerts(tmp_path: Path, rules: str, more: str = CHANNELS) -> AlertsSettings:
    text = top(f"alerts:\n  rules:\n    {rules}{more}")
    return load_text(tmp_path, text).settings.alerts


def test_without_a_word_every_rule_is_on() -> None:
    assert AlertsSettings().to_rules() == default_rules()


def test_a_rule_has_its_own_keys_and_the_common_ones(tmp_path: Path) -> None:
    found = alerts(
        tmp_path,
        "low_availability: {professional: 10, professional_clear: 12, analyzer: 2%, for: 30m,"
        " severity: critical, repeat: 2h, clear_after: 1h, route: [mail], sites: [prod]}",
    )
    (rule,) = (r for r in found.to_rules() if r.name == "low_availability")

    assert rule.kind == LowAvailability(
        professional=Amount(count=10),
        professional_clear=Amount(count=12),
        analyzer=Amount(share=0.02),
    )
    assert (rule.severity, rule.hold) == (Severity.CRITICAL, timedelta(minutes=30))
    assert (rule.repeat, rule.clear_after) == (timedelta(hours=2), timedelta(hours=1))
    assert (rule.route, rule.sites) == (("Mail",), ("prod",))


def test_few_free_seats_have_a_clear_threshold_of_the_sort_of_the_other(tmp_path: Path) -> None:
    (rule,) = (
        r
        for r in alerts(tmp_path, "low_availability: {analyzer: 10}").to_rules()
        if r.name == "low_availability"
    )
    assert rule.kind == LowAvailability(analyzer=Amount(count=10), analyzer_clear=None)


def test_a_rule_can_be_switched_off(tmp_path: Path) -> None:
    found = alerts(tmp_path, "churn: {enabled: no}")
    assert "churn" not in {rule.name for rule in found.to_rules()}


def test_where_a_rule_is_told_is_known_also_when_it_is_off(tmp_path: Path) -> None:
    found = alerts(tmp_path, "churn: {enabled: no, route: [mail]}")
    assert found.routes()["churn"] == ("Mail",)


def test_a_failing_channel_goes_by_the_key_beside_the_channels(tmp_path: Path) -> None:
    found = alerts(tmp_path, "churn: {enabled: no}", CHANNELS + "  failing_after: 1h\n")
    kinds = [rule.kind for rule in found.to_rules()]
    assert ChannelFailing(failing_after=timedelta(hours=1)) in kinds


@pytest.mark.parametrize(
    ("rules", "place", "cure"),
    [
        ("low_availabilty: {}", "low_availabilty", "low_availability"),
        ("low_availability: {analyzer: many}", "analyzer", "20 or 5%"),
        (
            "low_availability: {analyzer: 10%, analyzer_clear: 7%}",
            "analyzer_clear",
            "write the value of analyzer",
        ),
        ("high_utilization: {analyzer: 80%}", "analyzer_clear", "write the value of analyzer"),
        ("pool_empty_soon: {days: 0}", "days", "from 1"),
        ("pool_empty_soon: {trend_days: 3}", "trend_days", "from 7"),
        ("license_expiry: {days: [7, 30]}", "days", "[90, 60, 30, 7]"),
        ("excess_users: {clear_below: 5}", "clear_below", "other side"),
        ("churn: {route: [mial]}", "route", "did you mean Mail"),
        ("churn: {route: [butler]}", "route", "Mail"),
        ("churn: {sites: [prd]}", "sites", "did you mean prod"),
        ("churn: {severity: awful}", "severity", "critical"),
        ("churn: {for: soon}", "for", "90d"),
        ("stale_data: {older_than: 5s}", "older_than", "1m"),
    ],
)
def test_nonsense_is_refused_with_place_and_cure(
    tmp_path: Path, rules: str, place: str, cure: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        alerts(tmp_path, rules)

    text = str(refused.value)
    assert place in text
    assert cure in text
    assert text.count("seatkeeper.yaml:") == 1, text
