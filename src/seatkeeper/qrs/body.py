"""How a body is taken in while it arrives: whole for a small answer, row by row for a list.

Both refuse what is cut off, of the wrong shape or not JSON, and say which reading it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from seatkeeper.errors import Garbled
from seatkeeper.qrs.faults import NothingThere
from seatkeeper.qrs.split import ArraySplitter

LARGEST = 4 * 1024 * 1024
"""Bytes of a small answer; more is not what was asked for."""

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)
Row = TypeVar("Row")

_BLANK = b" \t\r\n"


class Sink(Protocol[Result_co]):
    """Takes a body in. A retry begins with a new one."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""

    def close(self, *, framed: bool) -> Result_co:
        """Return what the body says; raises Garbled when it is not whole.

        `framed`: the server said how long the body is (Content-Length or chunks), so what has
        arrived is all of it.
        """


class Whole(Generic[Result]):
    """Collects a small body, then decodes it; `what` names it in messages."""

    def __init__(
        self, what: str, decoder: msgspec.json.Decoder[Row], convert: Callable[[Row], Result]
    ) -> None:
        """Decode with `decoder`, then make our own value with `convert`."""
        self._what = what
        self._decode: Callable[[bytes], Result] = lambda body: convert(decoder.decode(body))
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._body += data
        if len(self._body) > LARGEST:
            raise Garbled(f"{self._what}: more than {LARGEST} bytes, which cannot be right")

    def close(self, *, framed: bool) -> Result:
        """Decode; an open end is accepted only where the JSON itself shows its end."""
        body = bytes(self._body.strip(_BLANK))
        if not body:
            raise _empty(self._what, framed=framed)
        if not framed and not body.endswith((b"}", b"]", b"null", b'"')):
            raise Garbled(f"{self._what}: the answer may be cut off")
        try:
            return self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Garbled(f"{self._what}: {_complaint(error)}") from error


class Rows(Generic[Row, Result]):
    """Splits a list while it arrives and hands each row on, so that no list is held as text."""

    def __init__(
        self,
        what: str,
        decoder: msgspec.json.Decoder[list[Row]],
        take: Callable[[Row], None],
        result: Result,
    ) -> None:
        """Give each row to `take`, which adds it to `result` or raises ValueError."""
        self._what = what
        self._splitter = ArraySplitter(decoder)
        self._take = take
        self._result = result
        self._count = 0
        self._start = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if len(self._start) < len(b"null"):
            self._start = (self._start + data[:64]).lstrip(_BLANK)[:8]
            if self._start and self._start[:1] not in b"[n":
                raise Garbled(f"{self._what}: not a list")
        self._guarded(lambda: self._splitter.feed(data))

    def close(self, *, framed: bool) -> Result:
        """Return the result; the closing bracket proves that nothing is missing."""
        if not self._start:
            raise _empty(self._what, framed=framed)
        if self._start.rstrip(_BLANK) == b"null":
            raise NothingThere(f"{self._what}: null instead of a list")
        self._guarded(self._splitter.close)
        return self._result

    def _guarded(self, decode: Callable[[], list[Row]]) -> None:
        try:
            rows = decode()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Garbled(f"{self._what}: {_complaint(error, self._count)}") from error
        for row in rows:
            try:
                self._take(row)
            except ValueError as error:
                raise Garbled(f"{self._what}: row {self._count}: {error}") from error
            self._count += 1


def _empty(what: str, *, framed: bool) -> Garbled:
    if framed:
        return NothingThere(f"{what}: an empty answer")
    return Garbled(f"{what}: the answer was cut off before it began")


_POSITION = re.compile(r"\$\[(\d+)\]")


def _complaint(error: Exception, rows_before: int = 0) -> str:
    """Say what is wrong and where; positions count from the start of the whole list."""
    if isinstance(error, msgspec.ValidationError):
        text = _POSITION.sub(lambda m: f"$[{int(m[1]) + rows_before}]", str(error), count=1)
        return f"of the wrong shape: {text[:160]}"
    if "truncated" in str(error):
        return f"cut off after {rows_before} rows" if rows_before else "cut off"
    return "not JSON as QRS writes it"
