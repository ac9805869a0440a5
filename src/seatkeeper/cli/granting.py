"""What accounts and tokens are given on the command line: a role, on all sites or some."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatkeeper.core.roles import Grant, Role
from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from seatkeeper.config import Loaded

_LARGEST = 4096
"""Bytes of a password file that are looked at."""

RoleOption = Annotated[
    Role, typer.Option("--role", help="What it may do: viewer, operator, approver or admin.")
]
Sites = Annotated[
    list[str] | None,
    typer.Option("--site", help="Only on this site; may be said again. Without: on all."),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="File whose first line is the password; - is stdin."),
]


def grants_of(loaded: Loaded, role: Role, sites: Sequence[str] | None) -> tuple[Grant, ...]:
    """Return the grant that was said; raises UsageError for a site that is not configured."""
    from seatkeeper.cli import session as sessions

    names = [sessions.settings_of(loaded, name)[0].name for name in sites or ()]
    return (Grant(role, frozenset(names) or None),)


def password_from(file: Path | None, name: str) -> str:
    """Read the password from a file or stdin, or ask for it twice, unseen; raises UsageError."""
    from seatkeeper.cli.asking import secret_answered, somebody_is_there

    if file is not None:
        return _first_line(file)
    if not somebody_is_there():
        raise UsageError(
            "nobody can be asked for a password without a terminal; "
            "say --password-file FILE, or --password-file - to read it from stdin"
        )
    return secret_answered(f"Password of {name}")


def _first_line(file: Path) -> str:
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            text = stream.read(_LARGEST).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--password-file {file} cannot be read: {error}") from error
    line = text.split("\n", 1)[0].removesuffix("\r")
    if not line:
        raise UsageError(f"--password-file {file}: the first line is empty, and it is the password")
    return line
