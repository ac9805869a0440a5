"""Who may not approve a plan when four eyes are wanted."""

from __future__ import annotations

import pytest

from seatkeeper.core.four_eyes import why_not_by
from seatkeeper.core.plan import LeftOut
from stored import NOW, a_plan, an_action

LEFT = LeftOut(action=an_action(), by="Tom Tailor", at=NOW)


@pytest.mark.parametrize("name", ["Jane Doe", "JANE DOE", " jane  doe "])
def test_not_who_asked_for_it_however_the_name_is_written(name: str) -> None:
    said = why_not_by(a_plan(asked_by="Jane Doe"), name)

    assert "asked for it" in said
    assert "somebody else has to approve it" in said


def test_not_who_left_seats_out_of_it_or_of_the_plan_before() -> None:
    plan = a_plan(asked_by="Jane Doe", left_out=(LEFT, LeftOut(action=an_action(), by="A", at=NOW)))

    assert "left seats out" in why_not_by(plan, "tom tailor")
    assert "left seats out" in why_not_by(plan, "a")


def test_anybody_else() -> None:
    assert why_not_by(a_plan(asked_by="Jane Doe", left_out=(LEFT,)), "Anna") == ""


@pytest.mark.parametrize("name", ["Jane Doe", ""])
def test_a_plan_made_on_schedule_was_asked_for_by_nobody(name: str) -> None:
    assert why_not_by(a_plan(), name) == ""


def test_a_name_is_the_same_however_its_letters_are_composed() -> None:
    assert why_not_by(a_plan(asked_by="A\u030asa"), "\u00c5sa") != ""
