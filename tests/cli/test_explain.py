from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from command_line import Command
from served_site import ServedSite


@pytest.fixture
def plan(seatkeeper: Command, config: Path) -> dict[str, Any]:
    """The newest plan of the site."""
    made: dict[str, Any] = seatkeeper("plan", "-c", config, "--site", "prod", "-o", "json").json
    return made


def explain(seatkeeper: Command, config: Path, user: str) -> dict[str, Any]:
    ended = seatkeeper("explain", "-c", config, user, "-o", "json")
    assert ended.code == 0, ended
    said: dict[str, Any] = ended.json
    return said


def test_a_seat_of_the_plan_is_explained_by_the_rule_that_lets_it_go(
    seatkeeper: Command, config: Path, plan: dict[str, Any]
) -> None:
    action = plan["actions"][0]

    said = explain(seatkeeper, config, action["user"])

    seat = next(s for s in said["seats"] if s["allocation_id"] == action["allocation_id"])
    assert (seat["verdict"], seat["reason"], seat["in_plan"]) == (
        "release",
        action["reason"],
        "action",
    )
    assert seat["rule"] in {
        "policy.new_seat_grace",
        f"policy.{action['license_type']}.release_after",
    }
    assert seat["idle_days"] == action["idle_days"]
    assert said["sites"][0]["newest_plan"] == plan["plan_id"]
    assert {source["source"] for source in seat["activity"]} >= {"this seat", "usage rows"}


def test_everybody_who_holds_a_seat_has_a_verdict_with_its_rule(
    seatkeeper: Command, config: Path, plan: dict[str, Any], site: ServedSite
) -> None:
    kept: dict[str, int] = {}
    gone = 0

    for user in site.holders()[::4]:
        for seat in explain(seatkeeper, config, user)["seats"]:
            assert seat["rule"]
            assert seat["rule_words"]
            assert seat["changes"]
            kept[seat["reason"]] = kept.get(seat["reason"], 0) + (seat["verdict"] == "keep")
            gone += seat["verdict"] == "release"
            listed = [a["allocation_id"] for a in plan["actions"] + plan["deferred"]]
            assert (seat["allocation_id"] in listed) is (seat["verdict"] == "release")

    assert gone
    assert kept["active"]


def protect(config: Path, user: str, more: str = "") -> None:
    quoted = user.replace("'", "''")
    config.write_text(config.read_text().replace("['*\\svc_*']", f"[{{match: '{quoted}'{more}}}]"))


def test_letter_case_does_not_matter(
    seatkeeper: Command, config: Path, plan: dict[str, Any]
) -> None:
    user = plan["actions"][0]["user"]
    protect(config, user.lower())

    said = explain(seatkeeper, config, user.upper())

    assert said["found"] is True
    assert said["sites"][0]["users"][0]["user"] == user
    assert said["seats"][0]["rule"] == "policy.never_release.patterns"


def test_an_expired_exemption_is_shown_and_does_not_protect(
    seatkeeper: Command, config: Path, plan: dict[str, Any]
) -> None:
    user = plan["actions"][0]["user"]
    protect(config, user, ", owner: Ops, reason: service, expires: 2020-01-01")

    said = explain(seatkeeper, config, user)

    assert said["sites"][0]["exemptions"] == [
        {
            "exemption": f"pattern {user}",
            "kind": "pattern",
            "owner": "Ops",
            "reason": "service",
            "expires": "2020-01-02T00:00:00Z",
            "protects": False,
        }
    ]
    assert said["seats"][0]["verdict"] == "release"


def test_an_unknown_user_is_exit_1_with_near_spellings(seatkeeper: Command, config: Path) -> None:
    ended = seatkeeper("explain", "-c", config, "EXAMPLE\\svc_bakcup")

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.strip() == (
        "error: nobody on prod is called EXAMPLE\\svc_bakcup; did you mean EXAMPLE\\svc_backup?"
    )


def test_an_unknown_user_is_json_for_programs_too(seatkeeper: Command, config: Path) -> None:
    ended = seatkeeper("explain", "-c", config, "EXAMPLE\\svc_bakcup", "-o", "json")

    assert ended.code == 1
    assert (ended.json["found"], ended.json["near"]) == (False, ["EXAMPLE\\svc_backup"])


@pytest.mark.parametrize("user", ["anna", "EXAMPLE\\", "\\anna", ""])
def test_a_user_without_a_directory_is_a_usage_error(
    seatkeeper: Command, config: Path, user: str
) -> None:
    ended = seatkeeper("explain", "-c", config, user)

    assert ended.code == 2
    assert "DIRECTORY\\id" in ended.err


def test_explaining_records_nothing(seatkeeper: Command, config: Path) -> None:
    explain(seatkeeper, config, "EXAMPLE\\svc_backup")

    assert seatkeeper("ledger", "show", "-c", config, "-o", "json").json == []


@pytest.mark.parametrize("name", ["[red]Anna[/red]", "A\x1b[2Jnna", "\u202eannA", "[/]"])
def test_a_name_from_the_site_is_shown_but_never_obeyed(
    seatkeeper: Command, config: Path, site: ServedSite, name: str
) -> None:
    site.rename("EXAMPLE\\svc_backup", name)

    shown = seatkeeper("explain", "-c", config, "EXAMPLE\\svc_backup")

    assert shown.code == 0
    assert "".join(c if c.isprintable() else "·" for c in name) in shown.out
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out


def test_a_person_reads_facts_rule_and_what_if(
    seatkeeper: Command, config: Path, plan: dict[str, Any]
) -> None:
    shown = seatkeeper("explain", "-c", config, plan["actions"][0]["user"]).out

    for words in ("RELEASE", "decided by", "granted", "this seat", "usage rows", "what if", "idle"):
        assert words in shown
    assert f"{plan['plan_id']}: released by this plan" in shown


def second_site(config: Path, name: str, url: str) -> None:
    text = config.read_text()
    block = text[text.index("  - name") : text.index("store:")].replace("prod", name)
    old = block.split("url: ")[1].split("\n")[0]
    config.write_text(text.replace("store:", block.replace(old, url) + "store:"))


def test_without_a_site_every_site_is_looked_at(
    seatkeeper: Command, config: Path, own_site: ServedSite
) -> None:
    second_site(config, "test", own_site.url)
    config.write_text(config.read_text().replace("license_shared_with: []", ""))
    start = config.read_text().index("- name: test")
    text = config.read_text()
    config.write_text(text[:start] + own_site.configured(text[start:]))

    said = explain(seatkeeper, config, "INTERNAL\\sa_repository")

    assert [one["site"] for one in said["sites"]] == ["prod", "test"]


def test_a_site_that_shares_the_license_and_is_down_is_said(
    seatkeeper: Command, config: Path, plan: dict[str, Any]
) -> None:
    second_site(config, "dr", "https://127.0.0.1:1/qrs")
    config.write_text(
        config.read_text().replace("license_shared_with: []", "license_shared_with: [dr]", 1)
    )

    ended = seatkeeper(
        "explain", "-c", config, "--site", "prod", plan["actions"][0]["user"], "-o", "json"
    )

    assert ended.code == 0
    assert "could not be read" in ended.json["sites"][0]["notes"][0]
