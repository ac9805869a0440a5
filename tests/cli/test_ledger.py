from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from command_line import Command, Ran
from seatkeeper.cli.ledger import moment_since
from seatkeeper.cli.ledger_view import COLUMNS
from seatkeeper.core.cells import cell
from seatkeeper.errors import UsageError
from served_site import ServedSite

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


@pytest.fixture
def ledger(seatkeeper: Command, config: Path) -> Command:
    """Commands on a ledger with a plan, a freeze and a thaw."""
    seatkeeper("plan", "-c", config)
    seatkeeper("freeze", "-c", config, "--by", "Jane", "--reason", "=HYPERLINK(1)")
    seatkeeper("thaw", "-c", config, "--by", "[red]Joe", "--reason", "over\x1b[2J")

    def run(*words: object) -> Ran:
        return seatkeeper("ledger", *words, "-c", config)

    return run


def kinds(ended: Ran) -> list[str]:
    assert ended.code == 0, ended
    return [record["kind"] for record in ended.json]


def test_the_newest_record_comes_last(ledger: Command) -> None:
    assert kinds(ledger("show", "-o", "json")) == ["plan_proposed", "frozen", "thawed"]
    assert kinds(ledger("show", "-o", "json", "--limit", 1)) == ["thawed"]


def test_a_record_has_every_column(ledger: Command) -> None:
    first = ledger("show", "-o", "json").json[0]

    assert tuple(first) == COLUMNS
    assert first["evidence"]["actions"] >= 0
    assert first["at"].endswith("Z")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--site", "prod"), ["plan_proposed"]),
        (("--site", "test"), []),
        (("--kind", "frozen"), ["frozen"]),
        (("--since", "1d"), ["plan_proposed", "frozen", "thawed"]),
        (("--since", "2999-01-01"), []),
        (("--run", "nothing"), []),
        (("--user", "EXAMPLE\\nobody"), []),
    ],
)
def test_filters_narrow_what_is_shown(
    ledger: Command, words: tuple[str, ...], expected: list[str]
) -> None:
    assert kinds(ledger("show", "-o", "json", *words)) == expected


def test_records_of_one_plan_are_found_by_its_id(ledger: Command) -> None:
    plan_id = ledger("show", "-o", "json").json[0]["plan_id"]

    assert kinds(ledger("show", "-o", "json", "--plan", plan_id)) == ["plan_proposed"]


def test_texts_of_people_are_shown_and_never_obeyed(ledger: Command) -> None:
    shown = ledger("show").out

    assert "[red]Joe" in shown
    assert "over·[2J" in shown
    assert "\x1b" not in shown


def test_json_export_is_one_array_oldest_first(ledger: Command) -> None:
    ended = ledger("export", "--format", "json")

    assert kinds(ended) == ["plan_proposed", "frozen", "thawed"]
    assert ended.err == "3 records written\n"


def test_an_export_of_nothing_is_still_json_and_csv(ledger: Command) -> None:
    assert ledger("export", "--format", "json", "--site", "x").json == []
    assert ledger("export", "--format", "csv", "--site", "x").out.split() == [",".join(COLUMNS)]


def test_csv_export_has_no_cell_that_a_spreadsheet_would_carry_out(ledger: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(ledger("export", "--format", "csv").out)))

    assert [row["kind"] for row in rows] == ["plan_proposed", "frozen", "thawed"]
    assert rows[1]["why"] == "'=HYPERLINK(1)"
    assert rows[2]["why"] == "over·[2J"
    assert json.loads(rows[0]["evidence"])["mode"] == "observe"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@A1", "'@A1"),
        ("  =1", "'  =1"),
        ("foo;=1+1", "foo;'=1+1"),
        ("a,-b|+c", "a,'-b|'+c"),
        ('x;"=1+1"', """x;'"=1+1\""""),
        ("\uff1d1", "'\uff1d1"),
        ("x;\uff20A1", "x;'\uff20A1"),
        ("Smith, Anna - Sales", "Smith, Anna - Sales"),
        ("\t=1", "'·=1"),
        ("\rx", "'·x"),
        ("a\nb", "a·b"),
        ("EXAMPLE\\anna", "EXAMPLE\\anna"),
        ("", ""),
    ],
)
def test_cells_are_defused(text: str, written: str) -> None:
    assert cell(text) == written


def test_a_number_below_zero_stays_a_number() -> None:
    assert cell(-5) == "-5"


def test_an_export_goes_to_a_file_that_only_its_owner_reads(
    ledger: Command, tmp_path: Path
) -> None:
    out = tmp_path / "ledger.csv"

    ended = ledger("export", "--format", "csv", "--output-file", out)

    assert (ended.code, ended.out) == (0, "")
    assert out.read_bytes().count(b"\r\n") == 4
    assert os.name == "nt" or stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.glob("*.part")] == []


def test_a_folder_that_is_missing_is_an_error_in_words(ledger: Command, tmp_path: Path) -> None:
    ended = ledger("export", "--format", "json", "--output-file", tmp_path / "no" / "x.json")

    assert ended.code == 1
    assert "cannot be written: No such file" in ended.err


def test_verify_prints_the_head_to_note_down_and_takes_it_back(ledger: Command) -> None:
    verified = ledger("verify", "-o", "json").json

    assert (verified["ok"], verified["records"]) == (True, 3)
    assert verified["head"] in ledger("verify").out
    again = ledger("verify", "--head", verified["head"])
    assert again.code == 0
    assert "continues the head" in again.out


