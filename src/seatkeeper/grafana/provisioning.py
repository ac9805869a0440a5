"""Provisioning files: data source and dashboards, with fixed uids and placeholders for secrets.

Nothing that Grafana wants unique is shared by the two sets: folders, names, uids.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from seatkeeper.grafana.spec import Flavour

HEAD = "# Written by `seatkeeper grafana export`. {}\n"

INFLUX_HINT = (
    "$NAMES are environment variables of Grafana's own process; url and dbName are yours to set."
)


def as_yaml(value: object, hint: str) -> bytes:
    """Return YAML below a line that says where it comes from; equal values give equal bytes."""
    out = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(value, out)
    return (HEAD.format(hint) + out.getvalue()).encode()


def datasource(flavour: Flavour, influx_version: int) -> bytes:
    """Return the file that makes the data source known to Grafana."""
    common: dict[str, Any] = {
        "name": f"Seatkeeper {flavour.label}",
        "uid": flavour.uid,
        "type": flavour.value,
        "access": "proxy",
        "editable": False,
    }
    own = _prometheus() if flavour is Flavour.PROMETHEUS else _influxdb(influx_version)
    return as_yaml({"apiVersion": 1, "datasources": [common | own]}, INFLUX_HINT)


def _prometheus() -> dict[str, Any]:
    return {
        "url": "http://127.0.0.1:9090",
        "jsonData": {"httpMethod": "POST", "timeInterval": "1m"},
    }


def _influxdb(version: int) -> dict[str, Any]:
    """Version 1 asks for user and password; 2 and 3 take a token where InfluxQL is spoken."""
    if version == 1:
        return {
            "url": "http://127.0.0.1:8086",
            "user": "$SEATKEEPER_INFLUXDB_USER",
            "jsonData": {"version": "InfluxQL", "dbName": "butler", "httpMode": "POST"},
            "secureJsonData": {"password": "$SEATKEEPER_INFLUXDB_PASSWORD"},
        }
    return {
        "url": "http://127.0.0.1:8086" if version == 2 else "http://127.0.0.1:8181",
        "jsonData": {
            "version": "InfluxQL",
            "dbName": "butler",
            "httpMode": "POST",
            "httpHeaderName1": "Authorization",
        },
        "secureJsonData": {"httpHeaderValue1": "Token $SEATKEEPER_INFLUXDB_TOKEN"},
    }


def dashboards(flavour: Flavour) -> bytes:
    """Return the file that makes Grafana load the dashboards from a folder of its server."""
    provider = {
        "name": flavour.uid,
        "orgId": 1,
        "folder": f"Seatkeeper ({flavour.label})",
        "folderUid": flavour.uid,
        "type": "file",
        "disableDeletion": False,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 60,
        "options": {"path": f"/var/lib/grafana/dashboards/{flavour.uid}"},
    }
    hint = "Copy the folder dashboards/ to options.path on Grafana's server."
    return as_yaml({"apiVersion": 1, "providers": [provider]}, hint)
