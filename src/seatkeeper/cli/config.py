"""`config schema`, `config example`, `config import-butler`: they need no configuration.

Data goes to stdout, so that it can be redirected into a file; notes go to stderr.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="config",
    help="The configuration file: JSON Schema, example, import from Butler.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    import json

    from seatkeeper.settings.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def example() -> None:
    """Print a commented configuration file that loads as it stands."""
    from seatkeeper.settings.example import example_text

    typer.echo(example_text(), nl=False)


@app.command("import-butler")
def import_from_butler(
    file: Annotated[Path, typer.Argument(help="The YAML file that Butler is started with.")],
    *,
    agreement_reviewed_by: Annotated[
        str | None,
        typer.Option(
            "--agreement-reviewed-by",
            help="Who checked that the Qlik agreement allows releasing seats automatically;"
            " needed to keep Butler's dryRun: false as mode auto.",
        ),
    ] = None,
) -> None:
    """Turn a configuration of Butler into ours; what changed is said on stderr."""
    from seatkeeper.butler import import_butler
    from seatkeeper.config import content_of
    from seatkeeper.wiring.clock import SystemClock

    imported = import_butler(
        file,
        content_of(file),
        agreement_reviewed_by=agreement_reviewed_by,
        today=SystemClock().now().astimezone().date(),
    )
    typer.echo(imported.text, nl=False)
    for note in imported.notes:
        typer.echo(f"note: {note}", err=True)
