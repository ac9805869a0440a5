"""Words that must not be read in an address: what somebody searched for, where a list goes on.

They are sealed with a key of this store before they go into a URL, so that no history, bookmark or
log of a proxy holds the name of a person.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

LONGEST = 4000
"""Characters of a sealed text that are looked at."""


class Seal:
    """Seals and opens texts with a key made of a secret of the store."""

    def __init__(self, secret: bytes) -> None:
        key = hashlib.blake2b(secret, digest_size=32, person=b"seatkeeper-url").digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, text: str) -> str:
        """Return the sealed text, which is good in a URL; nothing stays nothing."""
        return self._fernet.encrypt(text.encode("utf-8")).decode("ascii") if text else ""

    def open(self, sealed: str) -> str:
        """Return the text, or nothing when the seal is broken or another store's."""
        if not sealed or len(sealed) > LONGEST:
            return ""
        try:
            return self._fernet.decrypt(sealed.encode("ascii", "replace")).decode("utf-8")
        except (InvalidToken, ValueError):
            return ""
