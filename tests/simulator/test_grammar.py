from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatkeeper.simulator.answers import Rejection
from seatkeeper.simulator.grammar import Compare, Literal, parse_filter
from seatkeeper.simulator.moments import DAY
from seatkeeper.simulator.switches import Switches
from simulator.world import World


def names(world: World, text: str) -> list[str]:
    return sorted(user["userId"] for user in world.get("user", filter=text))


@pytest.fixture
def people() -> World:
    world = World.empty()
    tag = world.document("tag", name="Keep")
    definition = world.document("custompropertydefinition", name="Department")
    other = world.document("custompropertydefinition", name="Site")
    world.user("anna", name="Anna O'Neil", tags=(tag,), attributes=(("Email", "a@example.org"),))
    world.user("ben", name="R&D Ben", properties=((definition, "Finance"), (other, "Oslo")))
    world.user("carla", name="Back\\slash", removed=True, inactive=True)
    world.user("dave", "PARTNER", name="Dave (x)", created=world.clock.now() - DAY)
    return world


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userId eq 'anna'", ["anna"]),
        ("USERID EQ 'ANNA'", ["anna"]),
        ("userId ne 'anna'", ["ben", "carla", "dave"]),
        ("name sw 'anna'", ["anna"]),
        ("name ew 'SLASH'", ["carla"]),
        ("name so '&D'", ["ben"]),
        (r"name eq 'Anna O\'Neil'", ["anna"]),
        (r"name eq 'Back\\slash'", ["carla"]),
        ("name eq 'Dave (x)'", ["dave"]),
        ("removedExternally eq true and inactive eq True", ["carla"]),
        ("inactive eq FALSE", ["anna", "ben", "dave"]),
        ("tags.name eq 'keep'", ["anna"]),
        ("attributes.attributeValue eq 'A@EXAMPLE.org'", ["anna"]),
        ("customProperties.value eq 'finance'", ["ben"]),
        ("customProperties.definition.name eq 'department'", ["ben"]),
        ("customProperties.definition.name eq 'Site' and customProperties.value eq 'Finance'",
         ["ben"]),
        ("createdDate ge '2026-02-01T00:00:00.000Z'", ["dave"]),
        ("createdDate gt '2026/02/01 00:00'", ["dave"]),
        ("createdDate lt '2026-02-01 00:00:00'", ["anna", "ben", "carla"]),
        ("createdDate le '2026-02-01'", ["anna", "ben", "carla"]),
        ("name ne null", ["anna", "ben", "carla", "dave"]),
        ("name eq null", []),
        ("(userId eq 'anna')or(userId eq 'ben')", ["anna", "ben"]),
        ("((userId eq 'anna' or userId eq 'ben') and (name so 'ben'))", ["ben"]),
        ("userId eq 'anna' or userId eq 'ben' and userId eq 'carla'", ["anna"]),
        ("  userId   eq\t'anna'  ", ["anna"]),
        ("id eq aa000000-0000-4000-8000-000000000004", ["anna"]),
        ("id eq AA000000-0000-4000-8000-000000000004", ["anna"]),
        ("id ne aa000000-0000-4000-8000-000000000004", ["ben", "carla", "dave"]),
    ],
)  # fmt: skip
def test_a_filter_lets_through_what_it_says(people: World, text: str, expected: list[str]) -> None:
    assert names(people, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "userId eq 'anna",
        "userId eq anna'",
        "userId eq 'O''Neil'",
        'userId eq "anna"',
        "userId eq",
        "userId",
        "userId is 'anna'",
        "userId eq 'anna' and",
        "userId eq 'anna' nor userId eq 'ben'",
        "(userId eq 'anna'",
        "userId eq 'anna')",
        "eq 'anna'",
        "'anna' eq userId",
        "not userId eq 'anna'",
        "not (userId eq 'anna')",
    ],
)
def test_what_cannot_be_parsed_is_told_with_the_filter(people: World, text: str) -> None:
    status, answer = people.ask("GET", "user/full", filter=text)

    assert (status, answer) == (400, f"Cannot parse the expression: {text}")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("()", "Invalid expression"),
        ("userId eq 'anna' and ()", "Invalid expression"),
        ("shoeSize eq 42", "Invalid expression"),
        ("@Department eq 'Finance'", "Invalid expression"),
        ("id eq 'aa000000-0000-4000-8000-000000000004'", "Bad Request"),
        ("id eq 42", "Bad Request"),
        ("id gt aa000000-0000-4000-8000-000000000004", "Bad Request"),
        ("userId gt 'anna'", "Bad Request"),
        ("userId eq anna", "Bad Request"),
        ("inactive eq 'true'", "Bad Request"),
        ("inactive eq 1", "Bad Request"),
        ("inactive gt true", "Bad Request"),
        ("createdDate ge 2026-01-01", "Bad Request"),
        ("createdDate ge 'yesterday'", "Bad Request"),
        ("createdDate ge '2026-13-01'", "Bad Request"),
        ("createdDate sw '2026'", "Bad Request"),
        ("createdDate ge null", "Bad Request"),
    ],
)
def test_what_makes_no_sense_is_refused(people: World, text: str, answer: str) -> None:
    assert people.ask("GET", "user/count", filter=text) == (400, answer)


def test_groups_nested_beyond_reason_are_refused(people: World) -> None:
    text = "(" * 5000 + "userId eq 'anna'" + ")" * 5000

    assert people.ask("GET", "user", filter=text) == (400, "Invalid expression")


def test_enum_numbers_can_be_named() -> None:
    world = World.empty()
    world.document("systemrule", name="one", ruleContext=1)
    world.document("systemrule", name="two", ruleContext=2)

    by_name = world.get("systemrule", filter="ruleContext eq QlikSenseOnly")
    by_number = world.get("systemrule", filter="ruleContext gt 1")

    assert [rule["name"] for rule in by_name] == ["one"]
    assert [rule["name"] for rule in by_number] == ["two"]


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_an_escaped_text_comes_back_as_it_was(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")

    parsed = parse_filter(f"name eq '{escaped}'", Switches())

    assert parsed == Compare("name", "eq", Literal(text, quoted=True))


@given(st.text(alphabet="ab'\\() eqornd\"", max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    told = ""
    try:
        parse_filter(text, Switches())
    except Rejection as rejection:
        told = rejection.text

    assert re.match("^$|Cannot parse the expression: |Invalid expression$", told)
