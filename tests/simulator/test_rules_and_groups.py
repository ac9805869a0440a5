from __future__ import annotations

from collections.abc import Sequence

import pytest

from seatkeeper.simulator.rules import compile_rule
from simulator.world import ANALYZER, PROFESSIONAL, World

ANNA = {
    "userid": ["anna"],
    "userdirectory": ["EXAMPLE"],
    "group": ["sales", "BI-Makers"],
    "@department": ["Finance"],
    "name": ["Anna Berg"],
}


def anna(name: str) -> Sequence[str]:
    return ANNA.get(name, [])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('user.group="SALES"', True),
        ('user.group = "finance"', False),
        ('user.group!="finance"', True),
        ('((user.userDirectory="example" and user.@Department="finance"))', True),
        ('user.name like "*berg"', True),
        ('user.name like "berg*"', False),
        ('user.group = ["x","bi-makers"]', True),
        ('!(user.group="sales")', False),
        ('user.group="x" or user.group="y" || user.userId="anna"', True),
        ('user.group="sales" && user.group="x" or user.userId="anna"', True),
        ("true", True),
        ("false", False),
        ("!user.IsAnonymous()", True),
        ('user.email="a"', False),
    ],
)
def test_a_rule_matches_whom_it_names(rule: str, *, expected: bool) -> None:
    assert compile_rule(rule)(anna) is expected


@pytest.mark.parametrize(
    "rule", ["", "user.group", 'user.group="x', 'group="x"', 'user.group=("x")', "(true", "true)"]
)
def test_a_rule_that_cannot_be_read_is_an_error(rule: str) -> None:
    with pytest.raises(ValueError, match="not a rule"):
        compile_rule(rule)


def make_rule(world: World, **more: object) -> tuple[int, dict[str, object]]:
    _, group = world.ask("POST", "license/professionalaccessgroup", {"name": "Sales staff"})
    body = {
        "category": "License",
        "type": "Custom",
        "name": "Professional for sales",
        "rule": '((user.group="sales"))',
        "resourceFilter": f"License.ProfessionalAccessGroup_{group['id']}",
        "actions": "1",
        "ruleContext": "QlikSenseOnly",
        **more,
    }
    return world.ask("POST", "systemrule", body)


def test_a_rule_over_http_gives_seats_at_login() -> None:
    world = World.empty()
    sally = world.user("sally", attributes=(("Group", "Sales"),))

    status, rule = make_rule(world)
    world.site.login(sally)

    assert status == 201
    assert (rule["actions"], rule["ruleContext"]) == (1, 1)
    assert len(world.site.records.seats[PROFESSIONAL]) == 1


def test_a_disabled_rule_gives_nothing() -> None:
    world = World.empty()
    sally = world.user("sally", attributes=(("group", "sales"),))
    _, rule = make_rule(world)
    world.ask("PUT", f"systemrule/{rule['id']}", rule | {"disabled": True})

    world.site.login(sally)

    assert not world.site.records.seats[PROFESSIONAL]


def test_a_removed_rule_gives_nothing() -> None:
    world = World.empty()
    sally = world.user("sally", attributes=(("group", "sales"),))
    _, rule = make_rule(world)
    assert world.ask("DELETE", f"systemrule/{rule['id']}") == (204, None)

    world.site.login(sally)

    assert not world.site.records.seats[PROFESSIONAL]


def test_the_category_of_a_rule_minds_case() -> None:
    world = World.empty()
    sally = world.user("sally", attributes=(("group", "sales"),))
    make_rule(world, category="license")

    world.site.login(sally)

    assert not world.site.records.seats[PROFESSIONAL]


@pytest.mark.parametrize(
    "more", [{"rule": "user.group is sales"}, {"name": ""}, {"actions": "all"}, {"disabled": 1}]
)
def test_a_rule_that_cannot_be_meant_is_refused(more: dict[str, object]) -> None:
    assert make_rule(World.empty(), **more)[0] == 400


def test_license_rules_are_found_by_category() -> None:
    world = World.empty()
    world.rule("true")
    world.document("systemrule", name="Other", category="Security")

    rules = world.get("systemrule/full", filter="category eq 'License'")

    assert [rule["name"] for rule in rules] == ["Rule"]
    assert world.get("systemrule/count") == {"value": 2}


def test_an_audit_tells_who_would_get_what() -> None:
    world = World.empty()
    sally = world.user("sally", attributes=(("group", "sales"),))
    world.user("otto")
    world.rule('user.group="sales"', ANALYZER)

    _, found = world.ask(
        "POST", "systemrule/license/audit", {"resourceType": "License.AnalyzerAccessGroup"}
    )
    _, every = world.ask(
        "POST",
        "systemrule/license/audit",
        {
            "resourceType": "License.AnalyzerAccessGroup",
            "userFilter": "userId eq 'otto'",
            "includeNonGrantingRules": True,
        },
    )

    [applied] = found["ruleApplication"]
    assert (applied["userID"], applied["allowed"]) == (sally.id, True)
    assert [item["allowed"] for item in every["ruleApplication"]] == [False]


def test_tags_and_definitions_can_be_kept() -> None:
    world = World.empty()

    _, tag = world.ask("POST", "tag", {"name": "Keep"})
    _, made = world.ask("POST", "custompropertydefinition/many", [{"name": "Team"}])

    assert world.get("tag")[0]["name"] == "Keep"
    assert world.get("custompropertydefinition")[0]["choiceValues"] == []
    assert made[0]["valueType"] == "Text"
    assert world.ask("PUT", f"tag/{tag['id']}", tag | {"name": "Held"})[0] == 200
    assert world.ask("PUT", f"tag/{tag['id']}", tag | {"modifiedDate": "2020-01-01"})[0] == 409
    assert world.ask("DELETE", f"tag/{tag['id']}") == (204, None)
    assert world.ask("GET", f"tag/{tag['id']}")[0] == 404
