from __future__ import annotations

import pytest

from seatkeeper.cli.options import Output
from seatkeeper.cli.plan_view import PlanView
from seatkeeper.cli.render import line, lines, safe, say, show
from seatkeeper.cli.run_view import RunView
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import ActionOutcome, Outcome, RunResult
from seatkeeper.core.plan import Notice, PlanStatus
from seatkeeper.core.record import StoredPlan
from stored import a_plan, an_action

HOSTILE = "[red]E\x1b[31m\u202e\r\n\\an[/]na"
SHOWN = "[red]E·[31m···\\an[/]na"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("EXAMPLE\\anna", "EXAMPLE\\anna"),
        ("straße 東京 Ø", "straße 東京 Ø"),
        ("a\x1b]0;owned\x07b", "a·]0;owned·b"),
        ("\u202eabc\u2066", "·abc·"),
        ("zero\u200bwidth\ufeff", "zero·width·"),
        ("line\nend", "line·end"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_a_terminal_cannot_obey_what_is_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_drawn_line_is_one_line_without_markup() -> None:
    assert str(line("[red]a\nb\x1b")) == "[red]a·b·"
    assert str(lines("", "a\n", "b")) == "\na·\nb"


def test_what_is_said_on_stderr_is_safe_too(capsys: pytest.CaptureFixture[str]) -> None:
    say("error: \x1b[2J\nsecond")

    assert capsys.readouterr().err == "error: ·[2J\nsecond\n"


def test_a_hostile_name_in_a_plan_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    plan = a_plan(an_action(HOSTILE), warnings=(Notice(code="unclear", message=HOSTILE),))

    show(PlanView(StoredPlan(plan, PlanStatus.OPEN)), Output.TABLE)

    shown = capsys.readouterr().out
    assert SHOWN in shown
    assert not {"\x1b", "\u202e", "\r"} & set(shown)


def test_a_hostile_name_in_a_result_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = ActionOutcome(
        allocation_id="1",
        user=HOSTILE,
        license_type=LicenseType.ANALYZER,
        outcome=Outcome.REFUSED,
        detail=HOSTILE,
    )

    show(RunView(RunResult(plan_id="p", run_id="r", outcomes=(outcome,))), Output.TABLE)

    shown = capsys.readouterr().out
    assert shown.count(SHOWN) == 2
    assert not {"\x1b", "\u202e", "\r"} & set(shown)
