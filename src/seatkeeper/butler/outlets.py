"""`Butler.influxDb` and the destinations: what this version does not write to, said aloud."""

from __future__ import annotations

from collections.abc import Iterator

from seatkeeper.butler.reading import Block, Note

_FEATURES = ("serverLicenseMonitor", "licenseMonitor", "licenseRelease")
_DESTINATIONS = ("influxDb", "mqtt", "webhook")


def influx_comment(butler: Block, note: Note) -> Iterator[str]:
    """Yield comment lines with where Butler writes, without user, password or token."""
    influx = butler.below("influxDb")
    if influx.flag("enable") is not True:
        return
    note(
        "The InfluxDB settings are kept as a comment: this version writes no points. User,"
        " password and token were not copied."
    )
    version = influx.text("version") or "1"
    place = influx.below(f"v{version}Config")
    where = f"{influx.text('hostIP')}:{influx.text('hostPort') or '8086'}"
    bucket = place.text("bucket") or place.text("database") or place.text("dbName")
    name = bucket or influx.text("dbName") or "butler"
    yield f"InfluxDB of Butler: {where}, version {version}, database or bucket {name}"
    tags = [f"{t.text('name')}={t.text('value')}" for t in influx.below("tag").blocks("static")]
    if tags:
        yield f"with the static tags {', '.join(tags)}"


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
        note(f"Not carried over: {', '.join(lost)}.")
    server = licenses.below("serverLicenseMonitor")
    if server.flag("enable") is True:
        days = server.below("alert").text("thresholdDays")
        note(
            "Not carried over: serverLicenseMonitor"
            + (f" with its alert {days} days ahead" if days else "")
            + "; `seatkeeper check` shows when the server license ends."
        )
