"""What every list of QRS has in common: the same verbs over rows, each kind with its own shapes.

A collection gives rows and JSON; `verbs` answers requests from it. The JSON of each row is kept
until the row changes, so that a list of 100,000 is joined and not written anew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection as Sized
from typing import Any, ClassVar

import msgspec

from seatkeeper.simulator.answers import bad_request, conflict, encode, forbidden, not_found
from seatkeeper.simulator.moments import parse_ms
from seatkeeper.simulator.query import Fields, Row
from seatkeeper.simulator.rows import Document
from seatkeeper.simulator.site import Site


class Collection(ABC):
    """The rows of one kind, reached under one path."""

    schema: ClassVar[str] = ""
    fields: Fields

    def __init__(self, site: Site) -> None:
        self.site = site
        self._encoded: dict[str, bytes] = {}

    @abstractmethod
    def rows(self) -> Sized[Row]:
        """Give all rows."""

    @abstractmethod
    def get(self, key: str) -> Row | None:
        """Find a row by id in lower case."""

    @abstractmethod
    def full(self, row: Row) -> Document:
        """Give a row with everything."""

    def condensed(self, row: Row) -> Document:
        """Give a row as plain lists show it."""
        return {"id": row.id, "privileges": None}

    def encoded(self, row: Row) -> bytes:
        """Give a full row as JSON text, from the cache when nothing changed."""
        text = self._encoded.get(row.id)
        if text is None:
            text = self._encoded[row.id] = encode(self.full(row))
        return text

    def forget(self, key: str) -> None:
        """Drop the kept text of a row that changed."""
        self._encoded.pop(key, None)

    def forget_all(self) -> None:
        """Drop all kept texts, because shapes changed."""
        self._encoded.clear()

    def find(self, key: str) -> Row:
        """Find a row by id; an unknown one is a 404."""
        row = self.get(key.lower())
        if row is None:
            raise not_found()
        return row

    def create(self, body: Document, by: str) -> Row:  # noqa: ARG002 - read-only by default
        """Add a row from a request's body."""
        raise forbidden()

    def create_many(self, bodies: list[Document], by: str) -> list[Row]:  # noqa: ARG002 - as above
        """Add several rows, all or none."""
        raise forbidden()

    def replace(self, row: Row, body: Document, by: str) -> Row:  # noqa: ARG002 - as above
        """Change a row to what a request's body says."""
        raise forbidden()

    def remove(self, key: str, by: str) -> str:  # noqa: ARG002 - as above
        """Remove a row by id; say what became of it."""
        raise forbidden()

    def check_conflict(self, body: Document, stored: int) -> None:
        """Refuse a body that was made from a copy older than the stored row."""
        text = body.get("modifiedDate")
        if not isinstance(text, str):
            raise bad_request()
        try:
            sent = parse_ms(text)
        except ValueError:
            raise bad_request() from None
        if sent < stored or (sent != stored and self.site.switches.put_conflict == "different"):
            raise conflict()


def read_object(body: bytes) -> Document:
    """Read a request's body as a JSON object; anything else is a 400."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise bad_request()
    return value


def read_objects(body: bytes) -> list[Document]:
    """Read a request's body as an array of JSON objects; anything else is a 400."""
    value = read_json(body)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise bad_request()
    return value


def read_json(body: bytes) -> Any:
    """Read a request's body as JSON; anything else is a 400."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_request() from None
