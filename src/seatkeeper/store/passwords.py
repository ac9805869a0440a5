"""Passwords of local accounts: argon2id, one at a time, and rules that OWASP ASVS asks for.

No list of breached passwords is asked: that would tell others about ours.
"""

from __future__ import annotations

import functools
import secrets
import threading
from typing import TYPE_CHECKING

from seatkeeper.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST, MOST = 12, 128
"""Characters of a password."""

FEWEST_GUESSES = 8.0
"""A password that is found within so many tries, as a power of ten, is no good."""

_LOOKED_AT = 72
"""Characters that are judged; looking at more takes long, and a password is good by then."""

_ONE_AT_A_TIME = threading.Lock()
"""Each hash takes 19 MiB: a flood of sign-ins must not take more than one."""


def require_good(password: str, name: str) -> None:
    """Raise UsageError for a password that is too short, too long, or easily guessed."""
    if not LEAST <= len(password) <= MOST:
        raise UsageError(
            f"a password has {LEAST} to {MOST} characters, and this one has {len(password)}; "
            "several words in a row are good"
        )
    folded = password.casefold()
    if name.casefold() in folded or "seatkeeper" in folded or len(set(folded)) < 5:
        raise UsageError(
            "a password that holds the name, the word seatkeeper, or hardly any different "
            "characters is guessed at once; choose another"
        )
    if _guesses(password, name) < FEWEST_GUESSES:
        raise UsageError(
            "this password is among those that are tried first: a common one, a name, a date, or "
            "keys in a row; several words that have nothing to do with each other are good"
        )


def _guesses(password: str, name: str) -> float:
    """Return how many tries somebody needs who knows what people choose, as a power of ten."""
    # Loaded where a password is chosen, for its lists of common ones take 14 MiB.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    known = [name, *name.split(), "seatkeeper", "qlik", "sense"]
    found = zxcvbn(password[:_LOOKED_AT], user_inputs=known, max_length=_LOOKED_AT)
    return float(found["guesses_log10"])


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    with _ONE_AT_A_TIME:
        return _hasher().hash(password)


def is_password(kept: str, password: str) -> bool:
    """Whether this is the password; takes as long for an account that is not there (`kept` "")."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as in _hasher

    with _ONE_AT_A_TIME:
        try:
            _hasher().verify(kept or _of_nobody(), password[:MOST])
        except (VerificationError, InvalidHashError):
            return False
    return bool(kept) and len(password) <= MOST


@functools.cache
def _hasher() -> PasswordHasher:
    """Make the hasher, above the least that OWASP names for argon2id (2 passes of 19 MiB)."""
    # Loaded where somebody signs in, not by every command.
    from argon2 import PasswordHasher  # noqa: PLC0415

    return PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


@functools.cache
def _of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))
