"""`metrics.prometheus`: where the daemon shows its numbers to Prometheus."""

from __future__ import annotations

from pydantic import Field

from seatkeeper.settings.part import Part
from seatkeeper.settings.places import Listen


class PrometheusSettings(Part):
    """Where the daemon answers scrapes."""

    listen: Listen = Field(
        default="127.0.0.1:9842",
        description="Host and port of `/metrics`; it asks nobody who they are, so an address beyond"
        " this machine is for a trusted network; default 127.0.0.1:9842.",
    )
