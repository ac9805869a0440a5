"""The documentation cannot rot: what people may meet in the product stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seatkeeper.cli.commands_page import commands_page
from seatkeeper.cli.exits import Exit
from seatkeeper.cli.reference import configuration_page
from seatkeeper.core.measures import MEASUREMENTS, METRICS, Measurement, Metric
from seatkeeper.core.outcome import GrantOutcome, Outcome
from seatkeeper.core.plan import Limit
from seatkeeper.core.policy import Mode
from seatkeeper.core.rules import Reason

ROOT = Path(__file__).resolve().parents[2]
MONITORING = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
SAFETY = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*Reason, *Limit, *Outcome, *Mode])
def test_the_safety_page_names_every_reason_limit_outcome_and_mode(word: str) -> None:
    assert re.search(rf"^\| `{word}`", SAFETY, re.MULTILINE), f"{word} is not explained"


@pytest.mark.parametrize("measurement", MEASUREMENTS, ids=lambda m: m.name)
def test_the_monitoring_page_names_every_measurement_with_its_fields(
    measurement: Measurement,
) -> None:
    _, _, after = MONITORING.partition(f"| `{measurement.name}` |")
    row = re.split(r"\n\| `|\n\n", after)[0]

    assert [f for f in measurement.fields if f"`{f}`" not in row] == []
    assert [t for t in measurement.tags if f"`{t}`" not in row] == []


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_the_monitoring_page_names_every_metric_with_its_labels(metric: Metric) -> None:
    labels = ", ".join(f"`{label}`" for label in metric.labels)

    assert f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help} |" in MONITORING


@pytest.mark.parametrize(
    "word", [o for o in GrantOutcome if o not in (GrantOutcome.UNKNOWN, GrantOutcome.NOT_ATTEMPTED)]
)
def test_the_safety_page_names_what_becomes_of_giving_back(word: str) -> None:
    assert f"`{word}`" in SAFETY


def test_the_generated_pages_are_in_step() -> None:
    for name, page in (("configuration", configuration_page), ("commands", commands_page)):
        assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page()


def test_every_exit_code_is_explained() -> None:
    page = commands_page()

    assert all(f"| {int(code)} | {code.words} |" in page for code in Exit)


@pytest.mark.parametrize("page", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_links_between_the_pages_lead_somewhere(page: str) -> None:
    file = ROOT / "docs" / page
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", file.read_text(encoding="utf-8"))

    assert [t for t in targets if not (file.parent / t).exists()] == []


def test_the_readme_fits_on_one_screen_and_its_links_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)

    assert len(text.splitlines()) <= 75
    assert [t for t in targets if not (ROOT / t).exists()] == []


def test_nothing_in_the_repository_names_a_registry() -> None:
    host = re.compile(r"https?://[^\s\"')]*(pypi|pythonhosted|simple/|npmjs)", re.IGNORECASE)
    files = [
        ROOT / "pyproject.toml",
        *(ROOT / "requirements").glob("*"),
        *(ROOT / "docs").glob("*.md"),
    ]

    assert [f.name for f in files if host.search(f.read_text(encoding="utf-8"))] == []
