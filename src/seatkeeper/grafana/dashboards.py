"""Turns a board into a dashboard of Grafana: its grid, variables and links to the others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from seatkeeper.core.measures import BUTLER_LICENSE, HEALTH, LICENSE_TYPE, SITE
from seatkeeper.grafana import promql
from seatkeeper.grafana.drawing import draw
from seatkeeper.grafana.spec import Board, Flavour, Panel, Row
from seatkeeper.grafana.targets import source

COLUMNS = 24
"""The width of Grafana's grid."""

TAG = "seatkeeper"


def dashboard_json(board: Board, flavour: Flavour, others: Sequence[Board]) -> bytes:
    """Return the dashboard as the JSON that Grafana loads; equal boards give equal bytes."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid(flavour))
        .description(board.description)
        .tags([TAG, flavour.value])
        .timezone("browser")
        .time(board.since, "now")
        .refresh("5m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .variables(_variables(flavour))
        .links([_link(other, flavour) for other in others if other is not board])
    )
    for number, (place, item) in enumerate(_places(board, flavour), start=1):
        if isinstance(item, Panel):
            built.with_panel(draw(item, flavour, number, place))
        else:
            built.with_row(_heading(item).id(number).grid_pos(place))
    text = json.dumps(built.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _places(board: Board, flavour: Flavour) -> Iterator[tuple[GridPos, Panel | Row]]:
    """Yield headings and panels from left to right; what is missing leaves no gap."""
    top = 0
    for row in board.rows:
        panels = [panel for panel in row.panels if flavour in panel.queries]
        if not panels:
            continue
        yield GridPos(x=0, y=top, w=COLUMNS, h=1), row
        top += 1
        for line in _lines(panels):
            left = 0
            for panel in line:
                width = COLUMNS - left if panel is line[-1] else panel.width
                yield GridPos(x=left, y=top, w=width, h=panel.height), panel
                left += width
            top += max(panel.height for panel in line)


def _lines(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Return what stands beside each other; the last of a line gets the rest of its width."""
    lines: list[list[Panel]] = [[]]
    for panel in panels:
        if sum(beside.width for beside in lines[-1]) + panel.width > COLUMNS:
            lines.append([])
        lines[-1].append(panel)
    return lines


def _heading(row: Row) -> dashboard.Row:
    if row.each_site:
        return dashboard.Row(f"{row.title} at ${SITE}").repeat(SITE)
    return dashboard.Row(row.title)


def _variables(flavour: Flavour) -> list[Builder[VariableModel]]:
    chosen = VariableOption(selected=True, text=flavour.uid, value=flavour.uid)
    return [
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .type(flavour.value)
        .current(chosen),
        _variable(flavour, SITE, "Site"),
        _variable(flavour, LICENSE_TYPE, "License type"),
    ]


def _variable(flavour: Flavour, name: str, label: str) -> dashboard.QueryVariable:
    everything = VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(source(flavour))
        .query(values_query(flavour, name))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(everything)
    )


def values_query(flavour: Flavour, name: str) -> str | dict[str, object]:
    """Return the query for the values that a variable may take.

    Every site that was ever read has its health, also one with tokens alone; what has no seats
    but a price, the minutes of Analyzer Capacity, is a license type, too.
    """
    if flavour is Flavour.INFLUXDB:
        of = HEALTH if name == SITE else BUTLER_LICENSE
        return f'SHOW TAG VALUES FROM "{of.name}" WITH KEY = "{name}"'
    metric = promql.metric("qlik_license_cycle_seconds", chosen=False)
    if name == LICENSE_TYPE:
        metric = promql.any_of("qlik_license_seats", "qlik_license_monthly_cost")
    return {"query": f"label_values({metric}, {name})", "refId": "values"}


def _link(other: Board, flavour: Flavour) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(other.title)
        .type(DashboardLinkType.LINK)
        .url(f"/d/{other.uid(flavour)}")
        .icon("dashboard")
        .tooltip(other.description)
        .include_vars(True)
        .keep_time(False)
    )
