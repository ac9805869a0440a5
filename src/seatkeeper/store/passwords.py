"""Passwords of local accounts: argon2id, one at a time, and rules that OWASP ASVS asks for.

No list of breached passwords is asked: that would tell others about ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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


MOST_WAITING = 8
"""Sign-ins that wait for their hash at once; each takes about 50 ms."""


class Checks:
    """One thread that looks at passwords, with a short queue before it.

    Looking in the threads of the store would let a flood of sign-ins hold all of them, and with
    them everything that the engine does.
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._most, self._waiting = most, 0

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """Take a place in the queue while it lasts; False: there is none."""
        if self._waiting >= self._most:
            yield False
            return
        self._waiting += 1
        try:
            yield True
        finally:
            self._waiting -= 1

    async def is_password(self, kept: str, password: str) -> bool:
        """Do what the function of this name does, in the thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, is_password, kept, password)


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
