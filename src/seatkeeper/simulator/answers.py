"""What a request is answered with: a status and a body, or a refusal raised from anywhere below.

The texts of refusals stand in the order of contract section 1.5; how they are dressed is a switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"

encode = msgspec.json.Encoder().encode


class Rejection(Exception):
    """The site says no: an HTTP status and the short text that goes with it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(slots=True)
class Answer:
    """A status and a body; a long list is kept as the pieces between its brackets."""

    status: int
    body: bytes = b""
    rows: list[bytes] | None = None
    content_type: str = JSON_TYPE
    outcome: str = ""
    """What happened inside, for the request log."""


def json_answer(value: Any, status: int = 200, outcome: str = "") -> Answer:
    """Answer with a value as JSON."""
    return Answer(status, encode(value), outcome=outcome)


def count_answer(number: int) -> Answer:
    """Answer a count the way the wire shows it: wrapped in an object."""
    return Answer(200, b'{"value": %d}' % number)


def rows_answer(rows: list[bytes]) -> Answer:
    """Answer with an array of rows that are encoded already."""
    return Answer(200, rows=rows)


NO_CONTENT = 204
"""Status of a DELETE that was carried out."""


def not_found() -> Rejection:
    """Build the refusal for an unknown id or path."""
    return Rejection(404, "Not Found")


def bad_request(text: str = "Bad Request") -> Rejection:
    """Build the refusal for a request that breaks a rule."""
    return Rejection(400, text)


def forbidden(text: str = "Forbidden") -> Rejection:
    """Build the refusal for a caller without the right."""
    return Rejection(403, text)


def conflict() -> Rejection:
    """Build the refusal for a PUT made from a stale copy."""
    return Rejection(409, "Conflict")
