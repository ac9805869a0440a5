"""InfluxQL for the dashboards: the part that versions 1, 2 and 3 all understand.

Names are taken from `core/measures`; an unknown field is an error when the module is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence

from seatkeeper.core.measures import LICENSE_TYPE, SITE, Measurement
from seatkeeper.grafana.spec import Query

NOW = "$timeFilter"
"""The range that is chosen in Grafana."""


def field(measurement: Measurement, name: str) -> str:
    """Return the quoted field; raises KeyError for one that the measurement has not."""
    if name not in measurement.fields:
        raise KeyError(f"{measurement.name} has no field {name}")
    return f'"{name}"'


def last(measurement: Measurement, name: str) -> str:
    """Return the newest value of a field."""
    return f"last({field(measurement, name)})"


def tags_of(measurement: Measurement) -> tuple[str, ...]:
    """Return the tags that tell series apart."""
    return (SITE, *measurement.tags)


def chosen(measurement: Measurement, when: str = NOW) -> str:
    """Return the condition: the chosen sites and license types, in that time."""
    parts = [f'"{tag}" =~ /^${tag}$/' for tag in tags_of(measurement)]
    return " AND ".join([*parts, when])


def series(
    measurement: Measurement, value: str, legend: str = "", *, every: str = "$__interval"
) -> Query:
    """Return a value over time, a series for each site and license type."""
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    return Query(
        f'SELECT {value} FROM "{measurement.name}" WHERE {chosen(measurement)} '  # noqa: S608
        f"GROUP BY time({every}), {tags} fill(none)",
        legend or _legend(measurement),
    )


def newest(measurement: Measurement, value: str, legend: str = "", *, when: str = NOW) -> Query:
    """Return one value for each site and license type."""
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    return Query(
        f'SELECT {value} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement, when)} GROUP BY {tags}",
        legend or _legend(measurement),
        now=True,
    )


def summed(
    measurement: Measurement, name: str, legend: str, *, every: str = "$__interval"
) -> Query:
    """Return a field over time, added over the chosen sites and license types."""
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    inner = (
        f'SELECT last({field(measurement, name)}) AS "v" FROM "{measurement.name}" '  # noqa: S608
        f"WHERE {chosen(measurement)} GROUP BY time({every}), {tags} fill(none)"
    )
    return Query(
        f'SELECT sum("v") FROM ({inner}) WHERE {NOW} GROUP BY time({every}) fill(none)',  # noqa: S608
        legend,
    )


def table(measurement: Measurement, columns: Sequence[tuple[str, str]]) -> Query:
    """Return the newest values as a table: expression and heading of each column."""
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    values = ", ".join(f'{value} AS "{name}"' for value, name in columns)
    return Query(
        f'SELECT {values} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement)} GROUP BY {tags}",
        now=True,
    )


def _legend(measurement: Measurement) -> str:
    return f"{{{SITE}}} {{{LICENSE_TYPE}}}" if measurement.tags else f"{{{SITE}}}"
