"""Dates as QRS writes them: ISO 8601 with a zone; any year before 1900 means "never"."""

from __future__ import annotations

from datetime import UTC, datetime

FIRST_REAL_YEAR = 1900
"""1753 and 0001 are both in use for "none" (QRS contract 3.4)."""


def moment(text: str | None) -> datetime | None:
    """Return aware UTC, None for "never" (no date, or one before 1900).

    Raises ValueError for what is no date with a time and a zone: without a zone nobody knows
    which hour was meant, and an hour can decide about a seat.
    """
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = datetime.fromisoformat(text.strip().upper())
    if parsed.year < FIRST_REAL_YEAR:
        return None
    if parsed.tzinfo is UTC:
        return parsed
    if parsed.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no time zone")
    return parsed.astimezone(UTC)
