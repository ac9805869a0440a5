"""CSV for spreadsheets, a line at a time; every cell is harmless to them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from seatkeeper.core.cells import cell

BEGINNING = "\ufeff"
"""What a file begins with, or a spreadsheet takes its UTF-8 for something else."""


def csv_row(values: Iterable[Any]) -> str:
    """Return one line; nothing is an empty cell."""
    line = io.StringIO()
    shown = ["" if value is None else cell(value) for value in values]
    csv.writer(line, lineterminator="\r\n").writerow(shown)
    return line.getvalue()