def test_a_head_that_cannot_be_read_is_a_usage_error(ledger: Command) -> None:
    assert ledger("verify", "--head", "rubbish").code == 2


def test_a_broken_chain_names_the_first_bad_record_and_is_exit_1(
    ledger: Command, tmp_path: Path
) -> None:
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute("DROP TRIGGER ledger_no_update")
    connection.execute("UPDATE ledger SET actor = 'Eve' WHERE seq = 2")
    connection.commit()
    connection.close()

    ended = ledger("verify", "-o", "json")

    assert ended.code == 1
    assert (ended.json["ok"], ended.json["first_bad"]) == (False, 2)
    assert "record 2" in ended.err


def test_a_cut_ledger_is_recognised_by_the_head_that_was_noted(ledger: Command) -> None:
    ended = ledger("verify", "--head", f"9:{'a' * 64}")

    assert ended.code == 1
    assert "record 4 is missing" in ended.err


def test_a_person_is_erased_and_the_ledger_still_verifies(
    seatkeeper: Command, config: Path, own_site: ServedSite
) -> None:
    text = config.read_text().replace(
        "policy:", "policy:\n      mode: approve\n      agreement_reviewed: {by: J, on: 2026-01-01}"
    )
    config.write_text(own_site.configured(text))
    plan = seatkeeper("plan", "-c", config, "--site", "prod", "-o", "json").json
    passed = [w for v in plan["violations"] for w in ("--override", v["limit"])]
    by = ("--by", "Jane", "--reason", "looked", *passed)
    assert seatkeeper("apply", "-c", config, plan["plan_id"], "--yes", *by).code == 0
    user = plan["actions"][0]["user"]
    found = seatkeeper("ledger", "show", "-c", config, "--user", user.upper(), "-o", "json")
    assert {record["user"] for record in found.json} == {user}

    erased = seatkeeper(
        "ledger", "erase", "-c", config, user, "--by", "DPO", "--reason", "asked", "--yes"
    )

    assert erased.code == 0, erased
    everything = seatkeeper("ledger", "export", "-c", config, "--format", "json").out
    assert json.dumps(user)[1:-1].casefold() not in everything.casefold()
    verified = seatkeeper("ledger", "verify", "-c", config, "-o", "json").json
    assert (verified["ok"], verified["erased"]) == (True, 1)


def test_erasing_needs_yes_where_nobody_can_be_asked(ledger: Command) -> None:
    ended = ledger("erase", "EXAMPLE\\anna", "--by", "DPO", "--reason", "asked")

    assert ended.code == 2
    assert "--yes" in ended.err


def test_erasing_somebody_unknown_is_a_usage_error(ledger: Command) -> None:
    ended = ledger("erase", "EXAMPLE\\nobody", "--by", "DPO", "--reason", "asked", "--yes")

    assert ended.code == 2
    assert "EXAMPLE\\nobody" in ended.err


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 1, 15, tzinfo=UTC)),
    ],
)
def test_since_takes_dates_times_and_lengths(text: str, moment: datetime) -> None:
    assert moment_since(text, NOW) == moment


def test_since_refuses_everything_else() -> None:
    with pytest.raises(UsageError, match="7d"):
        moment_since("yesterday", NOW)


def test_what_a_person_did_is_found_in_any_case_and_before_a_moment(ledger: Command) -> None:
    freezer = ledger("show", "-o", "json").json[1]
    assert freezer["kind"] == "frozen"

    by = kinds(ledger("show", "-o", "json", "--by", freezer["by"].upper(), "--kind", "frozen"))

    assert by == ["frozen"]
    assert kinds(ledger("show", "-o", "json", "--by", "nobody")) == []
    assert kinds(ledger("show", "-o", "json", "--until", "2026-01-01")) == []
    assert kinds(ledger("show", "-o", "json", "--until", freezer["at"])) == ["plan_proposed"]
    assert "--until soon" in ledger("show", "--until", "soon").err


def test_one_record_is_shown_with_its_evidence_and_whether_it_holds(ledger: Command) -> None:
    shown = ledger("record", 1, "-o", "json").json

    assert set(shown) == {*COLUMNS, "holds"}
    assert shown["holds"] is True
    assert "digest" in shown["evidence"]
    assert "as it was written" in ledger("record", 1).out
    assert ledger("record", 99).code == 2


def test_how_the_chain_stands_is_told_without_verifying_it(ledger: Command) -> None:
    never = ledger("state", "-o", "json").json
    assert "never verified" in ledger("state").out
    ledger("verify")
    shown = ledger("state", "-o", "json").json

    assert (never["check"], never["since_check"]) == (None, 3)
    assert (shown["check"]["whole"], shown["continues"], shown["since_check"]) == (True, True, 0)
    assert shown["check"]["head"] == shown["head"] == never["head"]
    assert "0 records ago: whole" in ledger("state").out


def test_the_state_of_a_changed_chain_says_where_it_is_broken(
    ledger: Command, tmp_path: Path
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "store.db")) as store, store:
        store.execute("DROP TRIGGER ledger_no_update")
        store.execute("UPDATE ledger SET why = 'nothing' WHERE seq = 2")
    assert ledger("verify").code == 1

    shown = ledger("state", "-o", "json").json

    assert (shown["check"]["whole"], shown["check"]["first_bad"]) == (False, 2)
    assert "record 2 was changed" in ledger("state").out
    assert ledger("record", 2, "-o", "json").json["holds"] is False
