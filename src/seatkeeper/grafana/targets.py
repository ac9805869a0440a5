"""Queries as Grafana keeps them: Prometheus by the SDK, InfluxQL by hand, for which it has none."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from seatkeeper.grafana.spec import Flavour, Query

VARIABLE = "${datasource}"
"""Every panel asks the data source that is chosen at the top of the dashboard."""


class InfluxQuery(variants.Dataquery):
    """A query of the InfluxDB data source in InfluxQL, written as text."""

    def __init__(self, ref_id: str, query: Query, *, table: bool) -> None:
        self.ref_id, self.query, self.table = ref_id, query, table

    def to_json(self) -> dict[str, Any]:
        """Return what Grafana keeps."""
        return {
            "alias": self.query.legend.replace("{", "$tag_").replace("}", ""),
            "datasource": source(Flavour.INFLUXDB),
            "query": self.query.text,
            "rawQuery": True,
            "refId": self.ref_id,
            "resultFormat": "table" if self.table else "time_series",
        }


class Built(builder.Builder[variants.Dataquery]):
    """A query that is built already, for the SDK's builders of panels."""

    def __init__(self, query: variants.Dataquery) -> None:
        self.query = query

    def build(self) -> variants.Dataquery:
        """Return it."""
        return self.query


def source(flavour: Flavour) -> DataSourceRef:
    """Return the reference to the data source variable."""
    return DataSourceRef(type_val=flavour.value, uid=VARIABLE)


def target(
    flavour: Flavour, ref_id: str, query: Query, *, table: bool
) -> builder.Builder[variants.Dataquery]:
    """Return a query as a panel's target."""
    if flavour is Flavour.INFLUXDB:
        return Built(InfluxQuery(ref_id, query, table=table))
    built = (
        prometheus.Dataquery()
        .ref_id(ref_id)
        .expr(query.text)
        .legend_format(query.legend.replace("{", "{{").replace("}", "}}"))
        .datasource(source(flavour))
    )
    built = built.instant() if query.now else built.range()
    return built.format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
