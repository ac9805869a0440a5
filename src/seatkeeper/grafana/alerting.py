"""The rules as files: rule groups of Prometheus, and provisioned alerting of Grafana."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from seatkeeper.core.alert_text import RUNBOOKS
from seatkeeper.grafana.provisioning import as_yaml
from seatkeeper.grafana.rules import RECORDINGS, USUAL, Limit, Rule, rules
from seatkeeper.grafana.spec import Flavour


def prometheus_rules(read_every: timedelta = USUAL) -> bytes:
    """Return the rule file for Prometheus: recordings first, then the alerts on them."""
    recordings = [{"record": item.name, "expr": item.expr} for item in RECORDINGS]
    alerts = [
        {
            "alert": f"Seatkeeper{rule.name}",
            "expr": rule.expr,
            "for": rule.lasting,
            "labels": {"severity": rule.severity.value},
            "annotations": _annotations(rule, rule.what, _value(rule)),
        }
        for rule in rules(read_every)
    ]
    groups = [
        {"name": "seatkeeper-recordings", "interval": "5m", "rules": recordings},
        {"name": "seatkeeper-alerts", "interval": "5m", "rules": alerts},
    ]
    return as_yaml({"groups": groups}, "Name it under rule_files of Prometheus.")


def _value(rule: Rule) -> str:
    """Shares read as percent, all else as a short number."""
    share = rule.limit is Limit.ABOVE and rule.bound <= 1 and rule.bound > 0
    return "{{ $value | humanizePercentage }}" if share else '{{ printf "%.0f" $value }}'


def _annotations(rule: Rule, what: str, value: str) -> dict[str, str]:
    """Return what a message says, with the template of the number and one for each label."""
    labelled = re.sub(r"\{(?!value)(\w+)\}", r"{{ $labels.\1 }}", what)
    summary = labelled.replace("{value}", value)
    return {
        "summary": summary,
        "description": rule.todo,
        "runbook_url": f"{RUNBOOKS}/{rule.runbook}.md",
    }


def grafana_rules(flavour: Flavour, read_every: timedelta = USUAL) -> bytes:
    """Return the rules as Grafana provisions them; those without a query here are missing.

    Rules have a folder of their own: Grafana makes it before the one of the dashboards, with a uid
    that nobody can choose, and a second folder of the same title stops 11.0 and puzzles others.
    """
    every = rules(read_every)
    asked = [rule for rule in every if flavour is Flavour.PROMETHEUS or rule.influx]
    group = {
        "orgId": 1,
        "name": flavour.uid,
        "folder": f"Seatkeeper alerts ({flavour.label})",
        "interval": "5m",
        "rules": [_grafana_rule(rule, flavour) for rule in asked],
    }
    hint = "Rules cannot be edited in Grafana; change them here, or pause them there."
    return as_yaml({"apiVersion": 1, "groups": [group]}, hint)


def contact_points(flavour: Flavour) -> bytes:
    """Return a contact point to be filled in; the policies of the organisation are left alone."""
    receiver = {
        "uid": f"{flavour.uid}-mail",
        "type": "email",
        "settings": {"addresses": "license-team@example.com", "singleEmail": True},
    }
    point = {"orgId": 1, "name": contact(flavour), "receivers": [receiver]}
    hint = "A placeholder: set your own address or receiver before you copy it."
    return as_yaml({"apiVersion": 1, "contactPoints": [point]}, hint)


def contact(flavour: Flavour) -> str:
    """Return the name of the contact point that the rules go to."""
    return f"Seatkeeper ({flavour.label})"


def _grafana_rule(rule: Rule, flavour: Flavour) -> dict[str, Any]:
    influx = flavour is Flavour.INFLUXDB
    limit, bound = (rule.influx_limit if influx else None) or (rule.limit, rule.bound)
    what = (influx and rule.influx_what) or rule.what
    evaluator = {"type": "gt" if limit is Limit.ABOVE else "lt", "params": [bound]}
    return {
        "uid": f"seatkeeper-{'i' if influx else 'p'}-{rule.name.lower()}",
        "title": f"Seatkeeper{rule.name}",
        "condition": "C",
        "data": [
            _query(rule, flavour),
            _expression("B", {"type": "reduce", "expression": "A", "reducer": "last"}),
            _expression(
                "C",
                {
                    "type": "threshold",
                    "expression": "B",
                    "conditions": [{"evaluator": evaluator, "type": "query"}],
                },
            ),
        ],
        "noDataState": "Alerting" if influx and rule.no_data_is_bad else "OK",
        "execErrState": "Error",
        "for": (influx and rule.influx_lasting) or rule.lasting,
        "labels": {"severity": rule.severity.value},
        "annotations": _annotations(rule, what, _grafana_value(rule)),
        "notification_settings": {"receiver": contact(flavour)},
        "isPaused": False,
    }


def _grafana_value(rule: Rule) -> str:
    return _value(rule).replace("$value", "$values.B.Value")


def _query(rule: Rule, flavour: Flavour) -> dict[str, Any]:
    if flavour is Flavour.PROMETHEUS:
        own: dict[str, Any] = {"expr": _plain(rule.prometheus), "instant": True, "range": False}
    else:
        own = {"query": rule.influx, "rawQuery": True, "resultFormat": "time_series"}
    return {
        "refId": "A",
        "datasourceUid": flavour.uid,
        "relativeTimeRange": {"from": rule.looks_back, "to": 0},
        "model": {"refId": "A", **own},
    }


def _plain(text: str) -> str:
    """Write recordings out: Grafana's rules must not need Prometheus' rule file."""
    for item in RECORDINGS:
        text = text.replace(item.name, item.expr)
    return text


def _expression(ref_id: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref_id,
        "datasourceUid": "__expr__",
        "model": {"refId": ref_id, "datasource": {"type": "__expr__", "uid": "__expr__"}} | model,
    }
