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

RECENT = "time > now() - 2d"
"""What counts as now, whatever range is chosen: a site or type that is gone is not added up."""


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
    tags = _tags(measurement)
    return Query(
        f'SELECT {value} FROM "{measurement.name}" WHERE {chosen(measurement)} '  # noqa: S608
        f"GROUP BY time({every}), {tags} fill(none)",
        legend or _legend(measurement),
    )


def newest(measurement: Measurement, value: str, legend: str = "") -> Query:
    """Return the newest value of each site and license type."""
    tags = _tags(measurement)
    return Query(
        f'SELECT {value} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement, RECENT)} GROUP BY {tags}",
        legend or _legend(measurement),
        now=True,
    )


DAY = "time(1d, ${__to}999u)"
"""24 hours, the last of them before the end of the chosen range.

With days of the calendar the running one would miss every site that was not read yet. The end in
milliseconds is an offset in microseconds here, so that a point at the end is before it.
"""

CALENDAR_DAY = "time(1d)"
"""A day of UTC, as Seatkeeper counts who was active."""


def total(
    measurement: Measurement,
    fields: Sequence[str],
    value: str,
    legend: str,
    *,
    day: str = "",
    by: Sequence[str] = (),
) -> Query:
    """Return a value of sums over what is chosen, such as `sum("spend")`; by `day` over time.

    A day is the step because sites are read at different moments: in a shorter one some would be
    missing. Filling the gaps is no way out: influxd 1.x repeats rows of a filled subquery.
    """
    tags = _tags(measurement)
    inner = ", ".join(f'{last(measurement, name)} AS "{name}"' for name in fields)
    step, when = ([day], NOW) if day else ([], RECENT)
    rows = (
        f'SELECT {inner} FROM "{measurement.name}" WHERE {chosen(measurement, when)} '  # noqa: S608
        f"GROUP BY {', '.join([*step, tags])}{' fill(none)' if day else ''}"
    )
    groups = ", ".join([*step, *(f'"{tag}"' for tag in by)])
    grouped = f" GROUP BY {groups}" if groups else ""
    text = f"SELECT {value} FROM ({rows}) WHERE {when}{grouped}"  # noqa: S608
    return Query(f"{text} fill(none)" if day else text, legend, now=not day)


def everything(query: Query) -> Query:
    """Return the query without its choice of sites and types: a budget is set for all of them."""
    text = query.text
    for tag in (SITE, LICENSE_TYPE):
        text = text.replace(f"{_is_chosen(tag)} AND ", "")
    return replace(query, text=text)


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
    tags = _tags(measurement)
    left = _trend(
        measurement, name, f'{_NEWEST} / -({_A_DAY}) AS "left"', days, variables=variables
    )
    return Query(
        f'SELECT last("left") FROM ({left}) WHERE "left" > 0 AND "left" < 3650 '  # noqa: S608
        f"AND time > now() - {days + 3}d GROUP BY {tags}",
        _legend(measurement),
        now=True,
    )


def carried_on(measurement: Measurement, name: str, *, days: int, ahead: int) -> Query:
    """Return what a field is in `ahead` days at the trend of so many `days`."""
    value = f"{_NEWEST} + {ahead} * ({_A_DAY})"
    return Query(_trend(measurement, name, value, days), _legend(measurement), now=True)


_NEWEST = 'last("newest")'
_NUMBER = 'count("sums")'
_A_DAY = (
    f'48 * (({_NUMBER} + 1) * sum("value") / 2 - sum("sums")) '
    f"/ ({_NUMBER} * ({_NUMBER} * {_NUMBER} - 1))"
)
"""The least-squares slope a day of values that are six hours apart.

InfluxQL has no regression, but the running sums of y_1 … y_n add up to the sum of (n + 1 - i) y_i:
what a slope over i needs. A single value has none, 0 / 0, which InfluxQL calls 0.
"""


def _trend(
    measurement: Measurement, name: str, value: str, days: int, *, variables: bool = True
) -> str:
    """Return a query for a value made of `_NEWEST` and `_A_DAY`, for each site and license type.

    Only time that has numbers counts, also when it is three days of thirty; gaps are bridged.
    The outer range begins earlier than the first six hours of the inner one, or influxd 1.x drops
    the whole series.
    """
    of, tags, when = field(measurement, name), _tags(measurement), f"time > now() - {days}d"
    rows = (
        f'SELECT last({of}) AS "newest", mean({of}) AS "value", '  # noqa: S608 - core/measures
        f'cumulative_sum(mean({of})) AS "sums" FROM "{measurement.name}" '
        f"WHERE {chosen(measurement, when) if variables else ours(when)} "
        f"GROUP BY time(6h), {tags} fill(linear)"
    )
    outer = f"time > now() - {days + 2}d"
    return f"SELECT {value} FROM ({rows}) WHERE {outer} GROUP BY {tags}"  # noqa: S608


def ours(when: str = NOW) -> str:
    """Return the condition of alert rules: every site; series without one are Butler's own."""
    return f"\"{SITE}\" != '' AND {when}"


def _tags(measurement: Measurement) -> str:
    return ", ".join(f'"{tag}"' for tag in tags_of(measurement))


def peak_share(measurement: Measurement, part: str, whole: str, *, every: str) -> Query:
    """Return the highest value of a field in each span of time, as a share of another's."""
    of = f"max({field(measurement, part)}) / last({field(measurement, whole)})"
    return series(measurement, of, every=every)


def table(
    measurement: Measurement, columns: Sequence[tuple[str, str]], *, when: str = RECENT
) -> Query:
    """Return the newest values as a table: expression and heading of each column."""
    tags = _tags(measurement)
    values = ", ".join(f'{value} AS "{name}"' for value, name in columns)
    return Query(
        f'SELECT {values} FROM "{measurement.name}" '  # noqa: S608 - names from core/measures
        f"WHERE {chosen(measurement, when)} GROUP BY {tags}",
        now=True,
    )


def people(measurement: Measurement, user: str, days: str, *, most: int) -> Query:
    """Return the longest idle points of individual users as a table, of each site and type.

    A seat may be there twice, from yesterday and from today; one without a number is not there.
    """
    columns = f'top({field(measurement, days)}, {most}) AS "Days idle", {field(measurement, user)}'
    return Query(
        f'SELECT {columns} AS "User" FROM "{measurement.name}" '  # noqa: S608 - core/measures
        f"WHERE {chosen(measurement, RECENT)} GROUP BY {_tags(measurement)}",
        now=True,
    )


def _legend(measurement: Measurement) -> str:
    return f"{{{SITE}}} {{{LICENSE_TYPE}}}" if measurement.tags else f"{{{SITE}}}"
