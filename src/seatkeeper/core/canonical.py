"""One byte form for each value, so that equal values have equal digests."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_bytes(value: Any) -> bytes:
    """Return the value as JSON with sorted keys: equal values, equal bytes."""
    return _ENCODER.encode(value)


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
