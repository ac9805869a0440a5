"""`Butler.influxDb` as a target of points; of the other destinations, what is not carried over."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from seatkeeper.butler.reading import Block, Note
from seatkeeper.settings.influxdb import InfluxSettings, is_tag

_FEATURES = ("serverLicenseMonitor", "licenseMonitor", "licenseRelease")
_DESTINATIONS = ("mqtt", "webhook")


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
    """Name the monitors and destinations that have no counterpart in this version."""
    lost = [
        f"{feature}.destination.{destination}"
        for feature in _FEATURES
        for destination in _DESTINATIONS
        if licenses.below(feature).flag("enable") is True
        and licenses.below(feature, "destination", destination).flag("enable") is True
    ]
    if lost:
        note(
            f"Not carried over: {', '.join(lost)}. alerts.channels of the kinds butler_mqtt and"
            " butler_webhook tell the server license as Butler does."
        )
    server = licenses.below("serverLicenseMonitor")
    if server.flag("enable") is True:
        days = server.below("alert").text("thresholdDays")
        note(
            "Not carried over: serverLicenseMonitor"
            + (f" with its alert {days} days ahead" if days else "")
            + "; alerts.rules.license_expiry tells it 90, 60, 30 and 7 days ahead, over what"
            " alerts.channels names."
        )
