"""The reference of the alert rules, made from the rules themselves.

`script/docs` writes it, `script/docs --check` says whether it is in step.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatkeeper.cli.reference import GENERATED
from seatkeeper.core.alert_rule import NEVER, About, Needs
from seatkeeper.core.durations import format_duration
from seatkeeper.settings.alert_rules import MODELS, RuleSettings
from seatkeeper.settings.keys import Key, keys_of
from seatkeeper.settings.written import as_yaml

_HEAD = """
# Alerts

Every rule below is on, with defaults that a healthy site does not notice. A rule is changed, or
switched off, under its name in the configuration:

```yaml
alerts:
  rules:
    low_availability: {analyzer: 20, analyzer_clear: 25, for: 15m, severity: critical}
    high_utilization: {enabled: false}
    site_unreachable: {route: [pager], repeat: 2h}
```

## How an alert lives

* **Pending**: it is bad, but not yet for as long as `for` says. Nobody is told.
* **Firing**: told once, then every `repeat`, and at once when it gets worse (no seat left, the next
  step of the license); a plan that `stale_activity` alone blocks is told once. Between the two
  thresholds of a rule an alert goes on and none begins.
* **Resolved**: fine again, for `clear_after` if that is set. Told once.

An alert is one rule, one site, one subject (a license type, a file, a channel). Its state is kept
in the store together with its messages: a restart neither repeats nor forgets. Rules that need a
reading are judged after each one; while a site cannot be read their alerts stay as they are and
are not told again, and the others are judged once a minute by the daemon, and by `monitor` and
`run` before they end.
`seatkeeper alerts list` shows what fires now, `--all` everything. A site that is taken out of the
configuration leaves no alert behind: a day after it was last heard of they end, and that is told.

Messages go to the channels of the rule's `route`, without one to [all of them](channels.md). They
say what, where, since when, the numbers, what to do, and link to the runbook page;
`alerts.runbooks` is where those pages lie for your people. They count people and name nobody.

**Silence** what you know about: `seatkeeper alerts silence --site prod --for 2h --by Jane --reason
upgrade`, also `--rule` and `--severity`. Alerts keep their state meanwhile; what still fires at the
end is told then. `seatkeeper alerts unsilence ID` ends it early. Who set a silence, why
and until when, and who ended it, is in the ledger: `seatkeeper ledger show --kind silenced`.

## Keys that every rule has

| key | what | meaning |
|---|---|---|
| `enabled` | true or false | Whether the rule is asked. |
| `for` | duration | How long it must be bad before the alert fires. |
| `clear_after` | duration | How long it must be fine before the alert is over; default 0s. |
| `severity` | info, warning, critical | How bad it is. |
| `repeat` | duration | How often it is told again; 0s: once. |
| `route` | list | Channels it is told on; left out: all of them. |
| `sites` | list | Sites it is asked about; left out: all of them. |

## Rules
"""

_NEEDS = {
    Needs.READING: "each whole reading of the site",
    Needs.SITE: "what is known of the site, also while it cannot be read",
    Needs.ALL: "Seatkeeper as a whole",
}


def alerts_page() -> str:
    """Return the reference of the alert rules as Markdown."""
    lines = [GENERATED, *_HEAD.strip("\n").splitlines(), "", *_overview()]
    for name, model in MODELS.items():
        lines += ["", *_rule(name, model)]
    return "\n".join([*lines, ""])


def _overview() -> Iterator[str]:
    yield "| rule | fires when | severity |"
    yield "|---|---|---|"
    for name, model in MODELS.items():
        about = model.kind.about
        yield f"| [`{name}`](#{name}) | {about.means} | {about.severity.value} |"


def _rule(name: str, model: type[RuleSettings]) -> Iterator[str]:
    about = model.kind.about
    yield f"### `{name}`"
    yield ""
    yield f"**{about.title}**: {about.means}. {about.todo}"
    yield f"[Runbook](runbooks/{name}.md)."
    yield ""
    yield f"Judged on {_NEEDS[about.needs]}. {_common(about)}"
    own = [key for key in keys_of(model) if key.name not in _COMMON]
    if own:
        yield ""
        yield "| key | what | default | meaning |"
        yield "|---|---|---|---|"
        yield from map(_row, own)


_COMMON = {key.name for key in keys_of(RuleSettings)}


def _common(about: About) -> str:
    hold = format_duration(about.hold)
    again = "never" if about.repeat == NEVER else f"every {format_duration(about.repeat)}"
    return f"By default: `for` {hold}, `severity` {about.severity.value}, told again {again}."


def _row(key: Key) -> str:
    what = key.kind.name if key.kind is not None else ""
    default = "" if key.default is None else f"`{as_yaml(key.default)}`"
    cells = (f"`{key.name}`", what, default, key.field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
