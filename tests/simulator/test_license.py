from __future__ import annotations

import pytest

from seatkeeper.simulator.moments import DAY, iso
from simulator.world import NOW, PROFESSIONAL, World

END = iso(NOW + 99 * DAY)[:10]


def details(*switches: str) -> str:
    text: str = World.empty(*switches).get("license")["keyDetails"]
    return text


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("official", f"Valid To: {END}  12:00:00 AM"),
        ("one_blank", f"Valid To: {END} 12:00:00 AM"),
        ("date_only", f"Valid To: {END}"),
        ("indented", f"   Valid To: {END}  12:00:00 AM"),
        ("local", "Valid To: 5/13/2026 12:00:00 AM"),
    ],
)
def test_the_key_details_come_in_every_form(form: str, line: str) -> None:
    assert line in details(f"key_details={form}").split("\n")


def test_the_key_details_have_a_line_for_each_item() -> None:
    assert details() == (
        "isBlackListed: False\n"
        "License Number: 0000 1111 2222 3333\n"
        "Valid From: 0001-01-01  12:00:00 AM\n"
        f"Valid To: {END}  12:00:00 AM\n"
        "Allotment professional:10;\n"
        "Allotment analyzer:10;\n"
    )


def test_the_key_details_may_end_lines_as_windows_does() -> None:
    text = details("key_details=crlf")

    assert text.count("\r\n") == text.count("\n") == 6


def test_a_perpetual_key_has_no_end() -> None:
    text = details("key_details=perpetual")

    assert "Valid From" in text
    assert "Valid To" not in text


def test_key_details_may_be_empty_or_absent() -> None:
    assert details("key_details=empty") == ""
    assert "keyDetails" not in World.empty("key_details=absent").get("license")


def test_capacity_is_an_allotment_of_its_own() -> None:
    world = World.empty()
    world.site.records.facts.capacity_minutes = 20000

    assert "Allotment analyzer_time:20000;\n" in world.get("license")["keyDetails"]


def test_no_license_is_null() -> None:
    assert World.empty("license_kind=none").ask("GET", "license") == (200, None)


def test_a_serial_license_has_no_key() -> None:
    entity = World.empty("license_kind=serial").get("license")

    assert (entity["key"], entity["keyDetails"]) == ("", "")
    assert entity["lef"]
    assert entity["check"]


@pytest.mark.parametrize(
    ("kind", "expired", "blacklisted"),
    [("signed", False, False), ("expired", True, False), ("blacklisted", False, True)],
)
def test_validity_is_told_by_flags(kind: str, *, expired: bool, blacklisted: bool) -> None:
    entity = World.empty(f"license_kind={kind}").get("license")

    assert (entity["isExpired"], entity["isBlacklisted"]) == (expired, blacklisted)
    assert bool(entity["expiredReason"]) is expired
    assert (f"isBlackListed: {blacklisted}" in entity["keyDetails"]) is True


@pytest.mark.parametrize("kind", ["none", "expired", "blacklisted"])
def test_without_a_valid_license_nothing_is_granted(kind: str) -> None:
    world = World.empty(f"license_kind={kind}")
    world.rule("true")
    anna = world.user("anna")

    status, _ = world.ask("POST", "license/analyzeraccesstype", {"user": {"id": anna.id}})

    assert status == 400
    assert world.site.login(anna) == "license_not_available"


def test_the_overview_counts_each_type() -> None:
    world = World.empty(professional=5, analyzer=0)
    for number, days in enumerate((1, 10, 40, None)):
        world.seat(world.user(f"user{number}"), PROFESSIONAL, used_days_ago=days)

    assert world.overview("professionalAccess") == {
        "enabled": True,
        "total": 5,
        "allocated": 4,
        "used": 2,
        "quarantined": 0,
        "excess": 0,
        "available": 1,
        "schemaPath": "AccessTypeOverview.Details",
    }
    assert world.overview()["enabled"] is False
    overview = world.get("license/accesstypeoverview")
    assert overview["tokensEnabled"] is False
    assert overview["schemaPath"] == "AccessTypeOverview"


def test_the_old_overview_counts_tokens_only() -> None:
    world = World.empty()
    world.site.records.facts.tokens = 50

    assert world.get("license/accesstypeinfo").keys() == {
        "totalTokens",
        "availableTokens",
        "loginAccessType",
        "userAccessType",
    }


def test_about_names_the_build_and_the_simulator() -> None:
    about = World.empty().get("about")

    assert about["schemaPath"] == "About"
    assert about["nodeType"] == 1
    assert about["simulator"] is True


def test_the_description_lists_the_calls() -> None:
    world = World.empty()

    lines = world.get("about/api/description")

    assert "GET /qrs/license/accesstypeoverview" in lines
    assert "DELETE /qrs/license/professionalaccesstype/{id}" in lines
    assert all(line.startswith("GET ") for line in world.get("about/api/description", method="get"))
    assert "RuleContextEnum" in world.get("about/api/enums")
