"""The command `seatkeeper`: finds the command, turns errors into exit codes.

Modules that take long to import (database, HTTP, tables) are imported inside the commands that
need them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Annotated

import typer
import typer.main

from seatkeeper import __version__
from seatkeeper.cli import options, render
from seatkeeper.cli.commands import register
from seatkeeper.cli.exits import Exit, exit_of_error
from seatkeeper.errors import SeatkeeperError

app = typer.Typer(
    name="seatkeeper",
    help="Watch the access licenses of Qlik Sense sites and free the seats nobody uses, safely.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"seatkeeper {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: options.Config = None,
    *,
    version: Annotated[  # noqa: ARG001 - acts through its callback
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Keep what was said before the command."""
    ctx.obj = {"config": config}


register(app)


TRACEBACK = "SEATKEEPER_TRACEBACK"
"""Set to anything, this variable shows where an error without a name came from."""


def main() -> None:
    """Run the command line; no traceback unless it is asked for."""
    if not os.environ.get(TRACEBACK):
        sys.excepthook = _unexpected
    try:
        typer.main.get_command(app)(standalone_mode=True)
    except SeatkeeperError as error:
        render.say(f"error: {error}")
        sys.exit(exit_of_error(error))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def _unexpected(
    kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    """Say that Seatkeeper itself is at fault; Python then ends with 1."""
    render.say(
        f"error: this is a fault of Seatkeeper: {kind.__name__}: {str(error)[:300]}\n"
        f"  cure: run it again with {TRACEBACK}=1 and report what it shows"
    )
