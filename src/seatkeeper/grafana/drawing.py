"""Draws a panel with the SDK's builders: one function for each kind of chart."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    StackingMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from seatkeeper.grafana.palette import DASHED, SERIES
from seatkeeper.grafana.spec import Chart, Colour, Flavour, Panel, Step
from seatkeeper.grafana.targets import source, target


def draw(panel: Panel, flavour: Flavour, number: int, place: GridPos) -> Any:
    """Return the SDK's builder of a panel at its place."""
    built: Any = _KINDS[panel.chart](panel)
    built.id(number).title(panel.title).description(panel.description).unit(panel.unit)
    built.grid_pos(place).datasource(source(flavour)).no_value(panel.no_value)
    built.thresholds(_thresholds(panel.steps))
    if panel.decimals is not None:
        built.decimals(panel.decimals)
    if panel.low is not None and panel.chart is not Chart.TABLE:
        built.min(panel.low)
    if panel.high is not None:
        built.max(panel.high)
    if panel.soft_low is not None:
        built.axis_soft_min(panel.soft_low)
    if panel.words:
        built.mappings([_mapping(panel.words)])
    if panel.interval:
        built.interval(panel.interval)
    for ref_id, query in zip("ABCDEFGHIJ", panel.queries[flavour], strict=False):
        built.with_target(target(flavour, ref_id, query, table=panel.chart is Chart.TABLE))
    if panel.chart is Chart.TABLE:
        _columns(built, panel, flavour)
    return built


def _thresholds(steps: tuple[Step, ...]) -> dashboard.ThresholdsConfig:
    plain = (Step(None, Colour.PLAIN),)
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(step.value, step.colour.value) for step in steps or plain])
    )


def _step(step: Step) -> dict[str, Any]:
    return {"value": step.value, "color": step.colour.value}


def _mapping(words: dict[int, str]) -> ValueMap:
    return ValueMap({str(value): ValueMappingResult(text) for value, text in words.items()})


def _number(_panel: Panel) -> Any:
    return (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .orientation(VizOrientation.AUTO)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


def _name(panel: Panel) -> Any:
    return _number(panel).text_mode(BigValueTextMode.NAME)


def _meter(panel: Panel) -> Any:
    built = (
        bargauge.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .display_mode(BarGaugeDisplayMode.BASIC)
        .show_unfilled(True)
        .orientation(VizOrientation.HORIZONTAL)
    )
    if panel.steps:
        return built.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    return _coloured(built)


def _over_time(panel: Panel) -> Any:
    built = (
        timeseries.Panel()
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull"])
        )
        .show_points(VisibilityMode.NEVER)
        .span_nulls(True)
        .line_width(2)
    )
    if panel.steps:
        style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        built.thresholds_style(style)
    return _coloured(built)


def _lines(panel: Panel) -> Any:
    built = _over_time(panel)
    built.draw_style(GraphDrawStyle.LINE).line_interpolation(LineInterpolation.LINEAR)
    return built.fill_opacity(0)


def _stack(panel: Panel) -> Any:
    built = _over_time(panel)
    built.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    return built.draw_style(GraphDrawStyle.LINE).fill_opacity(75).line_width(1)


def _bars(panel: Panel) -> Any:
    built = _over_time(panel)
    built.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    return built.draw_style(GraphDrawStyle.BARS).fill_opacity(85).line_width(0)


def _table(_panel: Panel) -> Any:
    return (
        table.Panel()
        .filterable(True)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


def _coloured(built: Any) -> Any:
    """Give each series its fixed colour; limits are dashed and grey."""
    built.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    for pattern, colour in SERIES:
        fixed = {"mode": "fixed", "fixedColor": colour}
        built.override_by_regexp(f"/{pattern}/", [DynamicConfigValue("color", fixed)])
    dashes = {"fill": "dash", "dash": [8, 6]}
    limit = [
        DynamicConfigValue("custom.lineStyle", dashes),
        DynamicConfigValue("custom.fillOpacity", 0),
        DynamicConfigValue("custom.stacking", {"mode": "none", "group": "limits"}),
    ]
    return built.override_by_regexp(f"/{DASHED}/", limit)


def _columns(built: Any, panel: Panel, flavour: Flavour) -> None:
    """Join the queries of Prometheus to one table; name, order and unit its columns."""
    rename = {"site": "Site", "license_type": "License type"}
    hidden = {"Time": not panel.time_column}
    if panel.time_column:
        rename["Time"] = panel.time_column
    if panel.once_for:
        _keep_once(built, panel)
        rename |= {f"{name} (max)": name for name in panel.units}
    if flavour is Flavour.PROMETHEUS:
        built.with_transformation(DataTransformerConfig("merge", options={}))
        queries = zip("ABCDEFGHIJ", panel.queries[flavour], strict=False)
        rename |= {f"Value #{ref_id}": query.legend for ref_id, query in queries}
    options = {
        "excludeByName": hidden,
        "indexByName": {"site": 0, "license_type": 1, "Time": 2},
        "renameByName": rename,
    }
    built.with_transformation(DataTransformerConfig("organize", options=options))
    for name, unit in panel.units.items():
        built.override_by_name(name, [DynamicConfigValue("unit", unit)])
    for name, steps in panel.column_steps.items():
        limits = {"mode": "absolute", "steps": [_step(step) for step in steps]}
        coloured = DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
        built.override_by_name(name, [DynamicConfigValue("thresholds", limits), coloured])


def _keep_once(built: Any, panel: Panel) -> None:
    """Make one row of those that are equal in some columns, the largest number first."""
    fields: dict[str, Any] = {
        name: {"aggregations": [], "operation": "groupby"} for name in panel.once_for
    }
    for name in panel.units:
        fields[name] = {"aggregations": ["max"], "operation": "aggregate"}
    built.with_transformation(DataTransformerConfig("groupBy", options={"fields": fields}))
    worst = [{"field": f"{name} (max)", "desc": True} for name in panel.units]
    built.with_transformation(DataTransformerConfig("sortBy", options={"sort": worst}))


_KINDS = {
    Chart.NUMBER: _number,
    Chart.NAME: _name,
    Chart.METER: _meter,
    Chart.LINES: _lines,
    Chart.STACK: _stack,
    Chart.BARS: _bars,
    Chart.TABLE: _table,
}
