from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from command_line import Command, Ran
from seatkeeper.cli.main import app

SLOW = (
    "aiohttp",
    "alembic",
    "cryptography",
    "fastapi",
    "psycopg",
    "pydantic",
    "rich",
    "ruamel",
    "sqlalchemy",
    "structlog",
    "uvicorn",
)


def commands() -> Iterator[tuple[list[str], Any]]:
    def below(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
        yield path, command
        for name, one in getattr(command, "commands", {}).items():
            yield from below([*path, name], one)

    yield from below([], typer.main.get_command(app))


COMMANDS = {" ".join(path): (path, command) for path, command in commands()}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_lists_every_option_and_says_what_it_does(
    seatkeeper: Command, name: str
) -> None:
    path, command = COMMANDS[name]

    shown: Ran = seatkeeper(*path, "--help")

    assert shown.code == 0
    assert "Traceback" not in shown.err + shown.out
    for parameter in command.params:
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert option in shown.out, (name, option)
    first = (command.help or "").split(".")[0].split()
    assert first, name
    assert " ".join(first[:3]) in " ".join(shown.out.split()), name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    _, command = COMMANDS[name]

    assert [p.name for p in command.params if not getattr(p, "help", "")] == []


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], ["ledger", "--help"]])
def test_help_imports_nothing_slow(words: list[str]) -> None:
    look = (
        "import sys\n"
        "from seatkeeper.cli.main import main\n"
        f"sys.argv = ['seatkeeper', *{words!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    print('LOADED', *sorted({m.partition('.')[0] for m in sys.modules}))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True
    )

    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "seatkeeper" in loaded
    # Typer itself reads the options of a command with pydantic.
    assert loaded & set(SLOW) <= ({"pydantic"} if len(words) > 1 else set())


def test_the_version_is_shown(seatkeeper: Command) -> None:
    shown = seatkeeper("--version")

    assert shown.code == 0
    assert shown.out.startswith("seatkeeper ")


def test_an_unknown_command_is_a_usage_error(seatkeeper: Command) -> None:
    ended = seatkeeper("relaese")

    assert ended.code == 2
    assert "relaese" in ended.err
