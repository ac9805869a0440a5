"""What the models refuse, in our words: place, what is wrong, what was found, the cure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from seatkeeper.config.document import Document
from seatkeeper.config.faults import Fault, Place
from seatkeeper.settings import Settings
from seatkeeper.settings.keys import Key, all_keys, keys_of
from seatkeeper.settings.kinds import BESIDE, Wrong, what_it_is
from seatkeeper.settings.places import hide_login
from seatkeeper.settings.written import as_yaml

LONGEST_FOUND = 60
_FREE = frozenset({"match", "value"})
"""Keys of exemptions: what is unknown beside them is about a user, not a key gone astray."""
_VERY_NEAR = 0.75
_BLOCK = frozenset({"model_type", "model_attributes_type", "dict_type"})
_LIST = frozenset({"tuple_type", "list_type"})


def faults_of(error: ValidationError, document: Document) -> list[Fault]:
    """Translate every error of the models."""
    return [_fault(details, document) for details in error.errors(include_url=False)]


def wrong_at(wrong: Wrong, place: Place, document: Document) -> Fault:
    """Make the fault of one refused value."""
    beside = wrong.at[:1] == (BESIDE,)
    place = (*place[:-1], *wrong.at[1:]) if beside else (*place, *wrong.at)
    if place not in document.lines and place[:-1] in document.written:
        place = place[:-1]  # an exemption written as a text: its `match` is not in the file
    return Fault(document.line_of(place), place, str(wrong), wrong.cure, _found(place, document))


def _fault(details: ErrorDetails, document: Document) -> Fault:
    place, kind = tuple(details["loc"]), details["type"]
    if kind == "missing":
        return _missing(place, document)
    if kind == "extra_forbidden":
        return _unknown(place, document)
    error = details.get("ctx", {}).get("error")
    if isinstance(error, Wrong):
        return wrong_at(error, place, document)
    return wrong_at(_shape(kind, details.get("input")), place, document)


def _shape(kind: str, value: Any) -> Wrong:
    what = what_it_is(value)
    if kind in _BLOCK:
        return Wrong(
            f"a block of keys is wanted, not {what}",
            "write its keys below it, each indented, with a colon and a blank",
        )
    if kind in _LIST:
        return Wrong(f"a list is wanted, not {what}", "put it in brackets: [one, two]")
    return Wrong("this cannot be understood", "compare it with `seatkeeper config example`")


def _missing(place: Place, document: Document) -> Fault:
    key = _key(place)
    example = None if key is None else key.example
    cure = f"add {place[-1]}"
    if example:
        cure += f", as in {place[-1]}: {as_yaml(example)}"
    return Fault(document.line_of(place), place, "this key is missing", cure)


def _unknown(place: Place, document: Document) -> Fault:
    name, line = str(place[-1]), document.line_of(place)
    here = _names_at(place[:-1])
    if name == "Butler" and len(place) == 1:
        cure = "turn it into ours with `seatkeeper config import-butler FILE`"
        return Fault(line, place, "this is a configuration of Butler", cure)
    plain = name.replace("-", "_").lower()
    elsewhere = [] if _FREE & set(here) else _places_of(plain)
    near = get_close_matches(plain, here, n=1)
    if near and (not elsewhere or get_close_matches(plain, near, cutoff=_VERY_NEAR)):
        cure = f"did you mean {near[0]}?"
    elif elsewhere:
        cure = f"it has its place at {' or '.join(elsewhere)}: move it there"
    else:
        cure = f"take it out; known here are {', '.join(here)}"
    return Fault(line, place, "there is no such key", cure)


def _places_of(name: str) -> list[str]:
    return sorted(key.path for key in all_keys(Settings).values() if key.name == name)


def _names_at(place: Place) -> list[str]:
    part = Settings if not place else getattr(_key(place), "part", None)
    return [key.name for key in keys_of(part)] if part else []


def _key(place: Place) -> Key | None:
    """Return the key a place belongs to; a position in a list is part of its key."""
    path = "".join("[]" if isinstance(step, int) else f".{step}" for step in place)
    return all_keys(Settings).get(path.removeprefix(".").removesuffix("[]"))


def is_secret(place: Place) -> bool:
    """Tell whether a value at this place is a secret."""
    key = _key(place)
    return key is not None and key.kind is not None and key.kind.secret


def _found(place: Place, document: Document) -> str:
    """Return the text as it stands in the file, unless it is or may hold a secret."""
    key, text = _key(place), document.written.get(place, "")
    if key is None or is_secret(place) or (key.part is not None and not key.is_list):
        return ""
    text = hide_login(text)
    shown = text if len(text) <= LONGEST_FOUND else f"{text[:LONGEST_FOUND]}…"
    return shown if shown.isprintable() else repr(shown)
