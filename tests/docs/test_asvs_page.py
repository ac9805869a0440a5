"""docs/asvs.md is whole, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in PAGE.splitlines()
    if row.startswith("| V")
]
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))

LEVELS_1_AND_2 = """
1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1-1 3.2:1-2 3.3:1-4 3.4:1-6
3.5:1-5 3.7:1-2 4.1:1-3 4.2:1-1 4.3:1-2 4.4:1-4 5.1:1-1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12
6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3 6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-2 7.6:1-2 8.1:1-2
8.2:1-3 8.3:1-1 8.4:1-1 9.1:1-3 9.2:1-4 10.1:1-2 10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2
10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1-1 11.6:1-1 12.1:1-3 12.2:1-2 12.3:1-4
13.1:1-1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 15.1:1-3 15.2:1-3 15.3:1-7
16.1:1-1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1-1 17.2:1-4 17.3:1-2
"""
"""The requirements of version 5.0.0 of the standard, by section."""


def requirements() -> list[str]:
    """Return every requirement, as in `V1.2.3`."""
    found = []
    for part in LEVELS_1_AND_2.split():
        section, _, span = part.partition(":")
        first, _, last = span.partition("-")
        found += [f"V{section}.{n}" for n in range(int(first), int(last) + 1)]
    return found


def test_every_requirement_of_both_levels_stands_in_one_row() -> None:
    told = [name for row in ROWS for name in row[0].split(", ")]
    every = requirements()
    covered = Counter(r for name in told for r in every if r == name or r.startswith(f"{name}."))

    assert len(every) == 253
    assert covered == Counter(every)
    assert [name for name in told if not any(f"{r}.".startswith(f"{name}.") for r in every)] == []


def test_a_row_has_a_state_and_says_how() -> None:
    states = ("met", "partly", "not met", "does not apply")

    assert [row[0] for row in ROWS if row[1] not in states or not row[2]] == []
    assert [row[0] for row in ROWS if row[1] in ("not met", "does not apply") and row[3]] == []


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_page_names_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))

    assert name in {
        n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("page", ["README.md", "docs/console.md"])
def test_the_page_is_found_from(page: str) -> None:
    assert "asvs.md)" in (ROOT / page).read_text(encoding="utf-8")
