"""The whole way from a Butler file to the text of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from seatkeeper.butler.channels import alerts_of
from seatkeeper.butler.outlets import metrics_of, note_destinations
from seatkeeper.butler.policy import policy_of, schedule_of
from seatkeeper.butler.reading import Block
from seatkeeper.butler.site import qrs_of, site_name
from seatkeeper.config.document import Document, read_document
from seatkeeper.config.faults import Fault, config_error
from seatkeeper.settings.written import as_lines

_BLOCKS = (
    *("qlikSenseLicense", "configQRS", "cert", "influxDb"),
    *("mqttConfig", "webhookNotification"),
)


@dataclass(frozen=True, slots=True)
class Imported:
    """Our configuration as text, and a note on each thing left out or changed."""

    text: str
    notes: tuple[str, ...]


def import_butler(
    file: Path, content: bytes, *, agreement_reviewed_by: str | None, today: date
) -> Imported:
    """Turn the content of a Butler file into ours; `file` is for messages only.

    Raises ConfigError when it is no YAML, or no configuration of Butler.
    """
    butler = _butler(file, read_document(file, content))
    notes: list[str] = []
    licenses = butler.below("qlikSenseLicense")
    if not licenses.below("licenseRelease").values:
        notes.append("There is no block qlikSenseLicense.licenseRelease: defaults hold.")
    reviewed_by = " ".join((agreement_reviewed_by or "").split()) or None
    site = {
        "name": site_name(butler),
        "qrs": qrs_of(butler, notes.append),
        "policy": policy_of(licenses, notes.append, reviewed_by=reviewed_by, today=today),
        "schedule": schedule_of(licenses, notes.append),
    }
    metrics = metrics_of(butler, notes.append)
    alerts = alerts_of(butler, notes.append)
    note_destinations(licenses, notes.append)
    notes.append(
        "license_shared_with is not set: say which sites share the license, [] for none, or others."
    )
    return Imported("\n".join(_lines(site, metrics, alerts)) + "\n", tuple(notes))


def _butler(file: Path, document: Document) -> Block:
    broken = [f for f in document.faults if f.place[:1] == ("Butler",) and _concerns_us(f)]
    if broken:
        raise config_error(file, broken)
    butler = document.data.get("Butler")
    if not isinstance(butler, dict):
        cure = "give the file that Butler is started with; it begins with `Butler:`"
        raise config_error(file, [Fault(1, (), "this is no configuration of Butler", cure)])
    return Block(butler)


def _concerns_us(fault: Fault) -> bool:
    return len(fault.place) > 1 and fault.place[1] in _BLOCKS


def _lines(site: dict[str, Any], metrics: dict[str, Any], alerts: dict[str, Any]) -> Iterator[str]:
    yield "# Made from a configuration of Butler; `seatkeeper config example` explains every key."
    yield "sites:"
    lines = list(as_lines(_plain(site), 2))
    yield f"  - {lines[0].lstrip()}"
    yield from lines[1:]
    if metrics:
        yield from as_lines({"metrics": _plain(metrics)})
    if alerts:
        yield from as_lines({"alerts": _plain(alerts)})
    yield from as_lines({"store": {"url": "sqlite:///seatkeeper.db"}})


def _plain(value: Any) -> Any:
    """Keep `${` in a text of Butler from being taken for the name of a variable."""
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
