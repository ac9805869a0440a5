from __future__ import annotations

import os
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from builders import ANALYZER, a_policy, a_pool, a_snapshot, some_seats
from command_line import Command
from seatkeeper.cli.findings import SiteChecked
from seatkeeper.cli.options import Output
from seatkeeper.cli.render import show
from seatkeeper.core.findings import Area, State, failed, ok, warning
from seatkeeper.wiring.check_site import rights_findings
from served_site import ServedSite


def found(checked: dict[str, Any], area: str) -> list[tuple[str, str]]:
    return [(c["state"], c["text"]) for c in checked["checks"] if c["area"] == area]


def bad(checked: dict[str, Any]) -> list[tuple[str, str]]:
    return [(c["area"], c["state"]) for c in checked["checks"] if c["state"] != "ok"]


def edit(config: Path, *changes: tuple[str, str]) -> None:
    text = config.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)


def check(seatkeeper: Command, config: Path, code: int = 0) -> dict[str, Any]:
    ended = seatkeeper("-c", config, "check", "--site", "prod", "--output", "json")
    assert ended.code == code, ended
    checked: dict[str, Any] = ended.json
    assert checked["ok"] is (code == 0)
    return checked


def test_a_site_in_order_has_no_warning_and_exit_0(seatkeeper: Command, config: Path) -> None:
    checked = check(seatkeeper, config)

    assert bad(checked) == []
    areas = {c["area"] for c in checked["checks"]}
    assert areas == {
        "configuration",
        "store",
        "certificates",
        "connection",
        "rights",
        "clock",
        "license",
        "sharing",
        "exemptions",
        "schedule",
        "mode",
        "channels",
        "lease",
    }


def test_people_read_line_by_line_what_was_found(seatkeeper: Command, config: Path) -> None:
    shown = seatkeeper("check", "-c", config)

    assert shown.code == 0
    assert "site prod" in shown.out
    assert "over verified TLS" in shown.out
    assert shown.out.rstrip().endswith("0 warning, 0 failed")
    assert shown.err == ""


