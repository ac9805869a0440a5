"""Command `grafana export`: dashboards and alert rules as files for Grafana and Prometheus."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from seatkeeper.errors import UsageError

app = typer.Typer(
    name="grafana", help="Dashboards and alert rules for Grafana.", no_args_is_help=True
)


@app.callback()
def grafana() -> None:
    """Keep `export` a command of its own."""


def _length(text: str) -> timedelta:
    from seatkeeper.core.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--read-every {text}: {error}") from None


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where influxdb/ and prometheus/ go.")],
    *,
    influxdb: Annotated[
        int, typer.Option("--influxdb", min=1, max=3, help="Version of InfluxDB: 1, 2 or 3.")
    ] = 1,
    currency: Annotated[
        str, typer.Option("--currency", help="What stands behind amounts of money, such as EUR.")
    ] = "",
    read_every: Annotated[
        str, typer.Option("--read-every", help="The longest of your schedule.monitor, such as 6h.")
    ] = "15m",
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that somebody else wrote or changed.")
    ] = False,
) -> None:
    """Write dashboards, provisioning files and rules, the same bytes each time. Opens nothing."""
    from seatkeeper.cli import render
    from seatkeeper.grafana import export as exporting

    found = exporting.files(exporting.Choices(influxdb, currency, _length(read_every)))
    changed = exporting.write(folder, found, force=force)
    render.say(f"{len(found)} files in {folder}, {changed} of them new or changed")
