"""The arithmetic of the ledger: how a record's hash and a person's reference are made.

Pure, and small enough to be repeated by somebody who trusts only an export: a record's hash is
SHA-256 over the hash before it (64 hex digits) followed by a compact JSON array of all its other
columns in the order of `COLUMNS`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from seatkeeper.core.canonical import canonical_bytes

COLUMNS = (
    "seq",
    "at",
    "kind",
    "site",
    "run_id",
    "plan_id",
    "actor",
    "os_account",
    "host",
    "why",
    "policy_digest",
    "person_ref",
    "body",
)
"""Every column of a record but the hash itself, in the order in which they are hashed."""

GENESIS = "0" * 64
"""The hash before the first record."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends: the number and the hash of its newest record."""

    seq: int = 0
    hash: str = GENESIS

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read `SEQ:HASH` as `ledger verify` prints it; raises ValueError on anything else."""
        seq, _, digest = text.strip().partition(":")
        if not seq.isdecimal() or len(digest) != len(GENESIS):
            raise ValueError(f"{text!r} is not SEQ:HASH")
        return cls(int(seq), digest.lower())


def record_hash(before: str, columns: Sequence[object]) -> str:
    """Return the hash of a record, given the hash before it and its columns as stored."""
    return hashlib.sha256(before.encode("ascii") + canonical_bytes(columns)).hexdigest()


def new_salt() -> str:
    """Return 32 random bytes in hex, one for each person."""
    return secrets.token_hex(32)


def person_ref(salt: str, label: str) -> str:
    r"""Return what stands in the chain for `DIR\id`: nothing without the salt."""
    return hmac.digest(salt.encode("utf-8"), label.encode("utf-8"), "sha256").hex()
