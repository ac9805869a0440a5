"""`metrics`: where the numbers go. Nothing here touches the network."""

from __future__ import annotations

from pydantic import Field, field_validator

from seatkeeper.settings.influxdb import InfluxSettings
from seatkeeper.settings.part import Part
from seatkeeper.settings.prometheus import PrometheusSettings
from seatkeeper.settings.receivers import require_own_names


class MetricsSettings(Part):
    """Where the numbers go."""

    influxdb: tuple[InfluxSettings, ...] = Field(
        default=(),
        description="Databases that points are written to; none: no points.",
        examples=[[{"name": "main", "url": "http://127.0.0.1:8086", "database": "butler"}]],
    )

    prometheus: PrometheusSettings | None = Field(
        default=None,
        description="Where the daemon answers Prometheus; left out: nowhere.",
        examples=[{"listen": "127.0.0.1:9842"}],
    )

    @field_validator("influxdb")
    @classmethod
    def _names_of_their_own(cls, targets: tuple[InfluxSettings, ...]) -> tuple[InfluxSettings, ...]:
        require_own_names("metrics.influxdb", [one.name for one in targets], "target")
        return targets
