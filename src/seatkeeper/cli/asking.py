"""Questions to whoever sits at the terminal; without one nobody can be asked."""

from __future__ import annotations

import sys

import typer

from seatkeeper.errors import UsageError


def somebody_is_there() -> bool:
    """Whether a person can be asked and can see the question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str, *, yes: bool) -> None:
    """Ask before acting; without a terminal `--yes` is needed. Raises UsageError for a no."""
    if yes:
        return
    if not somebody_is_there():
        raise UsageError("nobody can be asked without a terminal; say --yes to act")
    if not typer.confirm(question, err=True):
        raise UsageError("not confirmed; nothing was done")
