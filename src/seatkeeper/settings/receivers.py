"""What every receiver in the file has: a name of its own, an address, a secret to sign with."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import SecretStr

from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.places import split_url

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SHORTEST_SECRET = 16


def short_name(text: str) -> str:
    """Check the name of a receiver: it stands in commands and in the outbox."""
    if not _NAME.fullmatch(text):
        raise Wrong(
            "a name has at most 64 letters, digits, dots, dashes and underscores",
            "choose a short name such as main",
        )
    return text


def require_own_names(where: str, names: Iterable[str], what: str) -> None:
    """Check that no two entries of a list have one name, letter case aside."""
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        earlier = first.setdefault(name.casefold(), index)
        if earlier != index:
            raise Wrong(
                f"{where}[{earlier}] has this name already (letter case does not matter)",
                f"give every {what} a name of its own",
                at=(index, "name"),
            )


def require_web_address(text: str) -> None:
    """Check the address of a receiver of HTTP; what stands behind the host may be secret."""
    cure = "write it as in https://host.example.com/path"
    url = split_url(text, cure)
    if url.scheme.lower() not in ("http", "https"):
        raise Wrong("an address that begins with https:// or http:// is wanted", cure)
    if url.username is not None or url.password is not None or url.fragment:
        raise Wrong("an address without user, password and # is wanted", cure)


def require_long(secret: SecretStr) -> None:
    """Check a secret to sign with."""
    if len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise Wrong(
            f"a secret of less than {_SHORTEST_SECRET} characters can be guessed",
            "make one with `openssl rand -hex 32`",
        )
