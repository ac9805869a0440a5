"""What jobs and child processes say of themselves."""

from __future__ import annotations

import msgspec
import pytest

from seatkeeper.core.request import WhatToUndo
from seatkeeper.engine.child import ChildDied, Report, _result
from seatkeeper.engine.jobs import JobResult, in_words
from seatkeeper.errors import Interrupted, SeatkeeperError


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"released": 5, "changed": 1}, "5 released, 1 changed"),
        ({"already_gone": 2, "not_attempted": 3}, "2 already gone, 3 not attempted"),
        ({}, "nothing"),
    ],
)
def test_results_are_told_in_words(counts: dict[str, int], words: str) -> None:
    assert in_words(counts) == words


@pytest.mark.parametrize("payload", [{}, {"seat": "s"}, {"user": "u", "seat": "s"}, {"plan": 7}])
def test_what_to_undo_names_a_plan_or_a_person_and_a_seat_only_of_a_plan(
    payload: dict[str, object],
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(payload, WhatToUndo)


def said(report: Report) -> bytes:
    return b"chatter of a library\n" + msgspec.json.encode(report) + b"\n"


def test_the_last_line_of_a_child_is_its_result() -> None:
    result = JobResult(said="5 released", plan_id="p", counts={"released": 5})

    assert _result(said(Report(result=result)), 0) == result


def test_an_error_in_a_child_is_the_error_of_the_job() -> None:
    with pytest.raises(SeatkeeperError, match="the site is down"):
        _result(said(Report(error="the site is down")), 0)


def test_a_child_that_was_asked_to_end_did_nothing() -> None:
    with pytest.raises(Interrupted):
        _result(said(Report(error="ended on request", put_off=True)), 0)


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "killed by signal 9"), (1, "exit 1"), (None, "without a result")]
)
def test_a_child_without_a_word_has_died(code: int | None, words: str) -> None:
    with pytest.raises(ChildDied, match=words):
        _result(b"", code)
