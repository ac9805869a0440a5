"""`Butler.influxDb` as a target of points, and what the monitor of the server license became."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from seatkeeper.butler.reading import Block, Note
from seatkeeper.settings.influxdb import InfluxSettings, is_tag


def metrics_of(butler: Block, note: Note) -> dict[str, Any]:
    """Return where Butler writes as `metrics`, without user, password or token; empty if nowhere.

    What makes no sound target is named instead.
    """
    influx = butler.below("influxDb")
    if influx.flag("enable") is not True:
        return {}
    version = influx.text("version") or "1"
    target = {
        "name": "butler",
        "version": version,
        "url": f"http://{influx.text('hostIP')}:{influx.text('hostPort') or '8086'}",
        **_place(influx, influx.below(f"v{version}Config"), version),
        "tags": _tags(influx, note),
    }
    target = {key: value for key, value in target.items() if value}
    try:
        InfluxSettings.model_validate(target)
    except ValidationError:
        note("The InfluxDB settings are not carried over: no sound target can be made of them.")
        return {}
    note(
        "Points go where Butler writes its own, beside them (metrics.influxdb). User, password and"
        " token were not copied: add user and password_file, or token_file."
    )
    return {"influxdb": [target]}


def _place(influx: Block, place: Block, version: str) -> dict[str, str]:
    if version == "2":
        return {"org": place.text("org"), "bucket": place.text("bucket")}
    database = place.text("database") or place.text("dbName") or influx.text("dbName")
    return {"database": database or "butler"}


def _tags(influx: Block, note: Note) -> dict[str, str]:
    tags = {}
    for tag in influx.below("tag").blocks("static"):
        name, value = tag.text("name"), tag.text("value")
        if name and value and is_tag(name):
            tags[name] = value
        elif name:
            note(f"Not carried over: the static tag {name} of InfluxDB.")
    return tags


def note_destinations(licenses: Block, note: Note) -> None:
    """Name what the monitor of the server license does that is done elsewhere here."""
    server = licenses.below("serverLicenseMonitor")
    if server.flag("enable") is not True:
        return
    days = server.below("alert").text("thresholdDays")
    note(
        "serverLicenseMonitor"
        + (f" with its alert {days} days ahead" if days else "")
        + " is alerts.rules.license_expiry here: told 90, 60, 30 and 7 days ahead, over what"
        " alerts.channels names."
    )
