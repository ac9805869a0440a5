r"""Every key that docs/json.md names is printed, and every key that is printed is named there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from e2e_desk import Desk

PAGE = Path(__file__).parents[2] / "docs" / "json.md"


def _named(section: str) -> set[str]:
    """Give the keys in the first column of the tables of a section."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert rows
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def _keys(printed: dict[str, Any], *inner: str) -> set[str]:
    """Give the keys of an object, and of the first object in each of these lists of it."""
    return set(printed) | {key for name in inner for key in printed[name][0]}


def test_the_page_names_what_is_printed(quick_desk: Desk) -> None:
    for command in ("status", "check"):
        printed = quick_desk.run(command, "--site", "prod", "-o", "json").json
        assert _named(command) == set(printed), command
    printed = quick_desk.run("monitor", "--site", "prod", "-o", "json").expect(0).json
    assert _named("monitor") == _keys(printed, "seats")
    assert _named("users") == set(quick_desk.run("users", "--limit", "1", "-o", "json").json[0])
    for command in ("history", "prune"):
        words = ("--site", "prod") if command == "history" else ("--dry-run",)
        assert _named(command) == set(quick_desk.run(command, *words, "-o", "json").json), command
    plan = quick_desk.plan()
    assert _named("plan") == _keys(plan, "actions")
    assert _named("run") == set(quick_desk.run("run", "--site", "prod", "-o", "json").json)
    plan = quick_desk.plan()
    assert _named("apply") == set(quick_desk.apply(plan["plan_id"]).expect(0).json)
    for command in ("compare", "progress"):
        printed = quick_desk.run(command, plan["plan_id"], "-o", "json").expect(0).json
        assert _named(command) == set(printed), command
    undone = quick_desk.run("undo", "--plan", plan["plan_id"], "--yes", "-o", "json").expect(0)
    assert _named("undo") == set(undone.json)
