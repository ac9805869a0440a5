"""A commented configuration file, made from the models: every key, what it means, its default."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from seatkeeper.settings.keys import Key, keys_of
from seatkeeper.settings.root import Settings
from seatkeeper.settings.written import as_yaml

WIDTH = 100

_HEAD = r"""
Configuration of Seatkeeper. Only the name of a site and the address of its Repository Service
must be given; every other key has a default. A key behind a # is not set; the text after it shows
how it could look.

Durations are written 90d, 12h, 5m or 90s, shares 20% or 0.2, days 2026-11-30. Schedules are cron
texts in the site's time zone, or time since the last run: every 6 hours, every 14 days.
Put 'DIRECTORY\id' in single quotes: in double quotes a backslash means something else.
Any entry of never_release may say more: {match: 'EXAMPLE\anna', owner: HR, expires: 2027-06-30}.
Any text may hold ${NAME}, the value of that environment variable. Relative paths count from the
folder of this file. Completion in an editor: seatkeeper config schema > seatkeeper.schema.json
"""


def example_text() -> str:
    """Return a configuration file that loads as it stands and changes nothing: mode observe."""
    lines = [f"# {line}".rstrip() for line in _HEAD.strip().splitlines()]
    for key in keys_of(Settings):
        lines += ["", *_key(key, 0)]
    return "\n".join(lines) + "\n"


def _key(key: Key, depth: int) -> Iterator[str]:
    indent = "  " * depth
    yield from _comment(key.field.description or "", indent)
    if key.part is not None and not key.is_list and key.example is None:
        yield f"{indent}{key.name}:"
        yield from _keys_below(key, depth + 1)
    elif key.is_list and key.required:
        yield f"{indent}{key.name}:"
        yield from _entry(key, depth + 1)
    elif key.part is not None and key.required:
        yield f"{indent}{key.name}:"
        yield from _keys_below(key, depth + 1)
    elif key.required:
        yield f"{indent}{key.name}: {as_yaml(key.example)}"
    elif key.default not in (None, "", ()):
        yield f"{indent}{key.name}: {as_yaml(key.default)}"
    else:
        yield f"{indent}# {key.name}: {as_yaml(key.example)}"


def _keys_below(key: Key, depth: int) -> Iterator[str]:
    if key.part is not None:
        for below in keys_of(key.part, key.path):
            yield from _key(below, depth)


def _entry(key: Key, depth: int) -> Iterator[str]:
    """Write one entry of a list of blocks; the dash stands before its first key."""
    lines = list(_keys_below(key, depth + 1))
    first = next(i for i, line in enumerate(lines) if not line.lstrip().startswith("#"))
    lines[first] = "  " * depth + "- " + lines[first].lstrip()
    yield from lines


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(text, WIDTH - len(indent) - 2, break_on_hyphens=False):
        yield f"{indent}# {line}"
