"""What every test run shows at its end: tables that tests made, also when workers ran them."""

from __future__ import annotations

from _pytest.terminal import TerminalReporter


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
