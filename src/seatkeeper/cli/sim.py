"""Command `sim`: serve a simulated Qlik Sense site until Ctrl-C, for trying policies."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seatkeeper.errors import SeatkeeperError, UsageError

if TYPE_CHECKING:
    from seatkeeper.simulator.options import SimOptions
    from seatkeeper.simulator.serve import Simulator

MARK = "# Written by `seatkeeper sim`"

LIVE_SECONDS = 60.0
"""With --live, people catch up with the clock so often."""

Names = Annotated[
    list[str] | None,
    typer.Option("--switch", help="NAME=VALUE: how the site behaves where QRS is not documented."),
]
FaultTexts = Annotated[
    list[str] | None,
    typer.Option("--fault", help="What goes wrong, such as status=500:every=7:method=DELETE."),
]
StateDir = Annotated[
    Path, typer.Option("--state-dir", help="Folder of the site's state and certificates.")
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Where it listens; 0 takes a free one.")
]
Professional = Annotated[
    int | None, typer.Option("--professional", min=0, help="Professional seats in all.")
]
Analyzer = Annotated[int | None, typer.Option("--analyzer", min=0, help="Analyzer seats in all.")]
Allocations = Annotated[
    int | None, typer.Option("--allocations", min=0, help="Seats held at the beginning.")
]
Control = Annotated[bool, typer.Option("--control", help="Open the control door /sim for tests.")]
Live = Annotated[bool, typer.Option("--live", help="People go on working while it serves.")]
ClockFrom = Annotated[
    datetime | None,
    typer.Option(
        "--clock-from",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
        help="Where the clock of a new site begins, UTC.",
    ),
]
Speed = Annotated[
    float,
    typer.Option(
        "--speed",
        min=0,
        help="Seconds of the site in a second, until its clock has caught up; people live on.",
    ),
]
WriteConfig = Annotated[
    Path | None, typer.Option("--write-config", help="Write a configuration for it here.")
]


def sim(
    *,
    state_dir: StateDir,
    users: Annotated[int, typer.Option("--users", min=1, help="People in all.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Another number, another company.")] = 1,
    port: Port = 4242,
    host: Annotated[str, typer.Option("--host", help="On which address.")] = "127.0.0.1",
    professional: Professional = None,
    analyzer: Analyzer = None,
    allocations: Allocations = None,
    switch: Names = None,
    fault: FaultTexts = None,
    control: Control = False,
    live: Live = False,
    clock_from: ClockFrom = None,
    speed: Speed = 1,
    write_config: WriteConfig = None,
) -> None:
    """Serve a simulated Qlik Sense site over mutual TLS until Ctrl-C.

    A state folder that holds a site already wins over users, seed, totals and the clock.
    """
    chosen = _options(
        switch,
        fault,
        state_dir=state_dir,
        users=users,
        seed=seed,
        port=port,
        host=host,
        professional=professional,
        analyzer=analyzer,
        allocations=allocations,
        control=control,
        live_every=LIVE_SECONDS if live or speed > 1 else 0,
        now=None if clock_from is None else clock_from.replace(tzinfo=UTC),
        speed=speed,
    )
    if write_config is not None:
        _require_ours(write_config)
    _serve(chosen, write_config)


def _options(switches: list[str] | None, faults: list[str] | None, **options: Any) -> SimOptions:
    """Put the options together; what makes no sense is a UsageError."""
    from seatkeeper.simulator.faults import Faults
    from seatkeeper.simulator.options import SimOptions
    from seatkeeper.simulator.switches import Switches

    try:
        return SimOptions(
            **options,
            switches=Switches.parse(switches or ()),
            faults=Faults.parse(faults or ()),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def _serve(chosen: SimOptions, write_config: Path | None) -> None:
    from seatkeeper.simulator.serve import run

    try:
        run(chosen, lambda simulator: _tell(simulator, write_config))
    except OSError as error:
        place = f"{chosen.host}:{chosen.port}"
        raise SeatkeeperError(
            f"the simulated site at {place} with its state in {chosen.state_dir} cannot be served: "
            f"{error.strerror or error}"
        ) from error


def _tell(simulator: Simulator, write_config: Path | None) -> None:
    """Say where it listens on stderr; the block to paste goes to stdout."""
    from seatkeeper.cli import render

    certificates = simulator.certificates
    render.say(f"the simulated site listens at {simulator.url}; Ctrl-C ends it")
    render.say(f"certificates: {certificates.ca}, {certificates.cert}, {certificates.key}")
    text = _config(simulator)
    if write_config is None:
        typer.echo(text[text.index("sites:") : text.index("\nstore:")])
        return
    write_config.write_text(text, encoding="utf-8")
    render.say(f"{write_config} is written; next: seatkeeper -c {write_config} check")


def _config(simulator: Simulator) -> str:
    from seatkeeper.cli.config_text import Answers, config_text

    certificates = simulator.certificates
    answers = Answers(
        site="sim",
        url=simulator.url,
        ca_file=certificates.ca.absolute().as_posix(),
        cert_file=certificates.cert.absolute().as_posix(),
        key_file=certificates.key.absolute().as_posix(),
        user="INTERNAL\\sa_api",
        timezone="UTC",
        store="sqlite:///seatkeeper.db",
        shared_with="[]",
    )
    return config_text(answers, head=f"{MARK}: a simulated site, for trying policies.")


def _require_ours(path: Path) -> None:
    """Never write over a file that somebody else wrote."""
    try:
        there = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    if not there.startswith(MARK):
        raise UsageError(f"{path} was not written by `seatkeeper sim` and is left as it is")
