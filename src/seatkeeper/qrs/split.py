"""Cut a JSON array into whole-item pieces while it arrives, so that no list is ever held as text.

A cut is never guessed: it is proved by decoding what stands before it. Text before a cut plus
`]` is valid JSON if and only if the cut lies between two items of the outer array, so braces in
strings and nested lists can cost time but never a row. Refuses whatever does not end in `]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

PIECE = 256 * 1024
"""Bytes collected before a cut is tried: small enough that decoding stalls nobody."""

MOST_TRIES = 32
"""Places tried for one cut; when all are wrong, twice as many bytes are collected first."""

BEFORE, AFTER = 10, 6
"""Bytes around a cut that the next one probably shares: items of a list end and begin alike."""

_BETWEEN = b"},{"
_OPEN, _CLOSE, _COMMA = b"[],"

Item = TypeVar("Item")


class ArraySplitter(Generic[Item]):
    """Takes bytes of one array of objects as they come, gives back decoded items."""

    def __init__(self, decoder: msgspec.json.Decoder[list[Item]], piece: int = PIECE) -> None:
        """Decode items with `decoder`; try to cut whenever about `piece` bytes are there."""
        self._decoder = decoder
        self._buffer = bytearray()
        self._piece = piece
        self._next_try = piece
        self._seam = b""

    def feed(self, data: bytes) -> list[Item]:
        """Take bytes; return the items that are complete by now, often none.

        Raises msgspec.ValidationError when an item has the wrong shape.
        """
        self._buffer += data
        if len(self._buffer) < self._next_try:
            return []
        for place in self._places():
            items = self._cut_at(place)
            if items is not None:
                self._next_try = self._piece
                return items
        self._next_try = 2 * len(self._buffer)
        return []

    def close(self) -> list[Item]:
        """Return the last items; raises msgspec.DecodeError when the array does not end."""
        return self._decoder.decode(self._buffer)

    def _places(self) -> Iterator[int]:
        """Yield likely cuts from the right: where it looks as at the last cut comes first."""
        if self._seam and (seam := self._buffer.rfind(self._seam)) > 0:
            yield seam + BEFORE
        yield from self._balanced_places()

    def _balanced_places(self) -> Iterator[int]:
        """Yield places between braces from the right: those where braces balance come first."""
        places: list[int] = []
        end = len(self._buffer)
        while len(places) < MOST_TRIES * 8 and (end := self._buffer.rfind(_BETWEEN, 0, end)) > 0:
            places.append(end + 1)
        balanced: list[int] = []
        others: list[int] = []
        depth = before = 0
        for place in reversed(places):
            depth += self._buffer.count(b"{", before, place)
            depth -= self._buffer.count(b"}", before, place)
            before = place
            (others if depth else balanced).append(place)
        yield from balanced[: -MOST_TRIES - 1 : -1]
        yield from others[: -MOST_TRIES - 1 : -1]

    def _cut_at(self, comma: int) -> list[Item] | None:
        """Decode up to a comma as if the array ended there; None when it does not."""
        self._buffer[comma] = _CLOSE
        try:
            with memoryview(self._buffer) as whole, whole[: comma + 1] as head:
                items = self._decoder.decode(head)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            self._buffer[comma] = _COMMA
            return None
        self._buffer[comma] = _COMMA
        self._seam = bytes(self._buffer[comma - BEFORE : comma + AFTER]) if comma > BEFORE else b""
        del self._buffer[:comma]
        self._buffer[0] = _OPEN
        return items
