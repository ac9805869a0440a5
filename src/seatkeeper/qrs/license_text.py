"""The `keyDetails` text of a signed license key, in every form it is known to have.

Sources and variants: QRS contract 2.2. What cannot be read is left out, never guessed.
"""

from __future__ import annotations

import re
from datetime import date

_NUMBER = re.compile(r"^[ \t]*License\s+Number:[ \t]*([^\r\n;]+)", re.IGNORECASE | re.MULTILINE)
_VALID_TO = re.compile(r"^[ \t]*Valid\s+To:[ \t]*(\d{4}-\d{2}-\d{2})", re.IGNORECASE | re.MULTILINE)
_ALLOTMENT = re.compile(r"\bAllotment\s+([^:\r\n]+?)\s*:\s*(-?\d+)", re.IGNORECASE)


def license_number(details: str, serial: str = "") -> str | None:
    """Return the number without blanks, so that every spelling of one number is equal."""
    found = _NUMBER.search(details)
    number = "".join((found[1] if found else serial).split())
    return number or None


def valid_to(details: str) -> date | None:
    """Return the last day; None when the text does not tell, or names a year below 1900."""
    found = _VALID_TO.search(details)
    if found is None:
        return None
    try:
        day = date.fromisoformat(found[1])
    except ValueError:
        return None
    return day if day.year >= 1900 else None


def allotments(details: str) -> tuple[tuple[str, int], ...]:
    """Return name and number of each allotment, in the order of the text."""
    return tuple((name, int(number)) for name, number in _ALLOTMENT.findall(details))
