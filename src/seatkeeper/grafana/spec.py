"""What a dashboard shows, said once for both data sources and without Grafana's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

DAYS = "suffix: days"
"""Grafana's own unit of days turns 45 days into 6.4 weeks."""


MONEY = "money"
"""An amount in the currency of the configuration; it becomes a unit of Grafana's at the export."""


class Flavour(StrEnum):
    """Where the numbers are queried."""

    INFLUXDB = "influxdb"
    PROMETHEUS = "prometheus"

    @property
    def uid(self) -> str:
        """The fixed uid of the provisioned data source."""
        return f"seatkeeper-{self.value}"

    @property
    def label(self) -> str:
        """The name that people know it by."""
        return {Flavour.INFLUXDB: "InfluxDB", Flavour.PROMETHEUS: "Prometheus"}[self]


class Chart(StrEnum):
    """How a panel draws its series."""

    NUMBER = "stat"
    NAME = "name"
    """The name of a series alone: the label says it all."""
    METER = "bargauge"
    LINES = "lines"
    STACK = "stack"
    """Areas on top of each other: the parts of a whole over time."""
    BARS = "bars"
    TABLE = "table"


class Colour(StrEnum):
    """The colours of thresholds; those of series stand in `palette`."""

    GOOD = "green"
    WARN = "orange"
    BAD = "red"
    PLAIN = "text"


@dataclass(frozen=True, slots=True)
class Step:
    """From this value on a number has that colour; None is the lowest step."""

    value: float | None
    colour: Colour


def rising(warn: float, bad: float) -> tuple[Step, ...]:
    """Return the steps of a number that is good while it is small."""
    return (Step(None, Colour.GOOD), Step(warn, Colour.WARN), Step(bad, Colour.BAD))


def falling(bad: float, warn: float) -> tuple[Step, ...]:
    """Return the steps of a number that is good while it is large."""
    return (Step(None, Colour.BAD), Step(bad, Colour.WARN), Step(warn, Colour.GOOD))


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `now` asks for the newest value instead of a series.

    `legend` names a series, with tags or labels as `{site}`; of a table it names the column.
    """

    text: str
    legend: str = ""
    now: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A question and what answers it; without queries of a flavour it is missing there."""

    title: str
    description: str
    unit: str
    chart: Chart
    queries: dict[Flavour, tuple[Query, ...]]
    width: int = 12
    height: int = 8
    steps: tuple[Step, ...] = ()
    decimals: int | None = None
    low: float | None = 0
    soft_low: float | None = None
    """An axis begins here unless there is something below."""
    high: float | None = None
    interval: str = ""
    """The shortest step of time; for bars their width."""
    no_value: str = "no data"
    words: dict[int, str] = field(default_factory=dict)
    """What stands for a number, such as `no` for 0."""
    once_for: tuple[str, ...] = ()
    """The columns of a table that make one row of all that are equal in them, with the largest
    number; the largest comes first."""
    units: dict[str, str] = field(default_factory=dict)
    """Units of single columns of a table, by name."""
    column_steps: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    """Steps of single columns of a table, by name."""
    time_column: str = ""
    """What the column of the time is called; without a name it is hidden."""


@dataclass(frozen=True, slots=True)
class Row:
    """A heading over panels that belong together; never collapsed."""

    title: str
    panels: tuple[Panel, ...]
    each_site: bool = False
    """Repeated for each chosen site, so that a color means one license type and nothing else."""


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; `since` is how far back it looks when it is opened."""

    name: str
    title: str
    description: str
    since: str
    rows: tuple[Row, ...]

    def uid(self, flavour: Flavour) -> str:
        """Return the fixed uid, at most 40 characters as Grafana asks."""
        return f"seatkeeper-{flavour.value}-{self.name}"
