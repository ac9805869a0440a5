"""Texts without the name of the person they are about."""

from __future__ import annotations

import pytest

from seatkeeper.core.unnamed import hidden_person, without_person

ANNA = r"EXAMPLE\anna.berg"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (r"example\ANNA.BERG said no", "the user said no"),
        ('{"user": "EXAMPLE\\\\anna.berg"}', '{"user": "the user"}'),
        ("anna.berg is gone", "the user is gone"),
        ("Anna Berg (anna.berg)", "the user (the user)"),
        ("joanna.berg stays", "joanna.berg stays"),
        ("nobody is named", "nobody is named"),
    ],
)
def test_label_id_and_display_name_are_taken_out(said: str, left: str) -> None:
    assert hidden_person(said, ANNA, "Anna Berg") == left


def test_a_short_id_is_hidden_from_people_and_kept_in_records() -> None:
    said = r"EXAMPLE\ab holds it, ab said"

    assert hidden_person(said, r"EXAMPLE\ab") == "the user holds it, the user said"
    assert without_person(said, r"EXAMPLE\ab") == "the user holds it, ab said"


def test_nobody_is_taken_out_of_a_text_about_nobody() -> None:
    assert hidden_person("two seats", "") == "two seats"