def test_every_failure_and_warning_has_its_cure(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    site.faults("skew=20m")
    edit(config, ("['*\\svc_*']", "['*\\svc_*', 'NOWHERE\\*']"), ("license_shared_with: []", ""))

    checked = check(seatkeeper, config, code=1)

    assert set(bad(checked)) == {
        ("clock", "failed"),
        ("exemptions", "warning"),
        ("sharing", "warning"),
    }
    assert all(c["cure"] for c in checked["checks"] if c["state"] != "ok")
    shown = seatkeeper("check", "-c", config).out
    assert shown.count("cure: ") == 3


def test_several_sites_are_an_array_and_a_dead_one_does_not_hide_the_others(
    seatkeeper: Command, config: Path
) -> None:
    text = config.read_text()
    second = text[text.index("  - name") : text.index("store:")]
    dead = second.replace("prod", "dead").replace(second.split("url: ")[1].split("\n")[0], DEAD)
    config.write_text(text.replace("store:", dead + "store:"))

    ended = seatkeeper("check", "-c", config, "-o", "json")

    assert ended.code == 1
    assert [(one["site"], one["ok"]) for one in ended.json] == [("prod", True), ("dead", False)]
    assert bad(ended.json[1])[0] == ("connection", "failed")
    assert "nobody listens" in found(ended.json[1], "connection")[0][1]


DEAD = "https://127.0.0.1:1/qrs"


def test_one_named_site_is_one_object_and_its_name_takes_any_case(
    seatkeeper: Command, config: Path
) -> None:
    ended = seatkeeper("check", "-c", config, "--site", "PROD", "-o", "json")

    assert ended.json["site"] == "prod"


def test_an_unknown_site_is_a_usage_error(seatkeeper: Command, config: Path) -> None:
    ended = seatkeeper("check", "-c", config, "--site", "tset")

    assert (ended.code, ended.out) == (2, "")
    assert "the configuration has prod" in ended.err


def test_an_unsound_configuration_is_exit_2_with_all_its_faults(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    edit(config, ("policy:", "polcy: {}\n    policy:\n      new_seat_grace: 1d"))
    before = len(site.simulator.requests.as_json())

    ended = seatkeeper("check", "-c", config)

    assert (ended.code, ended.out) == (2, "")
    assert "2 faults" in ended.err
    assert len(site.simulator.requests.as_json()) == before


def test_certificate_files_that_are_missing_are_named_each_once(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    edit(config, (f"{site.folder}/", "nowhere/"))

    checked = check(seatkeeper, config, code=1)

    assert [state for state, _ in found(checked, "certificates")] == ["failed"] * 3
    assert all("nowhere" in text for _, text in found(checked, "certificates"))
    assert found(checked, "connection")[0][0] == "failed"
    assert found(checked, "rights") == []


def test_a_key_of_another_certificate_is_recognised(seatkeeper: Command, config: Path) -> None:
    edit(config, ("/client_key.pem", "/server_key.pem"))

    checked = check(seatkeeper, config, code=1)

    assert ("failed", True) in [
        (state, "does not belong to" in text) for state, text in found(checked, "certificates")
    ]


def test_the_wrong_authority_is_explained(seatkeeper: Command, config: Path) -> None:
    edit(config, ("/root.pem", "/client.pem"))

    checked = check(seatkeeper, config, code=1)

    assert "authority" in found(checked, "connection")[0][1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file modes")
def test_a_key_that_others_can_read_is_a_warning_of_that_site(
    seatkeeper: Command, config: Path, site: ServedSite, tmp_path: Path
) -> None:
    key = tmp_path / "open_key.pem"
    key.write_bytes((site.folder / "client_key.pem").read_bytes())
    key.chmod(0o644)
    edit(config, (f"{site.folder}/client_key.pem", str(key)))

    checked = check(seatkeeper, config)

    assert bad(checked) == [("certificates", "warning")]
    cures = [c["cure"] for c in checked["checks"] if c["state"] == "warning"]
    assert cures == [f"run chmod 600 {key}"]


def test_a_host_name_check_that_is_off_is_reported(seatkeeper: Command, config: Path) -> None:
    edit(config, ("    license_shared", "      verify_host_name: false\n    license_shared"))

    checked = check(seatkeeper, config)

    assert bad(checked) == [("certificates", "warning")]


def test_an_account_that_sees_an_empty_site_has_too_few_rights(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    site.switches("unknown_identity=empty")
    edit(config, ("    license_shared", "      user: 'EXAMPLE\\nobody'\n    license_shared"))

    checked = check(seatkeeper, config, code=1)

    assert found(checked, "connection")[0][0] == "ok"
    text = " ".join(text for state, text in found(checked, "rights") if state == "failed")
    assert "EXAMPLE\\nobody" in text
    assert "empty site" in text or "listed" in text


def test_seats_that_the_overview_does_not_count_are_a_failure() -> None:
    site = a_snapshot(some_seats(3), pools=[a_pool(ANALYZER)])

    told = [f for f in rights_findings(site, a_policy()) if f.state is State.FAILED]

    assert [f.text.partition(":")[0] for f in told] == [
        "the site listed 3 professional seats, but its overview counts none of this type"
    ]


def test_an_account_that_is_refused_is_told_from_a_connection_that_fails(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    site.switches("unknown_identity=403")
    edit(config, ("    license_shared", "      user: 'EXAMPLE\\nobody'\n    license_shared"))

    checked = check(seatkeeper, config, code=1)

    assert found(checked, "connection")[0][0] == "ok"
    assert found(checked, "rights")[0][0] == "failed"


@pytest.mark.parametrize(
    ("switch", "state", "words"),
    [
        ("license_kind=expired", "failed", "expired"),
        ("license_kind=blacklisted", "failed", "denylisted"),
        ("license_kind=none", "failed", "no license"),
        ("key_details=absent", "ok", "does not tell its last day"),
    ],
)
def test_the_license_of_the_site_is_judged(
    seatkeeper: Command, config: Path, site: ServedSite, switch: str, state: str, words: str
) -> None:
    site.switches(switch)

    checked = check(seatkeeper, config, code=0 if state == "ok" else 1)

    assert found(checked, "license")[0][0] == state
    assert words in found(checked, "license")[0][1]


def test_a_site_that_sends_no_date_is_a_warning(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    site.faults("no_date")

    assert bad(check(seatkeeper, config)) == [("clock", "warning")]


def test_whom_each_exemption_protects_is_told_with_numbers_and_names(
    seatkeeper: Command, config: Path
) -> None:
    texts = [text for _, text in found(check(seatkeeper, config), "exemptions")]

    assert any(t.startswith("built-in protection: ") and "INTERNAL" in t for t in texts)
    assert any(t.startswith("pattern *\\svc_*: 1 user (EXAMPLE\\svc_backup)") for t in texts)


def test_exemptions_that_ended_end_soon_or_match_nobody_are_warnings(
    seatkeeper: Command, config: Path
) -> None:
    login = "svc_backup"
    exemptions = (
        f"        users: [{{match: 'EXAMPLE\\{login}', expires: 2020-01-01, owner: Ops}}]\n"
        "        groups: [service-acounts]\n"
    )
    edit(config, ("        patterns", f"{exemptions}        patterns"))

    texts = [t for state, t in found(check(seatkeeper, config), "exemptions") if state == "warning"]

    assert any("service-acounts; did you mean service-accounts?" in text for text in texts)
    assert any(f"{login} (Ops) ended at 2020-01-02" in text for text in texts)


def test_a_blind_exemption_fails_in_mode_auto_because_it_blocks_every_plan(
    seatkeeper: Command, config: Path
) -> None:
    edit(
        config,
        ("policy:", "policy:\n      mode: auto\n      agreement_reviewed: {by: J, on: 2026-01-01}"),
        ("        patterns", "        tags: [Nobody has this]\n        patterns"),
    )

    checked = check(seatkeeper, config, code=1)

    assert bad(checked) == [("exemptions", "failed")]
    assert "the agreement was looked at by J on 2026-01-01" in found(checked, "mode")[0][1]


def test_the_next_five_runs_are_shown_in_the_time_zone_of_the_site(
    seatkeeper: Command, config: Path
) -> None:
    schedule = "schedule: {release: '30 4 * * *', timezone: Asia/Kolkata}"
    edit(config, ("    license_shared", f"    {schedule}\n    license_shared"))

    checked = check(seatkeeper, config)

    release = found(checked, "schedule")[1][1]
    assert release.startswith("release (30 4 * * *), Asia/Kolkata: ")
    assert release.count(" 04:30") == 5
    times = [datetime.fromisoformat(at) for at in checked["next_runs"]["release"]]
    assert [(at.hour, at.minute) for at in times] == [(23, 0)] * 5


def test_a_store_that_cannot_be_used_fails_and_the_site_is_still_checked(
    seatkeeper: Command, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "store.db").write_text("this is no database, and it is long enough to show it")

    checked = check(seatkeeper, config, code=1)

    assert bad(checked) == [("store", "failed")]
    assert "not a SQLite database" in found(checked, "store")[0][1]
    assert found(checked, "rights")[0][0] == "ok"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file rights of POSIX")
def test_a_store_with_a_foreign_schema_is_refused(
    seatkeeper: Command, config: Path, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    connection.close()

    checked = check(seatkeeper, config, code=1)

    assert "tables of something else" in found(checked, "store")[0][1]


def test_a_freeze_is_shown_with_who_and_why(seatkeeper: Command, config: Path) -> None:
    frozen = seatkeeper("freeze", "-c", config, "--by", "Jane", "--reason", "audit")
    assert frozen.code == 0

    checked = check(seatkeeper, config)

    assert bad(checked) == [("freeze", "warning")]
    assert found(checked, "freeze")[0][1].endswith("by Jane: audit")


def test_a_site_that_answers_a_web_page_is_no_repository(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    site.faults("html")

    checked = check(seatkeeper, config, code=1)

    assert bad(checked) == [("connection", "failed")]


def test_a_password_in_the_address_of_the_store_is_never_shown(
    seatkeeper: Command, config: Path
) -> None:
    text = config.read_text()
    start = text.index("store:")
    config.write_text(text[:start] + "store: {url: 'postgresql://sk:s3cr3t@127.0.0.1:1/sk'}\n")

    ended = seatkeeper("check", "-c", config)

    assert ended.code == 1
    assert "failed" in ended.out
    assert "s3cr3t" not in ended.out + ended.err


def test_a_site_without_certificates_does_not_keep_another_from_being_checked(
    seatkeeper: Command, config: Path, site: ServedSite
) -> None:
    text = config.read_text()
    second = text[text.index("  - name") : text.index("store:")]
    lost = second.replace("prod", "lost").replace(f"{site.folder}/", "nowhere/")
    config.write_text(text.replace("store:", lost + "store:"))

    ended = seatkeeper("check", "-c", config, "-o", "json")

    assert [(one["site"], one["ok"]) for one in ended.json] == [("prod", True), ("lost", False)]


GOLDEN = """
site prod
  ok       certificates  the key belongs to the certificate
  warning  clock         the site sent no date
                         cure: compare it by hand
  failed   rights        EXAMPLE\\[red]x· sees no user at all, and this line is longer than a \
hundred characters, so it
                         goes on below
                         cure: let it be INTERNAL\\sa_api
prod: 1 ok, 1 warning, 1 failed
"""


def test_findings_read_as_a_list_with_their_cures_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = [
        ok(Area.CERTIFICATES, "the key belongs to the certificate"),
        warning(Area.CLOCK, "the site sent no date", "compare it by hand"),
        failed(
            Area.RIGHTS,
            "EXAMPLE\\[red]x\x1b sees no user at all, and this line is longer than a hundred "
            "characters, so it goes on below",
            "let it be INTERNAL\\sa_api",
        ),
    ]

    show(SiteChecked("prod", [], own), Output.TABLE)

    shown = capsys.readouterr().out
    assert "\n".join(line.rstrip() for line in shown.splitlines()) + "\n" == GOLDEN


def test_a_failure_without_a_cure_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="needs a cure"):
        failed(Area.CLOCK, "wrong", "")
