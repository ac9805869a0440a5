"""People whose names try to be markup, formulas, patterns or something else than a name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e_desk import Desk, a_desk

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "[red]x[/red]",
    "[link=https://example.com]here[/link]",
    "\u202egnp.exe",
    'it\'s "quoted"',
    "ends with a backslash\\",
    "emoji 🦊 and 漢字",
    "x" * 300,
    "tab\tand 100% ${HOME} {0}",
)

OTHERS = ["EXAMPLE", "PARTNER"]
"""The directories of everybody else."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A site on which people with hostile names hold seats that nobody used for forty days."""
    own = {"limits": {"max_per_run": 10}, "never_release": {"user_directories": OTHERS}}
    with a_desk(tmp_path, policy_=own, analyzer=400) as one:
        for name in HOSTILE:
            user = {"userId": name, "userDirectory": "EVIL", "name": name}
            made = one.site.ask("POST", "/qrs/user", user)
            one.site.ask("POST", "/qrs/license/analyzeraccesstype", {"user": {"id": made["id"]}})
        one.site.ask("POST", "/sim/advance", {"days": 40, "keep_clock": True})
        yield one


NAMES = [f"EVIL\\{name}" for name in HOSTILE]


def _as_shown(text: str) -> str:
    """What is left of a table when borders and line breaks are taken away."""
    return "".join(text.split())


def test_hostile_names_are_planned_released_and_exported_as_they_are(desk: Desk) -> None:
    plan: dict[str, Any] = desk.plan()
    assert {a["user"] for a in plan["actions"]} == set(NAMES)
    shown = desk.run("plan").expect(0)
    assert "\x1b" not in shown.out
    assert _as_shown("EVIL\\[red]x[/red]") in _as_shown(shown.out)
    assert _as_shown("EVIL\\<script>alert(1)</script>") in _as_shown(shown.out)
    assert desk.apply(plan["plan_id"]).expect(0).json["counts"] == {"released": 10}
    exported = desk.run("ledger", "export", "--format", "json").expect(0).json
    assert {r["user"] for r in exported if r["plan_id"] == plan["plan_id"]} - {""} == set(NAMES)
    desk.run("ledger", "show").expect(0)
    desk.run("ledger", "verify").expect(0)
    back = desk.run("undo", "--user", NAMES[1], "--yes", "-o", "json").expect(0).json
    assert back["counts"] == {"restored": 1}


def test_no_cell_of_a_csv_export_begins_as_a_formula(desk: Desk) -> None:
    plan = desk.plan()
    desk.apply(plan["plan_id"], "--by", "=HYPERLINK(1)", "--reason", "@SUM(A1)").expect(0)
    text = desk.run("ledger", "export", "--format", "csv").expect(0).out
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(desk.rows("SELECT seq FROM ledger"))
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "@", "-"}]
    inert = str.maketrans({"\u202e": "·", "\t": "·"})
    assert {row["user"] for row in rows} - {""} == {name.translate(inert) for name in NAMES}


def test_explain_finds_people_with_hostile_names(desk: Desk) -> None:
    for name in NAMES[::2]:
        told = desk.run("explain", name, "-o", "json").expect(0)
        assert name in _texts(told.json), name
    assert "[red]x[/red]" in desk.run("explain", NAMES[2]).expect(0).out


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) else set()
