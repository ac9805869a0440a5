"""A text without the name of the person it is about: for records and for whoever sees no names."""

from __future__ import annotations

import re
from collections.abc import Iterable

SHORTEST = 3
"""An id of fewer characters is found in too many words to be taken out of a record."""


def without_person(text: str, label: str) -> str:
    """Take a person's name out of a text that goes into the chain, where nothing can be erased."""
    user_id = label.partition("\\")[2]
    return _without(text, (label, user_id if len(user_id) >= SHORTEST else ""))


def hidden_person(text: str, label: str, name: str = "") -> str:
    r"""Take label, id and display name out of a text for somebody who sees no names.

    Unlike a record, what is shown may lose a word that only looks like a short id.
    """
    user_id = label.partition("\\")[2]
    return _without(text, (label, label.replace("\\", "\\\\"), name, user_id))


def _without(text: str, names: Iterable[str]) -> str:
    for name in names:
        # Looked for first: a pattern for each of a thousand people costs more than their records.
        if name and name.casefold() in text.casefold():
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "the user", text, flags=re.IGNORECASE)
    return text
