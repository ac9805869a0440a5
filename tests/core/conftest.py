"""Shows what the property run met at the end of the test output."""

from __future__ import annotations

from collections.abc import Callable

import pytest

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Return a function that adds a line to the end of the test output."""
    return pytestconfig.stash.setdefault(_LINES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the lines that tests reported."""
    if lines := config.stash.get(_LINES, []):
        terminalreporter.section("random worlds")
        for line in lines:
            terminalreporter.write_line(line)
