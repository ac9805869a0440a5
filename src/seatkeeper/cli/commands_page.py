"""The command reference of the documentation, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from seatkeeper.cli.exits import Exit
from seatkeeper.cli.main import app
from seatkeeper.cli.reference import GENERATED

_HEAD = """
# Commands

`seatkeeper COMMAND --help` says the same in the terminal. Data goes to stdout, everything else to
stderr. With `--output json`, `status`, `check`, `monitor`, `plan` and `run` print one object for
`--site NAME` and an array without it. `-c FILE` may stand before or after the command.
"""

_EXITS = """
## Exit codes

| code | means |
|---|---|
"""


def commands_page() -> str:
    """Return the whole page as Markdown."""
    root: Any = typer.main.get_command(app)
    parts = [GENERATED, _HEAD.strip(), *_sections(root, ())]
    codes = "\n".join(f"| {int(code)} | {code.words} |" for code in Exit)
    return "\n\n".join([*parts, f"{_EXITS.strip()}\n{codes}"]) + "\n"


def _sections(group: Any, above: tuple[str, ...]) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        path = (*above, name)
        if hasattr(command, "commands"):
            yield from _sections(command, path)
        else:
            yield _section(" ".join(path), command)


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([f"seatkeeper {name}", *map(_usage, arguments)])
    lines = [f"## {name}", "", _cell(command.help or ""), "", "```", usage, "```"]
    if arguments or options:
        lines += ["", "| | |", "|---|---|"]
    lines += [f"| `{p.name.upper()}` | {_cell(p.help or '')} |" for p in arguments]
    lines += [f"| {_option(p)} | {_cell(p.help or '')} |" for p in options]
    return "\n".join(lines)


def _usage(argument: Any) -> str:
    name = str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    return f"{names} (needed)" if option.required else names


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
