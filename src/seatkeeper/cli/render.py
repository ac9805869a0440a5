"""Turn values into text or JSON: data on stdout, everything else on stderr.

A view knows both forms of one value. Rich draws tables for people only; it is imported when
something is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import typer

from seatkeeper.cli.options import Output

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class View(Protocol):
    """One value in both forms."""

    def data(self) -> Any:
        """Return the JSON-able form: the contract of the command."""

    def drawing(self) -> Sequence[RenderableType]:
        """Return what people see, piece by piece."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A site whose turn failed; the others had theirs."""

    site: str
    error: str

    def data(self) -> Any:
        """Return the site and its error."""
        return {"site": self.site, "error": self.error}

    def drawing(self) -> Sequence[RenderableType]:
        """Return nothing: stderr has said it."""
        return []


def safe(text: str) -> str:
    """Return a text that a terminal cannot obey: control and direction marks become `·`.

    Names come from the site; one may hold an escape sequence or turn the line around. The text
    must not go through Rich's markup afterwards: `[red]` in a name is a name.
    """
    return "".join(c if c.isprintable() else "·" for c in text)


def line(text: str, style: str = "") -> RenderableType:
    """Return one line to be drawn as it stands, whatever it holds."""
    return lines(text, style=style)


def lines(*texts: str, style: str = "") -> RenderableType:
    """Return lines below each other, drawn as they stand; an empty text is a blank line."""
    from rich.text import Text

    return Text("\n".join(map(safe, texts)), style=style)


def say(text: str) -> None:
    """Tell people something on stderr; line ends stay."""
    typer.echo("\n".join(map(safe, text.split("\n"))), err=True)


def show(view: View, output: Output) -> None:
    """Write one value to stdout."""
    show_all([view], output, single=True)


def show_all(views: Sequence[View], output: Output, *, single: bool) -> None:
    """Write values to stdout: one object when `single`, else an array."""
    if output is Output.JSON:
        data = [view.data() for view in views]
        write_json(data[0] if single else data)
        return
    for view in views:
        draw(view.drawing())


def draw(pieces: Sequence[RenderableType]) -> None:
    """Draw pieces on stdout, one below the other."""
    console = _console()
    for piece in pieces:
        console.print(piece)


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows below a head; no cell is a formula to a spreadsheet, and none breaks a line."""
    import csv

    from seatkeeper.core.cells import cell

    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if value is None else cell(value) for value in row])
    sys.stdout.flush()


def write_json(value: Any) -> None:
    """Write one JSON value, indented, with a line end."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def write_line(value: Any) -> None:
    """Write one JSON value in one line, for programs that read lines."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    return Console(width=width, highlight=False, soft_wrap=False)


def moment(at: datetime | None, *, none: str = "never") -> str:
    """Write a time for people, in UTC and to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at is not None else none


def day(at: datetime | None, *, none: str = "never") -> str:
    """Write a day for people."""
    return f"{at.astimezone(UTC):%Y-%m-%d}" if at is not None else none
