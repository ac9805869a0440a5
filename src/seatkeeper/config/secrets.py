"""Secrets from the environment and from files: `${NAME}` in any text, and `…_file` twins.

Values found here never appear in a message: `Secrets.hide` takes them out of every text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatkeeper.config.document import Document
from seatkeeper.config.faults import Place

_NAME = re.compile(r"\$(?P<twice>\$)?\{(?P<name>[^{}]*)(?P<end>\}?)")
_GOOD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST = 65_536
_SHORTEST_HIDDEN = 3
"""A shorter text is in every sentence; hiding it would only garble messages."""


@dataclass(slots=True)
class Secrets:
    """What was put in place of names and read from files, by the text that may be shown."""

    env: Mapping[str, str]
    shown_as: dict[str, str] = field(default_factory=dict)

    def fill_in(self, document: Document) -> frozenset[Place]:
        """Replace every `${NAME}` in the document; return where that is not possible.

        Each such place has got its fault; what the models say of the name itself is noise.
        """
        before = len(document.faults)
        document.data = self._filled(document, document.data, ())
        return frozenset(fault.place for fault in document.faults[before:])

    def remember(self, value: str, shown_as: str) -> None:
        """Keep a secret out of every message from now on."""
        if len(value) >= _SHORTEST_HIDDEN:
            self.shown_as.setdefault(value, shown_as)

    def hide(self, text: str) -> str:
        """Return the text without any secret in it, longest secrets first."""
        for value in sorted(self.shown_as, key=len, reverse=True):
            text = text.replace(value, self.shown_as[value])
        return text

    def _filled(self, document: Document, value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {k: self._filled(document, v, (*place, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._filled(document, v, (*place, i)) for i, v in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _NAME.sub(lambda found: self._named(document, found, place), value)
        return value

    def _named(self, document: Document, found: re.Match[str], place: Place) -> str:
        whole, name = found[0], found["name"]
        if found["twice"]:
            return whole[1:]
        if not found["end"] or not _GOOD_NAME.fullmatch(name):
            document.blame(
                place,
                "${ begins the name of an environment variable, and this is none",
                "write ${NAME}, or $${ where the text itself has ${",
            )
            return whole
        value = self.env.get(name)
        if value is None:
            document.blame(
                place,
                f"the environment variable {name} is not set",
                f"set {name} for the account that runs Seatkeeper, or write the value here",
            )
            return whole
        self.remember(value, f"${{{name}}}")
        return value


@dataclass(slots=True)
class Folder:
    """The folder of the configuration file, from which relative paths count."""

    path: Path
    secrets: Secrets
    read: list[Path] = field(default_factory=list)

    def resolve(self, path: Path) -> Path:
        """Return the path as it counts from the folder."""
        return self.path / path

    def read_secret(self, path: Path) -> str:
        """Return the first line of a file; raises OSError, or ValueError without its content."""
        with path.open("rb") as file:
            content = file.read(_LARGEST)
        self.read.append(path)
        try:
            lines = content.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise ValueError("the file is not UTF-8") from None
        secret = lines[0].strip() if lines else ""
        if not secret:
            raise ValueError("the first line of the file is empty")
        self.secrets.remember(secret, "(secret)")
        return secret
