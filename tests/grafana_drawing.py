"""Draws a dashboard as Grafana would, from its JSON and from answers, as one page of HTML.

Only what our dashboards use is drawn: grid, units, thresholds, overrides by name, stacks, bars,
dashes and legends. `script/preview-dashboards` fills real servers and asks them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from grafana_asking import Series

WIDTH, CELL, GAP = 1480, 38, 8
SITE = "prod"
"""A row that is repeated for each site is drawn once, for this one."""

NAMED = {"green": "#73BF69", "orange": "#FF9830", "red": "#F2495C", "text": "#CCCCDC"}
PALETTE = ("#5794F2", "#B877D9", "#FADE2A", "#73BF69", "#FF9830", "#8AB8FF", "#CA95E5")

Answers = dict[int, list[list[Series]]]

STYLE = """
body { margin: 0; background: #111217; color: #CCCCDC; font: 13px Inter, Liberation Sans, Arial; }
.board { position: relative; margin: 8px; } h1 { font-size: 18px; margin: 12px 16px 4px; }
.panel { position: absolute; background: #181B1F; border: 1px solid #25272C; border-radius: 3px;
  overflow: hidden; box-sizing: border-box; } .panel > b { display: block; padding: 7px 10px 0;
  font-weight: 600; font-size: 14px; white-space: nowrap; overflow: hidden; }
.row { position: absolute; padding: 12px 4px; font-weight: 600; font-size: 15px; }
.tiles { display: flex; height: calc(100% - 30px); align-items: center; flex-wrap: wrap; }
.tiles div { flex: 1 1 40%; text-align: center; } .tiles small { display: block; font-size: 13px; }
table { width: calc(100% - 20px); margin: 10px; border-collapse: collapse; } td, th {
  text-align: left; padding: 6px 8px; border-bottom: 1px solid #25272C; } th { color: #6E9FFF; }
.legend { padding: 0 10px; line-height: 18px; font-size: 12px; } .legend span { margin-right: 14px;
  white-space: nowrap; } .legend i { display: inline-block; width: 14px; height: 4px;
  margin: 0 5px 3px 0; border-radius: 2px; }
"""


@dataclass(frozen=True)
class Box:
    """Where a panel stands, in pixels."""

    x: float
    y: float
    w: float
    h: float


def page(dashboard: dict[str, Any], answers: Answers) -> tuple[str, int]:
    """Return the page and its height."""
    parts, bottom = [], 0.0
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        column = (WIDTH - 2 * GAP) / 24
        box = Box(
            place["x"] * column,
            place["y"] * CELL,
            place["w"] * column - GAP,
            place["h"] * CELL - GAP,
        )
        bottom = max(bottom, box.y + box.h)
        where = f"left:{box.x}px;top:{box.y}px;width:{box.w}px;height:{box.h}px"
        title = html.escape(panel["title"].replace("$site", SITE))
        if panel["type"] == "row":
            parts.append(f'<div class="row" style="{where}">{title}</div>')
        else:
            drawn = _KINDS[panel["type"]](panel, answers[panel["id"]], box)
            parts.append(f'<div class="panel" style="{where}"><b>{title}</b>{drawn}</div>')
    body = f'<h1>{html.escape(dashboard["title"])}</h1><div class="board">{"".join(parts)}</div>'
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}", int(bottom) + 60


def everything(dashboard: dict[str, Any], ask: Any) -> Answers:
    """Ask every panel of a dashboard; `ask` is given the panel and the sites, None for all."""
    found, sites = dict[int, list[list[Series]]](), None
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            sites = (SITE,) if panel.get("repeat") == "site" else None
        else:
            found[panel["id"]] = list(ask(panel, sites))
    return found


def written(value: float, unit: str, decimals: int | None) -> str:
    """Return a number as Grafana writes it in that unit."""
    if unit == "percentunit":
        return f"{value * 100:.{1 if decimals is None else decimals}f}%"
    if unit == "s":
        return _lasting(value)
    if unit == "dateTimeFromNow":
        minutes = (datetime.now(UTC).timestamp() - value / 1000) / 60
        return f"{minutes:.0f} minutes ago"
    if unit.startswith("suffix:"):
        return f"{value:.{decimals or 0}f}{unit.removeprefix('suffix:')}"
    shown = decimals if decimals is not None else (0 if value == int(value) else 1)
    return f"{value:,.{shown}f}"


def _lasting(value: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "mins")):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.3g} s"


def _defaults(panel: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = panel["fieldConfig"]["defaults"]
    return found


def _overrides(panel: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for override in panel["fieldConfig"]["overrides"]:
        matcher = override["matcher"]
        if matcher["id"] == "byRegexp" and re.search(matcher["options"].strip("/"), name):
            found |= {item["id"]: item["value"] for item in override["properties"]}
    return found


def _threshold(panel: dict[str, Any], value: float) -> str:
    steps = _defaults(panel)["thresholds"]["steps"]
    reached = [s for s in steps if s.get("value") is None or value >= s["value"]]
    return NAMED[reached[-1]["color"]]


def _colour(panel: dict[str, Any], series: Series, number: int, value: float) -> str:
    if _defaults(panel).get("color", {}).get("mode") == "thresholds":
        return _threshold(panel, value)
    fixed = _overrides(panel, series.name).get("color")
    return fixed["fixedColor"] if fixed else PALETTE[number % len(PALETTE)]


def _newest(answers: list[list[Series]]) -> Iterator[tuple[Series, float]]:
    for series in (found for answer in answers for found in answer):
        known = [row for row in series.values if row[1] is not None]
        if known:
            yield series, float(known[-1][1])


def _words(panel: dict[str, Any], value: float) -> str:
    mappings = _defaults(panel).get("mappings") or []
    said = mappings[0]["options"].get(f"{value:g}", {}) if mappings else {}
    return str(said.get("text", ""))


def _stat(panel: dict[str, Any], answers: list[list[Series]], box: Box) -> str:
    found = list(_newest(answers))
    unit, decimals = _defaults(panel)["unit"], _defaults(panel).get("decimals")
    size = min(46, max(18, int((box.h - 40) / (1.6 * max(1, (len(found) + 1) // 2)))))
    tiles = []
    for number, (series, value) in enumerate(found):
        name = html.escape(series.name) if len(found) > 1 else ""
        colour = _colour(panel, series, number, value)
        style = f'style="color:{colour};font-size:{size}px;font-weight:600"'
        text = _words(panel, value) or written(value, unit, decimals)
        if panel["options"].get("textMode") == "name":
            name, text = "", html.escape(series.name)
        tiles.append(f"<div><small>{name}</small><span {style}>{text}</span></div>")
    return f'<div class="tiles">{"".join(tiles) or _defaults(panel)["noValue"]}</div>'


def _bargauge(panel: dict[str, Any], answers: list[list[Series]], box: Box) -> str:
    found = list(_newest(answers))
    unit, decimals = _defaults(panel)["unit"], _defaults(panel).get("decimals")
    top = _defaults(panel).get("max") or max([value for _, value in found] + [1])
    step = (box.h - 40) / max(1, len(found))
    parts = []
    for number, (series, value) in enumerate(found):
        y, colour = number * step, _colour(panel, series, number, value)
        full = box.w - 250
        bar = max(0.0, min(1.0, value / top)) * full
        parts.append(
            f'<text x="150" y="{y + step / 2 + 4}" text-anchor="end" fill="#CCCCDC">'
            f"{html.escape(series.name)}</text>"
            f'<rect x="158" y="{y + 3}" width="{full}" height="{step - 6}" fill="#22252B"/>'
            f'<rect x="158" y="{y + 3}" width="{bar}" height="{step - 6}" fill="{colour}"/>'
            f'<text x="{166 + full}" y="{y + step / 2 + 4}" fill="{colour}" font-size="15">'
            f"{written(value, unit, decimals)}</text>"
        )
    return f'<svg width="{box.w}" height="{box.h - 36}">{"".join(parts)}</svg>'


def _timeseries(panel: dict[str, Any], answers: list[list[Series]], box: Box) -> str:
    every = [found for answer in answers for found in answer]
    legend = _legend(panel, every)
    lines = 1 + sum(len(one.name) + 16 for one in every) * 6.4 // (box.w - 20)
    height = box.h - 36 - 18 * lines
    return _plot(panel, every, Box(0, 0, box.w, height)) + legend


def _legend(panel: dict[str, Any], every: Sequence[Series]) -> str:
    unit, decimals = _defaults(panel)["unit"], _defaults(panel).get("decimals")
    parts = []
    for number, one in enumerate(every):
        known = [float(row[1]) for row in one.values if row[1] is not None]
        last = written(known[-1], unit, decimals) if known else ""
        colour = _colour(panel, one, number, 0)
        name = html.escape(one.name)
        parts.append(f'<span><i style="background:{colour}"></i>{name}&nbsp; Last: {last}</span>')
    return f'<div class="legend">{"".join(parts)}</div>'


Line = list[tuple[float, float, float]]
"""Time, and the lower and upper edge."""


def _stacked(panel: dict[str, Any], every: Sequence[Series]) -> list[Line]:
    custom = _defaults(panel).get("custom", {})
    stacks = custom.get("stacking", {}).get("mode") == "normal"
    above, below = dict[float, float](), dict[float, float]()
    found: list[Line] = []
    for one in every:
        own = _overrides(panel, one.name).get("custom.stacking", {}).get("mode") != "none"
        line: Line = []
        for at, value in ((float(r[0]), r[1]) for r in one.values):
            if value is None:
                continue
            edge = above if value >= 0 else below
            low = edge.get(at, 0.0) if stacks and own else 0.0
            line.append((at, low, low + float(value)))
            if stacks and own:
                edge[at] = low + float(value)
        found.append(line)
    return found


def _plot(panel: dict[str, Any], every: Sequence[Series], box: Box) -> str:
    lines = _stacked(panel, every)
    points = [point for line in lines for point in line]
    if not points:
        return f"<p>&nbsp; {_defaults(panel)['noValue']}</p>"
    start, end = min(p[0] for p in points), max(p[0] for p in points)
    filled = _defaults(panel).get("custom", {}).get("fillOpacity", 0) > 0
    low = min(min(p[1:]) if filled else p[2] for p in points)
    high = max(p[2] for p in points)
    soft = _defaults(panel).get("custom", {}).get("axisSoftMin", low)
    low = _defaults(panel).get("min", min(low, soft))
    high = max(_defaults(panel).get("max", high), low + 1e-9)
    ticks = _ticks(low, high, 1 if _defaults(panel).get("decimals") == 0 else 0)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    bars = _defaults(panel).get("custom", {}).get("drawStyle") == "bars"
    pad = (box.w - 78) / 30 if bars else 0

    def x(at: float) -> float:
        return 62 + pad + (at - start) / max(end - start, 1) * (box.w - 78 - 2 * pad)

    def y(value: float) -> float:
        return float(10 + (high - value) / (high - low) * (box.h - 34))

    parts = [_axes(panel, ticks, (start, end), box, x, y)]
    for number, (one, line) in enumerate(zip(every, lines, strict=True)):
        parts.append(_drawn(panel, one, line, _colour(panel, one, number, 0), x, y))
    return f'<svg width="{box.w}" height="{box.h}">{"".join(parts)}</svg>'


def _drawn(panel: dict[str, Any], one: Series, line: Line, colour: str, x: Any, y: Any) -> str:
    custom = _defaults(panel).get("custom", {}) | {
        key.removeprefix("custom."): value for key, value in _overrides(panel, one.name).items()
    }
    opacity = custom.get("fillOpacity", 0) / 100
    if custom.get("drawStyle") == "bars":
        wide = max(2.0, min(40, *(x(b[0]) - x(a[0]) for a, b in pairwise(line)), 40) * 0.7)
        return "".join(
            f'<rect x="{x(at) - wide / 2}" y="{min(y(a), y(b))}" width="{wide}" '
            f'height="{abs(y(a) - y(b))}" fill="{colour}" fill-opacity="{opacity}"/>'
            for at, a, b in line
        )
    upper = " ".join(f"{x(at):.1f},{y(b):.1f}" for at, _, b in line)
    lower = " ".join(f"{x(at):.1f},{y(a):.1f}" for at, a, _ in reversed(line))
    dash = ' stroke-dasharray="8 6"' if "lineStyle" in custom else ""
    width = custom.get("lineWidth", 1)
    area = f'<polygon points="{upper} {lower}" fill="{colour}" fill-opacity="{opacity}"/>'
    edge = (
        f'<polyline points="{upper}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'
    )
    return (area if opacity else "") + edge


def _axes(
    panel: dict[str, Any], ticks: list[float], span: tuple[float, float], box: Box, x: Any, y: Any
) -> str:
    unit, decimals = _defaults(panel)["unit"], _defaults(panel).get("decimals")
    parts = []
    for tick in ticks:
        text = written(tick, unit, decimals)
        parts.append(
            f'<line x1="62" x2="{box.w - 16}" y1="{y(tick)}" y2="{y(tick)}" stroke="#2C2F36"/>'
            f'<text x="56" y="{y(tick) + 4}" text-anchor="end" font-size="11" fill="#9FA3AD">'
            f"{text}</text>"
        )
    for part in range(1, 8):
        at = span[0] + (span[1] - span[0]) * part / 8
        day = datetime.fromtimestamp(at / 1000, UTC)
        parts.append(
            f'<text x="{x(at)}" y="{box.h - 6}" text-anchor="middle" font-size="11" '
            f'fill="#9FA3AD">{day:%m-%d}</text>'
        )
    style = _defaults(panel).get("custom", {}).get("thresholdsStyle", {}).get("mode")
    for step in _defaults(panel)["thresholds"]["steps"] if style == "dashed" else ():
        value = step.get("value")
        if value is not None and ticks[0] <= value <= ticks[-1]:
            parts.append(
                f'<line x1="62" x2="{box.w - 16}" y1="{y(value)}" y2="{y(value)}" '
                f'stroke="{NAMED[step["color"]]}" stroke-dasharray="6 5" stroke-opacity=".7"/>'
            )
    return "".join(parts)


def _ticks(low: float, high: float, least: float) -> list[float]:
    rough = max((high - low) / 5, least)
    power = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 10.0 ** -_zeros(rough)
    size = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough)
    first = int(low // size)
    return [n * size for n in range(first, int(-(-high // size)) + 1)]


def _zeros(number: float) -> int:
    count = 0
    while number < 1 and count < 12:
        number, count = number * 10, count + 1
    return count


def _table(panel: dict[str, Any], answers: list[list[Series]], _box: Box) -> str:
    """Draw rows by labels; of Prometheus a query is a column, of InfluxDB the columns are there."""
    headings: list[str] = []
    (shown_as,) = [t["options"] for t in panel["transformations"] if t["id"] == "organize"]
    time = shown_as["renameByName"].get("Time", "")
    rows: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for target, answer in zip(panel["targets"], answers, strict=True):
        for one in answer:
            for place, values in enumerate(one.values):
                labels = {k: v for k, v in one.labels.items() if k != "__name__"}
                once = {"User"} & set(one.columns)
                key = (*labels.items(), ("row", str(place) if once or not one.labels else ""))
                row = rows.setdefault(tuple(key), dict(labels))
                names = one.columns[1:] if "query" in target else (target["legendFormat"],)
                row |= {time: values[0]} if time else {}
                row |= dict(zip(names, values[1:], strict=False))
                headings += [name for name in row if name not in headings]
    columns: dict[str, dict[str, Any]] = {}
    for override in panel["fieldConfig"]["overrides"]:
        properties = {item["id"]: item["value"] for item in override["properties"]}
        columns[override["matcher"]["options"]] = (
            columns.get(override["matcher"]["options"], {}) | properties
        )
    unit = _defaults(panel)["unit"]
    shown = list(rows.values())
    for sort in (t["options"]["sort"] for t in panel["transformations"] if t["id"] == "sortBy"):
        by = sort[0]["field"].removesuffix(" (max)")
        whose = sorted(shown, key=lambda row: row[by])
        shown = list({(row["User"], row["site"]): row for row in whose}.values())
        shown.sort(key=lambda row: -row[by])
    rename = {"site": "Site", "license_type": "License type"}
    headings.sort(key=lambda name: ["site", "license_type"].index(name) if name in rename else 2)
    head = "".join(f"<th>{html.escape(rename.get(name, name))}</th>" for name in headings)
    body = "".join(
        "<tr>" + "".join(_cell(row.get(n), columns.get(n, {}), unit) for n in headings) + "</tr>"
        for row in shown
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any, column: dict[str, Any], unit: str) -> str:
    if not isinstance(value, int | float):
        return f"<td>{html.escape(str(value or ''))}</td>"
    steps = column.get("thresholds", {}).get("steps", [])
    reached = [s["color"] for s in steps if s["value"] is None or value >= s["value"]]
    colour = NAMED[reached[-1]] if reached else "inherit"
    text = written(float(value), column.get("unit", unit), None)
    return f'<td style="color:{colour}">{text}</td>'


_KINDS = {"stat": _stat, "bargauge": _bargauge, "timeseries": _timeseries, "table": _table}
