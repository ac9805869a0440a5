"""Careful access to a Butler file: what is missing or of another shape is None, never an error.

Values are the texts of the file (`config.document`), so that nothing is guessed about types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Note = Callable[[str], None]
"""Takes a sentence about something left out or changed."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of keys somewhere in a Butler file; one that is missing is empty."""

    values: dict[str, Any]

    def below(self, *path: str) -> Block:
        """Return the block at a path of keys, an empty one when there is none."""
        found: Any = self.values
        for step in path:
            found = found.get(step) if isinstance(found, dict) else None
        return Block(found if isinstance(found, dict) else {})

    def text(self, key: str) -> str:
        """Return a text without blanks around it, empty when there is none."""
        found = self.values.get(key)
        return found.strip() if isinstance(found, str) else ""

    def flag(self, key: str) -> bool | None:
        """Return true or false, None when neither is there."""
        return {"true": True, "false": False}.get(self.text(key).lower())

    def blocks(self, key: str) -> list[Block]:
        """Return the blocks of a list; a list left empty (null) has none."""
        return [Block(entry) for entry in self._list(key) if isinstance(entry, dict)]

    def texts(self, key: str) -> list[str]:
        """Return the texts of a list; a list left empty (null) has none."""
        return [entry.strip() for entry in self._list(key) if isinstance(entry, str)]

    def _list(self, key: str) -> list[Any]:
        found = self.values.get(key)
        return found if isinstance(found, list) else []


def is_placeholder(text: str) -> bool:
    """Tell whether a text is one that a template asks to replace, such as `<path/to/cert>`."""
    return text.startswith("<") or text.endswith(">")
