"""What holds for every test run: the slowest files first, and tables that tests made at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from _pytest.terminal import TerminalReporter

SLOWEST = ("e2e/test_kills", "e2e/test_daemon", "e2e/", "engine/", "store/")
"""Files that take longest by their start; begun last, they would keep one worker busy alone."""


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Forget what a test said of logs: its level would keep the next from seeing events."""
    yield
    structlog.reset_defaults()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest files; the order within a file stays."""
    items.sort(key=lambda item: _rank(item.nodeid.removeprefix("tests/")))


def _rank(name: str) -> int:
    return next((n for n, start in enumerate(SLOWEST) if name.startswith(start)), len(SLOWEST))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Show what tests recorded as the property `table`."""
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            properties = getattr(report, "user_properties", ())
            if getattr(report, "when", "") != "call":
                continue
            for name, text in properties:
                if name == "table":
                    terminalreporter.write_line(f"\n{text}")
