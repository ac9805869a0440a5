"""The reference pages of the documentation, made from the code so that they cannot drift apart.

`script/docs` writes them, `script/docs --check` says whether they are in step.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatkeeper.settings import Settings
from seatkeeper.settings.exempt import ExemptionSettings
from seatkeeper.settings.keys import Key, keys_of, walk
from seatkeeper.settings.part import Part
from seatkeeper.settings.written import as_yaml

GENERATED = "<!-- Made by script/docs from the code; do not edit. -->"

_HEAD = r"""
# Configuration

One YAML file holds everything. Seatkeeper takes the file given with `-c FILE` (before or after the
command), else the one named by the environment variable `SEATKEEPER_CONFIG`, else `seatkeeper.yaml`
in the current folder. `seatkeeper config example` prints a commented file to begin with,
`seatkeeper config schema` a JSON Schema with which editors complete and check, and
`seatkeeper config import-butler FILE` turns a configuration of Butler into ours.

Nothing starts, and no network is touched, before the whole file is sound. Otherwise every fault is
listed at once, each with file and line, the key, what was found and the cure; the exit code is 2.

## How values are written

* **duration**: a whole number and a unit, `90d`, `12h`, `5m`, `90s` or `2w`.
* **share**: `20%` or `0.2`.
* **day**: `2026-11-30`, in quotes or not.
* **true or false**: `yes` and `no` mean the same. The file is YAML 1.2, where `on`, `yes` and `no`
  are plain text.
* **user**: `'DIRECTORY\id'` in single quotes; in double quotes a backslash begins an escape.
* **schedule**: a cron text such as `'0 3 * * *'` (five fields, in the site's time zone), or time
  since the last run: `every 15 minutes`, `every 6 hours`, `every 14 days`, `every day at 02:30`.
* **path**: relative ones count from the folder of the file, the one in a SQLite address too.
* **secret**: `${NAME}` in any text is the value of that environment variable (`$${` is a plain
  `${`); `key_password_file` and `url_file` name a file whose first line is the secret.

Cron texts behave at clock changes as Debian's cron does: a time that is skipped in spring runs
right after the gap, one that comes twice in autumn runs once. Missed cron times are skipped. Time
since the last run is kept across restarts, and a long stop never piles up runs.

A key without a value (`tags:` and nothing behind it) counts as left out. Values that several sites
share can be named with `&name`, used again with `*name` and taken into a block with `<<: *name`.

## Keys
"""

_EXEMPTIONS = r"""
An entry of a `never_release` list is a text, or a block: `match` is the text (an entry of
`custom_properties` has `name` and `value` in its place), beside it stand the keys below. One whose
last day is over no longer protects and is a warning; so is one that ends within 14 days. The case
of letters never matters.
"""


def configuration_page() -> str:
    """Return the reference of the configuration file as Markdown."""
    lines = [GENERATED, *_HEAD.strip("\n").splitlines(), "", *_table(keys_of(Settings))]
    for title, part in _blocks():
        lines += ["", f"### {title}", ""]
        if part is ExemptionSettings:
            lines += [*_EXEMPTIONS.strip().splitlines(), ""]
        lines += _table(keys_of(part))
    return "\n".join([*lines, ""])


def _blocks() -> Iterator[tuple[str, type[Part]]]:
    """Yield each block once, with every place at which it stands; exemptions come together."""
    places: dict[type[Part], list[str]] = {}
    for key in walk(Settings):
        if key.part is not None and not issubclass(key.part, ExemptionSettings):
            path = f"`{key.path}[]`" if key.is_list else f"`{key.path}`"
            places.setdefault(key.part, []).append(path)
    for part, found in places.items():
        yield ", ".join(found), part
    yield "Entries of `never_release`", ExemptionSettings


def _table(keys: tuple[Key, ...]) -> Iterator[str]:
    yield "| key | what | default | meaning |"
    yield "|---|---|---|---|"
    for key in keys:
        cells = (f"`{key.name}`", _what(key), _default(key), key.field.description or "")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _what(key: Key) -> str:
    if key.kind is not None and key.part is None:
        return key.kind.name
    return "list" if key.is_list else "block"


def _default(key: Key) -> str:
    if key.required:
        return "(required)"
    default = key.default
    return f"`{as_yaml(default)}`" if default not in (None, "", ()) else ""
