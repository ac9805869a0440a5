"""Every alert has its entry in the reference and a runbook page that helps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from seatkeeper.cli.alerts_page import alerts_page
from seatkeeper.cli.commands import register
from seatkeeper.core.alert_rules import ABOUT

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "runbooks").glob("*.md"))
SECTIONS = ["What it means", "How to look", "What to do", "When to silence"]


def whole_command() -> Any:
    app = typer.Typer()
    register(app)
    return typer.main.get_command(app)


def wrong_in(line: str) -> str:
    """Return what of a command line there is not: a command, or a flag of it; empty: all is."""
    command = whole_command()
    for word in line.split():
        if word.startswith("-"):
            flags = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
            if word.partition("=")[0] not in flags:
                return word
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return word
            command = command.commands[word]
    return "the command ends too early" if hasattr(command, "commands") else ""


def test_every_rule_has_a_runbook_page_and_every_page_a_rule() -> None:
    assert {page.stem for page in PAGES} == set(ABOUT)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_runbook_page_says_what_it_means_how_to_look_what_to_do_and_when_to_be_silent(
    page: Path,
) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {ABOUT[page.stem].title}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert all(len(part.split()) >= 10 for part in text.split("## ")[1:])
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_runbook_pages_name_commands_and_flags_that_there_are() -> None:
    pages = [*PAGES, DOCS / "channels.md", DOCS / "alerts.md"]
    told = [a.todo for a in ABOUT.values()] + [p.read_text(encoding="utf-8") for p in pages]
    named = {line for text in told for line in re.findall(r"`seatkeeper ([^`]+)`", text)}
    assert len(named) > 20
    assert {line: wrong for line in named if (wrong := wrong_in(line))} == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("alerts lists", "lists"),
        ("alerts silence --rules x", "--rules"),
        ("ledger", "the command ends too early"),
        ("outbox drop influx:main --yes", ""),
    ],
)
def test_a_command_line_is_looked_at_whole(line: str, wrong: str) -> None:
    assert wrong_in(line) == wrong


def test_the_reference_is_in_step_and_names_every_rule() -> None:
    page = (DOCS / "alerts.md").read_text(encoding="utf-8")
    assert page == alerts_page()
    assert all(f"### `{name}`" in page for name in ABOUT)
