"""The simulated site's page of the documentation, made from its switches and faults."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping

from seatkeeper.simulator.control import DOOR
from seatkeeper.simulator.faults import Fault, FaultKind
from seatkeeper.simulator.switches import Switches, choices

_HEAD = """
# The simulated site

`seatkeeper sim --state-dir DIR` serves a Qlik Sense site that does not exist, over mutual TLS, for
trying policies without risk. Its people join, leave, work daily or never, get seats by rule when
they log in and are turned away when the pool is dry. It makes its certificates in `DIR`
(`root.pem`, `client.pem`, `client_key.pem`) and keeps its state there: stopped and started again,
it goes on where it was, and the clock has gone on meanwhile.

Its people keep the calendar of a company: quiet weekends, holidays and summers, a rush around the
end of a quarter, people who come once a week, a month, a quarter or for a season, and some who are
on leave for months. Equal seeds give equal people on equal days.

`--clock-from 2026-05-01 --speed 86400` makes a past: the clock begins there, a day passes in a
second and people act as the days pass, until the clock has caught up with the machine's. Every
date, the `Date` header too, follows the clock of the site. With such a clock Seatkeeper itself sees
a site whose clock is wrong (`clock_skew`) until then: the date is never taken from a site.

With `--live` people go on working while it serves. With `--write-config FILE` it writes a
configuration that fits; without, it prints the block `sites:` of one.
"""

_DOOR = """
## The control door

With `--control` tests move the site at `/sim/…`, on the same port and with the same certificate.
Each takes and gives a JSON object.

| call | what it does |
|---|---|
"""

_SWITCHES = """
## Switches: what Qlik does not say

`--switch NAME=VALUE`, repeatable. Each is a question that public documentation of the Repository
Service leaves open; the first value is the working assumption. Seatkeeper works with all of them.

| switch | values | means |
|---|---|---|
"""

_FAULTS = """
## Faults: what goes wrong

`--fault KIND[=VALUE][:QUALIFIER=VALUE…]`, repeatable; `--fault status=500:every=7:method=DELETE`
answers 500 to each seventh DELETE. Qualifiers: `every=K` (each k-th matching request), `first=N`
(only the first N), `after=N` (none of the first N), `method=DELETE`, `path=TEXT` (a part of the
path), `id=TEXT` (the path ends with it). Durations are written `200ms`, `30s`, `5d`.

| fault | what happens |
|---|---|
"""


def simulator_page(generated: str) -> str:
    """Return the whole page as Markdown; `generated` is the comment that pages begin with."""
    defaults, said = vars(Switches()), _docstrings(Switches)
    switches = [
        f"| `{name}` | {_values(values, defaults[name])} | {said.get(name, '')} |"
        for name, values in choices().items()
    ]
    meanings = _docstrings(FaultKind)
    faults = [f"| `{kind.value}` | {meanings[kind.name]} |" for kind in FaultKind]
    door = [f"| `{call}` | {meaning} |" for call, meaning in DOOR.items()]
    tables = [
        "\n".join([_DOOR.strip(), *door]),
        "\n".join([_SWITCHES.strip(), *switches]),
        "\n".join([_FAULTS.strip(), *faults]),
    ]
    return "\n\n".join([generated, _HEAD.strip(), *tables]) + "\n"


def _values(values: tuple[str, ...], default: object) -> str:
    if not values:
        return f"`{default}`, or another"
    others = [value for value in values if value != default]
    return ", ".join(f"`{value}`" for value in (default, *others))


def _docstrings(cls: type[Fault | FaultKind | Switches]) -> Mapping[str, str]:
    """Return the text below each attribute of a class, which Python itself does not keep."""
    tree = ast.parse(inspect.getsource(cls))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    found, name = {}, ""
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = ast.unparse(target)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            found[name] = " ".join(str(node.value.value).split()).replace("|", "\\|")
    return found
