"""The options that many commands share, so that they read the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How data is written to stdout."""

    TABLE = "table"
    JSON = "json"


class Listing(StrEnum):
    """How a list is written to stdout; only lists can be tables of a spreadsheet."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Config = Annotated[
    Path | None,
    typer.Option(
        "-c", "--config", help="The configuration file; else SEATKEEPER_CONFIG, seatkeeper.yaml."
    ),
]
Site = Annotated[str | None, typer.Option("--site", help="Only this site.")]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="How data is written: table or json.")
]
ListingOption = Annotated[
    Listing, typer.Option("--output", "-o", help="How data is written: table, json or csv.")
]
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: the account.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--override", help="Pass this limit for the plan; needs --by and --reason."),
]
For = Annotated[
    str | None,
    typer.Option("--for", help="Pass the limit for so long (30d, at most 90d), not just once."),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        help="Leave out the seats of DIR\\id (or one seat by its id): a smaller plan takes the "
        "place of this one.",
    ),
]
AskedBy = Annotated[str | None, typer.Option("--by", help="Who asks for it; default: the account.")]
Queue = Annotated[
    bool,
    typer.Option("--queue", help="Do not act here: ask the running daemon to do it."),
]
