"""Questions to whoever sits at the terminal; without one nobody can be asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from seatkeeper.cli.exits import Exit
from seatkeeper.errors import UsageError


def somebody_is_there() -> bool:
    """Whether a person can be asked and can see the question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def answered(question: str, default: str | None) -> str:
    """Ask for a text; Ctrl-C ends the command with 130, and so does the end of the input."""
    with _interruptible():
        return str(typer.prompt(question, default=default, err=True)).strip()


def secret_answered(question: str) -> str:
    """Ask twice for a text that the terminal does not show."""
    with _interruptible():
        return str(typer.prompt(question, hide_input=True, confirmation_prompt=True, err=True))


def agreed(question: str, *, default: bool = False) -> bool:
    """Ask for a yes or no."""
    with _interruptible():
        return typer.confirm(question, default=default, err=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except typer.Abort:
        raise typer.Exit(Exit.INTERRUPTED) from None


def confirmed(question: str, *, yes: bool) -> None:
    """Ask before acting; without a terminal `--yes` is needed. Raises UsageError for a no."""
    if yes:
        return
    if not somebody_is_there():
        raise UsageError("nobody can be asked without a terminal; say --yes to act")
    if not agreed(question):
        raise UsageError("not confirmed; nothing was done")
