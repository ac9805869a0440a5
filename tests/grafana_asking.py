"""Asks the queries of dashboards as Grafana does: variables, range and interval filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from influx import Influx
from prometheus_server import Prometheus

POINTS = 1000
"""How many points a panel of usual width shows."""

UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True)
class Range:
    """The chosen range of time, and what is chosen at the top."""

    start: datetime
    end: datetime
    sites: tuple[str, ...] = ("prod", "test")
    types: tuple[str, ...] = ("analyzer", "analyzer_capacity", "professional", "tokens_available")

    def step(self, shortest: str) -> int:
        """Return the seconds of one step, as Grafana rounds them (nearly)."""
        wanted = (self.end - self.start).total_seconds() / POINTS
        floor = seconds(shortest) if shortest else 15
        return max(floor, next(nice for nice in _NICE if nice >= wanted))


_NICE = (15, 60, 300, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)


def seconds(text: str) -> int:
    """Read `1h` or `7d`."""
    return int(text[:-1]) * UNITS[text[-1]]


def range_of(dashboard: dict[str, Any], end: datetime) -> Range:
    """Return the range with which a dashboard opens."""
    since = re.fullmatch(r"now-(\d+[hdw])", dashboard["time"]["from"])
    assert since is not None
    return Range(end - timedelta(seconds=seconds(since[1])), end)


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every panel that shows data."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def everything_chosen(
    server: Influx | Prometheus, dashboard: dict[str, Any], end: datetime
) -> Range:
    """Return the range with which a dashboard opens, and All of what its variables offer."""
    return replace(
        range_of(dashboard, end),
        sites=offered(server, dashboard, "site"),
        types=offered(server, dashboard, "license_type"),
    )


def offered(server: Influx | Prometheus, dashboard: dict[str, Any], name: str) -> tuple[str, ...]:
    """Ask for the values that a variable of a dashboard offers."""
    (variable,) = [one for one in dashboard["templating"]["list"] if one["name"] == name]
    if isinstance(server, Influx):
        found = server.ask(variable["query"], "butler")
        return tuple(row[1] for series in found for row in series["values"])
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert asked is not None
    return server.values_of(asked[2], asked[1])


@dataclass(frozen=True)
class Series:
    """A named series of an answer, or a named row of a table's column."""

    name: str
    labels: dict[str, str]
    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


def from_influx(server: Influx, panel: dict[str, Any], chosen: Range) -> Iterator[list[Series]]:
    """Ask every query of a panel and yield its series."""
    step = chosen.step(panel.get("interval", ""))
    start, end = (int(at.timestamp() * 1000) for at in (chosen.start, chosen.end))
    for target in panel["targets"]:
        text = (
            target["query"]
            .replace("$timeFilter", f"time >= {start}ms AND time <= {end}ms")
            .replace("$__interval", f"{step}s")
            .replace("${__to}", str(end))
            .replace("$site", f"({'|'.join(chosen.sites)})")
            .replace("$license_type", f"({'|'.join(chosen.types)})")
        )
        assert "$" not in text.replace("$/", ""), text
        yield [
            Series(
                _named(target["alias"], r"\$tag_(\w+)", found.get("tags", {})),
                found.get("tags", {}),
                tuple(found["columns"]),
                tuple(tuple(row) for row in found["values"]),
            )
            for found in server.ask(text, "butler", epoch="ms")
        ]


def from_prometheus(
    server: Prometheus, panel: dict[str, Any], chosen: Range
) -> Iterator[list[Series]]:
    """Ask every query of a panel and yield its series."""
    step = chosen.step(panel.get("interval", ""))
    start, end = (str(at.timestamp()) for at in (chosen.start, chosen.end))
    for target in panel["targets"]:
        text = (
            target["expr"]
            .replace("$__rate_interval", f"{4 * step}s")
            .replace("$__interval", f"{step}s")
            .replace("$__range", f"{int((chosen.end - chosen.start).total_seconds())}s")
            .replace("$site", "|".join(chosen.sites))
            .replace("$license_type", "|".join(chosen.types))
        )
        assert "$" not in text, text
        if target.get("instant"):
            answer = server.ask("query", query=text, time=end)
        else:
            answer = server.ask("query_range", query=text, start=start, end=end, step=f"{step}")
        yield [_series(target["legendFormat"], found) for found in answer]


def _series(legend: str, found: dict[str, Any]) -> Series:
    pairs = found["values"] if "values" in found else [found["value"]]
    values = tuple((at * 1000, float(value)) for at, value in pairs)
    name = _named(legend, r"{{(\w+)}}", found["metric"])
    return Series(name, found["metric"], ("time", "value"), values)


def _named(legend: str, pattern: str, labels: dict[str, str]) -> str:
    return re.sub(pattern, lambda found: labels.get(found[1], ""), legend)
