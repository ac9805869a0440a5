"""Grants as they are kept: JSON with roles and sites; and the hash that stands for a secret."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from seatkeeper.core.canonical import canonical_bytes
from seatkeeper.core.roles import Grant, Role


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    role: Role
    sites: list[str] | None = None


def grants_text(grants: Sequence[Grant]) -> str:
    """Return the stored form of grants."""
    rows = [{"role": g.role, "sites": None if g.sites is None else sorted(g.sites)} for g in grants]
    return canonical_bytes(rows).decode("utf-8")


def grants_of(text: str) -> tuple[Grant, ...]:
    """Read grants back."""
    kept = msgspec.json.decode(text, type=list[_Kept])
    return tuple(Grant(k.role, None if k.sites is None else frozenset(k.sites)) for k in kept)


def secret_hash(secret: str) -> str:
    """Return what is kept of a random secret of 256 bits: no salt is needed for one."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()
