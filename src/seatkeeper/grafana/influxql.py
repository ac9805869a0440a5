"""InfluxQL for the dashboards: the part that versions 1, 2 and 3 all understand.

Names are taken from `core/measures`; an unknown field is an error when the module is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    return " AND ".join([*map(_is_chosen, tags_of(measurement)), when])


def _is_chosen(tag: str) -> str:
    return f'"{tag}" =~ /^${tag}$/'


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


DAY = "1d"


def total(
    measurement: Measurement,
    fields: Sequence[str],
    value: str,
    legend: str,
    *,
    daily: bool = False,
    by: Sequence[str] = (),
) -> Query:
    """Return a value of sums over what is chosen, such as `sum("spend")`; `daily` over time.

    A day is the step because sites are read at different moments: in a shorter one some would be
    missing. Filling the gaps is no way out: influxd 1.x repeats rows of a filled subquery.
    """
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    inner = ", ".join(f'{last(measurement, name)} AS "{name}"' for name in fields)
    step = [f"time({DAY})"] if daily else []
    rows = (
        f'SELECT {inner} FROM "{measurement.name}" WHERE {chosen(measurement)} '  # noqa: S608
        f"GROUP BY {', '.join([*step, tags])}{' fill(none)' if daily else ''}"
    )
    groups = ", ".join([*step, *(f'"{tag}"' for tag in by)])
    grouped = f" GROUP BY {groups}" if groups else ""
    text = f"SELECT {value} FROM ({rows}) WHERE {NOW}{grouped}"  # noqa: S608
    return Query(f"{text} fill(none)" if daily else text, legend, now=not daily)


def every_type(query: Query) -> Query:
    """Return the query without its choice of license types: a budget is set for all of them."""
    return replace(query, text=query.text.replace(f" AND {_is_chosen(LICENSE_TYPE)}", ""))


def counted(
    measurement: Measurement, value: str, legend: str, *, every: str, by: Sequence[str] = ()
) -> Query:
    """Return what happened in each span of time, over all that is chosen or by some tags."""
    groups = ", ".join([f"time({every})", *(f'"{tag}"' for tag in by)])
    return Query(
        f'SELECT {value} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement)} GROUP BY {groups} fill(none)",
        legend,
    )


def until_zero(measurement: Measurement, name: str, *, days: int, variables: bool = True) -> Query:
    """Return the days until a field is zero at the trend of so many days; none while it grows.

    Alert rules know no variables of a dashboard.
    """
    value, tags = field(measurement, name), ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    when = f"time > now() - {days}d"
    inner = (
        f"SELECT {days} * last({value}) / (first({value}) - last({value})) "  # noqa: S608
        f'AS "left" FROM "{measurement.name}" '
        f"WHERE {chosen(measurement, when) if variables else when} GROUP BY {tags}"
    )
    return Query(
        f'SELECT last("left") FROM ({inner}) WHERE "left" > 0 AND "left" < 3650 '  # noqa: S608
        f"AND {when} GROUP BY {tags}",
        _legend(measurement),
        now=True,
    )


def peak_share(measurement: Measurement, part: str, whole: str, *, every: str) -> Query:
    """Return the highest value of a field in each span of time, as a share of another's."""
    of = f"max({field(measurement, part)}) / last({field(measurement, whole)})"
    return series(measurement, of, every=every)


def table(measurement: Measurement, columns: Sequence[tuple[str, str]]) -> Query:
    """Return the newest values as a table: expression and heading of each column."""
    tags = ", ".join(f'"{tag}"' for tag in tags_of(measurement))
    values = ", ".join(f'{value} AS "{name}"' for value, name in columns)
    return Query(
        f'SELECT {values} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement)} GROUP BY {tags}",
        now=True,
    )


def people(measurement: Measurement, user: str, days: str) -> Query:
    """Return the newest points of individual users as a table."""
    columns = f'{field(measurement, user)} AS "User", {field(measurement, days)} AS "Days idle"'
    return Query(
        f'SELECT {columns} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement)} ORDER BY time DESC LIMIT 5000",
        now=True,
    )


def _legend(measurement: Measurement) -> str:
    return f"{{{SITE}}} {{{LICENSE_TYPE}}}" if measurement.tags else f"{{{SITE}}}"
