"""Writes the files of an export and leaves alone what somebody else wrote or changed.

A list of what was written, with digests, stays in the folder: a file is ours as long as its bytes
are those of the last export.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from seatkeeper.errors import SeatkeeperError, UsageError
from seatkeeper.grafana import alerting, provisioning
from seatkeeper.grafana.boards import boards
from seatkeeper.grafana.dashboards import dashboard_json
from seatkeeper.grafana.rules import USUAL
from seatkeeper.grafana.spec import Flavour

WRITTEN = ".seatkeeper-export.json"
"""The list of an export's files and their digests."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person who exports chooses."""

    influx_version: int = 1
    currency: str = ""
    """What stands behind amounts of money."""
    read_every: timedelta = USUAL
    """The longest time between two readings of any site."""


def files(choices: Choices) -> dict[str, bytes]:
    """Return every file of an export by its path in the folder."""
    found: dict[str, bytes] = {}
    every = boards(choices.currency)
    for flavour in Flavour:
        top, provided = flavour.value, f"{flavour.value}/provisioning"
        for board in every:
            body = dashboard_json(board, flavour, every)
            found[f"{top}/dashboards/{board.name}.json"] = body
        source = provisioning.datasource(flavour, choices.influx_version)
        name = flavour.uid
        found[f"{provided}/datasources/{name}.yaml"] = source
        found[f"{provided}/dashboards/{name}.yaml"] = provisioning.dashboards(flavour)
        found[f"{provided}/alerting/{name}-rules.yaml"] = alerting.grafana_rules(
            flavour, choices.read_every
        )
        contact = alerting.contact_points(flavour)
        found[f"{provided}/alerting/{name}-contact-points.yaml"] = contact
    found["prometheus/rules/seatkeeper.rules.yml"] = alerting.prometheus_rules(choices.read_every)
    return found


def write(folder: Path, found: Mapping[str, bytes], *, force: bool) -> int:
    """Write the files and return how many changed; raises UsageError over foreign ones.

    Either nothing is foreign, or `force` says that it may go, or nothing at all is written.
    """
    try:
        written = _written(folder)
        foreign = [] if force else [path for path in found if _foreign(folder, path, written)]
        foreign = [path for path in foreign if (folder / path).read_bytes() != found[path]]
        if foreign:
            names = ", ".join(sorted(foreign))
            raise UsageError(
                f"{folder}: not written by an export, or changed since, and left as they are: "
                f"{names}; --force replaces them"
            )
        gone = {path for path in written if path not in found}
        changed = sum(
            _remove(folder / path) for path in gone if not _foreign(folder, path, written)
        )
        changed += sum(_replace(folder / path, body) for path, body in found.items())
        digests = {path: _digest(body) for path, body in sorted(found.items())}
        _replace(folder / WRITTEN, f"{json.dumps(digests, indent=2)}\n".encode())
    except OSError as error:
        raise SeatkeeperError(
            f"{folder} cannot be written: {error.strerror or error}; name a folder that can"
        ) from error
    return changed


def _written(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / WRITTEN).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _foreign(folder: Path, path: str, written: Mapping[str, str]) -> bool:
    there = folder / path
    return there.exists() and _digest(there.read_bytes()) != written.get(path)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _remove(path: Path) -> bool:
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _replace(path: Path, body: bytes) -> bool:
    if path.exists() and path.read_bytes() == body:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(body)
    part.replace(path)
    return True
