"""Words that must not be read in an address: what somebody searched for, whose page it is.

They are sealed with a key of this store before they go into a URL, so that no history, bookmark or
log of a proxy holds the name of a person. The same words give the same seal (AES-SIV), so that
addresses can be kept.

A seal opens for the purpose it was made for and no other. Otherwise a page that shows again what
somebody searched for would open the reference of a person, and a search for a guessed name would
make it: who sees pseudonyms could turn each into the name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

LONGEST = 50_000
"""Characters of a sealed text that are looked at: names from Qlik can be very long."""


class Purpose(StrEnum):
    """What a sealed text is for."""

    PERSON = "person"
    """Whose page it is, on one site."""
    USERS = "users"
    """What somebody looks for among users."""
    LEDGER = "ledger"
    """What somebody looks for in the ledger."""
    CURSOR = "cursor"
    """Where a list goes on."""
    OIDC = "oidc"
    """What a browser keeps while somebody is at the provider."""


class Seal:
    """Seals and opens texts with a key made of a secret of the store."""

    def __init__(self, secret: bytes) -> None:
        key = hashlib.blake2b(secret, digest_size=64, person=b"seatkeeper-url").digest()
        self._siv = AESSIV(key)

    def close(self, text: str, purpose: Purpose, site: str = "") -> str:
        """Return the sealed text, which is good in a URL; nothing stays nothing."""
        if not text:
            return ""
        sealed = self._siv.encrypt(text.encode("utf-8"), _about(purpose, site))
        return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def open(self, sealed: str, purpose: Purpose, site: str = "") -> str:
        """Return the text; nothing when the seal is broken, another store's, or for other ends."""
        if not sealed or len(sealed) > LONGEST:
            return ""
        try:
            body = base64.b64decode(sealed + "=" * (-len(sealed) % 4), b"-_", validate=True)
            return self._siv.decrypt(body, _about(purpose, site)).decode("utf-8")
        except (InvalidTag, ValueError, binascii.Error):
            return ""


def _about(purpose: Purpose, site: str) -> list[bytes]:
    return [purpose.value.encode("utf-8"), site.encode("utf-8")]
